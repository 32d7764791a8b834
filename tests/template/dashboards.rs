//! The dashboards of Grafana. The one for Prometheus is asked of a real server by `cargo xtask ci`;
//! the one for CloudWatch, which nobody has at hand, is held against the catalogue of our metrics
//! and the alarms.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use wenzhen::telemetry::catalogue;

use super::repository_root;
use super::stacks::{read_dashboard_of, read_stack, watched_metrics_of_aws};

const PROMETHEUS: &str = "prometheus.json";
const CLOUDWATCH: &str = "cloudwatch.json";

/// The variable with the namespace of our own metrics.
const OWN_NAMESPACE: &str = "$namespace";

/// Columns of Grafana's grid.
const GRID_WIDTH: u64 = 24;

/// Metrics of AWS that no alarm watches. Source: "Types of metrics for Lambda functions", AWS
/// Lambda developer guide.
const UNWATCHED: [(&str, &str); 1] = [("AWS/Lambda", "Duration")];

/// By which dimensions AWS publishes the metrics of each namespace that we draw.
const DIMENSIONS: [(&str, &[&[&str]]); 6] = [
    // The second with `RouteMetrics`.
    (
        "AWS/ApiGateway",
        &[&["ApiId"], &["ApiId", "Method", "Resource", "Stage"]],
    ),
    ("AWS/ElastiCache", &[&["CacheClusterId"]]),
    ("AWS/Lambda", &[&[], &["FunctionName"]]),
    ("AWS/RDS", &[&["DBClusterIdentifier"]]),
    ("AWS/SQS", &[&["QueueName"]]),
    ("AWS/Scheduler", &[&["ScheduleGroup"]]),
];

