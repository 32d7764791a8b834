//! Deployments from GitHub: who may begin one, what its scripts may do, and what they run.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// What stands in for AWS while `deploy.sh` runs. Files say what is: the names of raised alarms and
/// of raised canaries, which calls of the health check fail, and what is denied.
const STUBS: [(&str, &str); 5] = [
    (
        "aws",
        r#"echo "aws $*" >> "$STATE/calls"
! grep -qF "$2" "$STATE/denied" || { echo "AccessDenied" >&2; exit 254; }
case "$*" in
    *describe-alarms*--alarm-names*) cat "$STATE/raised" ;;
    *describe-alarms*) cat "$STATE/canaries" ;;
    *describe-stacks*) echo an-output ;;
    *) echo a-template ;;
esac"#,
    ),
    (
        "sam",
        r#"echo "sam $*" >> "$STATE/calls"; cp "$STATE/after" "$STATE/raised"
cp "$STATE/denied-after" "$STATE/denied""#,
    ),
    (
        "curl",
        r#"echo look >> "$STATE/looks"; ! grep -qx "$(wc -l < "$STATE/looks")" "$STATE/failing""#,
    ),
    ("sleep", ""),
    (
        "python3",
        r#"[ "$1" != infra/smoke.py ] || exit "$(cat "$STATE/smoke")"
exec "$PYTHON" "$@""#,
    ),
];

