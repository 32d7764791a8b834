//! What came of it, and how a client is told: `RateLimit` and `RateLimit-Policy` (IETF draft-ietf-httpapi-ratelimit-headers).

use std::time::Duration;

use super::Limit;
use super::machine::Verdict;

/// When to come back to a limit that is closed while Valkey is gone.
pub(super) const CLOSED_FOR: Duration = Duration::from_secs(2);

/// Who has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The fleet's counts.
    Shared,
    /// This environment's own, with a share of the limit: Valkey is gone.
    Local,
    /// Nobody: Valkey is gone, and every call is let in.
    Open,
    /// Nobody: Valkey is gone, and no call is let in.
    Closed,
}

impl Mode {
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
pub struct Standing {
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
    Not,
    /// It is refused until then.
    For(Duration),
    /// It costs more than the limit allows at once.
    ForEver,
}

impl Standing {
    pub(super) fn new(limit: &Limit, verdict: &Verdict) -> Self {
        Self {
            name: limit.name,
            limit: limit.rate.limit,
            window: Duration::from_micros(limit.rate.window),
            remaining: verdict.remaining,
            reset: Duration::from_micros(verdict.reset),
            wait: match verdict.wait {
                _ if verdict.is_admitted => Wait::Not,
                Some(wait) => Wait::For(Duration::from_micros(wait)),
                None => Wait::ForEver,
            },
        }
    }

    pub(super) fn refused(limit: &Limit, wait: Duration) -> Self {
        let verdict = Verdict {
            is_admitted: false,
            remaining: 0,
            reset: 0,
            wait: None,
        };
        Self {
            reset: wait,
            wait: Wait::For(wait),
            ..Self::new(limit, &verdict)
        }
    }
}

/// Whether a call may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    standings: Vec<Standing>,
    mode: Mode,
}

impl Decision {
    pub(super) const fn new(standings: Vec<Standing>, mode: Mode) -> Self {
        Self { standings, mode }
    }

    /// That of a call that no limit applies to.
    pub(super) const fn unlimited() -> Self {
        Self::new(Vec::new(), Mode::Shared)
    }

    /// Whether it may be made.
    pub fn is_admitted(&self) -> bool {
        self.standings
            .iter()
            .all(|standing| standing.wait == Wait::Not)
    }

    /// Who has decided.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The limit that refuses it the longest, if one does.
    pub fn refused_by(&self) -> Option<&'static str> {
        let refusing = self
            .standings
            .iter()
            .filter(|standing| standing.wait > Wait::Not);
        refusing
            .max_by_key(|standing| standing.wait)
            .map(|standing| standing.name)
    }

    /// When the same call would be let in; none if it is, or never would be.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.standings.iter().map(|standing| standing.wait).max() {
            Some(Wait::For(wait)) => Some(wait),
            _ => None,
        }
    }

    /// `RateLimit-Policy`: each limit and its window in seconds.
    pub fn policy(&self) -> String {
        let item = |standing: &Standing| {
            format!(
                "\"{}\";q={};w={}",
                standing.name,
                standing.limit,
                standing.window.as_secs().max(1)
            )
        };
        self.standings
            .iter()
            .map(item)
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// `RateLimit`: what is left of each limit, and in how many seconds all of it is free again, rounded up.
    pub fn remaining(&self) -> String {
        let seconds = |time: Duration| time.as_secs() + u64::from(time.subsec_nanos() > 0);
        let item = |standing: &Standing| {
            format!(
                "\"{}\";r={};t={}",
                standing.name,
                standing.remaining,
                seconds(standing.reset)
            )
        };
        self.standings
            .iter()
            .map(item)
            .collect::<Vec<_>>()
            .join(", ")
    }
}
