//! Numbers that the documents tell are those of the templates, the scripts and the tests.

use std::fs;
use std::path::Path;
use std::process::Command;

use wenzhen_functions::FUNCTIONS;

use super::rules::rules;
use super::stacks::alarms;
use super::{canary, deployed_routes, repository_root};
use crate::support::STACK;

/// A document on one line.
fn read_words(path: &str) -> String {
    let text = fs::read_to_string(repository_root().join(path)).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn assert_says(path: &str, words: &str) {
    let text = read_words(path).to_lowercase();
    assert!(text.contains(&words.to_lowercase()), "{path}: {words}");
}

#[test]
fn documents_count_the_functions_and_what_a_canary_makes_of_them() {
    let functions = FUNCTIONS.len();
    let routes = deployed_routes().len();
    let counted = format!("{functions} functions: {routes} answer one route each");
    assert_says("ARCHITECTURE.md", &counted);

    let made = canary::transformed();
    let groups = canary::of_kind(&made, "AWS::CodeDeploy::DeploymentGroup").len();
    let resources = made.len();
    let made = format!(
        "makes {functions} aliases and {groups} deployment groups of it, {resources} resources"
    );
    assert_says("docs/deploy.md", &made);
}

#[test]
fn documents_count_the_alarms_and_the_rules() {
    let alarms = alarms();
    let is_composite = |alarm: &&serde_norway::Value| !alarm["AlarmRule"].is_null();
    let composite = alarms.values().filter(is_composite).count();
    let of_metrics = alarms.len() - composite;

    let page = "docs/operations.md";
    assert_says(
        page,
        &format!("[\"{of_metrics} alarms of observability.yaml"),
    );
    assert_says(page, &format!("and {composite} composite ones\"]"));
    assert_says(page, &format!("[\"{} rules of rules.yml\"]", rules().len()));
}

fn count_tests(path: &Path) -> usize {
    let text = fs::read_to_string(path).unwrap();
    text.matches("#[tokio::test").count()
}

/// Each of the two sentences names all of them, group by group.
#[test]
fn documents_count_the_tests_of_chaos() {
    let folder = repository_root().join("tests/chaos");
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|it| it == "rs"));
    let others: usize = files.iter().map(|path| count_tests(path)).sum();

    let of_jobs = count_tests(&repository_root().join("tests/chaos.rs"));
    let start = format!("{of_jobs} chaos tests");
    assert_says("docs/jobs.md", &start);
    for path in ["README.md", "ARCHITECTURE.md"] {
        let text = read_words(path).to_lowercase();
        let (_, rest) = text.split_once(&start).unwrap_or_else(|| {
            panic!("{path}: {start}");
        });
        let sentence = rest.split(". ").next().unwrap();
        let numbers = sentence
            .split(' ')
            .filter_map(|word| word.parse::<usize>().ok());
        assert_eq!(numbers.sum::<usize>(), others, "{path}: {sentence}");
    }
}

#[test]
fn documents_tell_the_costs_of_the_script() {
    let python = xtask::tools::bin_folder(&STACK).join("python");
    let script = repository_root().join("infra/cost.py");
    let output = Command::new(python).arg(script).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();

    // The sum of a table is its last line.
    let sum_of = |title: &str| {
        let mut tables = printed.trim().split("\n\n");
        let table = tables.find(|table| table.trim_start().starts_with(title));
        let sum = table.unwrap().lines().last().unwrap();
        let sum: f64 = sum.trim().parse().unwrap();
        format!("{sum:.0}")
    };
    let (dev, prod) = (sum_of("dev, "), sum_of("prod, "));
    let consultations = sum_of("A million consultations, ");
    let chats = sum_of("A million streamed chats, ");

    assert_says("README.md", &format!("alarms: {dev} USD a month at rest"));
    let scaling = format!("cost besides the models: {consultations} USD");
    assert_says("docs/scaling.md", &scaling);
    assert_says("docs/scaling.md", &format!("beside the {prod} at rest"));
    for line in [
        format!("| dev, a month at rest | {dev} |"),
        format!("| prod, a month at rest | {prod} |"),
        format!("| a million consultations besides, without what models cost | {consultations} |"),
        format!("| a million streamed chats of ten seconds, without what models cost | {chats} |"),
    ] {
        assert_says("docs/deploy.md", &line);
    }
}
