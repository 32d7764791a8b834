//! How many extra calls hedging may make.
//!
//! Asking a second provider before the first has answered cuts the slowest calls ("The tail at scale", Dean and Barroso,
//! 2013), and doubles the load exactly when a provider is slow, unless it is bounded. Every call earns a share of an extra
//! one; an extra call spends a whole one.

use std::sync::Mutex;

/// The most extra calls that can be saved up, so that a long quiet time does not end in a burst.
const MOST_SAVED: f64 = 10.0;

/// The budget of one environment.
///
/// ```
/// use wenzhen::resilience::hedge::Budget;
///
/// let budget = Budget::new(0.5);
/// budget.earn();
/// assert!(!budget.spend(), "half an extra call is none");
/// budget.earn();
/// assert!(budget.spend());
/// assert!(!budget.spend());
/// ```
pub struct Budget {
    share: f64,
    saved: Mutex<f64>,
}

impl Budget {
    /// `share` is the number of extra calls for each call, such as 0.05.
    pub fn new(share: f64) -> Self {
        Self {
            share,
            saved: Mutex::new(0.0),
        }
    }

    /// A call is made.
    pub fn earn(&self) {
        let mut saved = self.saved();
        *saved = (*saved + self.share).min(MOST_SAVED);
    }

    /// Takes an extra call out of the budget, if there is one.
    pub fn spend(&self) -> bool {
        let mut saved = self.saved();
        // Twenty times 0.05 is a little less than one.
        let enough = *saved >= 1.0 - 1e-9;
        if enough {
            *saved -= 1.0;
        }
        enough
    }

    fn saved(&self) -> std::sync::MutexGuard<'_, f64> {
        // A number cannot be left half written, so a panic elsewhere is no reason to stop.
        self.saved
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_in_twenty_may_be_doubled() {
        let budget = Budget::new(0.05);
        let extra = (0..1_000).filter(|_| {
            budget.earn();
            budget.spend()
        });
        assert_eq!(extra.count(), 50);
    }

    #[test]
    fn a_quiet_time_does_not_end_in_a_burst() {
        let budget = Budget::new(1.0);
        (0..1_000).for_each(|_| budget.earn());
        assert_eq!((0..1_000).filter(|_| budget.spend()).count(), 10);
    }
}
