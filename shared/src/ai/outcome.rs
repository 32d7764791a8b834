//! What came of a request to a chain.

use std::time::Duration;

use super::fault::Fault;

/// What came of a request to a chain.
pub struct ChainOutcome<T> {
    /// The answer; none when every tier failed, or there is none.
    pub answer: Option<Answer<T>>,
    /// The tiers that failed or were passed over, in the order in which they ended.
    pub failures: Vec<TierFailure>,
    /// Calls made, those of the answer included.
    pub attempts: u32,
    /// Tokens that were used without an answer: by tiers that failed after their first token, and
    /// by answers that were not accepted. By the endpoints' word, or by the text that was read.
    pub wasted_tokens: u64,
    /// When a tier whose circuit is open may be asked again at the earliest.
    pub retry_in: Option<Duration>,
}

/// An answer and the tier that gave it.
pub struct Answer<T> {
    /// The answer itself.
    pub content: T,
    /// The name of the tier that gave it.
    pub tier: String,
    /// Whether, and why, it is not the answer that was asked for first.
    pub degraded: Option<Degraded>,
}

/// A tier that gave no answer.
pub struct TierFailure {
    /// The tier's name.
    pub tier: String,
    /// Its last fault.
    pub fault: Fault,
}

/// Why an answer is degraded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Degraded {
    /// A later tier of the chain gave it.
    ServedByFallbackTier,
}

impl Degraded {
    /// As headers and answers call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServedByFallbackTier => "served_by_fallback_tier",
        }
    }
}

impl<T> ChainOutcome<T> {
    /// The same outcome with another form of its answer.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> ChainOutcome<U> {
        let answer = self.answer.map(|answer| Answer {
            content: change(answer.content),
            tier: answer.tier,
            degraded: answer.degraded,
        });

        ChainOutcome {
            answer,
            failures: self.failures,
            attempts: self.attempts,
            wasted_tokens: self.wasted_tokens,
            retry_in: self.retry_in,
        }
    }
}
