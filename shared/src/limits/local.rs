//! The two algorithms in this process, on a clock that is given, in microseconds since 1970.
//!
//! `limits.lua` does the same on the server, step for step. This one decides while there is no
//! Valkey, for those limits that fail local.

use std::collections::{HashMap, VecDeque};

use super::rate::{LimitCheck, Rate, Verdict};
use crate::config::Algorithm;

/// Keys that are kept before those that are not in use give way.
const MAX_KEYS: usize = 10_000;

/// The usage under one key.
enum Usage {
    Bucket(BucketUsage),
    Window(WindowUsage),
}

#[derive(Clone, Copy, Default)]
struct BucketUsage {
    /// When the bucket is full again.
    full_at: u64,
}

#[derive(Default)]
struct WindowUsage {
    /// The calls that were let in, oldest first.
    admitted: VecDeque<AdmittedCall>,
    /// When the last of it leaves the window.
    in_use_until: u64,
}

struct AdmittedCall {
    at: u64,
    cost: u64,
}

/// Counts by key. Keys that are not in use any more give way when there are many.
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

    /// Moves the time at which a bucket is full from the charged to the owed time, in microseconds.
    pub fn settle(&mut self, key: &str, charged: u64, owed: u64) {
        if let Some(Usage::Bucket(bucket)) = self.usage.get_mut(key) {
            bucket.full_at = bucket.full_at.saturating_sub(charged).saturating_add(owed);
        }
    }

    /// A key of an abandoned client frees itself when its limit is free again.
    fn forget_unused(&mut self, now: u64) {
        if self.usage.len() > MAX_KEYS {
            self.usage.retain(|_, usage| usage.is_in_use(now));
        }
    }

    fn check(&mut self, check: &LimitCheck, now: u64) -> Verdict {
        let usage = self.usage.get_mut(&check.key);
        match (check.rate.algorithm, usage) {
            (Algorithm::TokenBucket { burst }, Some(Usage::Bucket(bucket))) => {
                bucket.check(check, burst, now)
            }
            (Algorithm::TokenBucket { burst }, _) => {
                BucketUsage::default().check(check, burst, now)
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
            Algorithm::TokenBucket { .. } => Usage::Bucket(BucketUsage::default()),
            Algorithm::SlidingWindow => Usage::Window(WindowUsage::default()),
        };
        match self.usage.entry(key.clone()).or_insert(unused) {
            Usage::Bucket(bucket) => {
                bucket.full_at = now.max(bucket.full_at) + cost * rate.step();
            }
            Usage::Window(window) => {
                window.admitted.push_back(AdmittedCall {
                    at: now,
                    cost: *cost,
                });
                window.in_use_until = now + rate.window;
            }
        }
    }
}

impl BucketUsage {
    fn check(self, check: &LimitCheck, burst: u64, now: u64) -> Verdict {
        let step = check.rate.step();
        let full_at = now.max(self.full_at);
        let full_at_after = full_at.saturating_add(check.cost.saturating_mul(step));
        let latest = now.saturating_add(burst.saturating_mul(step));
        let left = |full_at: u64| latest.saturating_sub(full_at) / step;

        if check.cost <= burst && full_at_after <= latest {
            return Verdict {
                is_admitted: true,
                remaining: left(full_at_after),
                reset: full_at_after - now,
                wait: Some(0),
            };
        }

        // A cost above the burst would never be let in.
        let wait = (check.cost <= burst).then(|| full_at_after - latest);
        Verdict {
            is_admitted: false,
            remaining: left(full_at),
            reset: full_at - now,
            wait,
        }
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
    fn is_in_use(&self, now: u64) -> bool {
        let until = match self {
            Self::Bucket(bucket) => bucket.full_at,
            Self::Window(window) => window.in_use_until,
        };
        until > now
    }
}
