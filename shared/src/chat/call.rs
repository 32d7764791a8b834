//! One call with all that answers it, and which tier served it.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::meter::Meter;
use super::request::ClientRequest;
use crate::ai::{Chain, ChainRequest, Chains, Completion, Degraded};
use crate::cache::Cache;
use crate::config::StreamMode;
use crate::deadline::Deadline;
use crate::http::openai::ApiError;
use crate::limits::Limiter;

/// What answers requests, made once for each environment.
#[derive(Clone)]
pub struct Backend {
    /// The models that are asked.
    pub chains: Arc<Chains>,
    /// Where answers are kept for chains with a `cache_ttl`.
    pub cache: Arc<Cache>,
    /// Charges the tokens that a call has really used.
    pub limiter: Arc<Limiter>,
}

/// One call with all that answers it.
pub struct ChatCall {
    /// What answers it.
    pub backend: Backend,
    /// What the client asks for.
    pub request: ClientRequest,
    /// What it was charged.
    pub meter: Meter,
    /// Until when it must be answered.
    pub deadline: Deadline,
}

impl ChatCall {
    /// The chain that the request names.
    pub(super) fn chain(&self) -> Result<&Arc<Chain>, ApiError> {
        self.request.chain(&self.backend.chains)
    }

    /// How a streamed answer is given. One that cannot be continued by another tier waits until it
    /// is whole, which serves the same purpose.
    pub(super) fn stream_mode(&self) -> Result<StreamMode, ApiError> {
        let mode = self.chain()?.mode();
        let waits = mode == StreamMode::Resumed && !self.request.chat.is_resumable();
        Ok(if waits { StreamMode::Complete } else { mode })
    }

    /// The request to its chain.
    pub(super) fn chain_request(&self) -> ChainRequest<'_> {
        let request = &self.request;
        ChainRequest::new(&request.chat, self.deadline)
            .of_user(self.meter.tenant(), self.meter.user())
            .with_tier_order(request.tier_order.as_deref())
            .keep_chunks(request.stream)
            .stop_at_content_filter()
            .with_ledger(self.meter.ledger())
    }
}

/// A complete answer.
pub(super) struct CompleteAnswer {
    pub(super) served: Served,
    pub(super) completion: Completion,
    /// The chunks of its stream, if they were kept.
    pub(super) chunks: Vec<Value>,
}

/// Which tier answered, after how many calls, and whether it is the one that was asked for first.
pub(super) struct Served {
    pub(super) tier: String,
    pub(super) attempts: u32,
    pub(super) degraded: Option<Degraded>,
    pub(super) is_cache_hit: bool,
}

impl Served {
    pub(super) fn headers(&self) -> HeaderMap {
        tracing::Span::current().record("tier", &self.tier);
        let mut headers = HeaderMap::new();
        // A tier's name is visible ASCII.
        if let Ok(tier) = HeaderValue::from_str(&self.tier) {
            headers.insert("x-served-by", tier);
        }

        headers.insert("x-attempts", HeaderValue::from(self.attempts));
        if self.is_cache_hit {
            headers.insert("x-cache", HeaderValue::from_static("hit"));
        }
        let degraded = HeaderValue::from_static(self.degraded_word());
        headers.insert("x-degraded", degraded);

        headers
    }

    pub(super) fn degraded_word(&self) -> &'static str {
        self.degraded.map_or("false", Degraded::as_str)
    }
}
