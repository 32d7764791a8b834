//! When a circuit opens, and how it closes again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a probe's lease has beyond the longest call, so that it outlasts the call's report too.
const PROBE_LEASE_RESERVE: Duration = Duration::from_secs(5);

/// The range of a time.
const SECONDS_RANGE: &str = "must be more than 0 and at most 86,400 seconds";

/// The range of a rate.
const RATE_RANGE: &str = "must be more than 0 and at most 1";

/// The rules of one circuit, with these defaults:
///
/// | field | default | is |
/// |---|---|---|
/// | `failures` | 5 | consecutive faults that open it |
/// | `failure_rate` | 0.5 | share of faults in the window that opens it, above 0 and at most 1 |
/// | `slow_rate` | 0.8 | share of slow calls that opens it, above 0 and at most 1 |
/// | `slow_after` | 8 | seconds from which a call is slow |
/// | `window` | 60 | seconds that the rates look back |
/// | `minimum_calls` | 20 | calls in the window below which the rates say nothing |
/// | `open` | 60 | seconds without any call after it opened |
/// | `reopen` | 10 | seconds from a failed probe to the next one; short, to see a recovery soon |
/// | `probe_lease` | 30 | seconds a probe may take before another one; more than a whole call |
/// | `ramp` | 5 | seconds from a probe that succeeded until every call is let in again |
/// | `quorum` | 1 | environments that must have seen a fault in the window before it opens |
///
/// Five faults, 60 s and 30 s are the numbers of the system's first design
/// (`CircuitBreaker(5, 60 s, 30 s)`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerSettings {
    pub(crate) failures: u32,
    pub(crate) failure_rate: f64,
    pub(crate) slow_rate: f64,
    pub(crate) slow_after: f64,
    pub(crate) window: f64,
    pub(crate) minimum_calls: u32,
    pub(crate) open: f64,
    pub(crate) reopen: f64,
    pub(crate) probe_lease: f64,
    pub(crate) ramp: f64,
    pub(crate) quorum: u32,
}

/// A field that is out of its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OutOfRange {
    /// The field's name.
    pub(super) field: &'static str,
    /// The range, as a sentence about the field.
    pub(super) range: &'static str,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            failure_rate: 0.5,
            slow_rate: 0.8,
            slow_after: 8.0,
            window: 60.0,
            minimum_calls: 20,
            open: 60.0,
            reopen: 10.0,
            probe_lease: 30.0,
            ramp: 5.0,
            quorum: 1,
        }
    }
}

impl BreakerSettings {
    /// The same rules with a lease that outlasts a call of this length.
    #[must_use]
    pub fn with_lease_over(mut self, call: Duration) -> Self {
        let lease = call + PROBE_LEASE_RESERVE;
        self.probe_lease = self.probe_lease.max(lease.as_secs_f64());
        self
    }

    /// The time from which a call is slow.
    pub fn slow_after(&self) -> Duration {
        Duration::from_secs_f64(self.slow_after)
    }

    /// The first field that is out of its range.
    pub(super) fn first_out_of_range(&self) -> Option<OutOfRange> {
        let bad_count = self.first_bad_count();
        bad_count
            .or_else(|| self.first_bad_rate())
            .or_else(|| self.first_bad_time())
    }

    fn first_bad_count(&self) -> Option<OutOfRange> {
        let (field, range) = if !(1..=10_000).contains(&self.failures) {
            ("failures", "must be from 1 to 10,000")
        } else if !(1..=1_000_000).contains(&self.minimum_calls) {
            ("minimum_calls", "must be from 1 to 1,000,000")
        } else if !(1..=100).contains(&self.quorum) {
            ("quorum", "must be from 1 to 100")
        } else {
            return None;
        };

        Some(OutOfRange { field, range })
    }

    fn first_bad_rate(&self) -> Option<OutOfRange> {
        let rates = [
            ("failure_rate", self.failure_rate),
            ("slow_rate", self.slow_rate),
        ];
        let is_good = |rate: f64| rate > 0.0 && rate <= 1.0;

        let (field, _) = rates.into_iter().find(|(_, rate)| !is_good(*rate))?;

        Some(OutOfRange {
            field,
            range: RATE_RANGE,
        })
    }

    fn first_bad_time(&self) -> Option<OutOfRange> {
        let is_good = |seconds: f64| (0.001..=86_400.0).contains(&seconds);
        let times = [
            ("slow_after", is_good(self.slow_after)),
            ("window", is_good(self.window) && self.window >= 0.01),
            ("open", is_good(self.open)),
            ("reopen", is_good(self.reopen)),
            ("probe_lease", is_good(self.probe_lease)),
            ("ramp", self.ramp == 0.0 || is_good(self.ramp)),
        ];

        let (field, _) = times.into_iter().find(|(_, is_good)| !is_good)?;

        Some(OutOfRange {
            field,
            range: SECONDS_RANGE,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_and_every_zero_is_named() {
        assert_eq!(BreakerSettings::default().first_out_of_range(), None);

        let bad_field = |change: fn(&mut BreakerSettings)| {
            let mut settings = BreakerSettings::default();
            change(&mut settings);
            settings.first_out_of_range().map(|bad| bad.field)
        };
        assert_eq!(bad_field(|s| s.failures = 0), Some("failures"));
        assert_eq!(bad_field(|s| s.failure_rate = 0.0), Some("failure_rate"));
        assert_eq!(bad_field(|s| s.slow_rate = 1.1), Some("slow_rate"));
        assert_eq!(bad_field(|s| s.minimum_calls = 0), Some("minimum_calls"));
        assert_eq!(bad_field(|s| s.quorum = 0), Some("quorum"));
        assert_eq!(bad_field(|s| s.open = 0.0), Some("open"));
        assert_eq!(bad_field(|s| s.window = f64::NAN), Some("window"));
        assert_eq!(bad_field(|s| s.ramp = -1.0), Some("ramp"));
        assert_eq!(bad_field(|s| s.ramp = 0.0), None, "no ramp is a choice");
    }
}
