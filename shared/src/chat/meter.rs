//! Tokens are charged before they are known: an estimate first, what was really used afterwards, nothing for a failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::request::LARGEST;
use crate::deadline::Deadline;
use crate::http::ChargeRule;
use crate::identity::{Caller, TenantId};
use crate::limits::{Charge, Client, DecisionMode, Limit, LimitScope, Limiter, Settlement};

/// Tokens of one tenant: 200,000 a minute, all of them at once if need be.
pub const TOKENS: Limit = Limit::token_bucket(
    NAME,
    LimitScope::Tenant,
    200_000,
    Duration::from_mins(1),
    200_000,
)
.settled();

const NAME: &str = "tokens";

/// Bytes of a request for each token of its prompt: one and a half Chinese characters, or a short English word.
const BYTES: u64 = 4;

/// Tokens of an answer whose length the request does not bound.
const ANSWER: u64 = 1_000;

/// The most tokens that an endpoint is believed to have used for one call.
const MOST: u64 = 2_000_000;

/// What a request is charged before anything is known of its answer.
pub fn estimate(body: &[u8]) -> u64 {
    if body.len() > LARGEST {
        return 1; // it will be refused, as what it is
    }
    // A body that cannot be read will be refused too, and the charge given back.
    let fields: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    // Also a number such as 1e5 is passed on as it is.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is within these bounds"
    )]
    let number = |name: &str| {
        fields
            .get(name)
            .and_then(Value::as_f64)
            .map(|number| number.clamp(0.0, 1e9) as u64)
    };
    let answer = number("max_completion_tokens")
        .or_else(|| number("max_tokens"))
        .unwrap_or(ANSWER);
    let answers = number("n").unwrap_or(1).max(1);
    (body.len() as u64 / BYTES)
        .saturating_add(answer.saturating_mul(answers))
        .clamp(1, 1_000_000_000)
}

/// What one call was charged, to be settled once when more is known. If the call is cancelled, or the environment dies before, the
/// estimate stands.
pub struct Meter {
    limiter: Arc<Limiter>,
    caller: Caller,
    charge: Charge,
    is_settled: AtomicBool,
}

impl Meter {
    /// For a call that was charged by its body just now.
    pub fn new(limiter: Arc<Limiter>, caller: Caller, body: &[u8], mode: DecisionMode) -> Self {
        let charge = Charge {
            cost: estimate(body),
            at: SystemTime::now(),
            mode,
        };
        Self {
            limiter,
            caller,
            charge,
            is_settled: AtomicBool::new(false),
        }
    }

    /// Whose tokens they are.
    pub const fn tenant(&self) -> &TenantId {
        &self.caller.tenant
    }

    /// The charge of a limit and how it is found.
    pub const CHARGE: ChargeRule = ChargeRule {
        limit: NAME,
        cost: estimate,
    };

    /// Charges what was really used, in place of the estimate; only the first word counts. Costs a round trip.
    pub async fn settle(&self, tokens: u64, deadline: Deadline) {
        if self.is_settled.swap(true, Ordering::Relaxed) {
            return;
        }
        let client = Client {
            address: None,
            caller: Some(&self.caller),
        };
        let settlement = Settlement {
            limit: NAME,
            client,
            charge: self.charge,
            cost: tokens.min(MOST),
        };
        self.limiter.settle(settlement, deadline).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_estimated_by_its_length_and_its_bounds() {
        assert_eq!(estimate(br#"{"max_tokens":7}"#), 4 + 7);
        assert_eq!(
            estimate(br#"{"max_tokens":7,"max_completion_tokens":5}"#),
            10 + 5
        );
        assert_eq!(estimate(b"{}"), 1_000);
        assert_eq!(estimate(b"not json"), 2 + 1_000);
        assert_eq!(estimate(br#"{"max_tokens":1e5,"n":2}"#), 6 + 200_000);
        assert_eq!(
            estimate(format!(r#"{{"max_tokens":{}}}"#, u64::MAX).as_bytes()),
            1_000_000_000
        );
    }
}
