//! What an environment reports of a circuit, and what it asks of it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::client::{ClientCounts, ProbeResult};

/// A number of calls that ended alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// In which epoch they were let in.
    pub epoch: u64,
    /// Their number.
    pub calls: u64,
    /// The number of slow ones; 0 for faults.
    pub slow: u64,
    /// How long ago the last of them ended.
    pub age: Duration,
}

impl Tally {
    /// Adds calls that have ended since. Calls of an earlier epoch are of no use any more and give
    /// way. `false` if there was nothing to add.
    pub fn add(&mut self, other: Self) -> bool {
        if other.calls == 0 || (self.calls > 0 && other.epoch < self.epoch) {
            return false;
        }

        if self.epoch != other.epoch {
            *self = Self {
                epoch: other.epoch,
                ..Self::default()
            };
        }
        self.calls += other.calls;
        self.slow += other.slow;

        true
    }

    pub(super) fn age_millis(&self) -> u64 {
        u64::try_from(self.age.as_millis()).unwrap_or(u64::MAX)
    }
}

/// The end of one probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeEnd {
    /// The token that the probe was let in with.
    pub token: String,
    /// How it ended.
    pub result: ProbeResult,
}

/// The wish to make a probe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProbeRequest {
    /// A token of its own.
    pub token: String,
    /// Whose call it would be; empty if that is not known.
    pub client: String,
}

/// What an environment reports of a circuit, and asks of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CircuitReport {
    /// Calls that succeeded.
    pub successes: Tally,
    /// Calls that failed.
    pub faults: Tally,
    /// The calls of each client among them, as far as clients are known.
    pub clients: BTreeMap<String, ClientCounts>,
    /// The end of a probe.
    pub probe: Option<ProbeEnd>,
    /// How long the provider asks each client to be left alone; an empty name is a client that is
    /// not known.
    pub cooldowns: BTreeMap<String, Duration>,
    /// Asks to let a probe in.
    pub probe_request: Option<ProbeRequest>,
    /// Asks for it before the opening is over, since no other tier can serve. It is let in `reopen`
    /// after the opening at the earliest.
    pub is_urgent: bool,
}
