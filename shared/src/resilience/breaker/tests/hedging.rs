//! Calls that hedging overtakes: what their dropped permits say about the tier.

use std::time::Duration;

use crate::deadline::Deadline;
use crate::resilience::breaker::state::Phase;
use crate::resilience::breaker::{Admission, BreakerSettings, Breakers, Permit};
use crate::resilience::hedge::HedgeBudget;

/// A tier's circuit, which slow calls open, in one environment.
struct HedgedTier {
    breakers: Breakers,
}

impl HedgedTier {
    fn new(slow_after: f64) -> Self {
        let settings = BreakerSettings {
            minimum_calls: 20,
            slow_after,
            ..BreakerSettings::default()
        };
        Self {
            breakers: Breakers::new(None, [("p", settings)]),
        }
    }

    async fn permit(&self) -> Permit {
        let circuit = self.breakers.circuit("p").unwrap();
        match circuit.admit("", soon()).await {
            Admission::Granted(permit) => permit,
            Admission::Refused(refusal) => panic!("{:?}", refusal.reason),
        }
    }

    fn phase(&self) -> Phase {
        self.breakers.circuit("p").unwrap().view().phase
    }

    fn counted_calls(&self) -> u64 {
        let circuit = self.breakers.circuit("p").unwrap();
        let snapshot = circuit.snapshot();
        snapshot.state.window_total().calls()
    }
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(5))
}

/// However small `hedge_after` is.
#[tokio::test]
async fn a_call_overtaken_before_it_is_slow_counts_not_at_all() {
    let tier = HedgedTier::new(3_600.0);
    for _ in 0..50 {
        drop(tier.permit().await);
    }
    assert_eq!(tier.counted_calls(), 0);
    assert_eq!(tier.phase(), Phase::Closed);
}

/// A call that has been silent for `slow_after` was slow, and one that has begun to answer was not.
#[tokio::test]
async fn a_call_overtaken_after_it_is_slow_counts_as_slow() {
    let tier = HedgedTier::new(0.001);
    let slow_after = Deadline::after(Duration::from_millis(2));
    let mut permits = Vec::new();
    for _ in 0..40 {
        permits.push(tier.permit().await);
    }
    while !slow_after.remaining().is_zero() {
        tokio::task::yield_now().await;
    }

    for mut permit in permits.split_off(20) {
        permit.mark_responding();
    }
    assert_eq!(tier.counted_calls(), 0, "they had begun to answer");
    drop(permits);
    assert_eq!(tier.phase(), Phase::Open);
}

/// The calls that the budget leaves alone show how slow a tier is.
#[tokio::test]
async fn hedging_within_its_budget_hides_no_slow_tier() {
    let tier = HedgedTier::new(8.0);
    let budget = HedgeBudget::new(0.05);
    let mut overtaken = 0;
    for _ in 0..21 {
        let permit = tier.permit().await;
        budget.deposit();
        if budget.try_withdraw() {
            overtaken += 1;
            drop(permit);
        } else {
            permit.record_success(Duration::from_secs(9), soon()).await;
        }
    }

    assert_eq!(overtaken, 1);
    assert_eq!(tier.phase(), Phase::Open);
}
