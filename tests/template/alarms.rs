//! The alarms of CloudWatch and the rules of Prometheus say the same of the same trouble. How rules
//! are read stands in `rules.rs`, what an alarm's reader is told to do in `runbook.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_norway::Value;
use wenzhen::telemetry::catalogue;

use super::rules::{Condition, Rule, rules};
use super::stacks::{alarms, is_watched_for_latency};
use super::{Route, deployed_routes, repository_root};

/// Alarms without a rule, and why Prometheus cannot see what they see.
const CLOUDWATCH_ALONE: &[(&[&str], &str)] = &[
    (
        &[
            "Throttles",
            "Concurrency",
            "FunctionErrors",
            "SocketFunctionErrors",
        ],
        "a call that Lambda refuses or breaks off counts nothing",
    ),
    (
        &["SocketApiErrors"],
        "the gateway measures it; frames are no calls of routes",
    ),
    (
        &["UploadsWait", "UploadsDeadLetters"],
        "/metrics asks for the queues of jobs alone",
    ),
    (
        &[
            "SchedulesFail",
            "SweepOutboxStands",
            "RemoveObjectsStands",
            "PublishAccessChangesStands",
            "EmbedPassagesStands",
            "RetentionStands",
        ],
        "the scheduler measures it; a function that is not started counts nothing",
    ),
    (
        &[
            "DatabaseCapacity",
            "DatabaseReaderLag",
            "DatabaseTransactionIds",
        ],
        "RDS measures it",
    ),
    (
        &[
            "CacheEvictions",
            "CacheMemory",
            "CacheProcessor",
            "CacheLag",
        ],
        "ElastiCache measures it",
    ),
    (
        &["EdgeErrors", "EdgeRefusals"],
        "CloudFront and the firewall measure it; no function has been called",
    ),
];

/// What tells somebody beside the alarms of the stacks: of `infra/canary.py`, of AWS's billing, and
/// of one API where the rule is of both.
const NO_ALARM_OF_THE_STACKS: [&str; 3] = ["…Canary", "CostAnomalies", "ChatApiErrors"];

/// What the objective is of: by the metric, the API.
const OBJECTIVE: [(&str, &str); 4] = [
    ("5xx", "ApiId"),
    ("5XXError", "ChatApiName"),
    ("Count", "ApiId"),
    ("Count", "ChatApiName"),
];

/// Rules without an alarm, and why CloudWatch cannot see what they see.
const PROMETHEUS_ALONE: &[(&str, &str)] = &[
    (
        "OutboxWaits",
        "the number is the database's; SweepOutboxStands and OutboxFails say why it grows",
    ),
    ("MetricsGone", "CloudWatch scrapes nothing"),
];

/// An alarm takes ten metrics, so routes are watched in groups; and each API counts by itself.
const ONE_RULE_FOR_ALARMS: &[(&str, &[&str])] = &[
    (
        "SlowRoutes",
        &[
            "SlowConsultations",
            "SlowJobs",
            "SlowUsers",
            "SlowKnowledge",
            "SlowUploads",
        ],
    ),
    ("ApiErrors", &["ApiErrors", "ChatApiErrors"]),
];

/// The same trouble at the same time, but by another number on each side, and why.
const MEASURED_APART: &[(&str, &str)] = &[
    (
        "DatabaseGone",
        "RDS falls silent with its database; /metrics asks the database",
    ),
    (
        "ValkeyGone",
        "environments count its loss in Valkey itself; /metrics asks it",
    ),
    (
        "DatabaseConnectionsHigh",
        "CloudWatch does not know how many the database takes; the parameter stands for 80 %",
    ),
];

/// Of these no function counts the time (docs/metrics.md).
const UNCOUNTED: [&str; 3] = ["/health/live", "/openapi.json", "/docs"];

/// The alarms that a composite one is of.
fn parts_of(alarm: &Value) -> Vec<String> {
    let rule = alarm["AlarmRule"]["Fn::Sub"].as_str().unwrap_or_default();
    let names = rule
        .split("${")
        .skip(1)
        .map(|part| part.split('}').next().unwrap().to_owned());
    names.collect()
}

