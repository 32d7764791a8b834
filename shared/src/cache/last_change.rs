//! How long ago what an entry is made of changed, as the epochs of its tags tell.

use std::time::Duration;

/// Microseconds of a millisecond: epochs are the server's time in the former.
const MICROS_PER_MILLI: u64 = 1_000;

/// How long ago a tag of an entry was invalidated, if that is known. A loader that reads from a
/// copy which lags behind has to know it: what it reads there is kept under the newest epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastChange(Option<Duration>);

impl LastChange {
    /// By the epochs that Valkey gave, and its clock in milliseconds; without them nothing is
    /// known.
    pub(super) fn of_epochs(epochs: &str, now: u64) -> Self {
        let read = |epoch: &str| epoch.parse::<u64>().ok();
        let epochs: Option<Vec<u64>> = epochs.split(',').map(read).collect();

        let newest = epochs.and_then(|epochs| epochs.into_iter().max());
        Self(newest.map(|newest| {
            let age = now.saturating_sub(newest / MICROS_PER_MILLI);
            Duration::from_millis(age)
        }))
    }

    /// Whether nothing has changed for so long.
    pub fn is_before(self, age: Duration) -> bool {
        self.0.is_some_and(|known| known > age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000_000;

    fn is_settled(epochs: &str) -> bool {
        LastChange::of_epochs(epochs, NOW).is_before(Duration::from_secs(10))
    }

    #[test]
    fn the_newest_change_counts() {
        let at = |seconds: u64| ((NOW - seconds * 1_000) * 1_000).to_string();

        assert!(is_settled("0"), "there was none that is remembered");
        assert!(is_settled(&at(11)));
        assert!(!is_settled(&at(9)));
        assert!(!is_settled(&format!("{},{}", at(100), at(1))));
        assert!(is_settled(&format!("0,{}", at(100))));
        assert!(
            !is_settled(&((NOW + 5) * 1_000).to_string()),
            "clocks differ"
        );
    }

    #[test]
    fn what_is_not_known_may_have_changed() {
        for epochs in ["", "x", "0,", "1.5"] {
            assert!(!is_settled(epochs), "{epochs}");
        }
    }
}
