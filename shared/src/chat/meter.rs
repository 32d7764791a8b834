//! Tokens are charged before they are known: an estimate first, the number that was really used
//! afterwards. Tiers that failed after their first token have used some too; a call for which no
//! token came is free.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::request::MAX_BODY_BYTES;
use crate::ai::{BYTES_PER_TOKEN, UsageLedger, UsedTokens};
use crate::deadline::Deadline;
use crate::http::ChargeRule;
use crate::identity::{Caller, TenantId, UserId};
use crate::limits::{Charge, Client, DecisionMode, Limit, LimitScope, Limiter, Settlement};

/// The name of the limit.
const LIMIT_NAME: &str = "tokens";

/// Tokens of one tenant: 200,000 a minute, all of them at once if need be.
pub const TOKENS: Limit = Limit::token_bucket(
    LIMIT_NAME,
    LimitScope::Tenant,
    200_000,
    Duration::from_mins(1),
    200_000,
)
.settled();

/// Tokens of an answer whose length the request does not bound.
const DEFAULT_ANSWER_TOKENS: u64 = 1_000;

/// The most tokens that a call is estimated to use.
const MAX_ESTIMATED_TOKENS: u64 = 1_000_000_000;

/// The most tokens that an endpoint is believed to have used for one call.
const MAX_USED_TOKENS: u64 = 2_000_000;

/// The tokens that a request is charged before anything is known of its answer.
pub fn estimate_tokens(body: &[u8]) -> u64 {
    if body.len() > MAX_BODY_BYTES {
        return 1; // it will be refused, as what it is
    }
    // A body that cannot be read will be refused too, and the charge given back.
    let fields: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();

    // With both, each endpoint keeps to the one that it knows.
    let bounds = ["max_completion_tokens", "max_tokens"];
    let max_tokens = bounds
        .into_iter()
        .filter_map(|name| number_of(&fields, name));
    let tokens_per_answer = max_tokens.max().unwrap_or(DEFAULT_ANSWER_TOKENS);
    let answers = number_of(&fields, "n").unwrap_or(1).max(1);

    let prompt_tokens = body.len() as u64 / BYTES_PER_TOKEN;

    prompt_tokens
        .saturating_add(tokens_per_answer.saturating_mul(answers))
        .clamp(1, MAX_ESTIMATED_TOKENS)
}

/// A field's number. Also a number such as 1e5 is passed on as it is.
fn number_of(fields: &Map<String, Value>, name: &str) -> Option<u64> {
    let number = fields.get(name)?.as_f64()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is within these bounds"
    )]
    Some(number.clamp(0.0, 1e9) as u64)
}

/// The tokens that one call was charged, to be settled once when more is known. If the call is
/// cancelled before, the estimate stands, or what was read by then if that is more. If the
/// environment dies, the estimate stands.
pub struct Meter {
    limiter: Arc<Limiter>,
    caller: Caller,
    charge: Charge,
    ledger: Arc<UsageLedger>,
    is_settled: AtomicBool,
}

impl Meter {
    /// For a call that was charged by its body just now.
    pub fn new(limiter: Arc<Limiter>, caller: Caller, body: &[u8], mode: DecisionMode) -> Self {
        let charge = Charge {
            cost: estimate_tokens(body),
            at: SystemTime::now(),
            mode,
        };
        Self {
            limiter,
            caller,
            charge,
            ledger: Arc::default(),
            is_settled: AtomicBool::new(false),
        }
    }

    /// The tenant whose tokens they are.
    pub const fn tenant(&self) -> &TenantId {
        &self.caller.tenant
    }

    /// The person whose call it is.
    pub(super) const fn user(&self) -> &UserId {
        &self.caller.user
    }

    /// How the limit's charge is found.
    pub const CHARGE: ChargeRule = ChargeRule {
        limit: LIMIT_NAME,
        cost: estimate_tokens,
    };

    /// Charges the tokens that were really used, in place of the estimate; only the first word
    /// counts. Costs a round trip.
    pub async fn settle(&self, tokens: u64, deadline: Deadline) {
        if self.is_settled.swap(true, Ordering::Relaxed) {
            return;
        }

        self.limiter.settle(self.settlement(tokens), deadline).await;
    }

    /// Where the tokens of failed calls are written down.
    pub(super) const fn ledger(&self) -> &Arc<UsageLedger> {
        &self.ledger
    }

    /// Charges what the call's answer has used, and what was used without an answer; nothing if no
    /// token came.
    pub(super) async fn settle_used(&self, answer: Option<UsedTokens>, deadline: Deadline) {
        self.settle(self.total_tokens(answer), deadline).await;
    }

