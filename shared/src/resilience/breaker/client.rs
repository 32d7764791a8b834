//! One client of a circuit: its calls, and whether it is left out.
//!
//! What one client's calls do to a provider must not keep the provider from others. So a client
//! whose own calls fail, by the rules that open a circuit, is left out alone: it is barred, and let
//! in for one trial at a time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::BreakerSettings;

/// How a probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeResult {
    /// The provider is well.
    Succeeded,
    /// The provider is not well.
    Failed,
    /// The probe was given up, or says nothing about the provider.
    Abandoned,
}

impl ProbeResult {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }
}

/// A time of the settings in milliseconds.
pub(super) fn to_millis(seconds: f64) -> u64 {
    let duration = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whether a part of calls is too large, of enough calls.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a window are far below 2^52"
)]
pub(super) fn exceeds_rate(settings: &BreakerSettings, rate: f64, part: u64, calls: u64) -> bool {
    calls >= u64::from(settings.minimum_calls) && part as f64 >= rate * calls as f64
}

/// Calls of one client that ended alike, in one report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCounts {
    /// Calls that succeeded.
    pub successes: u64,
    /// Calls that succeeded slowly; they are among the successes.
    pub slow: u64,
    /// Calls that failed.
    pub faults: u64,
}

impl ClientCounts {
    /// The sum of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            successes: self.successes + other.successes,
            slow: self.slow + other.slow,
            faults: self.faults + other.faults,
        }
    }
}

/// One client's calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientState {
    /// Faults since its last success.
    pub row: u64,
    /// Calls that failed since `since`.
    pub faults: u64,
    /// Calls that succeeded since then.
    pub successes: u64,
    /// Calls that succeeded slowly since then.
    pub slow: u64,
    /// Since when its calls are counted: a window at most.
    pub since: u64,
    /// When it was last heard of.
    pub at: u64,
    /// Whether, and until when, it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bar: Option<Bar>,
}

/// The bar of a client that is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// When it began, or its last trial failed.
    pub since: u64,
    /// When a trial may be made.
    pub until: u64,
    /// The token of the trial under way; empty if there is none.
    pub trial: String,
    /// When the trial's lease ends.
    pub trial_until: u64,
}

impl ClientState {
    /// All calls since `since`.
    pub(super) const fn calls(&self) -> u64 {
        self.successes + self.faults
    }

    /// Whether it was heard of since then, or is to be left out still.
    pub(super) fn is_current(&self, window_start: u64) -> bool {
        let barred_until = self.bar.as_ref().map_or(0, |bar| bar.until);
        self.at.max(barred_until) > window_start
    }

    /// Takes in calls, and leaves the client out if they are too many that fail.
    pub(super) fn count(&mut self, settings: &BreakerSettings, counts: ClientCounts, now: u64) {
        let is_window_over = now >= self.since.saturating_add(to_millis(settings.window));
        if is_window_over {
            self.since = now;
            self.successes = 0;
            self.slow = 0;
            self.faults = 0;
        }

        self.at = now;
        self.successes += counts.successes;
        self.slow += counts.slow;
        self.faults += counts.faults;
        if counts.successes > 0 {
            self.row = 0;
        }
        self.row += counts.faults;

        if self.bar.is_none() && self.is_failing(settings) {
            self.bar = Some(Bar {
                since: now,
                until: now.saturating_add(to_millis(settings.open)),
                ..Bar::default()
            });
        }
    }

    fn is_failing(&self, settings: &BreakerSettings) -> bool {
        let calls = self.calls();
        self.row >= u64::from(settings.failures)
            || exceeds_rate(settings, settings.failure_rate, self.faults, calls)
            || exceeds_rate(settings, settings.slow_rate, self.slow, calls)
    }

    /// Takes in the end of a trial that did not succeed.
    pub(super) fn end_trial(&mut self, settings: &BreakerSettings, result: ProbeResult, now: u64) {
        let Some(bar) = &mut self.bar else {
            return;
        };

        bar.trial = String::new();
        bar.trial_until = 0;
        if result == ProbeResult::Failed {
            bar.since = now;
            bar.until = now.saturating_add(to_millis(settings.reopen));
        }
    }
}

impl Bar {
    /// Whether a trial may be made.
    pub(super) fn wants_trial(
        &self,
        settings: &BreakerSettings,
        is_urgent: bool,
        now: u64,
    ) -> bool {
        let urgent_from = self.since.saturating_add(to_millis(settings.reopen));
        let is_due = now >= self.until || (is_urgent && now >= urgent_from);
        let is_free = self.trial.is_empty() || now >= self.trial_until;
        is_due && is_free
    }

    pub(super) fn begin_trial(&mut self, token: &str, until: u64) {
        token.clone_into(&mut self.trial);
        self.trial_until = until;
    }
}
