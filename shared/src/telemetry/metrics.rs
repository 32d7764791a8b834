//! Metrics in the embedded metric format: a log line from which CloudWatch takes metrics by itself,
//! so that counting costs no call. Source: "Embedded metric format specification", Amazon
//! CloudWatch user guide.
//!
//! Nothing is counted before [`super::init`]: a program that only uses parts of this crate keeps
//! its standard output.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use serde_json::{Map, Value, json};

/// The namespace of all our metrics.
const NAMESPACE: &str = "wenzhen";

static IS_ON: AtomicBool = AtomicBool::new(false);

/// From now on events are counted.
pub(super) fn turn_on() {
    IS_ON.store(true, Ordering::Relaxed);
}

/// Counts one event. `dimensions` are few and have few values: names of tiers or circuits, never of
/// tenants or routes' raw paths, and never content.
pub fn count(name: &'static str, dimensions: &[(&'static str, &str)]) {
    add(name, dimensions, 1);
}

/// Counts so many events at once; none are not worth a line.
pub fn add(name: &'static str, dimensions: &[(&'static str, &str)], events: u64) {
    if events == 0 || !IS_ON.load(Ordering::Relaxed) {
        return;
    }

    let line = metric_line(name, dimensions, events, SystemTime::now());
    // Logging must not fail a call: a closed standard output loses the metric.
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

fn metric_line(
    name: &'static str,
    dimensions: &[(&'static str, &str)],
    events: u64,
    now: SystemTime,
) -> Value {
    let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH);
    let millis = since_epoch.unwrap_or_default().as_millis();

    // Besides by its dimensions, each event counts in one total, which an alarm can watch.
    let names: Vec<_> = dimensions.iter().map(|(name, _)| *name).collect();
    let mut dimension_sets = vec![names];
    if !dimensions.is_empty() {
        dimension_sets.push(Vec::new());
    }

    let directive = json!({
        "Timestamp": u64::try_from(millis).unwrap_or(u64::MAX),
        "CloudWatchMetrics": [{
            "Namespace": NAMESPACE,
            "Dimensions": dimension_sets,
            "Metrics": [{ "Name": name, "Unit": "Count" }],
        }],
    });
    let mut fields = Map::from_iter([("_aws".to_owned(), directive)]);
    for (dimension, value) in dimensions {
        fields.insert((*dimension).to_owned(), json!(value));
    }
    fields.insert(name.to_owned(), json!(events));
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of dimensions and of metrics.
    #[test]
    fn every_name_in_the_format_has_its_value() {
        let dimensions = [("circuit", "primary"), ("to", "open")];
        let line = metric_line("CircuitChanged", &dimensions, 1, SystemTime::UNIX_EPOCH);

        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(line["_aws"]["Timestamp"], 0);
        assert_eq!(directive["Dimensions"], json!([["circuit", "to"], []]));

        assert_eq!(line["circuit"], "primary");
        assert_eq!(line["to"], "open");
        let metric = directive["Metrics"][0]["Name"].as_str().unwrap();
        assert_eq!(line[metric], 1);
    }
}
