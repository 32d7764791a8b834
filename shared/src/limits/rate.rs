//! How fast calls may come, and the verdict of a limit on one of them.

use crate::config::Algorithm;

/// Each environment may let in one part of so many of a limit while Valkey is gone.
const LOCAL_PARTS: u64 = 10;

/// How much in how much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How it is counted.
    pub algorithm: Algorithm,
    /// Calls, or tokens, in a window; at least 1.
    pub limit: u64,
    /// Microseconds.
    pub window: u64,
}

impl Rate {
    /// Microseconds in which a bucket gets one more; rounded up, so that never more than the limit
    /// is let in.
    pub const fn step(&self) -> u64 {
        self.window.div_ceil(self.limit)
    }

    /// The part of it that one environment may let in while Valkey is gone.
    pub(super) fn local_share(self) -> Self {
        let share = |whole: u64| whole.div_ceil(LOCAL_PARTS);
        let algorithm = match self.algorithm {
            Algorithm::TokenBucket { burst } => Algorithm::TokenBucket {
                burst: share(burst),
            },
            Algorithm::SlidingWindow => Algorithm::SlidingWindow,
        };

        Self {
            algorithm,
            limit: share(self.limit),
            window: self.window,
        }
    }
}

/// The question to one limit about one call.
#[derive(Debug, Clone)]
pub struct LimitCheck {
    /// The key under which the calls are counted.
    pub key: String,
    /// The limit's rate.
    pub rate: Rate,
    /// The charge if the call is let in: 1 for a call, or its tokens.
    pub cost: u64,
}

/// The verdict of one limit on a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it lets the call in.
    pub is_admitted: bool,
    /// What is left of the limit afterwards.
    pub remaining: u64,
    /// Microseconds until all of it is free again, if no call comes.
    pub reset: u64,
    /// Microseconds until the same call would be let in; `None` if it never would be.
    pub wait: Option<u64>,
}
