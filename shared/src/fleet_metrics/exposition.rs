//! Metrics as Prometheus reads them. Source: "Exposition formats", Prometheus documentation, text
//! format 0.0.4.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::{self, Write};

use crate::telemetry::catalogue::{self, Metric};
use crate::telemetry::series::{SUM_SUFFIX, series_name};

/// A value of now.
pub(super) struct Gauge {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) labels: Vec<(&'static str, String)>,
    pub(super) value: f64,
}

/// What the fleet has counted: by the metric's name, the sums of its series.
#[derive(Default)]
pub(super) struct Sums {
    by_metric: HashMap<String, BTreeMap<String, u64>>,
}

impl Sums {
    /// Adds a series as it is kept: its name, and for a histogram the bucket.
    pub(super) fn add(&mut self, series: String, sum: u64) {
        let end = series.find(['{', '#']).unwrap_or(series.len());
        let name = series.get(..end).unwrap_or_default().to_owned();
        self.by_metric.entry(name).or_default().insert(series, sum);
    }
}

/// All metrics of the catalogue that have a value, those without labels from 0 on, and the gauges.
pub(super) fn text(sums: Option<&Sums>, gauges: &[Gauge]) -> Result<String, fmt::Error> {
    let mut text = String::new();
    // Without sums a series has a gap, which is no reset.
    for metric in catalogue::all().filter(|_| sums.is_some()) {
        // What an older release has counted by another name is left out.
        let known = sums.and_then(|sums| sums.by_metric.get(metric.name));
        // A first event can only be seen as an increase of something.
        let nothing = BTreeMap::from([(metric.name.to_owned(), 0)]);
        let Some(series) = known.or_else(|| metric.labels.is_empty().then_some(&nothing)) else {
            continue;
        };
        if metric.buckets.is_empty() {
            write_head(&mut text, metric.name, metric.help, "counter")?;
            for (series, sum) in series {
                writeln!(text, "{series} {sum}")?;
            }
        } else {
            write_head(&mut text, metric.name, metric.help, "histogram")?;
            write_histograms(&mut text, metric, series)?;
        }
    }
    write_gauges(&mut text, gauges)?;
    Ok(text)
}

fn write_head(text: &mut String, name: &str, help: &str, kind: &str) -> fmt::Result {
    writeln!(text, "# HELP {name} {help}.")?;
    writeln!(text, "# TYPE {name} {kind}")
}

/// Buckets are kept by themselves; Prometheus wants each with all below it.
fn write_histograms(
    text: &mut String,
    metric: &Metric,
    series: &BTreeMap<String, u64>,
) -> fmt::Result {
    let parts = series.keys().filter_map(|series| series.rsplit_once('#'));
    let histograms: BTreeSet<_> = parts.map(|(histogram, _)| histogram).collect();
    for histogram in histograms {
        let kept = |suffix: &str| series.get(&format!("{histogram}{suffix}")).copied();
        let labels = histogram.strip_prefix(metric.name).unwrap_or_default();
        let labels = labels.trim_start_matches('{').trim_end_matches('}');
        let comma = if labels.is_empty() { "" } else { "," };

        let mut count = 0_u64;
        let bounds = metric.buckets.iter().map(u64::to_string);
        for bound in bounds.chain(["+Inf".to_owned()]) {
            count = count.saturating_add(kept(&format!("#{bound}")).unwrap_or(0));
            let name = metric.name;
            writeln!(
                text,
                "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {count}"
            )?;
        }
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{labels}}}")
        };
        let sum = kept(SUM_SUFFIX).unwrap_or(0);
        writeln!(text, "{}_sum{labels} {sum}", metric.name)?;
        writeln!(text, "{}_count{labels} {count}", metric.name)?;
    }
    Ok(())
}

fn write_gauges(text: &mut String, gauges: &[Gauge]) -> fmt::Result {
    let mut last = "";
    for gauge in gauges {
        if gauge.name != last {
            write_head(text, gauge.name, gauge.help, "gauge")?;
            last = gauge.name;
        }
        let labels = gauge
            .labels
            .iter()
            .map(|(label, value)| (*label, value.as_str()));
        let series = series_name(gauge.name, &labels.collect::<Vec<_>>());
        writeln!(text, "{series} {}", gauge.value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_gauges_have_their_help_and_type_once() {
        let mut sums = Sums::default();
        for (series, sum) in [
            (r#"cache_reads_total{kind="user",level="valkey"}"#, 3),
            (r#"cache_reads_total{kind="user",level="memory"}"#, 40),
            ("of_an_older_release_total", 7),
        ] {
            sums.add(series.to_owned(), sum);
        }
        let gauges = ["idle", "active"].map(|state| Gauge {
            name: "db_connections",
            help: "Connections",
            labels: vec![("state", state.to_owned())],
            value: 3.0,
        });

        let expected = "\
# HELP cache_reads_total Reads through the cache, by the level that had the value.
# TYPE cache_reads_total counter
cache_reads_total{kind=\"user\",level=\"memory\"} 40
cache_reads_total{kind=\"user\",level=\"valkey\"} 3
# HELP db_connections Connections.
# TYPE db_connections gauge
db_connections{state=\"idle\"} 3
db_connections{state=\"active\"} 3
";
        let text = text(Some(&sums), &gauges).unwrap();
        let of = |name: &str| {
            let lines = text.lines().filter(|line| line.contains(name));
            lines.collect::<Vec<_>>().join("\n") + "\n"
        };
        assert_eq!(of("cache_reads") + &of("db_connections"), expected);
        assert_eq!(
            of("valkey_gone_total").lines().last(),
            Some("valkey_gone_total 0")
        );
        assert!(!text.contains("older_release"), "{text}");
    }

    #[test]
    fn without_sums_counters_have_a_gap() {
        assert_eq!(super::text(None, &[]).unwrap(), "");
    }

    #[test]
    fn each_bucket_of_a_histogram_has_all_below_it() {
        let mut sums = Sums::default();
        let call = r#"http_request_duration_ms{method="GET",path="/health"}"#;
        for (suffix, sum) in [("#25", 3), ("#250", 1), ("#+Inf", 2), ("#sum", 20_330)] {
            sums.add(format!("{call}{suffix}"), sum);
        }

        let text = text(Some(&sums), &[]).unwrap();
        let labels = r#"method="GET",path="/health""#;
        for (bound, count) in [("10", 0), ("25", 3), ("100", 3), ("250", 4), ("+Inf", 6)] {
            let line =
                format!("http_request_duration_ms_bucket{{{labels},le=\"{bound}\"}} {count}\n");
            assert!(text.contains(&line), "{line} in {text}");
        }
        let ends = format!(
            "http_request_duration_ms_sum{{{labels}}} 20330\n\
             http_request_duration_ms_count{{{labels}}} 6\n"
        );
        assert!(text.contains(&ends), "{text}");
    }
}
