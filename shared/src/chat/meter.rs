//! Tokens are charged before they are known: an estimate first, what was really used afterwards, nothing for a failure.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::request::LARGEST;
use crate::deadline::Deadline;
use crate::identity::{Caller, TenantId};
use crate::limits::{Limit, Limiter, Scope, Who};

/// Tokens of one tenant: 200,000 a minute, all of them at once if need be.
pub const TOKENS: Limit = Limit::token_bucket(NAME, Scope::Tenant, 200_000, Duration::from_mins(1), 200_000);

const NAME: &str = "tokens";

/// Bytes of a request for each token of its prompt: one and a half Chinese characters, or a short English word.
const BYTES: u64 = 4;

/// Tokens of an answer whose length the request does not bound.
const ANSWER: u64 = 1_000;

/// What a request is charged before anything is known of its answer.
pub fn estimate(body: &[u8]) -> u64 {
    #[derive(Default, Deserialize)]
    struct Bounds {
        max_tokens: Option<u64>,
        max_completion_tokens: Option<u64>,
    }
    if body.len() > LARGEST {
        return 1; // it will be refused, as what it is
    }
    // A body that cannot be read will be refused too, and the charge given back.
    let bounds: Bounds = serde_json::from_slice(body).unwrap_or_default();
    let answer = bounds.max_completion_tokens.or(bounds.max_tokens).unwrap_or(ANSWER);
    (body.len() as u64 / BYTES).saturating_add(answer).max(1)
}

/// What one call was charged, to be settled when more is known. If the environment dies before, the estimate stands.
pub struct Meter {
    limiter: Arc<Limiter>,
    caller: Caller,
    charged: u64,
}

impl Meter {
    /// For a call that was charged this.
    pub const fn new(limiter: Arc<Limiter>, caller: Caller, charged: u64) -> Self {
        Self { limiter, caller, charged }
    }

    /// Whose tokens they are.
    pub const fn tenant(&self) -> &TenantId {
        &self.caller.tenant
    }

    /// The charge of a limit and how it is found.
    pub const CHARGE: (&'static str, fn(&[u8]) -> u64) = (NAME, estimate);

    /// Charges what was really used, in place of the estimate. Costs a round trip.
    pub async fn settle(&self, tokens: u64, deadline: Deadline) {
        let who = Who { address: None, caller: Some(&self.caller) };
        self.limiter.settle(NAME, who, self.charged, tokens, deadline).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_estimated_by_its_length_and_its_bounds() {
        assert_eq!(estimate(br#"{"max_tokens":7}"#), 4 + 7);
        assert_eq!(estimate(br#"{"max_tokens":7,"max_completion_tokens":5}"#), 10 + 5);
        assert_eq!(estimate(b"{}"), 1_000);
        assert_eq!(estimate(b"not json"), 2 + 1_000);
        assert_eq!(estimate(format!(r#"{{"max_tokens":{}}}"#, u64::MAX).as_bytes()), u64::MAX);
    }
}