/// A deployment whose neighbours are stubs.
#[derive(Clone, Copy)]
struct Rehearsal {
    /// The alarms that are raised before, and those afterwards.
    raised: [&'static str; 2],
    /// The alarms of a canary that are raised.
    canaries: &'static str,
    /// The smoke test's status.
    smoke: u32,
    /// Which looks at the health check fail.
    failing: &'static [u32],
    /// What AWS denies from the beginning, and what behind the deployment.
    denied: [&'static str; 2],
}

const WELL: Rehearsal = Rehearsal {
    raised: ["", ""],
    canaries: "",
    smoke: 0,
    failing: &[],
    denied: ["nothing", "nothing"],
};

impl Rehearsal {
    /// Runs `deploy.sh`; answers whether it ended well, and what was called.
    fn run(&self, name: &str) -> (bool, String) {
        let state =
            std::env::temp_dir().join(format!("wenzhen-deploy-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&state));
        fs::create_dir_all(state.join("bin")).unwrap();
        for (program, text) in STUBS {
            write_program(&state.join("bin").join(program), text);
        }
        let failing: Vec<_> = self.failing.iter().map(ToString::to_string).collect();
        for (file, text) in [
            ("raised", self.raised[0]),
            ("after", self.raised[1]),
            ("canaries", self.canaries),
            ("smoke", &self.smoke.to_string()),
            ("failing", &failing.join("\n")),
            ("denied", self.denied[0]),
            ("denied-after", self.denied[1]),
            ("calls", ""),
        ] {
            fs::write(state.join(file), text).unwrap();
        }
        for folder in ["infra", ".github", "samconfig.toml"] {
            let to = state.join(folder);
            std::os::unix::fs::symlink(repository_root().join(folder), to).unwrap();
        }

        let path = std::env::var("PATH").unwrap();
        let bin = state.join("bin");
        let ended = Command::new("bash")
            .args([".github/deploy/deploy.sh", "prod", "true"])
            .current_dir(&state)
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("STATE", &state)
            .env("PYTHON", which_python(&path))
            .envs([("AWS_REGION", "us-east-1"), ("STACK", "wenzhen-prod")])
            .output()
            .unwrap();
        let calls = fs::read_to_string(state.join("calls")).unwrap();
        fs::remove_dir_all(&state).unwrap();
        (ended.status.success(), calls)
    }
}

fn write_program(path: &Path, text: &str) {
    fs::write(path, format!("#!/usr/bin/env bash\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn which_python(path: &str) -> PathBuf {
    let mut programs = path
        .split(':')
        .map(|folder| Path::new(folder).join("python3"));
    programs.find(|it| it.is_file()).unwrap()
}

/// The call that brings the version before back.
fn goes_back(calls: &str) -> bool {
    let mut lines = calls.lines();
    lines.any(|line| line.starts_with("aws cloudformation deploy "))
}

#[test]
fn a_deployment_that_is_well_stays() {
    let flaky = Rehearsal {
        failing: &[3, 4, 20],
        ..WELL
    };
    let unable = Rehearsal { smoke: 77, ..WELL };
    for (name, rehearsal) in [("well", WELL), ("flaky", flaky), ("unable", unable)] {
        let (is_well, calls) = rehearsal.run(name);
        assert!(is_well && !goes_back(&calls), "{name}: {calls}");
        assert!(calls.contains(" Canary=true\n"), "{name}: {calls}");
        assert!(calls.contains(" Zones=3 "), "all of samconfig: {calls}");
    }
}

/// A smoke test that did not run, and alarms that cannot be read, are no good signs either.
#[test]
fn a_deployment_that_is_not_well_goes_back_with_its_tags() {
    let health = Rehearsal {
        failing: &[5, 6, 7],
        ..WELL
    };
    let alarm = Rehearsal {
        raised: ["", "ApiErrors"],
        ..WELL
    };
    let another = Rehearsal {
        raised: ["FastBurn", "ApiErrors\tFastBurn"],
        ..WELL
    };
    let unread = Rehearsal {
        denied: ["nothing", "describe-alarms"],
        ..WELL
    };
    for (name, rehearsal) in [
        ("smoke", Rehearsal { smoke: 1, ..WELL }),
        ("usage", Rehearsal { smoke: 2, ..WELL }),
        ("absent", Rehearsal { smoke: 127, ..WELL }),
        ("health", health),
        ("alarm", alarm),
        ("another", another),
        ("unread", unread),
    ] {
        let (is_well, calls) = rehearsal.run(name);
        assert!(!is_well && goes_back(&calls), "{name}: {calls}");
        let back = calls.lines().last().unwrap();
        assert!(back.contains("--tags application=wenzhen-prod "), "{back}");
        assert!(
            back.contains("--parameter-overrides Canary=false "),
            "{back}"
        );
    }
}

/// What has raised an alarm is mended by a deployment, which is judged by the rest until the alarm
/// ends; CodeDeploy would begin none while it is a canary's.
#[test]
fn while_an_alarm_is_raised_a_mend_is_let_in() {
    let mend = Rehearsal {
        raised: ["ApiErrors", "ApiErrors"],
        ..WELL
    };
    let (is_well, calls) = mend.run("mend");
    assert!(is_well && !goes_back(&calls), "{calls}");
    assert!(calls.contains(" Canary=true\n"), "{calls}");

    let of_canary = Rehearsal {
        canaries: "WorkerCanary",
        ..mend
    };
    let (is_well, calls) = of_canary.run("of-canary");
    assert!(is_well && !goes_back(&calls), "{calls}");
    assert!(calls.contains(" Canary=false\n"), "{calls}");

    let (is_well, calls) = Rehearsal { smoke: 1, ..mend }.run("broken");
    assert!(!is_well && goes_back(&calls), "{calls}");
}

/// Without the template of before there is no way back.
#[test]
fn nothing_is_deployed_while_what_is_there_cannot_be_read() {
    for denied in ["get-template", "describe-alarms", "describe-stacks"] {
        let blind = Rehearsal {
            denied: [denied, denied],
            ..WELL
        };
        let (is_well, calls) = blind.run(denied);
        assert!(!is_well, "{denied}: {calls}");
        assert!(!calls.contains("sam deploy"), "{denied}: {calls}");
    }
}

/// Without them CloudFormation takes the tags away, by which costs are watched and roles bounded.
#[test]
fn every_update_by_hand_keeps_the_tags() {
    for page in [
        "docs/runbook.md",
        "docs/deploy.md",
        ".github/deploy/deploy.sh",
    ] {
        let text = fs::read_to_string(repository_root().join(page)).unwrap();
        let mut updates = 0;
        for (at, _) in text.match_indices("aws cloudformation deploy ") {
            let command: String = text[at..].lines().take(3).collect();
            if command.contains(ROLES) {
                continue;
            }
            assert!(command.contains("--tags "), "{page}: {command}");
            updates += 1;
        }
        assert!(updates > 0, "{page}");
    }
}
