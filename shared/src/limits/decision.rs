//! The outcome for a call, and how its client is told: `RateLimit` and `RateLimit-Policy` (IETF
//! draft-ietf-httpapi-ratelimit-headers).

use std::time::Duration;

use super::limit::Limit;
use super::rate::Verdict;
use crate::error::Error;

/// When to come back to a limit that fails closed.
const CLOSED_RETRY_DELAY: Duration = Duration::from_secs(2);

/// Whose counts have decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecisionMode {
    /// The fleet's counts.
    Shared,
    /// This environment's own: Valkey is gone, or none is configured.
    Local,
    /// None: Valkey is gone, and every call is let in.
    Open,
    /// None: Valkey is gone, and no call is let in.
    Closed,
}

impl DecisionMode {
    /// As the header `x-ratelimit-mode` and metrics call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Local => "local",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// How a caller stands with one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitStatus {
    name: &'static str,
    limit: u64,
    window: Duration,
    remaining: u64,
    reset: Duration,
    wait: Wait,
}

/// How long a call has to wait; the longer, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wait {
    /// It is let in.
    None,
    /// It is refused until then.
    For(Duration),
    /// It costs more than the limit allows at once.
    Forever,
}

impl LimitStatus {
    pub(super) fn new(limit: &Limit, verdict: &Verdict) -> Self {
        let wait = match verdict.wait {
            _ if verdict.is_admitted => Wait::None,
            Some(wait) => Wait::For(Duration::from_micros(wait)),
            None => Wait::Forever,
        };

        Self {
            name: limit.name,
            limit: limit.rate.limit,
            window: Duration::from_micros(limit.rate.window),
            remaining: verdict.remaining,
            reset: Duration::from_micros(verdict.reset),
            wait,
        }
    }

    /// That of a limit that is known to be used up for `wait`.
    pub(super) fn refused(limit: &Limit, wait: Duration) -> Self {
        Self {
            name: limit.name,
            limit: limit.rate.limit,
            window: Duration::from_micros(limit.rate.window),
            remaining: 0,
            reset: wait,
            wait: Wait::For(wait),
        }
    }

    /// That of a limit that fails closed.
    pub(super) fn closed(limit: &Limit) -> Self {
        Self::refused(limit, CLOSED_RETRY_DELAY)
    }

    fn policy_item(&self) -> String {
        let (name, limit) = (self.name, self.limit);
        let window = self.window.as_secs().max(1);
        format!("\"{name}\";q={limit};w={window}")
    }

    fn remaining_item(&self) -> String {
        let (name, remaining) = (self.name, self.remaining);
        let reset = self.reset.as_secs() + u64::from(self.reset.subsec_nanos() > 0);
        format!("\"{name}\";r={remaining};t={reset}")
    }
}

/// Whether a call may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    statuses: Vec<LimitStatus>,
    mode: DecisionMode,
}

impl Decision {
    pub(super) const fn new(statuses: Vec<LimitStatus>, mode: DecisionMode) -> Self {
        Self { statuses, mode }
    }

    /// That of a call that no limit applies to.
    pub(super) const fn unlimited() -> Self {
        Self::new(Vec::new(), DecisionMode::Shared)
    }

    /// Whether it may be made.
    pub fn is_admitted(&self) -> bool {
        self.waits().all(|wait| wait == Wait::None)
    }

    /// Whose counts have decided.
    pub const fn mode(&self) -> DecisionMode {
        self.mode
    }

    /// The limit that refuses it the longest, if one does.
    pub fn refused_by(&self) -> Option<&'static str> {
        let refusing = self
            .statuses
            .iter()
            .filter(|status| status.wait > Wait::None);
        let longest = refusing.max_by_key(|status| status.wait);
        longest.map(|status| status.name)
    }

    /// When the same call would be let in; `None` if it is, or never would be.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.waits().max() {
            Some(Wait::For(wait)) => Some(wait),
            _ => None,
        }
    }

    /// The error for a call that may not be made.
    pub fn refusal(&self) -> Option<Error> {
        let limit = self.refused_by()?;
        let wait = self.retry_after();
        if self.mode == DecisionMode::Closed {
            let wait = wait.unwrap_or_default();
            let reason = "Valkey is gone, and the limit is closed without it";
            return Some(Error::unavailable("The rate limiter", wait, reason));
        }

        Some(Error::too_many(limit, wait))
    }

    /// `RateLimit-Policy`: each limit and its window in seconds.
    pub fn policy(&self) -> String {
        let items: Vec<_> = self.statuses.iter().map(LimitStatus::policy_item).collect();
        items.join(", ")
    }

    /// `RateLimit`: what is left of each limit, and in how many seconds all of it is free again,
    /// rounded up.
    pub fn remaining(&self) -> String {
        let items: Vec<_> = self
            .statuses
            .iter()
            .map(LimitStatus::remaining_item)
            .collect();
        items.join(", ")
    }

    fn waits(&self) -> impl Iterator<Item = Wait> {
        self.statuses.iter().map(|status| status.wait)
    }
}
