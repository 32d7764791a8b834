//! What was counted in this environment and is not in the fleet's sums yet.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write;
use std::sync::LazyLock;

use parking_lot::Mutex;

use super::catalogue::Metric;

/// The most series of one environment. Labels have few values; a mistake that gives one many does
/// not fill the memory.
const MAX_SERIES: usize = 2_000;

/// The suffix of a histogram's sum, as [`bucket_suffix`] is of its buckets.
pub const SUM_SUFFIX: &str = "#sum";

static UNSENT: LazyLock<Mutex<UnsentSeries>> = LazyLock::new(Mutex::default);

/// What has come since the last [`take_unsent`], by the series' names.
#[derive(Default)]
struct UnsentSeries {
    increments: HashMap<String, u64>,
}

/// Adds to a series of the metric.
pub(super) fn add(metric: &Metric, labels: &[(&str, &str)], suffix: &str, increment: u64) {
    let series = format!("{}{suffix}", series_name(metric.name, labels));
    UNSENT.lock().add(series, increment);
}

/// What has come since this was called last: the series in Prometheus' notation, those of
/// histograms with [`SUM_SUFFIX`] or the suffix of a bucket, and by how much they have grown.
pub fn take_unsent() -> HashMap<String, u64> {
    std::mem::take(&mut UNSENT.lock().increments)
}

impl UnsentSeries {
    fn add(&mut self, series: String, increment: u64) {
        let has_room = self.increments.len() < MAX_SERIES;
        match self.increments.entry(series) {
            Entry::Occupied(mut known) => {
                let sum = known.get().saturating_add(increment);
                known.insert(sum);
            }
            Entry::Vacant(free) if has_room => {
                free.insert(increment);
            }
            Entry::Vacant(_) => {}
        }
    }
}

/// A bucket of a histogram by its upper bound, `+Inf` for the last one.
pub(super) fn bucket_suffix(bound: Option<u64>) -> String {
    bound.map_or_else(|| "#+Inf".to_owned(), |bound| format!("#{bound}"))
}

/// A series in Prometheus' notation: `name{label="value",…}`, or the name alone.
pub fn series_name(name: &str, labels: &[(&str, &str)]) -> String {
    if labels.is_empty() {
        return name.to_owned();
    }

    let mut series = format!("{name}{{");
    for (index, (label, value)) in labels.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let value = escaped(value);
        let written = write!(series, "{comma}{label}=\"{value}\"");
        debug_assert!(written.is_ok(), "a String takes all");
    }
    series.push('}');
    series
}

fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\");
    value.replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_in_prometheus_notation() {
        assert_eq!(series_name("jobs_total", &[]), "jobs_total");
        let labels = [("kind", "analyze"), ("reason", "a \"quoted\"\nline \\")];
        assert_eq!(
            series_name("jobs_total", &labels),
            r#"jobs_total{kind="analyze",reason="a \"quoted\"\nline \\"}"#
        );
    }

    #[test]
    fn series_without_end_do_not_fill_the_memory() {
        let mut unsent = UnsentSeries::default();
        for number in 0..MAX_SERIES + 10 {
            unsent.add(number.to_string(), 1);
        }
        unsent.add("0".to_owned(), 2);
        assert_eq!(unsent.increments.len(), MAX_SERIES);
        assert_eq!(unsent.increments["0"], 3);
    }
}
