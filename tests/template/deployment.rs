//! Deployments from GitHub: who may begin one, what its scripts may do, and what they run.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_norway::Value;

use super::permissions::actions_of;
use super::repository_root;
use super::stacks::read_stack;

const ROLES: &str = "infra/deploy-role.yaml";

/// What the workflow runs with the role, besides the SAM CLI.
const SCRIPTS: [&str; 5] = [
    ".github/deploy/common.sh",
    ".github/deploy/deploy.sh",
    ".github/deploy/web.sh",
    "infra/deploy-web.sh",
    "infra/smoke.py",
];

/// Commands of the AWS CLI that are no action of the same name, and what they do.
const COMPOSED: [(&str, &[&str]); 2] = [
    (
        "cloudformation deploy",
        &[
            "cloudformation:CreateChangeSet",
            "cloudformation:DescribeChangeSet",
            "cloudformation:ExecuteChangeSet",
            "cloudformation:DescribeStacks",
            "iam:PassRole",
        ],
    ),
    ("s3 cp", &["s3:PutObject"]),
];

/// The statements of a role's own policies.
fn statements(role: &str) -> Vec<Value> {
    let template = read_stack(ROLES);
    let policies = &template["Resources"][role]["Properties"]["Policies"];
    let policies = policies.as_sequence().into_iter().flatten();
    let statements =
        policies.filter_map(|policy| policy["PolicyDocument"]["Statement"].as_sequence());
    statements.flatten().cloned().collect()
}

/// The commands of the AWS CLI in a script: a service and what it is asked, such as `s3 cp`.
fn commands_of(script: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(repository_root().join(script)).unwrap();
    let plain = text.replace("aws(\"", "aws ").replace("\", \"", " ");
    let code = plain
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));

    let is_name = |word: &str| {
        word.chars()
            .all(|c| c.is_ascii_lowercase() || c == '-' || c == '3')
    };
    let mut commands = BTreeSet::new();
    for line in code {
        for (at, _) in line.match_indices("aws ") {
            let mut words = line[at..].split(['"', ' ', ')']).skip(1);
            let (Some(service), Some(command)) = (words.next(), words.next()) else {
                continue;
            };
            if is_name(service) && is_name(command) && !command.is_empty() {
                commands.insert(format!("{service} {command}"));
            }
        }
    }

    commands
}

/// The actions that a command takes, as IAM calls them.
fn actions_for(command: &str) -> Vec<String> {
    if let Some((_, actions)) = COMPOSED.iter().find(|(name, _)| *name == command) {
        return actions.iter().map(|&action| action.to_owned()).collect();
    }

    let (service, verb) = command.split_once(' ').unwrap();
    let words = verb.split('-').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    });
    vec![format!("{service}:{}", words.collect::<String>())]
}

#[test]
fn the_workflow_may_do_what_its_scripts_do() {
    let commands: BTreeSet<_> = SCRIPTS.into_iter().flat_map(commands_of).collect();
    assert!(commands.contains("cognito-idp admin-create-user"));
    assert!(commands.contains("cloudfront create-invalidation"));
    let needed: BTreeSet<_> = commands.iter().flat_map(|it| actions_for(it)).collect();
    let allowed: BTreeSet<_> = statements("WorkflowRole")
        .iter()
        .flat_map(actions_of)
        .collect();
    let missing: Vec<_> = needed.difference(&allowed).collect();
    assert!(missing.is_empty(), "{missing:?}");

    // What the SAM CLI does besides, is its own with templates and their bucket.
    let unused = allowed
        .difference(&needed)
        .filter(|it| !it.starts_with("cloudformation:") && !it.starts_with("s3:"));
    assert_eq!(unused.count(), 0, "{allowed:?}");
}

#[test]
fn only_one_environment_of_one_repository_may_deploy() {
    let template = read_stack(ROLES);
    let trust = &template["Resources"]["WorkflowRole"]["Properties"]["AssumeRolePolicyDocument"];
    let statements = trust["Statement"].as_sequence().unwrap();
    assert_eq!(statements.len(), 1);

    // `StringLike`, or no subject, would let other repositories in.
    let conditions = statements[0]["Condition"].as_mapping().unwrap();
    assert_eq!(conditions.len(), 1);
    let equal = &statements[0]["Condition"]["StringEquals"];
    let issuer = "token.actions.githubusercontent.com";
    assert_eq!(equal[format!("{issuer}:aud").as_str()], "sts.amazonaws.com");
    let subject = &equal[format!("{issuer}:sub").as_str()]["Fn::Sub"];
    assert_eq!(subject, "repo:${Repository}:environment:${Environment}");
}

#[test]
fn a_deployment_makes_roles_of_its_stack_alone() {
    for role in ["WorkflowRole", "StackRole"] {
        for statement in statements(role) {
            let actions = actions_of(&statement);
            assert!(!actions.iter().any(|it| it.contains('*')), "{actions:?}");
            if !actions.iter().any(|action| action.starts_with("iam:")) {
                continue;
            }
            let resource = serde_norway::to_string(&statement["Resource"]).unwrap();
            let is_own = resource.contains("/${StackName}-*") || resource.contains("StackRole.Arn");
            assert!(is_own, "{actions:?}: {resource}");
        }
    }
}

/// A tag can be moved to other code; a commit cannot.
#[test]
fn actions_of_workflows_are_commits() {
    let folder = repository_root().join(".github/workflows");
    let files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(files.len() > 1, "{files:?}");

    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for line in text.lines().filter(|line| line.contains("uses: ")) {
            let (_, reference) = line.split_once('@').unwrap();
            let (commit, version) = reference.split_once(" # v").unwrap();
            let is_commit = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
            assert!(
                is_commit && !version.is_empty(),
                "{}: {line}",
                file.display()
            );
        }
    }
}
