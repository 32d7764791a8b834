//! The two algorithms in this process, on a clock that is given, in microseconds since 1970.
//!
//! `limits.lua` does the same on the server, step for step. This one decides where no Valkey is
//! configured, and while it is gone, for those limits that fail local.

use std::collections::{HashMap, VecDeque};

use super::rate::{Fill, LimitCheck, Rate, Verdict};
use crate::config::Algorithm;

/// Keys that are kept.
const MAX_KEYS: usize = 10_000;

/// Keys that are left when there were too many, so that not every call has to look through them.
const KEYS_AFTER_PRUNING: usize = MAX_KEYS / 4 * 3;

/// The usage under one key.
enum Usage {
    Bucket(BucketUsage),
    Window(WindowUsage),
}

#[derive(Clone, Copy)]
struct BucketUsage {
    fill: Fill,
    /// When the bucket is full again, in the ticks of `fill`.
    full_at: u128,
}

#[derive(Default)]
struct WindowUsage {
    /// The calls that were let in, oldest first.
    admitted: VecDeque<AdmittedCall>,
    /// When the last of them leaves the window.
    in_use_until: u64,
}

/// The calls of one grain of the rate's: all that came in it, at the time of the last.
struct AdmittedCall {
    at: u64,
    cost: u64,
}

/// Counts by key. When there are many, keys that are not in use any more give way, and if those are
/// not enough, those that would be free soonest.
#[derive(Default)]
pub struct LocalLimiter {
    usage: HashMap<String, Usage>,
}

impl LocalLimiter {
    /// Decides several limits of one call together: all of them, or none. Their keys differ.
    pub fn decide(&mut self, checks: &[LimitCheck], now: u64) -> Vec<Verdict> {
        self.forget_unused(now);

        let verdicts = checks.iter().map(|check| self.check(check, now));
        let mut verdicts: Vec<_> = verdicts.collect();
        let is_admitted = verdicts.iter().all(|verdict| verdict.is_admitted);

        for (check, verdict) in checks.iter().zip(&mut verdicts) {
            if is_admitted {
                self.charge(check, now);
            } else if verdict.is_admitted {
                verdict.remaining += check.cost; // it is not charged after all
            }
        }
        verdicts
    }

    /// Moves the time at which a bucket is full again by `shift` ticks of how the rate fills; a
    /// negative number gives back.
    pub fn settle(&mut self, key: &str, rate: &Rate, shift: i128, now: u64) {
        let unused = BucketUsage::unused(rate);
        let usage = self.usage.entry(key.to_owned());

        if let Usage::Bucket(bucket) = usage.or_insert(Usage::Bucket(unused)) {
            let since = bucket.full_at.max(bucket.fill.ticks_in(now));
            bucket.full_at = since.saturating_add_signed(shift);
        }
    }

    /// A key of an abandoned client frees itself when its limit is free again.
    fn forget_unused(&mut self, now: u64) {
        if self.usage.len() <= MAX_KEYS {
            return;
        }

        self.usage.retain(|_, usage| usage.in_use_until() > now);
        if self.usage.len() > KEYS_AFTER_PRUNING {
            self.forget_soonest_free();
        }
    }

    /// A client that makes up keys, such as addresses, must not fill the memory.
    fn forget_soonest_free(&mut self) {
        let times = self.usage.values().map(Usage::in_use_until);
        let mut times: Vec<_> = times.collect();
        let excess = times.len() - KEYS_AFTER_PRUNING;
        let (_, last_to_go, _) = times.select_nth_unstable(excess - 1);

        let last_to_go = *last_to_go;
        self.usage
            .retain(|_, usage| usage.in_use_until() > last_to_go);
    }

    fn check(&mut self, check: &LimitCheck, now: u64) -> Verdict {
        let usage = self.usage.get_mut(&check.key);
        match (check.rate.algorithm, usage) {
            (Algorithm::TokenBucket { burst }, Some(Usage::Bucket(bucket))) => {
                bucket.check(check, burst, now)
            }
            (Algorithm::TokenBucket { burst }, _) => {
                BucketUsage::unused(&check.rate).check(check, burst, now)
            }
            (Algorithm::SlidingWindow, Some(Usage::Window(window))) => {
                window.drop_expired(&check.rate, now);
                window.check(check, now)
            }
            (Algorithm::SlidingWindow, _) => WindowUsage::default().check(check, now),
        }
    }

    fn charge(&mut self, check: &LimitCheck, now: u64) {
        let LimitCheck { key, rate, cost } = check;
        if *cost == 0 {
            return;
        }

        let unused = match rate.algorithm {
            Algorithm::TokenBucket { .. } => Usage::Bucket(BucketUsage::unused(rate)),
            Algorithm::SlidingWindow => Usage::Window(WindowUsage::default()),
        };
        match self.usage.entry(key.clone()).or_insert(unused) {
            Usage::Bucket(bucket) => bucket.charge(*cost, now),
            Usage::Window(window) => window.charge(rate, *cost, now),
        }
    }
}

