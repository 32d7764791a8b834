//! One endpoint with its circuit and its retries.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::Value;
use tracing::Instrument;

use super::attempt::{AttemptContext, ChainRequest, TimeBudget};
use super::client::{PreparedCall, TierClient};
use super::completion::Completion;
use super::continuation::ContinuationForm;
use super::fault::{Fault, InvalidAnswer};
use super::request::ChatRequest;
use super::response::{CallTiming, StartedResponse, count_call, note_fault, settle_permit};
use super::usage::{UsageLedger, UsedTokens};
use crate::deadline::Deadline;
use crate::error::error_chain;
use crate::resilience::breaker::{Admission, Circuit, Permit};
use crate::resilience::retry::{self, RetryPolicy};
use crate::telemetry::{metrics, trace};

/// No answer is to be had in less.
pub(super) const MIN_ATTEMPT_TIME: Duration = Duration::from_millis(500);

/// Jitter below a quarter, half, one … at most four seconds; after a limit at least half of that.
/// Neither a chat completion nor an embedding changes anything at the provider, so it may be asked
/// for twice.
pub(super) const RETRY_POLICY: RetryPolicy =
    RetryPolicy::idempotent(Duration::from_millis(250), Duration::from_secs(4))
        .min_attempt_time(MIN_ATTEMPT_TIME);

/// A tier of a chain.
pub(super) struct Tier {
    pub(super) client: TierClient,
    pub(super) circuit: Arc<Circuit>,
}

/// A complete answer that passed the caller's check.
pub struct CheckedCompletion<T> {
    /// What the check made of the answer.
    pub checked: T,
    /// The answer.
    pub completion: Completion,
    /// The chunks of its stream, if it was one and the request keeps them.
    pub chunks: Vec<Value>,
    /// The tokens that it has used.
    pub used_tokens: UsedTokens,
}

impl<T> CheckedCompletion<T> {
    /// What the check made of it, and all else.
    pub(super) fn split(self) -> (T, CheckedCompletion<()>) {
        let rest = CheckedCompletion {
            checked: (),
            completion: self.completion,
            chunks: self.chunks,
            used_tokens: self.used_tokens,
        };
        (self.checked, rest)
    }
}

impl CheckedCompletion<()> {
    /// The same with what another check made of it.
    pub(super) fn with_checked<T>(self, checked: T) -> CheckedCompletion<T> {
        CheckedCompletion {
            checked,
            completion: self.completion,
            chunks: self.chunks,
            used_tokens: self.used_tokens,
        }
    }
}

/// A complete answer, accepted or not.
pub(super) enum CheckOutcome<T> {
    Accepted(CheckedCompletion<T>),
    Rejected(RejectedAnswer),
}

impl<T> CheckOutcome<T> {
    /// What the endpoint answered.
    pub(super) const fn completion(&self) -> &Completion {
        match self {
            Self::Accepted(accepted) => &accepted.completion,
            Self::Rejected(rejected) => &rejected.completion,
        }
    }
}

/// A complete answer that the caller's check refuses.
pub(super) struct RejectedAnswer {
    pub(super) completion: Completion,
    pub(super) invalid: InvalidAnswer,
}

impl RejectedAnswer {
    /// What the model is asked next; none if that is of no use.
    fn repair_request(&self, request: &ChainRequest<'_>) -> Option<ChatRequest> {
        let feedback = self.invalid.feedback.as_deref()?;
        let answer = self.completion.text().unwrap_or_default();
        let may_repair = request.has_repair_turn;
        may_repair.then(|| request.chat.with_repair_turn(&answer, feedback))
    }
}

impl Tier {
    /// The tier's name.
    pub(super) fn name(&self) -> &str {
        &self.client.settings.name
    }

    /// A complete answer that passes `check`; asked for again while that can help and time is left.
    /// A model whose answer does not pass may be told why, and answer once more. `note_part` sees
    /// each answer while it comes.
    pub(super) async fn complete<T>(
        &self,
        context: AttemptContext<'_>,
        note_part: &(impl Fn(&Completion) + Sync),
        check: &(impl Fn(&Completion) -> Result<T, InvalidAnswer> + Sync),
    ) -> Result<CheckedCompletion<T>, Fault> {
        let request = context.request;
        let rejected = match self
            .complete_once(request.chat, &context, note_part, check)
            .await?
        {
            CheckOutcome::Accepted(completion) => return Ok(completion),
            CheckOutcome::Rejected(rejected) => rejected,
        };

        let repair = rejected.repair_request(request);
        let fault = Fault::InvalidAnswer(rejected.invalid);
        self.report_fault(&fault);
        let Some((repair, context)) = repair.zip(context.for_repair(MIN_ATTEMPT_TIME)) else {
            return Err(fault);
        };

        let outcome = Box::pin(self.complete_once(&repair, &context, note_part, check)).await;
        let is_repaired = matches!(outcome, Ok(CheckOutcome::Accepted(_)));
        let result = if is_repaired { "repaired" } else { "failed" };
        metrics::count("RepairTurn", &[("tier", self.name()), ("outcome", result)]);

        match outcome {
            Ok(CheckOutcome::Accepted(completion)) => Ok(completion),
            // The tier has answered: what became of the repair does not mask that.
            _ => Err(fault),
        }
    }