fn read_dashboard(file: &str) -> Value {
    let path = repository_root()
        .join("infra/monitoring/grafana")
        .join(file);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn panels_of(dashboard: &Value) -> &[Value] {
    dashboard["panels"].as_array().unwrap()
}

fn is_row(panel: &Value) -> bool {
    panel["type"] == "row"
}

fn title_of(panel: &Value) -> &str {
    panel["title"].as_str().unwrap()
}

fn targets_of(panel: &Value) -> impl Iterator<Item = &Value> {
    panel["targets"].as_array().into_iter().flatten()
}

/// What a target of CloudWatch asks for.
struct MetricQuery {
    namespace: String,
    metric: String,
    dimensions: BTreeSet<String>,
}

fn metric_queries(dashboard: &Value) -> Vec<MetricQuery> {
    let targets = panels_of(dashboard).iter().flat_map(targets_of);
    let metrics = targets.filter(|target| target["expression"] == "");
    let read = metrics.map(|target| MetricQuery {
        namespace: target["namespace"].as_str().unwrap().to_owned(),
        metric: target["metricName"].as_str().unwrap().to_owned(),
        dimensions: target["dimensions"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect(),
    });
    read.collect()
}

/// Each event counts by all of its labels, and in one total without any. CloudWatch knows no sum
/// over one of two labels.
#[test]
fn every_drawn_metric_of_ours_is_in_the_catalogue() {
    let labels_of: BTreeMap<_, _> = catalogue::all()
        .filter(|metric| !metric.event.is_empty())
        .map(|metric| (metric.event, metric.labels))
        .collect();

    let queries = metric_queries(&read_dashboard(CLOUDWATCH));
    let own = queries
        .iter()
        .filter(|query| query.namespace == OWN_NAMESPACE);
    let mut drawn = 0;
    for query in own {
        drawn += 1;
        let labels = labels_of.get(&*query.metric);
        let labels = labels.unwrap_or_else(|| panic!("nobody counts {}", query.metric));
        let labels: BTreeSet<_> = labels.iter().map(|&label| label.to_owned()).collect();
        let dimensions = &query.dimensions;
        assert!(
            dimensions.is_empty() || *dimensions == labels,
            "{} has {labels:?}, and not {dimensions:?}",
            query.metric
        );
    }
    assert!(drawn > 10);
}

#[test]
fn every_drawn_metric_of_aws_is_one_that_is_watched() {
    let watched = watched_metrics_of_aws();
    assert!(watched.contains(&("AWS/ApiGateway".to_owned(), "5xx".to_owned())));

    for query in metric_queries(&read_dashboard(CLOUDWATCH)) {
        let MetricQuery {
            namespace,
            metric,
            dimensions,
        } = query;
        if namespace == OWN_NAMESPACE {
            continue;
        }
        let is_listed = UNWATCHED.contains(&(&*namespace, &*metric));
        let is_watched = watched.contains(&(namespace.clone(), metric.clone()));
        assert!(is_watched != is_listed, "{namespace} {metric}");

        let known = DIMENSIONS.iter().find(|(known, _)| *known == namespace);
        let (_, known) = known.unwrap_or_else(|| panic!("{namespace} has no dimensions here"));
        let dimensions: Vec<_> = dimensions.iter().map(String::as_str).collect();
        assert!(known.contains(&&*dimensions), "{metric}: {dimensions:?}");
    }
}

/// Of a database or a cache that the stacks did not make, CloudWatch has no name.
#[test]
fn the_stacks_dashboard_leaves_out_what_was_not_made() {
    let template = read_stack("infra/observability.yaml");
    let titles = |has_all| {
        let dashboard = read_dashboard_of(&template, has_all);
        let widgets = dashboard["widgets"].as_array().unwrap().iter();
        let titles = widgets.filter_map(|it| it["properties"]["title"].as_str());
        titles.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let (all, fewest) = (titles(true), titles(false));
    let left_out: Vec<_> = all.difference(&fewest).collect();
    assert_eq!(left_out, ["Database", "Valkey"]);

    let fewest = read_dashboard_of(&template, false).to_string();
    for id in ["${DatabaseId}", "${CacheId}"] {
        assert!(!fewest.contains(id), "{id}");
    }
}

#[test]
fn every_panel_says_what_it_shows() {
    for file in [PROMETHEUS, CLOUDWATCH] {
        let dashboard = read_dashboard(file);
        let mut titles = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for panel in panels_of(&dashboard) {
            let title = title_of(panel);
            assert!(titles.insert(title), "{file}: {title} stands twice");
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{file}: {title}");
            if is_row(panel) {
                continue;
            }
            let unit = panel["fieldConfig"]["defaults"]["unit"].as_str();
            assert!(unit.is_some_and(|unit| !unit.is_empty()), "{file}: {title}");
            assert_eq!(panel["datasource"]["uid"], "${source}", "{file}: {title}");
            assert!(targets_of(panel).next().is_some(), "{file}: {title}");
        }
    }
}

#[test]
fn no_panel_covers_another() {
    for file in [PROMETHEUS, CLOUDWATCH] {
        let dashboard = read_dashboard(file);
        let mut covered = BTreeMap::new();
        for panel in panels_of(&dashboard) {
            let place = &panel["gridPos"];
            let [x, y, width, height] = ["x", "y", "w", "h"].map(|of| place[of].as_u64().unwrap());
            assert!(x + width <= GRID_WIDTH, "{file}: {}", title_of(panel));
            for cell in (y..y + height).flat_map(|y| (x..x + width).map(move |x| (x, y))) {
                let other = covered.insert(cell, title_of(panel));
                assert_eq!(other, None, "{file}: {}", title_of(panel));
            }
        }
    }
}

/// Who knows one dashboard finds the same in the other.
#[test]
fn rows_come_in_the_same_order_in_both_dashboards() {
    let rows_of = |file| {
        let dashboard = read_dashboard(file);
        let rows = panels_of(&dashboard).iter().filter(|panel| is_row(panel));
        rows.map(|row| title_of(row).to_owned()).collect::<Vec<_>>()
    };
    let (theirs, mut ours) = (rows_of(PROMETHEUS), rows_of(CLOUDWATCH));
    ours.retain(|row| theirs.contains(row));
    assert_eq!(ours, theirs);
}

/// A dollar of AWS' own is one of `$default`, the stage of HTTP APIs, and of a dynamic label.
#[test]
fn every_variable_of_the_dashboard_is_declared() {
    let dashboard = read_dashboard(CLOUDWATCH);
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let mut declared: BTreeSet<_> = variables
        .iter()
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();
    for needed in ["source", "region", "stack"] {
        assert!(declared.contains(needed), "{needed}");
    }
    declared.extend(["default", "PROP"]);

    let text = dashboard.to_string();
    let mut used = BTreeSet::new();
    for after in text.split('$').skip(1) {
        let name = after.trim_start_matches('{');
        let end = name.find(|it: char| !it.is_ascii_alphanumeric() && it != '_');
        used.insert(&name[..end.unwrap_or(name.len())]);
    }
    assert_eq!(used, declared);
}

/// An expression speaks of the other targets of its panel, by their ids.
#[test]
fn every_expression_finds_its_targets() {
    let functions = ["PERIOD", "RUNNING_SUM"];
    let dashboard = read_dashboard(CLOUDWATCH);
    for panel in panels_of(&dashboard) {
        let ids: Vec<_> = targets_of(panel)
            .map(|target| target["id"].as_str().unwrap())
            .collect();
        let distinct: BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len(), "{}", title_of(panel));

        for target in targets_of(panel) {
            let expression = target["expression"].as_str().unwrap();
            let words = expression.split(|it: char| !it.is_ascii_alphabetic() && it != '_');
            for word in words.filter(|word| !word.is_empty()) {
                let is_known = ids.contains(&word) || functions.contains(&word);
                assert!(is_known, "{}: {word}", title_of(panel));
            }
        }
    }
}
