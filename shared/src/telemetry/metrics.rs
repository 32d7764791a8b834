//! Metrics in the embedded metric format: a log line from which CloudWatch takes metrics by itself,
//! so that counting costs no call. Source: "Embedded metric format specification", Amazon
//! CloudWatch user guide.
//!
//! Nothing is counted before [`super::init`]: a program that only uses parts of this crate keeps
//! its standard output.

use std::io::Write;
use std::sync::OnceLock;
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::catalogue::{self, Metric};
use super::series;

/// The namespace of all our metrics, once events are counted.
static NAMESPACE: OnceLock<String> = OnceLock::new();

/// The function that this process runs, if it runs one alone, and its version.
static FUNCTION: OnceLock<Option<(String, String)>> = OnceLock::new();

/// From now on events are counted, in this namespace and for this function; a second time changes
/// nothing.
pub(super) fn turn_on(namespace: String, function: Option<(String, String)>) {
    FUNCTION.get_or_init(|| function);
    NAMESPACE.get_or_init(|| namespace);
}

/// Counts so many failures of this function: what a canary looks at, by the version, which
/// CloudWatch alone is told. Runs that Lambda itself counts as errors are no part of them.
pub fn add_failures(failures: u64) {
    let Some(Some((function, version))) = FUNCTION.get() else {
        return;
    };
    let function = ("function", &**function);
    if NAMESPACE.get().is_some() && failures > 0 {
        let metric = &catalogue::FUNCTION_FAILURES;
        series::add(metric, &[function], "", failures);
        emit(metric.event, &[function, ("version", version)], failures);
    }
}

/// Counts one event. `dimensions` are few and have few values: names of tiers or circuits, never of
/// tenants or routes' raw paths, and never content.
pub fn count(name: &'static str, dimensions: &[(&'static str, &str)]) {
    add(name, dimensions, 1);
}

/// Counts so many events at once; none are not worth a line.
pub fn add(name: &'static str, dimensions: &[(&'static str, &str)], events: u64) {
    if NAMESPACE.get().is_none() || events == 0 {
        return;
    }

    let metric = catalogue::find(name);
    debug_assert!(metric.is_some(), "the catalogue has no {name}");
    if let Some(metric) = metric {
        series::add(metric, dimensions, "", events);
    }
    emit(name, dimensions, events);
}

/// Writes the line that CloudWatch reads.
fn emit(name: &'static str, dimensions: &[(&'static str, &str)], events: u64) {
    let Some(namespace) = NAMESPACE.get() else {
        return;
    };
    let event = MetricEvent {
        namespace,
        name,
        dimensions,
        events,
    };
    let line = event.line(SystemTime::now());
    // Logging must not fail a call: a closed standard output loses the metric.
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

/// Counts one event in the fleet's series alone: CloudWatch has it from AWS' own services, or it
/// would be a line for each call.
pub fn increment(metric: &Metric, labels: &[(&str, &str)]) {
    increase(metric, labels, 1);
}

/// Counts so many events there; none make no series.
pub fn increase(metric: &Metric, labels: &[(&str, &str)], events: u64) {
    if NAMESPACE.get().is_some() && events > 0 {
        series::add(metric, labels, "", events);
    }
}

/// Adds a value to the histogram, likewise.
pub fn observe(metric: &Metric, labels: &[(&str, &str)], value: u64) {
    if NAMESPACE.get().is_some() {
        let mut bounds = metric.buckets.iter().copied();
        let bound = bounds.find(|bound| value <= *bound);
        series::add(metric, labels, &series::bucket_suffix(bound), 1);
        series::add(metric, labels, series::SUM_SUFFIX, value);
    }
}

/// What one line says.
struct MetricEvent<'a> {
    namespace: &'a str,
    name: &'static str,
    dimensions: &'a [(&'static str, &'a str)],
    events: u64,
}

impl MetricEvent<'_> {
    fn line(&self, now: SystemTime) -> Value {
        let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH);
        let millis = since_epoch.unwrap_or_default().as_millis();

        // Besides by its dimensions, each event counts in one total, which an alarm can watch.
        let names: Vec<_> = self.dimensions.iter().map(|(name, _)| *name).collect();
        let mut dimension_sets = vec![names];
        if !self.dimensions.is_empty() {
            dimension_sets.push(Vec::new());
        }

        let directive = json!({
            "Timestamp": u64::try_from(millis).unwrap_or(u64::MAX),
            "CloudWatchMetrics": [{
                "Namespace": self.namespace,
                "Dimensions": dimension_sets,
                "Metrics": [{ "Name": self.name, "Unit": "Count" }],
            }],
        });

        let mut fields = Map::from_iter([("_aws".to_owned(), directive)]);
        for (dimension, value) in self.dimensions {
            fields.insert((*dimension).to_owned(), json!(value));
        }
        fields.insert(self.name.to_owned(), json!(self.events));
        Value::Object(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of dimensions and of metrics.
    #[test]
    fn every_name_in_the_format_has_its_value() {
        let dimensions = [("circuit", "primary"), ("to", "open")];
        let event = MetricEvent {
            namespace: "clinics",
            name: "CircuitChanged",
            dimensions: &dimensions,
            events: 1,
        };
        let line = event.line(SystemTime::UNIX_EPOCH);

        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(line["_aws"]["Timestamp"], 0);
        assert_eq!(directive["Namespace"], "clinics");
        assert_eq!(directive["Dimensions"], json!([["circuit", "to"], []]));

        assert_eq!(line["circuit"], "primary");
        assert_eq!(line["to"], "open");
        let metric = directive["Metrics"][0]["Name"].as_str().unwrap();
        assert_eq!(line[metric], 1);
    }
}
