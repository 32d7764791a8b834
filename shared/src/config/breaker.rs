//! When a circuit opens, and how it closes again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The rules of one circuit, with these defaults:
///
/// | field | default | is |
/// |---|---|---|
/// | `failures` | 5 | consecutive faults that open it |
/// | `failure_rate` | 0.5 | share of faults in the window that opens it, more than 0 and at most 1 |
/// | `slow_rate` | 0.8 | share of slow calls in the window that opens it, more than 0 and at most 1 |
/// | `slow_after` | 8 | seconds from which a call is slow |
/// | `window` | 60 | seconds that the rates look back |
/// | `minimum_calls` | 20 | calls in the window below which the rates say nothing |
/// | `open` | 60 | seconds without any call after it opened |
/// | `reopen` | 10 | seconds until the next probe after one that failed, so that a recovery is seen soon |
/// | `probe_lease` | 30 | seconds a probe may take before another one is let in; more than a whole call may take |
/// | `ramp` | 5 | seconds from a good probe until every call is let in again |
/// | `quorum` | 1 | environments that must have seen a fault in the window before it opens |
///
/// Five faults, 60 s and 30 s are the numbers of the system's first design (`CircuitBreaker(5, 60 s, 30 s)`).
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
        self.probe_lease = self.probe_lease.max(call.as_secs_f64() + 5.0);
        self
    }

    /// From when on a call is slow.
    pub fn slow_after(&self) -> Duration {
        Duration::from_secs_f64(self.slow_after)
    }

    /// The first field that is out of its range, and its range.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        let is_rate = |rate: f64| rate > 0.0 && rate <= 1.0;
        let is_time = |seconds: f64| (0.001..=86_400.0).contains(&seconds);
        let rules = [
            (
                "failures",
                (1..=10_000).contains(&self.failures),
                "must be from 1 to 10,000",
            ),
            (
                "failure_rate",
                is_rate(self.failure_rate),
                "must be more than 0 and at most 1",
            ),
            (
                "slow_rate",
                is_rate(self.slow_rate),
                "must be more than 0 and at most 1",
            ),
            (
                "minimum_calls",
                (1..=1_000_000).contains(&self.minimum_calls),
                "must be from 1 to 1,000,000",
            ),
            (
                "quorum",
                (1..=100).contains(&self.quorum),
                "must be from 1 to 100",
            ),
            ("slow_after", is_time(self.slow_after), SECONDS),
            (
                "window",
                is_time(self.window) && self.window >= 0.01,
                SECONDS,
            ),
            ("open", is_time(self.open), SECONDS),
            ("reopen", is_time(self.reopen), SECONDS),
            ("probe_lease", is_time(self.probe_lease), SECONDS),
            ("ramp", self.ramp == 0.0 || is_time(self.ramp), SECONDS),
        ];
        rules
            .into_iter()
            .find(|(_, holds, _)| !holds)
            .map(|(field, _, range)| (field, range))
    }
}

const SECONDS: &str = "must be more than 0 and at most 86,400 seconds";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_and_every_zero_is_named() {
        assert_eq!(BreakerSettings::default().fault(), None);
        let zero = |change: fn(&mut BreakerSettings)| {
            let mut settings = BreakerSettings::default();
            change(&mut settings);
            settings.fault().map(|(field, _)| field)
        };
        assert_eq!(zero(|s| s.failures = 0), Some("failures"));
        assert_eq!(zero(|s| s.failure_rate = 0.0), Some("failure_rate"));
        assert_eq!(zero(|s| s.slow_rate = 1.1), Some("slow_rate"));
        assert_eq!(zero(|s| s.minimum_calls = 0), Some("minimum_calls"));
        assert_eq!(zero(|s| s.quorum = 0), Some("quorum"));
        assert_eq!(zero(|s| s.open = 0.0), Some("open"));
        assert_eq!(zero(|s| s.window = f64::NAN), Some("window"));
        assert_eq!(zero(|s| s.ramp = -1.0), Some("ramp"));
        assert_eq!(zero(|s| s.ramp = 0.0), None, "no ramp is a choice");
    }
}
