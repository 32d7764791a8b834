//! One endpoint with its circuit and its retries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::{Begun, Client, Prepared};
use super::completion::Completion;
use super::fault::{Fault, Health};
use super::reader::Reader;
use super::request::ChatRequest;
use crate::deadline::Deadline;
use crate::error::error_chain;
use crate::resilience::breaker::{Admission, Circuit, Permit, Why};
use crate::resilience::retry::{self, Policy};
use crate::telemetry::metrics;

/// Full jitter below a quarter, half, one … at most four seconds. A chat completion changes nothing at the provider, so it
/// may be asked for twice. No answer is to be had in less than a second.
const POLICY: Policy = Policy::idempotent(Duration::from_millis(250), Duration::from_secs(4))
    .leaving(Duration::from_millis(500));

/// A tier of a chain.
pub(super) struct Tier {
    pub(super) client: Client,
    pub(super) circuit: Arc<Circuit>,
}

/// What an ask shares with the tiers it asks.
pub(super) struct Asking<'a> {
    pub(super) request: &'a ChatRequest,
    /// Until when results can be reported.
    pub(super) deadline: Deadline,
    /// Until when answers are of use: a little earlier.
    pub(super) usable: Deadline,
    /// Calls made so far.
    pub(super) attempts: AtomicU32,
    /// Whether the pieces of a whole answer are wanted too.
    pub(super) keeps_pieces: bool,
    /// Whether nobody else could answer.
    pub(super) is_urgent: bool,
}

/// Until when one tier may take.
#[derive(Clone, Copy)]
pub(super) struct Share {
    /// For its first token: an equal share of what is left.
    pub(super) first_token: Deadline,
    /// For all of it, once tokens come: what leaves the tiers after it half of theirs.
    pub(super) whole: Deadline,
}

/// A call under way, for whoever considers to ask another tier too.
#[derive(Default)]
pub(super) struct Progress {
    /// It need not be helped: its first token is there, or it is a probe, which must not be cancelled.
    pub(super) is_settled: AtomicBool,
}

/// An answer that has begun, with the right that it was asked for by.
pub(super) struct Started {
    pub(super) tier: String,
    /// The pieces that are there.
    pub(super) pieces: Vec<Value>,
    rest: Rest,
    permit: Option<Permit>,
    /// How long the first token took; nothing, if that says nothing, since the answer came in one piece.
    first_token: Duration,
    began: Instant,
    spoke: Instant,
    idle: Duration,
    total: Duration,
    deadline: Deadline,
}

enum Rest {
    None(Box<Completion>),
    Stream(Reader),
}

impl Tier {
    /// The tier's name.
    pub(super) fn name(&self) -> &str {
        &self.client.tier.name
    }