impl BucketUsage {
    fn unused(rate: &Rate) -> Self {
        Self {
            fill: rate.fill(),
            full_at: 0,
        }
    }

    fn check(self, check: &LimitCheck, burst: u64, now: u64) -> Verdict {
        let Self { fill, .. } = self;
        let now = fill.ticks_in(now);
        let debt = self.full_at.saturating_sub(now);
        let debt_after = debt + fill.ticks_of(check.cost);
        let room = fill.ticks_of(burst);
        let remaining = |debt: u128| {
            let left = room.saturating_sub(debt) / u128::from(fill.step);
            u64::try_from(left).unwrap_or(u64::MAX)
        };

        if check.cost <= burst && debt_after <= room {
            return Verdict {
                is_admitted: true,
                remaining: remaining(debt_after),
                reset: fill.micros_of(debt_after),
                wait: Some(0),
            };
        }

        // A cost above the burst would never be let in.
        let wait = (check.cost <= burst).then(|| fill.micros_of(debt_after - room));
        Verdict {
            is_admitted: false,
            remaining: remaining(debt),
            reset: fill.micros_of(debt),
            wait,
        }
    }

    fn charge(&mut self, cost: u64, now: u64) {
        let since = self.full_at.max(self.fill.ticks_in(now));
        self.full_at = since + self.fill.ticks_of(cost);
    }
}

impl WindowUsage {
    fn drop_expired(&mut self, rate: &Rate, now: u64) {
        let is_expired = |call: &AdmittedCall| call.at + rate.window <= now;
        while self.admitted.front().is_some_and(is_expired) {
            self.admitted.pop_front();
        }
    }

    /// Of a window whose expired calls were dropped.
    fn check(&self, check: &LimitCheck, now: u64) -> Verdict {
        let LimitCheck { rate, cost, .. } = check;
        let used: u64 = self.admitted.iter().map(|call| call.cost).sum();
        let used_after = used.saturating_add(*cost);
        let newest = self.admitted.back();
        let reset = newest.map_or(0, |call| call.at + rate.window - now);

        if used_after <= rate.limit {
            return Verdict {
                is_admitted: true,
                remaining: rate.limit - used_after,
                reset: if *cost > 0 { rate.window } else { reset },
                wait: Some(0),
            };
        }

        // A cost above the limit would never be let in.
        let excess = used_after - rate.limit;
        let wait = (*cost <= rate.limit).then(|| self.time_until_free(excess, rate, now));
        Verdict {
            is_admitted: false,
            remaining: rate.limit.saturating_sub(used),
            reset,
            wait,
        }
    }

    /// Calls of one grain are one entry, at the time of the last.
    fn charge(&mut self, rate: &Rate, cost: u64, now: u64) {
        let grain = rate.grain();
        let newest = self.admitted.back_mut();

        match newest.filter(|newest| newest.at / grain == now / grain) {
            Some(newest) => {
                newest.at = newest.at.max(now);
                newest.cost += cost;
            }
            None => self.admitted.push_back(AdmittedCall { at: now, cost }),
        }
        self.in_use_until = now + rate.window;
    }

    /// Microseconds until calls of so much cost have left the window.
    fn time_until_free(&self, excess: u64, rate: &Rate, now: u64) -> u64 {
        let mut must_leave = excess;
        let last_to_leave = self.admitted.iter().find(|call| {
            must_leave = must_leave.saturating_sub(call.cost);
            must_leave == 0
        });

        last_to_leave.map_or(0, |call| call.at + rate.window - now)
    }
}

impl Usage {
    /// Microseconds since 1970.
    fn in_use_until(&self) -> u64 {
        match self {
            Self::Bucket(bucket) => bucket.fill.micros_of(bucket.full_at),
            Self::Window(window) => window.in_use_until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000_000_000;

    fn check(key: usize, cost: u64) -> [LimitCheck; 1] {
        let rate = Rate {
            algorithm: Algorithm::TokenBucket { burst: 100 },
            limit: 100,
            window: 60_000_000,
        };
        let key = format!("key-{key}");
        [LimitCheck { key, rate, cost }]
    }

    #[test]
    fn made_up_keys_do_not_fill_the_memory() {
        let mut local = LocalLimiter::default();
        local.decide(&check(0, 100), NOW);

        for key in 1..3 * MAX_KEYS {
            local.decide(&check(key, 1), NOW);
            assert!(local.usage.len() <= MAX_KEYS + 1);
        }
        let refused = local.decide(&check(0, 1), NOW);
        assert!(!refused[0].is_admitted, "what is used up stays so");
    }
}
