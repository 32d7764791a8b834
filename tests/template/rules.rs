//! The rules of Prometheus as they are compared with the alarms, their drill, and their table in
//! `docs/metrics.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_norway::Value;

use super::repository_root;

/// What is compared, and for how long it must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Seconds that one value is of.
    pub period: u64,
    /// Of so many periods…
    pub evaluations: u64,
    /// … so many are over the threshold.
    pub breaches: u64,
    /// What a value must be over; none for another comparison.
    pub over: Option<f64>,
    /// With fewer calls in a period it says nothing.
    pub min_calls: Option<u64>,
}

/// An alert of `rules.yml`.
pub struct Rule {
    pub conditions: Vec<Condition>,
    /// Its expression, in which sums of the fleet stand as what they are sums of.
    pub expanded: String,
    pub severity: String,
    pub summary: String,
    pub anchor: String,
}

fn read_yaml(file: &str) -> Value {
    let path = repository_root().join("infra/monitoring").join(file);
    serde_norway::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Each alert by its name.
pub fn rules() -> BTreeMap<String, Rule> {
    let file = read_yaml("rules.yml");
    let rules = file["groups"][0]["rules"].as_sequence().unwrap();
    let recorded: BTreeMap<_, _> = rules
        .iter()
        .filter_map(|rule| Some((rule["record"].as_str()?, rule["expr"].as_str().unwrap())))
        .collect();

    let alerts = rules.iter().filter_map(|rule| {
        let name = rule["alert"].as_str()?.to_owned();
        let expr = rule["expr"].as_str().unwrap();
        let wait = rule["for"].as_str().map_or(0, seconds);
        let annotations = &rule["annotations"];
        let runbook = annotations["runbook"].as_str().unwrap();
        let mut expanded = expr.to_owned();
        for (sum, of) in &recorded {
            expanded = expanded.replace(sum, of);
        }

        let rule = Rule {
            conditions: expr
                .split("\nand\n")
                .map(|part| read_condition(part, wait))
                .collect(),
            expanded,
            severity: rule["labels"]["severity"].as_str().unwrap().to_owned(),
            summary: annotations["summary"].as_str().unwrap().to_owned(),
            anchor: runbook.strip_prefix("docs/runbook.md#").unwrap().to_owned(),
        };
        Some((name, rule))
    });
    alerts.collect()
}

/// Of a duration as Prometheus writes it.
fn seconds(duration: &str) -> u64 {
    let (number, unit) = duration.split_at(duration.len() - 1);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => panic!("{duration}"),
    };
    number.parse::<u64>().unwrap() * unit
}

/// Of `increase(x[5m]) > 10` with `for`, or of `sum_over_time((… > bool 5)[5m:1m]) >= 3`.
fn read_condition(text: &str, wait: u64) -> Condition {
    let text = text.trim();
    let Some(counted) = text.strip_prefix("sum_over_time((") else {
        let period = range_of(text);
        assert_eq!(wait % period, 0, "whole periods: {text}");
        let evaluations = wait / period + 1;
        return Condition {
            period,
            evaluations,
            breaches: evaluations,
            over: threshold_of(text),
            min_calls: min_calls_of(text),
        };
    };

    let (counted, periods) = counted.rsplit_once(")[").unwrap();
    let (periods, breaches) = periods.split_once("]) >= ").unwrap();
    let (all, period) = periods.split_once(':').unwrap();
    let (all, period) = (seconds(all), seconds(period));
    assert_eq!(range_of(counted), period, "{text}");
    Condition {
        period,
        evaluations: all / period,
        breaches: breaches.parse().unwrap(),
        over: threshold_of(counted),
        min_calls: min_calls_of(counted),
    }
}

/// The one range that all selectors of a text have.
fn range_of(text: &str) -> u64 {
    let ranges = text.split('[').skip(1);
    let ranges: BTreeSet<_> = ranges
        .map(|after| seconds(after.split(']').next().unwrap()))
        .collect();
    assert_eq!(ranges.len(), 1, "one range: {text}");
    *ranges.first().unwrap()
}

/// Behind the last `> ` or `> bool `.
fn threshold_of(text: &str) -> Option<f64> {
    let mut words = text.split_whitespace().rev();
    let threshold = words.next()?.parse().unwrap();
    let comparison = words.find(|word| *word != "bool");
    (comparison == Some(">")).then_some(threshold)
}

fn min_calls_of(text: &str) -> Option<u64> {
    let (_, divisor) = text.split_once("/ (increase(fleet:http_requests:sum")?;
    let (_, calls) = divisor.split_once("> ")?;
    Some(calls.split(')').next().unwrap().parse().unwrap())
}

/// Of each case, the alerts that it asks for, and whether they are to be raised.
fn drill() -> Vec<Vec<(String, bool)>> {
    let file = read_yaml("drill.yml");
    let cases = file["tests"].as_sequence().unwrap().iter();
    let asked = cases.map(|case| {
        let asked = case["alert_rule_test"].as_sequence().unwrap().iter();
        let asked = asked.map(|one| {
            let name = one["alertname"].as_str().unwrap().to_owned();
            let expected = one["exp_alerts"].as_sequence();
            (name, expected.is_some_and(|expected| !expected.is_empty()))
        });
        asked.collect()
    });
    asked.collect()
}

/// `promtool` runs it, in `cargo xtask ci` and with `--prometheus`.
#[test]
fn the_drill_triggers_each_rule_and_a_calm_hour_none() {
    let rules: BTreeSet<_> = rules().into_keys().collect();
    let drill = drill();
    let raised: BTreeSet<_> = drill
        .iter()
        .flatten()
        .filter(|(_, is_raised)| *is_raised)
        .map(|(name, _)| name.clone())
        .collect();
    assert_eq!(raised, rules);

    let calm = drill
        .iter()
        .filter(|case| case.iter().all(|(_, is_raised)| !is_raised));
    let mut calm_cases = 0;
    for case in calm {
        let asked: BTreeSet<_> = case.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(asked, rules, "a calm case asks for all");
        calm_cases += 1;
    }
    assert!(calm_cases >= 1);
}

/// `3 of 5 × 1 min`
fn describe(condition: &Condition) -> String {
    let (number, unit) = match condition.period {
        period if period % 86_400 == 0 => (period / 86_400, "d"),
        period if period % 3_600 == 0 => (period / 3_600, "h"),
        period => (period / 60, "min"),
    };
    let period = format!("{number} {unit}");
    match (condition.breaches, condition.evaluations) {
        (1, 1) => period,
        (breaches, evaluations) if breaches == evaluations => format!("{evaluations} × {period}"),
        (breaches, evaluations) => format!("{breaches} of {evaluations} × {period}"),
    }
}

#[test]
fn the_page_of_metrics_lists_the_alerts() {
    let page = fs::read_to_string(repository_root().join("docs/metrics.md")).unwrap();
    for (name, rule) in rules() {
        let periods: Vec<_> = rule.conditions.iter().map(describe).collect();
        let Rule {
            summary,
            severity,
            anchor,
            ..
        } = rule;
        let periods = periods.join(" and ");
        let row = format!(
            "| `{name}` | {summary} | {periods} | {severity} | [{anchor}](runbook.md#{anchor}) |"
        );
        assert!(page.lines().any(|line| line == row), "{row}");
    }
}
