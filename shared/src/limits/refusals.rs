//! Keys that were refused a moment ago: until their time a flood of calls costs no round trip.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use super::rate::LimitCheck;

/// Refused keys that are remembered.
const MAX_REFUSALS: usize = 10_000;

/// The refusals that one environment remembers.
#[derive(Default)]
pub(super) struct RecentRefusals {
    by_key: Mutex<HashMap<String, Refusal>>,
}

/// When a refusal ends, and the cost of the call that was refused. A call of a smaller cost may get
/// in sooner.
#[derive(Clone, Copy)]
struct Refusal {
    until: SystemTime,
    wait: Duration,
    cost: u64,
}

impl Refusal {
    /// The time that is left. A longer one than the refusal began with means that the clock was set
    /// back: then the refusal is over.
    fn remaining(&self) -> Option<Duration> {
        let remaining = self.until.duration_since(SystemTime::now()).ok()?;
        (remaining <= self.wait).then_some(remaining)
    }
}

impl RecentRefusals {
    /// How long the call is still refused; `None` if it must be decided.
    pub(super) fn find(&self, check: &LimitCheck) -> Option<Duration> {
        let by_key = self.by_key.lock();
        let refusal = by_key.get(&check.key)?;
        if refusal.cost > check.cost {
            return None;
        }

        refusal.remaining()
    }

    /// Remembers that the call was refused for `wait`, unless there are too many refusals.
    pub(super) fn remember(&self, check: &LimitCheck, wait: Duration) {
        let mut by_key = self.by_key.lock();
        let now = SystemTime::now();
        if by_key.len() >= MAX_REFUSALS {
            by_key.retain(|_, refusal| refusal.until > now);
        }
        if by_key.len() >= MAX_REFUSALS {
            return;
        }

        let refusal = Refusal {
            until: now + wait,
            wait,
            cost: check.cost,
        };
        by_key.insert(check.key.clone(), refusal);
    }
}
