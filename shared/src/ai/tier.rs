//! One endpoint with its circuit and its retries.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::attempt::{AttemptContext, TimeBudget};
use super::client::{PreparedCall, TierClient};
use super::completion::Completion;
use super::fault::{Fault, InvalidAnswer};
use super::response::{CallTiming, StartedResponse, settle_permit};
use crate::deadline::Deadline;
use crate::error::error_chain;
use crate::resilience::breaker::{Admission, Circuit, Permit, RefusalReason};
use crate::resilience::retry::{self, RetryPolicy};
use crate::telemetry::metrics;

/// Jitter below a quarter, half, one … at most four seconds; after a limit at least half of that. A
/// chat completion changes nothing
/// at the provider, so it may be asked for twice. No answer is to be had in less than half a
/// second.
const RETRY_POLICY: RetryPolicy =
    RetryPolicy::idempotent(Duration::from_millis(250), Duration::from_secs(4))
        .min_attempt_time(Duration::from_millis(500));

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
}

impl Tier {
    /// The tier's name.
    pub(super) fn name(&self) -> &str {
        &self.client.settings.name
    }

    /// A complete answer that passes `check`; asked for again while that can help and time is left.
    pub(super) async fn complete<T>(
        &self,
        context: AttemptContext<'_>,
        check: &(impl Fn(&Completion) -> Result<T, InvalidAnswer> + Sync),
    ) -> Result<CheckedCompletion<T>, Fault> {
        let context = &context;
        let call = &self.prepare_call(context).await?;

        let attempt = |_| async move {
            let mut response = self.attempt_call(call, context).await?;
            let read = response.read_to_end(context.request.keeps_chunks).await;

            let checked =
                read.and_then(|()| check(response.completion()).map_err(Fault::InvalidAnswer));
            let deadline = context.request.deadline;
            response.settle(checked.as_ref().err(), deadline).await;

            let checked = checked.inspect_err(|fault| self.report_fault(fault))?;
            let chunks = std::mem::take(&mut response.chunks);
            let completion = response.into_completion();
            Ok(CheckedCompletion {
                checked,
                completion: completion.with_default_model(&self.client.settings.model),
                chunks,
            })
        };

        retry::run(&RETRY_POLICY, context.budget.first_token, attempt).await
    }

    /// An answer whose first token is there.
    pub(super) async fn start_stream(
        &self,
        mut context: AttemptContext<'_>,
    ) -> Result<StartedResponse, Fault> {
        let call = self.prepare_call(&context).await?;
        // Once it speaks, no other tier will be asked.
        context.budget = TimeBudget {
            complete: context.request.answer_deadline(),
            ..context.budget
        };

        let attempt = |_| self.attempt_call(&call, &context);

        retry::run(&RETRY_POLICY, context.budget.first_token, attempt).await
    }

    /// Before a permit is asked for: a fault here says nothing of the provider.
    async fn prepare_call(&self, context: &AttemptContext<'_>) -> Result<PreparedCall, Fault> {
        let (chat, deadline) = (context.request.chat, context.budget.first_token);
        let call = self.client.prepare_call(chat, deadline).await;
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

        let response = match self.client.send(call, deadline).await {
            Ok(response) => response,
            Err(fault) => {
                let (outcome, deadline) = (fault.breaker_outcome(), context.request.deadline);
                settle_permit(permit, outcome, Duration::ZERO, deadline).await;
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

        Ok(StartedResponse::new(tier, response, permit, timing))
    }

    async fn admit(&self, context: &AttemptContext<'_>) -> Result<Permit, Fault> {
        let deadline = context.request.deadline;
        let admission = if context.is_urgent {
            self.circuit.admit_urgently(deadline).await
        } else {
            self.circuit.admit(deadline).await
        };

        match admission {
            Admission::Granted(permit) => Ok(permit),
            Admission::Refused(refusal) if refusal.reason == RefusalReason::CoolingDown => {
                Err(Fault::CoolingDown(refusal.retry_in))
            }
            Admission::Refused(refusal) => Err(Fault::CircuitRefused(refusal.reason)),
        }
    }

    /// Logs and counts a fault.
    fn report_fault(&self, fault: &Fault) {
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
