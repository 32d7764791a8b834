//! The two algorithms in this process, on a clock that is given, in microseconds since 1970.
//!
//! `limits.lua` does the same on the server, step for step. This one decides while there is no Valkey, for those limits that
//! say so.

use std::collections::{HashMap, VecDeque};

use super::Rate;
use crate::config::Algorithm;

/// What one limit says of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it lets the call in.
    pub is_admitted: bool,
    /// What is left of the limit afterwards.
    pub remaining: u64,
    /// Microseconds until all of it is free again, if nobody calls.
    pub reset: u64,
    /// Microseconds until the same call would be let in; none if it never would be.
    pub wait: Option<u64>,
}

/// What is known of one key.
enum Usage {
    /// When the bucket is full again.
    Bucket(u64),
    /// What was admitted when, oldest first, at what cost; and when the last of it leaves the window.
    Window(VecDeque<(u64, u64)>, u64),
}

/// Usage by key. Keys that are not in use any more give way when there are many.
#[derive(Default)]
pub struct Machine {
    usage: HashMap<String, Usage>,
}

/// Keys that are kept; a key of an abandoned client frees itself when its limit is free again.
const MOST_KEYS: usize = 10_000;

impl Machine {
    /// Decides several limits of one call together: all of them, or none. Their keys differ.
    pub fn decide(&mut self, calls: &[(String, Rate, u64)], now: u64) -> Vec<Verdict> {
        if self.usage.len() > MOST_KEYS {
            self.usage.retain(|_, usage| usage.is_in_use(now));
        }
        let mut verdicts: Vec<_> = calls
            .iter()
            .map(|(key, rate, cost)| self.look(key, rate, *cost, now))
            .collect();
        let all = verdicts.iter().all(|verdict| verdict.is_admitted);
        for ((key, rate, cost), verdict) in calls.iter().zip(&mut verdicts) {
            if all {
                self.commit(key, rate, *cost, now);
            } else if verdict.is_admitted {
                verdict.remaining += cost;
            }
        }
        verdicts
    }

    /// Moves a bucket's time by what was charged too much or too little, in microseconds.
    pub fn settle(&mut self, key: &str, charged: u64, owed: u64) {
        if let Some(Usage::Bucket(full_at)) = self.usage.get_mut(key) {
            *full_at = full_at.saturating_sub(charged).saturating_add(owed);
        }
    }

    fn look(&mut self, key: &str, rate: &Rate, cost: u64, now: u64) -> Verdict {
        match rate.algorithm {
            Algorithm::TokenBucket { burst } => self.look_at_bucket(key, rate, burst, cost, now),
            Algorithm::SlidingWindow => self.look_at_window(key, rate, cost, now),
        }
    }

    fn look_at_bucket(&self, key: &str, rate: &Rate, burst: u64, cost: u64, now: u64) -> Verdict {
        let full_at = match self.usage.get(key) {
            Some(Usage::Bucket(full_at)) => now.max(*full_at),
            _ => now,
        };
        let step = rate.step();
        let (room, after) = (
            burst.saturating_mul(step),
            full_at.saturating_add(cost.saturating_mul(step)),
        );
        let left = |used_until: u64| now.saturating_add(room).saturating_sub(used_until) / step;
        if cost > burst {
            return Verdict {
                is_admitted: false,
                remaining: left(full_at),
                reset: full_at - now,
                wait: None,
            };
        }
        if after > now.saturating_add(room) {
            let wait = Some(after - room - now);
            return Verdict {
                is_admitted: false,
                remaining: left(full_at),
                reset: full_at - now,
                wait,
            };
        }
        Verdict {
            is_admitted: true,
            remaining: left(after),
            reset: after - now,
            wait: Some(0),
        }
    }

    fn look_at_window(&mut self, key: &str, rate: &Rate, cost: u64, now: u64) -> Verdict {
        let empty = VecDeque::new();
        if let Some(Usage::Window(entries, _)) = self.usage.get_mut(key) {
            while entries
                .front()
                .is_some_and(|(at, _)| at + rate.window <= now)
            {
                entries.pop_front();
            }
        }
        let entries = if let Some(Usage::Window(entries, _)) = self.usage.get(key) {
            entries
        } else {
            &empty
        };
        let used: u64 = entries.iter().map(|(_, cost)| cost).sum();
        let reset = entries.back().map_or(0, |(at, _)| at + rate.window - now);
        if used.saturating_add(cost) <= rate.limit {
            let reset = if cost > 0 { rate.window } else { reset };
            return Verdict {
                is_admitted: true,
                remaining: rate.limit - used - cost,
                reset,
                wait: Some(0),
            };
        }
        let mut must_leave = used.saturating_add(cost) - rate.limit;
        let wait = (cost <= rate.limit).then(|| {
            let enough = entries.iter().find(|(_, cost)| {
                must_leave = must_leave.saturating_sub(*cost);
                must_leave == 0
            });
            enough.map_or(0, |(at, _)| at + rate.window - now)
        });
        Verdict {
            is_admitted: false,
            remaining: rate.limit.saturating_sub(used),
            reset,
            wait,
        }
    }

    fn commit(&mut self, key: &str, rate: &Rate, cost: u64, now: u64) {
        if cost == 0 {
            return;
        }
        let new = match rate.algorithm {
            Algorithm::TokenBucket { .. } => Usage::Bucket(0),
            Algorithm::SlidingWindow => Usage::Window(VecDeque::new(), 0),
        };
        match self.usage.entry(key.to_owned()).or_insert(new) {
            Usage::Bucket(full_at) => *full_at = now.max(*full_at) + cost * rate.step(),
            Usage::Window(entries, until) => {
                entries.push_back((now, cost));
                *until = now + rate.window;
            }
        }
    }
}

impl Usage {
    fn is_in_use(&self, now: u64) -> bool {
        match self {
            Self::Bucket(until) | Self::Window(_, until) => *until > now,
        }
    }
}