    /// Where nothing tells exactly what was used, it is at least the estimate.
    fn total_tokens(&self, answer: Option<UsedTokens>) -> u64 {
        let of_answer = answer.map_or(0, UsedTokens::number);
        let known = self.ledger.tokens().saturating_add(of_answer);

        let is_estimated = matches!(answer, Some(UsedTokens::Estimated(_)));
        if is_estimated || self.ledger.has_unknown() {
            known.max(self.charge.cost)
        } else {
            known
        }
    }

    fn settlement(&self, tokens: u64) -> Settlement<'_> {
        let client = Client {
            address: None,
            caller: Some(&self.caller),
        };
        Settlement {
            limit: LIMIT_NAME,
            client,
            charge: self.charge,
            cost: tokens.min(MAX_USED_TOKENS),
        }
    }
}

/// A call that was cancelled: nothing can be awaited any more.
impl Drop for Meter {
    fn drop(&mut self) {
        let read = self.ledger.tokens();
        if !self.is_settled.load(Ordering::Relaxed) && read > self.charge.cost {
            self.limiter.settle_later(self.settlement(read));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LimitSettings;
    use crate::identity::{Role, UserId};

    #[test]
    fn a_request_is_estimated_by_its_length_and_its_bounds() {
        let both = br#"{"max_tokens":7,"max_completion_tokens":5}"#;
        assert_eq!(estimate_tokens(br#"{"max_tokens":7}"#), 4 + 7);
        assert_eq!(estimate_tokens(both), 10 + 7, "the larger one");
        let reversed = br#"{"max_tokens":5,"max_completion_tokens":7}"#;
        assert_eq!(estimate_tokens(reversed), 10 + 7);
        let one_is_null = br#"{"max_tokens":7,"max_completion_tokens":null}"#;
        assert_eq!(estimate_tokens(one_is_null), 11 + 7);
        assert_eq!(estimate_tokens(b"{}"), 1_000);
        assert_eq!(estimate_tokens(b"not json"), 2 + 1_000);

        let two_answers = br#"{"max_tokens":1e5,"n":2}"#;
        assert_eq!(estimate_tokens(two_answers), 6 + 200_000);
        let endless = format!(r#"{{"max_tokens":{}}}"#, u64::MAX);
        assert_eq!(estimate_tokens(endless.as_bytes()), 1_000_000_000);
    }

    fn meter() -> Meter {
        let settings = LimitSettings::default();
        let limiter = Arc::new(Limiter::new(None, &[TOKENS], &settings).unwrap());
        let caller = Caller {
            tenant: TenantId::try_from("t".to_owned()).unwrap(),
            user: UserId::try_from("u".to_owned()).unwrap(),
            role: Role::Patient,
        };
        let body = br#"{"max_tokens":96}"#; // 100 with its own length
        Meter::new(limiter, caller, body, DecisionMode::Local)
    }

    /// What a call's answer and the calls without an answer have used, and what is charged.
    struct Case {
        says: &'static str,
        answer: Option<UsedTokens>,
        wasted: u64,
        has_unknown: bool,
        total: u64,
    }

    const fn failed(says: &'static str, wasted: u64, has_unknown: bool, total: u64) -> Case {
        Case {
            says,
            answer: None,
            wasted,
            has_unknown,
            total,
        }
    }

    const fn answered(says: &'static str, answer: UsedTokens, wasted: u64, total: u64) -> Case {
        Case {
            says,
            answer: Some(answer),
            wasted,
            has_unknown: false,
            total,
        }
    }

    const CASES: [Case; 8] = [
        failed("no token came", 0, false, 0),
        failed("a tier broke", 7, false, 7),
        failed("nothing tells how much", 0, true, 100),
        failed("more was read than estimated", 300, true, 300),
        answered("its usage is known", UsedTokens::Known(9), 0, 9),
        answered("by a fallback", UsedTokens::Known(9), 7, 16),
        answered("without a usage", UsedTokens::Estimated(9), 7, 100),
        answered("at length", UsedTokens::Estimated(900), 7, 907),
    ];

    #[test]
    fn all_that_was_used_is_charged_and_no_less_than_is_known() {
        for case in CASES {
            let meter = meter();
            meter.ledger().add(case.wasted);
            if case.has_unknown {
                meter.ledger().add_unknown();
            }
            assert_eq!(meter.total_tokens(case.answer), case.total, "{}", case.says);
        }
    }
}