    /// A whole answer that passes `check`; tried again while that can help and time is left.
    pub(super) async fn whole<T>(
        &self,
        asking: &Asking<'_>,
        progress: &Progress,
        share: Share,
        check: &(impl Fn(&Completion) -> Result<T, &'static str> + Sync),
    ) -> Result<(T, Completion, Vec<Value>), Fault> {
        let call = self.prepare(asking, share).await?;
        let call = &call;
        let attempt = |_| async move {
            let mut started = self.attempt(call, asking, progress, share).await?;
            let read = started.collect(asking.keeps_pieces).await;
            let checked = read.and_then(|()| check(started.completion()).map_err(Fault::Invalid));
            started
                .settle(checked.as_ref().err(), asking.deadline)
                .await;
            let value = checked.inspect_err(|fault| self.tell(fault))?;
            let pieces = std::mem::take(&mut started.pieces);
            Ok((
                value,
                started.into_completion().named(&self.client.tier.model),
                pieces,
            ))
        };
        retry::run(&POLICY, share.first_token, attempt).await
    }

    /// An answer whose first token is there.
    pub(super) async fn start(
        &self,
        asking: &Asking<'_>,
        progress: &Progress,
        share: Share,
    ) -> Result<Started, Fault> {
        let call = self.prepare(asking, share).await?;
        // Once it speaks, no other tier will be asked.
        let share = Share {
            whole: asking.usable,
            ..share
        };
        retry::run(&POLICY, share.first_token, |_| {
            self.attempt(&call, asking, progress, share)
        })
        .await
    }

    /// Before a permit is asked for: what goes wrong here says nothing of the provider.
    async fn prepare(&self, asking: &Asking<'_>, share: Share) -> Result<Prepared, Fault> {
        self.client
            .prepare(asking.request, share.first_token)
            .await
            .inspect_err(|fault| self.tell(fault))
    }

    /// One call, up to its first token.
    async fn attempt(
        &self,
        call: &Prepared,
        asking: &Asking<'_>,
        progress: &Progress,
        share: Share,
    ) -> Result<Started, Fault> {
        let mut permit = self.admit(asking).await?;
        progress
            .is_settled
            .store(permit.is_probe(), Ordering::Relaxed);
        asking.attempts.fetch_add(1, Ordering::Relaxed);
        let tier = &self.client.tier;
        let (began, total) = (Instant::now(), Deadline::after(tier.total_timeout()));
        let answer = match self.client.begin(call, total.min(share.first_token)).await {
            Ok(answer) => answer,
            Err(fault) => {
                settle(permit, Some(&fault), Duration::ZERO, asking.deadline).await;
                self.tell(&fault);
                return Err(fault);
            }
        };
        permit.spoke();
        progress.is_settled.store(true, Ordering::Relaxed);
        let (rest, pieces, first_token) = match answer {
            Begun::Whole(completion) => {
                (Rest::None(Box::new(completion)), Vec::new(), Duration::ZERO)
            }
            Begun::Stream(reader, pieces) => (Rest::Stream(reader), pieces, began.elapsed()),
        };
        Ok(Started {
            tier: tier.name.clone(),
            pieces,
            rest,
            permit: Some(permit),
            first_token,
            began,
            spoke: Instant::now(),
            idle: tier.idle_timeout(),
            total: tier.total_timeout(),
            deadline: total.min(share.whole),
        })
    }

    async fn admit(&self, asking: &Asking<'_>) -> Result<Permit, Fault> {
        let admission = if asking.is_urgent {
            self.circuit.admit_urgently(asking.deadline).await
        } else {
            self.circuit.admit(asking.deadline).await
        };
        match admission {
            Admission::Granted(permit) => Ok(permit),
            Admission::Refused(refusal) if refusal.why == Why::CoolingDown => {
                Err(Fault::CoolingDown(refusal.retry_in))
            }
            Admission::Refused(refusal) => Err(Fault::Circuit(refusal.why)),
        }
    }

    /// Says what went wrong with a call, and counts it.
    fn tell(&self, fault: &Fault) {
        let tier = self.name();
        metrics::count("AiFault", &[("tier", tier), ("fault", &fault.to_string())]);
        if fault.is_misconfigured() {
            tracing::error!(tier, fault = %fault, causes = error_chain(fault), "a tier cannot be used as it is configured");
        } else {
            tracing::warn!(tier, fault = %fault, causes = error_chain(fault), "a tier failed");
        }
    }
}

impl Started {
    /// The next piece; `None` when the answer is whole.
    pub(super) async fn next(&mut self) -> Result<Option<Value>, Fault> {
        let Rest::Stream(reader) = &mut self.rest else {
            return Ok(None);
        };
        let left = self.deadline.remaining();
        let next = reader.next(self.idle.min(left)).await;
        if matches!(next, Err(Fault::Stalled))
            && left <= self.idle
            && self.spoke.elapsed() * 2 < self.idle
        {
            // It was still speaking: the time is over, and nobody is to blame.
            return Err(if self.began.elapsed() >= self.total {
                Fault::TookTooLong
            } else {
                Fault::OutOfTime
            });
        }
        self.spoke = Instant::now();
        next
    }

    /// Waits for all of it.
    async fn collect(&mut self, keeps_pieces: bool) -> Result<(), Fault> {
        while let Some(piece) = self.next().await? {
            if keeps_pieces {
                self.pieces.push(piece);
            }
        }
        Ok(())
    }

    /// What has come so far.
    pub(super) fn completion(&self) -> &Completion {
        match &self.rest {
            Rest::None(completion) => completion,
            Rest::Stream(reader) => reader.completion(),
        }
    }

    fn into_completion(self) -> Completion {
        match self.rest {
            Rest::None(completion) => *completion,
            Rest::Stream(reader) => reader.into_completion(),
        }
    }

    /// Whether all of it came in one piece.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.rest, Rest::None(_))
    }

    /// Says how the call went.
    pub(super) async fn settle(&mut self, fault: Option<&Fault>, deadline: Deadline) {
        if let Some(permit) = self.permit.take() {
            settle(permit, fault, self.first_token, deadline).await;
        }
    }
}

/// Tells the circuit what a call says of the provider's health.
async fn settle(permit: Permit, fault: Option<&Fault>, took: Duration, deadline: Deadline) {
    match fault.map_or(Health::Well, Fault::health) {
        Health::Well => permit.succeed(took, deadline).await,
        Health::Ill => permit.fail(deadline).await,
        Health::Busy(wait) => permit.cool_down(wait, deadline).await,
        Health::Unknown => permit.give_up(deadline).await,
    }
}