fn alarm_conditions(alarms: &BTreeMap<String, Value>, name: &str) -> Vec<Condition> {
    let alarm = &alarms[name];
    let parts = parts_of(alarm);
    if !parts.is_empty() {
        let parts = parts.iter();
        return parts
            .flat_map(|part| alarm_conditions(alarms, part))
            .collect();
    }

    let queries = alarm["Metrics"].as_sequence().into_iter().flatten();
    let of_queries = queries.clone().flat_map(|query| {
        [&query["MetricStat"]["Period"], &query["Period"]]
            .into_iter()
            .filter_map(Value::as_u64)
    });
    let periods: BTreeSet<_> = alarm["Period"]
        .as_u64()
        .into_iter()
        .chain(of_queries)
        .collect();
    assert_eq!(periods.len(), 1, "{name} has one period");

    let is_above = alarm["ComparisonOperator"] == "GreaterThanThreshold";
    let evaluations = alarm["EvaluationPeriods"].as_u64().unwrap();
    let min_calls = queries
        .filter_map(|query| query["Expression"].as_str())
        .find_map(|expression| expression.strip_prefix("IF(calls > "))
        .map(|calls| calls.split(',').next().unwrap().parse().unwrap());
    vec![Condition {
        period: *periods.first().unwrap(),
        evaluations,
        breaches: alarm["DatapointsToAlarm"].as_u64().unwrap_or(evaluations),
        over: alarm["Threshold"].as_f64().filter(|_| is_above),
        min_calls,
    }]
}

/// The alarms that tell somebody: the parts of others do not.
fn telling_alarms(alarms: &BTreeMap<String, Value>) -> BTreeSet<&str> {
    let parts: BTreeSet<_> = alarms.values().flat_map(parts_of).collect();
    let names = alarms.keys().filter(|name| !parts.contains(*name));
    names.map(String::as_str).collect()
}

/// The alarms that a rule stands for.
fn alarms_of(rule: &str) -> Vec<&str> {
    let mut grouped = ONE_RULE_FOR_ALARMS.iter();
    let group = grouped.find(|(name, _)| *name == rule);
    group.map_or_else(|| vec![rule], |(_, alarms)| alarms.to_vec())
}

/// The rules that have an alarm.
fn shared_rules() -> BTreeMap<String, Rule> {
    let mut rules = rules();
    for (name, reason) in PROMETHEUS_ALONE {
        assert!(rules.remove(*name).is_some(), "{name}: {reason}");
    }
    rules
}

#[test]
fn every_alarm_has_its_rule_or_a_reason_why_not() {
    let alarms = alarms();
    let mut expected = BTreeSet::new();
    for name in shared_rules().keys() {
        expected.extend(alarms_of(name).into_iter().map(str::to_owned));
    }
    for (names, reason) in CLOUDWATCH_ALONE {
        for name in *names {
            let is_new = expected.insert((*name).to_owned());
            assert!(is_new, "{name} has a rule, although {reason}");
        }
    }

    let page = fs::read_to_string(repository_root().join("docs/metrics.md")).unwrap();
    let alone = CLOUDWATCH_ALONE.iter().flat_map(|(names, _)| *names);
    for name in alone.chain(&NO_ALARM_OF_THE_STACKS) {
        assert!(
            page.contains(&format!("`{name}`")),
            "docs/metrics.md: {name}"
        );
    }

    let telling: BTreeSet<_> = telling_alarms(&alarms)
        .into_iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(telling, expected);
}

#[test]
fn alarms_and_rules_compare_the_same_for_as_long() {
    let alarms = alarms();
    let mut compared = 0;
    for (name, rule) in shared_rules() {
        let is_apart = MEASURED_APART.iter().any(|(apart, _)| *apart == name);
        for alarm in alarms_of(&name) {
            let mut expected = alarm_conditions(&alarms, alarm);
            let mut found = rule.conditions.clone();
            let is_compared = expected.iter().all(|condition| condition.over.is_some());
            assert!(is_compared || is_apart, "{alarm} is over a number");
            if is_apart {
                let both = expected.iter_mut().chain(&mut found);
                both.for_each(|condition| condition.over = None);
            }
            assert_eq!(found, expected, "{name} and {alarm}");
            compared += 1;
        }
    }
    assert!(compared > 25, "{compared}");
}

/// As `http_requests_total` is of the functions of both.
#[test]
fn the_objective_is_of_both_apis() {
    let alarms = alarms();
    for burn in ["FastBurn", "SteadyBurn", "SlowBurn"] {
        let parts = parts_of(&alarms[burn]);
        assert_eq!(parts.len(), 2, "{burn}");
        for part in parts {
            let queries = alarms[&part]["Metrics"].as_sequence().unwrap().iter();
            let read = queries.clone().filter_map(|query| {
                let metric = &query["MetricStat"]["Metric"];
                let api = &metric["Dimensions"][0]["Value"]["Ref"];
                Some((metric["MetricName"].as_str()?, api.as_str()?))
            });
            assert_eq!(read.collect::<BTreeSet<_>>(), OBJECTIVE.into(), "{part}");

            let sums = queries.filter_map(|query| query["Expression"].as_str());
            let sums: Vec<_> = sums.filter(|text| text.starts_with("SUM(")).collect();
            assert_eq!(
                sums,
                ["SUM([errors1, errors2])", "SUM([calls1, calls2])"],
                "{part}"
            );
        }
    }
}

