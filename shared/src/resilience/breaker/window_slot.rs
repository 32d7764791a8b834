//! The calls of one slot of a circuit's sliding window.

use serde::{Deserialize, Serialize};

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

    /// All calls.
    pub const fn calls(self) -> u64 {
        self.successes + self.failures
    }
}
