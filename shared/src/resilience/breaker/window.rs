//! The calls of a sliding window, by the start of each slot.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A window is kept in this many slots, so that it slides by a fifth of its length: the whole state
/// is read and written with each report.
const SLOTS_PER_WINDOW: u64 = 5;

/// Calls of one slot of the window. In JSON it is an array of the three numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u64; 3]", into = "[u64; 3]")]
pub struct WindowSlot {
    /// Calls that succeeded.
    pub successes: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Calls that succeeded slowly; they are among the successes.
    pub slow: u64,
}

impl From<[u64; 3]> for WindowSlot {
    fn from([successes, failures, slow]: [u64; 3]) -> Self {
        Self {
            successes,
            failures,
            slow,
        }
    }
}

impl From<WindowSlot> for [u64; 3] {
    fn from(slot: WindowSlot) -> Self {
        [slot.successes, slot.failures, slot.slow]
    }
}

impl WindowSlot {
    /// The sum of two slots.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            successes: self.successes + other.successes,
            failures: self.failures + other.failures,
            slow: self.slow + other.slow,
        }
    }

    /// What is left without these calls.
    #[must_use]
    pub const fn less(self, part: Self) -> Self {
        Self {
            successes: self.successes.saturating_sub(part.successes),
            failures: self.failures.saturating_sub(part.failures),
            slow: self.slow.saturating_sub(part.slow),
        }
    }

    /// All calls.
    pub const fn calls(self) -> u64 {
        self.successes + self.failures
    }

    /// Whether a call failed or was slow.
    pub(super) const fn has_bad_calls(self) -> bool {
        self.failures + self.slow > 0
    }

    /// The calls that succeeded in time.
    const fn fast_successes(self) -> Self {
        Self {
            successes: self.successes.saturating_sub(self.slow),
            failures: 0,
            slow: 0,
        }
    }
}

/// When calls ended, and when they are counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallTime {
    /// The start of the slot of their end.
    pub(super) slot: u64,
    /// Their end.
    pub(super) at: u64,
    /// When they are counted.
    pub(super) now: u64,
}

impl CallTime {
    /// Calls that ended some milliseconds ago; none if that was before the window.
    pub(super) fn of_age(age: u64, window: u64, now: u64) -> Option<Self> {
        let at = now.checked_sub(age)?;
        let slot_length = (window / SLOTS_PER_WINDOW).max(1);
        let slot = at - at % slot_length;

        (age < window).then_some(Self { slot, at, now })
    }
}

/// The calls of a sliding window.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallWindow(BTreeMap<u64, WindowSlot>);

impl CallWindow {
    /// The sum of all slots.
    pub fn total(&self) -> WindowSlot {
        let slots = self.0.values().copied();
        slots.fold(WindowSlot::default(), WindowSlot::plus)
    }

    pub(super) fn add(&mut self, slot: u64, calls: WindowSlot) {
        if calls.calls() > 0 {
            let sum = self.0.entry(slot).or_default();
            *sum = sum.plus(calls);
        }
    }

    pub(super) fn forget_old(&mut self, window: u64, now: u64) {
        self.0.retain(|start, _| start.saturating_add(window) > now);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Forgets all but the calls that succeeded in time.
    pub(super) fn clear_bad_calls(&mut self) {
        let slots = std::mem::take(&mut self.0);
        for (start, slot) in slots {
            self.add(start, slot.fast_successes());
        }
    }

    /// Takes over the calls of another window.
    pub(super) fn take_over(&mut self, other: &Self) {
        for (start, slot) in &other.0 {
            self.add(*start, *slot);
        }
    }
}
