//! An answer that has begun, with the permit that it was asked for by.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tracing::Span;

use super::completion::Completion;
use super::fault::{BreakerOutcome, Fault};
use super::reader::StreamReader;
use super::usage::{UsageLedger, UsedTokens};
use crate::config;
use crate::deadline::Deadline;
use crate::resilience::breaker::Permit;
use crate::telemetry::{catalogue, metrics, trace};

/// An endpoint's answer, up to its first token.
pub(super) enum Response {
    /// It came in one piece.
    Complete(Completion),
    /// It comes in chunks.
    Streamed {
        /// Reads the chunks that are to come.
        reader: StreamReader,
        /// The chunks that are there.
        chunks: Vec<Value>,
    },
}

/// When a call was sent, and until when it may take.
#[derive(Clone, Copy)]
pub(super) struct CallTiming {
    pub(super) sent_at: Instant,
    /// Until when the whole answer must be there.
    pub(super) deadline: Deadline,
}

/// What a call costs, and where that is written down.
pub(super) struct CallCost {
    pub(super) ledger: Arc<UsageLedger>,
    /// Tokens of the request, by its length.
    pub(super) prompt_tokens: u64,
}

/// An answer whose first token is there, with the permit that it was asked for by. If it is dropped
/// before it is an answer, what it has used is written down.
pub(super) struct StartedResponse {
    pub(super) tier: String,
    model: String,
    /// The chunks that are there.
    pub(super) chunks: Vec<Value>,
    body: Body,
    permit: Option<Permit>,
    timing: CallTiming,
    cost: CallCost,
    /// How long the first token took; nothing if the answer came in one piece, since that says
    /// nothing.
    first_token_time: Duration,
    last_chunk_at: Instant,
    idle_timeout: Duration,
    total_timeout: Duration,
    /// Whether the tier was given the beginning of its answer.
    pub(super) is_prefilled: bool,
    /// Of the question, until all of the answer is there.
    span: Span,
}

/// The part of an answer that is to come.
enum Body {
    /// Nothing: the answer is there.
    Complete(Box<Completion>),
    Streamed(Box<StreamReader>),
    /// It was taken out: it is an answer.
    Taken,
}

impl StartedResponse {
    pub(super) fn new(
        tier: &config::TierSettings,
        response: Response,
        permit: Permit,
        timing: CallTiming,
        cost: CallCost,
        span: Span,
    ) -> Self {
        let (body, chunks, first_token_time) = match response {
            Response::Complete(completion) => {
                let body = Body::Complete(Box::new(completion));
                (body, Vec::new(), Duration::ZERO)
            }
            Response::Streamed { reader, chunks } => {
                let body = Body::Streamed(Box::new(reader));
                (body, chunks, timing.sent_at.elapsed())
            }
        };

        Self {
            tier: tier.name.clone(),
            model: tier.model.clone(),
            chunks,
            body,
            permit: Some(permit),
            timing,
            cost,
            first_token_time,
            last_chunk_at: Instant::now(),
            idle_timeout: tier.idle_timeout(),
            total_timeout: tier.total_timeout(),
            is_prefilled: false,
            span,
        }
    }

    /// The same of a tier that was given the beginning of its answer.
    pub(super) fn into_prefilled(mut self) -> Self {
        self.is_prefilled = true;
        self
    }

    /// The next chunk; `None` when the answer is complete.
    pub(super) async fn next_chunk(&mut self) -> Result<Option<Value>, Fault> {
        let Body::Streamed(reader) = &mut self.body else {
            return Ok(None);
        };

        let time_left = self.timing.deadline.remaining();
        let next = reader.next_chunk(self.idle_timeout.min(time_left)).await;
        if matches!(next, Err(Fault::IdleTimeout)) && self.was_speaking(time_left) {
            // The time is over, and no provider is to blame.
            return Err(self.end_of_time());
        }

        self.last_chunk_at = Instant::now();

        next
    }

    /// Whether chunks were still coming when the wait for the next one ended: it was cut short by
    /// the time that was left, and was no half of the idle time-out yet.
    fn was_speaking(&self, time_left: Duration) -> bool {
        let pause = self.last_chunk_at.elapsed();
        time_left <= self.idle_timeout && pause * 2 < self.idle_timeout
    }

