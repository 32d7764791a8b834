//! What can go wrong with a provider, and what follows from it.
//!
//! The words of [`Fault`]'s `Display` are public: metrics, logs and error messages show them.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::BoxError;
use crate::resilience::breaker::{MAX_COOLDOWN, Refusal, RefusalReason};
use crate::resilience::retry::{RetryAdvice, Retryable};

/// Attempts in all on one tier that answers 429.
const MAX_ATTEMPTS_WHEN_LIMITED: u32 = 3;

/// Attempts in all on one tier whose failure may pass.
const MAX_ATTEMPTS: u32 = 2;

/// Why a tier gave no answer. Only a [`ProviderError`] can hold content, and that has no `Debug` or
/// `Display`.
#[derive(thiserror::Error)]
pub enum Fault {
    /// The connection could not be made in time, or no token came in time.
    #[error("silent")]
    FirstTokenTimeout,
    /// The connection could not be made, or broke before the answer began.
    #[error("connection_failed")]
    Connection {
        /// Why.
        #[source]
        cause: BoxError,
        /// Whether the client was idle before: then the connection may have died in a freeze, which
        /// is not the provider's fault.
        was_idle: bool,
    },
    /// Tokens stopped coming.
    #[error("stalled")]
    IdleTimeout,
    /// The answer took longer than the tier may take, though it went on; that says little of the
    /// provider's health.
    #[error("took_too_long")]
    TotalTimeout,
    /// The call had no more time for this tier; that says little of the tier.
    #[error("out_of_time")]
    DeadlineExceeded,
    /// The answer ended before it was complete.
    #[error("cut")]
    Truncated,
    /// The endpoint itself says that it broke the answer off.
    #[error("interrupted")]
    Interrupted,
    /// The answer is larger than what is read of one.
    #[error("too_large")]
    ResponseTooLarge,
    /// A chunk of the answer could not be read, so it cannot be told whether it is complete.
    #[error("malformed_chunk")]
    MalformedChunk,
    /// The endpoint answered something that is not a chat completion.
    #[error("not_a_completion")]
    NotACompletion,
    /// It answered 429.
    #[error("rate_limited")]
    RateLimited {
        /// What it asks for: in `Retry-After`, in another header, or in its body.
        retry_after: Option<Duration>,
    },
    /// It answered with a status of its own failure.
    #[error("status_{status}")]
    ServerError {
        /// 5xx, or 408.
        status: u16,
        /// What it asks for, as for a limit.
        retry_after: Option<Duration>,
    },
    /// The request is longer than the model's context.
    #[error("context_length_exceeded")]
    ContextLengthExceeded(ProviderError),
    /// Its content filter refused the request.
    #[error("content_filter")]
    ContentFiltered(ProviderError),
    /// It refused the request for another reason.
    #[error("refused_{}", .0.status)]
    Refused(ProviderError),
    /// Our key is not accepted, there is no such model, no more credit, or the address is another
    /// one.
    #[error("not_usable_{status}")]
    Misconfigured {
        /// 401, 402, 403, 404, 3xx, or 429 for an account without credit.
        status: u16,
    },
    /// The tier's key cannot be had.
    #[error("no_key")]
    ApiKeyUnavailable(#[source] BoxError),
    /// The tier cannot do what the request asks for.
    #[error("unsupported_{0}")]
    Unsupported(&'static str),
    /// The answer is complete, but not what was asked for.
    #[error("invalid: {0}")]
    InvalidAnswer(InvalidAnswer),
    /// Its circuit lets no call in.
    #[error("{}", refusal_word(*.0))]
    CircuitRefused(RefusalReason),
    /// It asked to be left alone, for this time more; nothing was sent.
    #[error("cooling_down")]
    CoolingDown(Duration),
}

/// Why a complete answer is not accepted. It has no `Debug`: its feedback may repeat the model's
/// words.
pub struct InvalidAnswer {
    /// For logs and metrics.
    pub reason: &'static str,
    /// What the model is told about it, so that it can do better; none if asking it once more is
    /// of no use.
    pub feedback: Option<String>,
}

impl InvalidAnswer {
    /// An answer that the model may mend: `feedback` tells it what is wrong, in sentences.
    pub const fn mendable(reason: &'static str, feedback: String) -> Self {
        Self {
            reason,
            feedback: Some(feedback),
        }
    }
}

impl fmt::Display for InvalidAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)
    }
}

impl From<&'static str> for InvalidAnswer {
    fn from(reason: &'static str) -> Self {
        Self {
            reason,
            feedback: None,
        }
    }
}

/// An endpoint's own error, for the caller only.
pub struct ProviderError {
    /// The status it came with, or would have had.
    pub status: u16,
    /// `OpenAI`'s error object: `message`, `type`, `param`, `code`.
    pub error: Map<String, Value>,
}

/// What a call says to its tier's circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BreakerOutcome {
    /// The provider answers.
    Success,
    /// The provider does not answer as it should.
    Failure,
    /// The provider answers, and asks to be left alone for this time.
    Throttled(Duration),
    /// Nothing.
    Unknown,
}

const fn refusal_word(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::Open => "circuit_open",
        RefusalReason::Probing => "circuit_half_open",
        RefusalReason::Ramping => "circuit_ramping",
        RefusalReason::CoolingDown => "cooling_down",
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        match refusal.reason {
            RefusalReason::CoolingDown => Self::CoolingDown(refusal.retry_in),
            reason => Self::CircuitRefused(reason),
        }
    }
}