    /// A complete answer, and what the check makes of it.
    pub(super) async fn complete_once<T>(
        &self,
        chat: &ChatRequest,
        context: &AttemptContext<'_>,
        note_part: &(impl Fn(&Completion) + Sync),
        check: &(impl Fn(&Completion) -> Result<T, InvalidAnswer> + Sync),
    ) -> Result<CheckOutcome<T>, Fault> {
        let call = &self.prepare_call(chat, context).await?;

        let attempt = |_| async move {
            let mut response = self.attempt_call(call, context).await?;
            let keeps_chunks = context.request.keeps_chunks;
            let read = response.read_to_end(keeps_chunks, note_part).await;
            // What the check makes of a whole answer says nothing of the provider's health.
            response
                .settle(read.as_ref().err(), context.request.deadline)
                .await;
            read.inspect_err(|fault| self.report_fault(fault))?;

            self.check_response(response, &context.request.ledger, check)
        };

        retry::run(&RETRY_POLICY, context.budget.first_token, attempt).await
    }

    fn check_response<T>(
        &self,
        mut response: StartedResponse,
        ledger: &UsageLedger,
        check: &(impl Fn(&Completion) -> Result<T, InvalidAnswer> + Sync),
    ) -> Result<CheckOutcome<T>, Fault> {
        let chunks = std::mem::take(&mut response.chunks);
        let (completion, used_tokens) = response.take_completion().ok_or(Fault::NotACompletion)?;

        Ok(match check(&completion) {
            Ok(checked) => CheckOutcome::Accepted(CheckedCompletion {
                checked,
                completion: completion.with_default_model(&self.client.settings.model),
                chunks,
                used_tokens,
            }),
            Err(invalid) => {
                ledger.add(used_tokens.number());
                CheckOutcome::Rejected(RejectedAnswer {
                    completion,
                    invalid,
                })
            }
        })
    }

    /// An answer, or the rest of one, whose first token is there.
    pub(super) async fn start_stream(
        &self,
        mut context: AttemptContext<'_>,
    ) -> Result<StartedResponse, Fault> {
        // Once it speaks, no other tier will be asked.
        context.budget = TimeBudget {
            complete: context.request.answer_deadline(),
            ..context.budget
        };
        let chat = context.request.chat;
        let Some(continuation) = context.request.continuation else {
            return self.start_once(chat, &context).await;
        };

        if let Some(prefill) = self.client.settings.prefill {
            let form = ContinuationForm::Prefill(prefill);
            let prefilled = continuation.request(chat, form);
            let response = self.start_once(&prefilled, &context).await;
            if !matches!(response, Err(Fault::Refused(_))) {
                return response.map(StartedResponse::into_prefilled);
            }
        }

        // Also after a prefill that the endpoint refuses, whatever its tier declares.
        let instructed = continuation.request(chat, ContinuationForm::Instruction);
        self.start_once(&instructed, &context).await
    }

    async fn start_once(
        &self,
        chat: &ChatRequest,
        context: &AttemptContext<'_>,
    ) -> Result<StartedResponse, Fault> {
        let call = self.prepare_call(chat, context).await?;
        let attempt = |_| self.attempt_call(&call, context);
        retry::run(&RETRY_POLICY, context.budget.first_token, attempt).await
    }

    /// Before a permit is asked for: a fault here says nothing of the provider.
    async fn prepare_call(
        &self,
        chat: &ChatRequest,
        context: &AttemptContext<'_>,
    ) -> Result<PreparedCall, Fault> {
        let deadline = context.budget.first_token;
        let ledger = &context.request.ledger;
        let call = self.client.prepare_call(chat, ledger, deadline).await;
        call.inspect_err(|fault| self.report_fault(fault))
    }

    /// One call, up to its first token.
    async fn attempt_call(
        &self,
        call: &PreparedCall,
        context: &AttemptContext<'_>,
    ) -> Result<StartedResponse, Fault> {
        let mut permit = self.admit(context).await?;
        context.progress.set_settled(permit.is_probe());
        context.attempts.fetch_add(1, Ordering::Relaxed);

        let tier = &self.client.settings;
        let sent_at = Instant::now();
        let total = Deadline::after(tier.total_timeout());
        let deadline = total.min(context.budget.first_token);

        let span = tracing::info_span!(
            target: trace::TARGET,
            "ask_model",
            tier = tier.name,
            model = tier.model,
            fault = tracing::field::Empty
        );
        let sent = async {
            let cancelled = trace::unless_done();
            let sent = self.client.send(call, deadline).await;
            cancelled.done();
            sent
        };
        let sent = sent.instrument(span.clone());
        let response = match sent.await {
            Ok(response) => response,
            Err(fault) => {
                let (outcome, deadline) = (fault.breaker_outcome(), context.request.deadline);
                settle_permit(permit, outcome, Duration::ZERO, deadline).await;
                count_call(&tier.name, &tier.model, Some(&fault));
                note_fault(&span, Some(&fault));
                self.report_fault(&fault);
                return Err(fault);
            }
        };

        permit.mark_responding();
        context.progress.set_settled(true);
        let timing = CallTiming {
            sent_at,
            deadline: total.min(context.budget.complete),
        };

        let started = StartedResponse::new(tier, response, permit, timing, call.cost(), span);
        Ok(started)
    }

    async fn admit(&self, context: &AttemptContext<'_>) -> Result<Permit, Fault> {
        let deadline = context.request.deadline;
        let client = &context.request.client;
        let admission = if context.is_urgent {
            self.circuit.admit_urgently(client, deadline).await
        } else {
            self.circuit.admit(client, deadline).await
        };

        match admission {
            Admission::Granted(permit) => Ok(permit),
            Admission::Refused(refusal) => Err(refusal.into()),
        }
    }

    /// Logs and counts a fault.
    pub(super) fn report_fault(&self, fault: &Fault) {
        let tier = self.name();
        metrics::count("AiFault", &[("tier", tier), ("fault", &fault.to_string())]);

        let causes = error_chain(fault);

        if fault.is_misconfigured() {
            let message = "a tier cannot be used as it is configured";
            tracing::error!(tier, fault = %fault, causes, "{message}");
        } else {
            tracing::warn!(tier, fault = %fault, causes, "a tier failed");
        }
    }
}