    fn end_of_time(&self) -> Fault {
        if self.timing.sent_at.elapsed() >= self.total_timeout {
            Fault::TotalTimeout
        } else {
            Fault::DeadlineExceeded
        }
    }

    /// Waits for the whole answer. `note_part` sees what there is of it with each chunk.
    pub(super) async fn read_to_end(
        &mut self,
        keeps_chunks: bool,
        note_part: &(impl Fn(&Completion) + Sync),
    ) -> Result<(), Fault> {
        while let Some(chunk) = self.next_chunk().await? {
            if keeps_chunks {
                self.chunks.push(chunk);
            }
            if let Some(part) = self.completion() {
                note_part(part);
            }
        }
        Ok(())
    }

    /// The answer as far as it has come; none once it was taken out.
    pub(super) fn completion(&self) -> Option<&Completion> {
        match &self.body {
            Body::Complete(completion) => Some(completion),
            Body::Streamed(reader) => Some(reader.completion()),
            Body::Taken => None,
        }
    }

    /// The tokens used so far; none once the answer was taken out.
    pub(super) fn used_tokens(&self) -> Option<UsedTokens> {
        let completion = self.completion()?;
        Some(completion.used_tokens(self.cost.prompt_tokens))
    }

    /// Takes the answer out, and what it has used; nothing is written down then.
    pub(super) fn take_completion(&mut self) -> Option<(Completion, UsedTokens)> {
        let used_tokens = self.used_tokens()?;
        let completion = match std::mem::replace(&mut self.body, Body::Taken) {
            Body::Complete(completion) => *completion,
            Body::Streamed(reader) => reader.into_completion(),
            Body::Taken => return None,
        };
        Some((completion, used_tokens))
    }

    /// From now on passes over chunks that cannot be read.
    pub(super) fn tolerate_gaps(&mut self) {
        if let Body::Streamed(reader) = &mut self.body {
            reader.tolerate_gaps();
        }
    }

    /// The number of chunks that were passed over.
    pub(super) fn gaps(&self) -> u32 {
        match &self.body {
            Body::Streamed(reader) => reader.gaps(),
            Body::Complete(_) | Body::Taken => 0,
        }
    }

    /// Whether the answer came in one piece.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.body, Body::Complete(_))
    }

    /// Tells the circuit how the call went; only the first word counts.
    pub(super) async fn settle(&mut self, fault: Option<&Fault>, deadline: Deadline) {
        if let Some(permit) = self.permit.take() {
            count_call(&self.tier, &self.model, fault);
            note_fault(&self.span, fault);
            let outcome = fault.map_or(BreakerOutcome::Success, Fault::breaker_outcome);
            settle_permit(permit, outcome, self.first_token_time, deadline).await;
        }
    }
}

impl Drop for StartedResponse {
    fn drop(&mut self) {
        if let Some(used_tokens) = self.used_tokens() {
            self.cost.ledger.add(used_tokens.number());
        }
        // Of no further use, as when another tier was sooner, or the client has left.
        if self.permit.is_some() {
            self.span.in_scope(|| trace::fail("cancelled"));
        }
    }
}

/// Says in the question's span what has become of it.
pub(super) fn note_fault(span: &Span, fault: Option<&Fault>) {
    if let Some(fault) = fault {
        let fault = fault.to_string();
        span.record("fault", &fault);
        span.in_scope(|| trace::fail(fault));
    }
}

/// Counts a request to a provider, with what has become of it.
pub(super) fn count_call(tier: &str, model: &str, fault: Option<&Fault>) {
    let status = fault.map_or_else(|| "ok".to_owned(), ToString::to_string);
    let labels = [("provider", tier), ("model", model), ("status", &status)];
    metrics::increment(&catalogue::AI_CALLS, &labels);
}

/// Tells the circuit what a call says of the provider's health; `took` is the time to the first
/// token.
pub(super) async fn settle_permit(
    permit: Permit,
    outcome: BreakerOutcome,
    took: Duration,
    deadline: Deadline,
) {
    match outcome {
        BreakerOutcome::Success => permit.record_success(took, deadline).await,
        BreakerOutcome::Failure => permit.record_failure(deadline).await,
        BreakerOutcome::Throttled(wait) => permit.record_cooldown(wait, deadline).await,
        BreakerOutcome::Unknown => permit.release(deadline).await,
    }
}
