//! Numbers that the documents tell are those of the templates, the scripts and the tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use serde_norway::Value;
use wenzhen_functions::FUNCTIONS;

use super::rules::rules;
use super::stacks::{ROOT, alarms, read_stack};
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
    let is_composite = |alarm: &&Value| !alarm["AlarmRule"].is_null();
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

/// What `infra/cost.py` prints.
fn run_costs(arguments: &[&str]) -> String {
    let python = xtask::tools::bin_folder(&STACK).join("python");
    let script = repository_root().join("infra/cost.py");
    let mut command = Command::new(python);
    let output = command.arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What an environment of `samconfig.toml` sets.
fn read_overrides(environment: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(repository_root().join("samconfig.toml")).unwrap();
    let config: toml::Table = toml::from_str(&text).unwrap();
    let set = &config[environment]["deploy"]["parameters"]["parameter_overrides"];
    let pairs = set.as_array().unwrap().iter().map(|pair| {
        let (name, value) = pair.as_str().unwrap().split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    });
    pairs.collect()
}

/// Whether a condition of an alarm holds there.
fn holds(condition: &Value, set: &BTreeMap<String, String>) -> bool {
    let is = |name: &str, value: &str| set.get(name).is_some_and(|it| it == value);
    match condition.as_str() {
        None | Some("HasDatabase" | "HasCache") => true,
        Some("HasRouteMetrics") => !is("RouteMetrics", "false"),
        Some("HasSecondNode" | "HasReplica") => !is("CacheNodes", "1"),
        Some("HasThirdNode") => is("CacheNodes", "3"),
        Some(other) => panic!("what does {other} ask for?"),
    }
}

/// The metrics of a stack's alarms, each of which is billed.
fn count_alarm_metrics(stack: &str, set: &BTreeMap<String, String>) -> usize {
    let template = read_stack(stack);
    let resources = template["Resources"].as_mapping().unwrap().values();
    let alarms = resources.filter(|it| it["Type"] == "AWS::CloudWatch::Alarm");
    let made = alarms.filter(|it| holds(&it["Condition"], set));

    let counted = made.map(|alarm| {
        let alarm = &alarm["Properties"];
        let queries = alarm["Metrics"].as_sequence().into_iter().flatten();
        let queries = queries.filter_map(|query| {
            let chosen = &query["Fn::If"];
            let query = if chosen.is_null() { query } else { &chosen[1] };
            holds(&chosen[0], set).then_some(query)
        });
        let of_queries = queries.filter(|query| {
            let text = query["Expression"]["Fn::Sub"].as_str();
            !query["MetricStat"].is_null() || text.is_some_and(|it| it.contains("SELECT "))
        });
        of_queries.count() + usize::from(!alarm["MetricName"].is_null())
    });
    counted.sum()
}

/// Dollars a month for each metric of an alarm, as `infra/cost.py` has them.
const ALARM_METRIC_PRICE: f64 = 0.10;

/// The metrics of routes, and of the alarms that look at them.
#[test]
fn documents_tell_what_metrics_of_routes_cost() {
    let printed = run_costs(&[]);
    let mut lines = printed.lines();
    let line = lines.find(|line| line.contains("metrics of routes"));
    let price: f64 = line
        .and_then(|line| line.split_whitespace().last())
        .map(|price| price.parse().unwrap())
        .unwrap();

    let count = |set: &BTreeMap<String, String>| {
        let metrics = count_alarm_metrics("infra/observability.yaml", set);
        u32::try_from(metrics).unwrap()
    };
    let measured = read_overrides("prod");
    let mut unmeasured = measured.clone();
    unmeasured.insert("RouteMetrics".to_owned(), "false".to_owned());
    let alarms = count(&measured) - count(&unmeasured);

    let saved = price + f64::from(alarms) * ALARM_METRIC_PRICE;
    let saved = format!("In prod `RouteMetrics=false` saves {saved:.2} a month");
    assert_says("docs/deploy.md", &saved);
}

fn count_in(template: &Value, kind: &str) -> usize {
    let resources = template["Resources"].as_mapping().unwrap().values();
    resources.filter(|it| it["Type"] == kind).count()
}

/// What `infra/cost.py` multiplies prices by, and the templates have.
#[test]
fn costs_are_of_what_the_templates_have() {
    let watching = read_stack("infra/observability.yaml");
    let composite = count_in(&watching, "AWS::CloudWatch::CompositeAlarm");
    let edge = read_stack("infra/edge.yaml");
    let firewall = &edge["Resources"]["Firewall"]["Properties"]["Rules"];
    // Aurora makes the administrator's itself.
    let secrets = count_in(&read_stack(ROOT), "AWS::SecretsManager::Secret") + 1;

    let count_metrics = |environment: &str| {
        let set = read_overrides(environment);
        let has_edge = set.get("MakeEdge").is_none_or(|it| it == "true");
        let edge = if has_edge { "infra/edge.yaml" } else { "" };
        let stacks = ["infra/observability.yaml", edge].into_iter();
        let made = stacks.filter(|stack| !stack.is_empty());
        made.map(|stack| count_alarm_metrics(stack, &set))
            .sum::<usize>()
    };
    let expected = json!({
        "composite_alarms": composite,
        "firewall_rules": firewall.as_sequence().unwrap().len(),
        "routes": deployed_routes().len(),
        "secrets": secrets,
        "alarm_metrics": {"dev": count_metrics("dev"), "prod": count_metrics("prod")},
    });
    let constants: serde_json::Value = serde_json::from_str(&run_costs(&["--constants"])).unwrap();
    assert_eq!(constants, expected);
}

#[test]
fn documents_tell_the_costs_of_the_script() {
    let printed = run_costs(&[]);

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
    for heading in [format!("dev: {dev} USD"), format!("prod: {prod} USD")] {
        assert_says("samconfig.toml", &format!("# --- {heading} a month"));
    }
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
