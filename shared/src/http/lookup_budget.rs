//! How often the issuer may be asked for a key that is not known.

use std::time::{Duration, SystemTime};

/// One look-up comes back in this time.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(3);

/// The longest that the budget owes: five look-ups at once.
const MAX_DEBT: Duration = LOOKUP_INTERVAL.saturating_mul(5);

/// A token bucket, as the time at which it is full again. By the wall clock: the monotonic one may
/// stand still while the environment is frozen.
#[derive(Default)]
pub(super) struct LookupBudget {
    full_at: Option<SystemTime>,
}

impl LookupBudget {
    /// Pays for one look-up, or tells how long until it can be paid.
    pub(super) fn take(&mut self, now: SystemTime) -> Result<(), Duration> {
        let left = self.full_at.and_then(|at| at.duration_since(now).ok());
        // A longer time than can be owed means that the clock was set back.
        let debt = left.filter(|left| *left <= MAX_DEBT).unwrap_or_default();

        let debt_after = debt + LOOKUP_INTERVAL;
        let wait = debt_after.saturating_sub(MAX_DEBT);
        if wait > Duration::ZERO {
            return Err(wait);
        }
        self.full_at = Some(now + debt_after);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_at_once_and_then_one_each_interval() {
        let mut budget = LookupBudget::default();
        let start = SystemTime::now();
        for _ in 0..5 {
            assert_eq!(budget.take(start), Ok(()));
        }

        assert_eq!(budget.take(start), Err(LOOKUP_INTERVAL));
        let second = Duration::from_secs(1);
        assert_eq!(budget.take(start + second), Err(second * 2));
        assert_eq!(budget.take(start + LOOKUP_INTERVAL), Ok(()));
        assert_eq!(budget.take(start + LOOKUP_INTERVAL), Err(LOOKUP_INTERVAL));
    }

    #[test]
    fn a_clock_that_is_set_back_owes_nothing() {
        let mut budget = LookupBudget::default();
        let start = SystemTime::now();
        for _ in 0..5 {
            assert_eq!(budget.take(start), Ok(()));
        }
        assert_eq!(budget.take(start - Duration::from_hours(1)), Ok(()));
    }
}