/// What has never been counted has no values, and then `a + b` has none either, whatever `b` is.
#[test]
fn sums_leave_out_what_was_never_counted() {
    for (name, alarm) in alarms() {
        let queries = alarm["Metrics"].as_sequence().into_iter().flatten();
        for expression in queries.filter_map(|query| query["Expression"].as_str()) {
            assert!(!expression.contains('+'), "{name}: {expression}");
        }
    }
}

/// By the catalogue, which names each event in CloudWatch and in Prometheus.
#[test]
fn alarms_and_rules_read_the_same_numbers_of_ours() {
    let series_of: BTreeMap<_, _> = catalogue::all()
        .filter(|metric| !metric.event.is_empty())
        .map(|metric| (metric.event, metric.name))
        .collect();
    let alarms = alarms();
    let mut compared = 0;

    for (name, rule) in shared_rules() {
        if ONE_RULE_FOR_ALARMS.iter().any(|(group, _)| *group == name)
            || MEASURED_APART.iter().any(|(apart, _)| *apart == name)
        {
            continue;
        }
        let (events, filter) = own_events(&alarms[&name]);
        let expected: BTreeSet<_> = events.iter().map(|event| series_of[&**event]).collect();
        let words = rule
            .expanded
            .split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
        let found: BTreeSet<_> = words
            .filter(|word| series_of.values().any(|series| series == word))
            .collect();
        assert_eq!(found, expected, "{name}");
        assert!(rule.expanded.contains(&filter), "{name}: {filter}");
        compared += events.len();
    }
    assert!(compared > 12, "{compared}");
}

/// The events of ours that an alarm counts, and which of them, as Prometheus selects them.
fn own_events(alarm: &Value) -> (BTreeSet<String>, String) {
    let queries = alarm["Metrics"].as_sequence().into_iter().flatten();
    let metrics = queries
        .clone()
        .map(|query| &query["MetricStat"]["Metric"])
        .chain([alarm]);
    let own = metrics.filter(|metric| metric["Namespace"]["Ref"] == "MetricsNamespace");
    let mut events: BTreeSet<_> = own
        .map(|metric| metric["MetricName"].as_str().unwrap().to_owned())
        .collect();

    let mut filter = String::new();
    for query in queries {
        let text = query["Expression"]["Fn::Sub"].as_str().unwrap_or_default();
        if let Some((_, selected)) = text.split_once("SELECT SUM(") {
            events.insert(selected.split(')').next().unwrap().to_owned());
            let (_, condition) = selected.split_once(" WHERE ").unwrap();
            filter = condition.replace(['"', ' '], "").replace('\'', "\"");
        }
    }
    (events, filter)
}

#[test]
fn alarms_and_rules_say_the_same_and_link_the_same() {
    let alarms = alarms();
    for (name, rule) in shared_rules() {
        for alarm in alarms_of(&name) {
            let description = alarms[alarm]["AlarmDescription"]["Fn::Sub"].as_str();
            let description = description.unwrap();
            let begins_so = description.starts_with(&rule.summary);
            assert!(begins_so, "{alarm}: {}", rule.summary);
            let ends_so = description.ends_with(&format!("#{}", rule.anchor));
            assert!(ends_so, "{alarm}: {}", rule.anchor);
        }
    }
}

/// The routes whose time says nothing are left out of both (`stacks.rs` holds the alarms).
#[test]
fn both_watch_the_latency_of_the_same_routes() {
    let expanded = rules()["SlowRoutes"].expanded.clone();
    let (_, left_out) = expanded.split_once("path!~\"").unwrap();
    let left_out = left_out.split('"').next().unwrap().replace("\\\\", "");
    let left_out: BTreeSet<_> = left_out.split('|').collect();
    let brought_back = r#"{method!="GET",path="/v1/consultations/{id}"}"#;
    assert!(expanded.contains(brought_back), "{expanded}");

    for Route { method, path } in deployed_routes() {
        if UNCOUNTED.contains(&&*path) {
            continue;
        }
        let is_back = method != "GET" && path == "/v1/consultations/{id}";
        let is_in_rule = !left_out.contains(&*path) || is_back;
        let is_in_alarm = is_watched_for_latency(&method, &path);
        assert_eq!(is_in_rule, is_in_alarm, "{method} {path}");
    }
}
