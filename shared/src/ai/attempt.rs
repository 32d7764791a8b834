//! What is asked of a chain, and within which limits one of its tiers is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::continuation::Continuation;
use super::request::ChatRequest;
use super::usage::UsageLedger;
use crate::deadline::Deadline;
use crate::identity::{TenantId, UserId};

/// Kept from the deadline for reporting how the last call went.
pub(super) const REPORT_RESERVE: Duration = Duration::from_millis(300);

/// Bytes of the hash that stands for a user of a tenant.
const USER_HASH_BYTES: usize = 6;

/// What is asked of a chain.
pub struct ChainRequest<'a> {
    pub(super) chat: &'a ChatRequest,
    /// Whose call it is, as circuits know it; empty if that is not known.
    pub(super) client: String,
    pub(super) deadline: Deadline,
    pub(super) tier_order: Option<&'a [String]>,
    pub(super) stops_at_content_filter: bool,
    pub(super) keeps_chunks: bool,
    pub(super) has_repair_turn: bool,
    /// What a tier is to continue, if another one began the answer.
    pub(super) continuation: Option<&'a Continuation>,
    /// Where what failed calls have used is written down.
    pub(super) ledger: Arc<UsageLedger>,
}

impl<'a> ChainRequest<'a> {
    /// A chat request, to be answered before the deadline.
    pub fn new(chat: &'a ChatRequest, deadline: Deadline) -> Self {
        Self {
            chat,
            client: String::new(),
            deadline,
            tier_order: None,
            stops_at_content_filter: false,
            keeps_chunks: false,
            has_repair_turn: false,
            continuation: None,
            ledger: Arc::default(),
        }
    }

    /// The same for the rest of an answer, of these tiers.
    pub(super) fn continuing<'b>(
        &self,
        continuation: &'b Continuation,
        tiers: &'b [String],
    ) -> ChainRequest<'b>
    where
        'a: 'b,
    {
        ChainRequest {
            chat: self.chat,
            client: self.client.clone(),
            deadline: self.deadline,
            tier_order: Some(tiers),
            stops_at_content_filter: self.stops_at_content_filter,
            keeps_chunks: self.keeps_chunks,
            has_repair_turn: self.has_repair_turn,
            continuation: Some(continuation),
            ledger: Arc::clone(&self.ledger),
        }
    }

    /// Names the person whose call it is, so that circuits can tell their faults from others'.
    #[must_use]
    pub fn of_user(mut self, tenant: &TenantId, user: &UserId) -> Self {
        self.client = client_of(tenant, user.as_str());
        self
    }

    /// Writes down there what calls have used that made no answer.
    #[must_use]
    pub fn with_ledger(mut self, ledger: &Arc<UsageLedger>) -> Self {
        self.ledger = Arc::clone(ledger);
        self
    }

    /// Lets a tier whose answer is not accepted answer once more, with the reason.
    #[must_use]
    pub fn with_repair_turn(mut self) -> Self {
        self.has_repair_turn = true;
        self
    }

    /// Asks these tiers of the chain, in this order, instead of the chain's own.
    #[must_use]
    pub fn with_tier_order(mut self, tiers: Option<&'a [String]>) -> Self {
        self.tier_order = tiers;
        self
    }

    /// Whether to keep the chunks of a complete answer's stream, to be passed on as they came.
    #[must_use]
    pub fn keep_chunks(mut self, keeps: bool) -> Self {
        self.keeps_chunks = keeps;
        self
    }

    /// Takes a content filter's refusal for the answer: no other tier is asked.
    #[must_use]
    pub fn stop_at_content_filter(mut self) -> Self {
        self.stops_at_content_filter = true;
        self
    }

    /// Until when answers are of use: a little earlier than results can be reported.
    pub(super) fn answer_deadline(&self) -> Deadline {
        self.deadline.less(REPORT_RESERVE)
    }
}

/// A person as circuits know them: hashes, since circuits are no place for names. The same person's
/// hash is another one in another tenant.
pub(super) fn client_of(tenant: &TenantId, user: &str) -> String {
    let hash = Sha256::digest(format!("{} {user}", tenant.as_str()).as_bytes());
    let of_user = hex::encode(hash.get(..USER_HASH_BYTES).unwrap_or_default());
    format!("{}/{of_user}", tenant.pseudonym())
}

/// Within which limits one tier is asked, and how the attempts are counted.
pub(super) struct AttemptContext<'a> {
    pub(super) request: &'a ChainRequest<'a>,
    pub(super) budget: TimeBudget,
    /// Calls made so far, by all tiers.
    pub(super) attempts: &'a AtomicU32,
    pub(super) progress: Arc<Progress>,
    /// Whether no other tier could answer.
    pub(super) is_urgent: bool,
}

impl AttemptContext<'_> {
    /// The same for a repair turn: within the time for the whole answer. None if that leaves less
    /// than this. The turn is no late call that another tier would have to help.
    pub(super) fn for_repair(&self, min_time: Duration) -> Option<Self> {
        let complete = self.budget.complete;
        if complete.remaining() < min_time {
            return None;
        }

        Some(Self {
            request: self.request,
            budget: TimeBudget {
                first_token: complete,
                complete,
            },
            attempts: self.attempts,
            progress: Arc::default(),
            is_urgent: self.is_urgent,
        })
    }
}

/// Until when one tier may take.
#[derive(Clone, Copy)]
pub(super) struct TimeBudget {
    /// For its first token: an equal share of the time that is left.
    pub(super) first_token: Deadline,
    /// For its whole answer, once tokens come: a time that leaves the tiers after it half of
    /// theirs.
    pub(super) complete: Deadline,
}

impl TimeBudget {
    /// The budget of a tier after which this many may still be asked.
    pub(super) fn among(answer_deadline: Deadline, later_tiers: u32) -> Self {
        let equal_share = answer_deadline.remaining() / (later_tiers + 1);
        Self {
            first_token: answer_deadline.at_most(equal_share),
            complete: answer_deadline.less(equal_share / 2 * later_tiers),
        }
    }
}

/// A call under way, as the race sees it when it considers to ask another tier too.
#[derive(Default)]
pub(super) struct Progress {
    is_settled: AtomicBool,
}

impl Progress {
    /// Whether the call need not be helped: its first token is there, or it is a probe, which must
    /// not be cancelled.
    pub(super) fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::Relaxed)
    }

    pub(super) fn set_settled(&self, is_settled: bool) {
        self.is_settled.store(is_settled, Ordering::Relaxed);
    }
}
