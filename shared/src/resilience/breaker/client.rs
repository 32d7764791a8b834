//! Whose calls they are, and how they ended.
//!
//! A client is named `TENANT/USER`, by hashes. A name without a slash is a tenant whose users are
//! not told apart, and an empty one is a client that is not known.

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

/// The tenant of a client.
pub(super) fn tenant_of(client: &str) -> &str {
    client.split_once('/').map_or(client, |(tenant, _)| tenant)
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

/// Calls of one client in one report.
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