impl Fault {
    /// What a call says that ended with this fault, or without one.
    pub(super) fn outcome_of(fault: Option<&Self>) -> BreakerOutcome {
        fault.map_or(BreakerOutcome::Success, Self::breaker_outcome)
    }

    pub(super) fn breaker_outcome(&self) -> BreakerOutcome {
        match self {
            Self::Connection { was_idle, .. } if *was_idle => BreakerOutcome::Unknown,
            Self::FirstTokenTimeout
            | Self::Connection { .. }
            | Self::IdleTimeout
            | Self::Truncated
            | Self::Interrupted
            | Self::NotACompletion
            | Self::ServerError { .. } => BreakerOutcome::Failure,

            Self::RateLimited {
                retry_after: Some(wait),
            } => BreakerOutcome::Throttled(*wait),

            Self::MalformedChunk
            | Self::ContextLengthExceeded(_)
            | Self::ContentFiltered(_)
            | Self::Refused(_)
            | Self::InvalidAnswer(_) => BreakerOutcome::Success,

            _ => BreakerOutcome::Unknown,
        }
    }

    /// Whether the same request would fare no better later.
    pub const fn is_about_the_request(&self) -> bool {
        matches!(
            self,
            Self::Refused(_)
                | Self::InvalidAnswer(_)
                | Self::ContextLengthExceeded(_)
                | Self::ContentFiltered(_)
        )
    }

    /// Whether an operator must know at once: no waiting mends it.
    pub const fn is_misconfigured(&self) -> bool {
        matches!(
            self,
            Self::Misconfigured { .. } | Self::ApiKeyUnavailable(_)
        )
    }

    /// When the tier may be asked again: what the provider asked for, but at most [`MAX_COOLDOWN`],
    /// as its circuit leaves it alone no longer.
    pub fn retry_after(&self) -> Option<Duration> {
        self.asked_wait().map(|wait| wait.min(MAX_COOLDOWN))
    }

    /// How long the provider asked to be left alone.
    const fn asked_wait(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::ServerError { retry_after, .. } => {
                *retry_after
            }
            Self::CoolingDown(wait) => Some(*wait),
            _ => None,
        }
    }

    /// Whether the tier was sent anything.
    pub const fn reached_tier(&self) -> bool {
        !matches!(
            self,
            Self::CircuitRefused(_) | Self::CoolingDown(_) | Self::ApiKeyUnavailable(_)
        )
    }

    /// The endpoint's own error, if it gave one that the caller may read.
    pub fn provider_error(&self) -> Option<&ProviderError> {
        match self {
            Self::ContextLengthExceeded(error)
            | Self::ContentFiltered(error)
            | Self::Refused(error) => Some(error),
            _ => None,
        }
    }
}

impl Retryable for Fault {
    fn retry_advice(&self) -> RetryAdvice {
        let max_attempts = match self {
            Self::RateLimited { .. } | Self::CoolingDown(_) => MAX_ATTEMPTS_WHEN_LIMITED,
            Self::ServerError { .. } | Self::Connection { .. } => MAX_ATTEMPTS,
            _ => return RetryAdvice::Never,
        };

        match (self.asked_wait(), self) {
            // A limit that asks for no time, or for none to speak of, is not tried at once.
            (wait, Self::RateLimited { .. }) => RetryAdvice::AfterThrottle {
                wait: wait.unwrap_or_default(),
                max_attempts,
            },
            // Never sooner than asked, also beyond what is told to callers.
            (Some(wait), _) => RetryAdvice::After { wait, max_attempts },
            (None, _) => RetryAdvice::AfterBackoff { max_attempts },
        }
    }

    fn was_attempted(&self) -> bool {
        !matches!(self, Self::CircuitRefused(_) | Self::CoolingDown(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A_DAY: Duration = Duration::from_hours(24);

    /// The circuit leaves the provider alone for ten minutes, so nobody is told more; but the same
    /// call does not come back sooner than asked.
    #[test]
    fn a_wait_of_a_day_is_told_as_long_as_it_is_kept() {
        let limited = Fault::RateLimited {
            retry_after: Some(A_DAY),
        };
        assert_eq!(limited.retry_after(), Some(MAX_COOLDOWN));

        let advice = limited.retry_advice();
        let is_as_asked = matches!(advice, RetryAdvice::AfterThrottle { wait: A_DAY, .. });
        assert!(is_as_asked);

        let down = Fault::ServerError {
            status: 503,
            retry_after: Some(A_DAY),
        };
        assert_eq!(down.retry_after(), Some(MAX_COOLDOWN));

        let short = Fault::CoolingDown(Duration::from_secs(9));
        assert_eq!(short.retry_after(), Some(Duration::from_secs(9)));
    }

    #[test]
    fn a_limit_without_a_time_is_not_tried_again_at_once() {
        let limited = Fault::RateLimited { retry_after: None };
        let max_attempts = MAX_ATTEMPTS_WHEN_LIMITED;
        let expected = RetryAdvice::AfterThrottle {
            wait: Duration::ZERO,
            max_attempts,
        };
        assert_eq!(limited.retry_advice(), expected);
    }
}
