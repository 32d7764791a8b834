//! How many extra calls hedging may make.
//!
//! Asking a second provider before the first has answered cuts the slowest calls ("The tail at
//! scale", Dean and Barroso, 2013), and doubles the load exactly when a provider is slow, unless it
//! is bounded. Every call deposits a share of an extra call; an extra call withdraws a whole one.

use parking_lot::{Mutex, MutexGuard};

/// The most extra calls that can be saved up, so that a long quiet time does not end in a burst.
const MAX_BALANCE: f64 = 10.0;

/// What a sum of deposits may lack to one extra call: twenty times 0.05 is a little less than one.
const ROUNDING_ERROR: f64 = 1e-9;

/// The budget of one environment.
///
/// ```
/// use wenzhen::resilience::hedge::HedgeBudget;
///
/// let budget = HedgeBudget::new(0.5);
/// budget.deposit();
/// assert!(!budget.try_withdraw(), "half an extra call is none");
/// budget.deposit();
/// assert!(budget.try_withdraw());
/// assert!(!budget.try_withdraw());
/// ```
pub struct HedgeBudget {
    share: f64,
    balance: Mutex<f64>,
}

impl HedgeBudget {
    /// `share` is the number of extra calls for each call, such as 0.05.
    pub fn new(share: f64) -> Self {
        Self {
            share,
            balance: Mutex::new(0.0),
        }
    }

    /// Adds the share of one call.
    pub fn deposit(&self) {
        let mut balance = self.lock_balance();
        *balance = (*balance + self.share).min(MAX_BALANCE);
    }

    /// Takes an extra call out of the budget, if there is one.
    pub fn try_withdraw(&self) -> bool {
        let mut balance = self.lock_balance();
        let is_enough = *balance >= 1.0 - ROUNDING_ERROR;
        if is_enough {
            *balance -= 1.0;
        }

        is_enough
    }

    fn lock_balance(&self) -> MutexGuard<'_, f64> {
        self.balance.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_in_twenty_may_be_doubled() {
        let budget = HedgeBudget::new(0.05);
        let extra_calls = (0..1_000).filter(|_| {
            budget.deposit();
            budget.try_withdraw()
        });
        assert_eq!(extra_calls.count(), 50);
    }

    #[test]
    fn a_quiet_time_does_not_end_in_a_burst() {
        let budget = HedgeBudget::new(1.0);
        (0..1_000).for_each(|_| budget.deposit());

        let extra_calls = (0..1_000).filter(|_| budget.try_withdraw());
        assert_eq!(extra_calls.count(), 10);
    }
}
