//! The real cost of a call, which replaces what it was charged by an estimate.

use std::time::SystemTime;

use super::client::Client;
use super::decision::DecisionMode;
use super::rate::Rate;
use super::script::SettleRequest;

/// The most that one call is charged.
pub(super) const MAX_COST: u64 = 1_000_000_000;

/// An estimated charge of a call whose real cost was not known yet.
#[derive(Debug, Clone, Copy)]
pub struct Charge {
    /// The cost that the limit was asked for.
    pub cost: u64,
    /// When the limit was asked.
    pub at: SystemTime,
    /// The mode of the decision: a charge that no count holds is not given back.
    pub mode: DecisionMode,
}

/// The real cost of a call, which replaces its estimated charge.
#[derive(Clone, Copy)]
pub struct Settlement<'a> {
    /// The limit's name.
    pub limit: &'a str,
    /// The client that was charged.
    pub client: Client<'a>,
    /// The estimated charge.
    pub charge: Charge,
    /// The real cost: calls or tokens.
    pub cost: u64,
}

/// A settlement of a bucket that Valkey counts. By how much it moves the bucket depends on when it
/// is sent: more may have come back by itself by then.
pub(super) struct OwedSettlement {
    pub(super) key: String,
    pub(super) rate: Rate,
    pub(super) charge: Charge,
    pub(super) cost: u64,
}

impl OwedSettlement {
    /// The question for Valkey by now; `None` if it moves nothing.
    pub(super) fn into_request(self) -> Option<SettleRequest> {
        let shift = time_shift(&self.rate, self.charge, self.cost);
        let scale = self.rate.fill().scale;
        let key = self.key;
        (shift != 0).then_some(SettleRequest { key, shift, scale })
    }
}

/// How much later a bucket is full, in ticks, if it is charged `cost` instead of its `charge`. What
/// has come back by itself since then moves nothing.
pub(super) fn time_shift(rate: &Rate, charge: Charge, cost: u64) -> i128 {
    let fill = rate.fill();
    let elapsed = charge.at.elapsed().unwrap_or_default();
    let elapsed = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);

    let owed = |cost: u64| {
        let ticks = fill.ticks_of(cost.min(MAX_COST));
        let left = ticks.saturating_sub(fill.ticks_in(elapsed));
        i128::try_from(left).unwrap_or(i128::MAX)
    };
    owed(cost) - owed(charge.cost)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Algorithm;

    /// A thousand a minute, of which a call that was charged nothing has used all.
    fn settlement_of(age: Duration) -> OwedSettlement {
        let rate = Rate {
            algorithm: Algorithm::TokenBucket { burst: 1_000 },
            limit: 1_000,
            window: 60_000_000,
        };
        let charge = Charge {
            cost: 0,
            at: SystemTime::now() - age,
            mode: DecisionMode::Shared,
        };

        OwedSettlement {
            key: "key".to_owned(),
            rate,
            charge,
            cost: 1_000,
        }
    }

    /// An environment may be frozen in between.
    #[test]
    fn what_is_owed_shrinks_until_it_is_sent() {
        let shift = |age| settlement_of(age).into_request().map(|sent| sent.shift);
        let fresh = shift(Duration::ZERO).unwrap();
        let later = shift(Duration::from_secs(40)).unwrap();

        assert!(0 < later && later <= fresh / 2, "{later} of {fresh}");
        assert_eq!(shift(Duration::from_mins(1)), None);
    }
}
