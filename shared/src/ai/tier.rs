//! One endpoint with its circuit and its retries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::{Begun, Client, too_late};
use super::completion::Completion;
use super::fault::{Fault, Health};
use super::reader::Reader;
use super::request::ChatRequest;
use crate::deadline::Deadline;
use crate::error::causes;
use crate::resilience::breaker::{Admission, Circuit, Permit, Why};
use crate::resilience::retry::{self, Policy};
use crate::telemetry::metrics;

/// Full jitter below a quarter, half, one … at most four seconds. A chat completion changes nothing at the provider, so it
/// may be asked for twice.
const POLICY: Policy = Policy::idempotent(Duration::from_millis(250), Duration::from_secs(4));

/// A tier of a chain.
pub(super) struct Tier {
    pub(super) client: Client,
    pub(super) circuit: Arc<Circuit>,
}

/// What an ask shares with the tiers it asks.
pub(super) struct Asking<'a> {
    pub(super) request: &'a ChatRequest,
    /// Until when results can be reported; later than any tier's own deadline.
    pub(super) deadline: Deadline,
    /// Calls made so far.
    pub(super) attempts: AtomicU32,
    /// Whether a call may be made beyond a ramp's share.
    pub(super) beyond_share: bool,
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
    pub(super) has_token: AtomicBool,
}

/// An answer that has begun, with the right that it was asked for by.
pub(super) struct Started {
    pub(super) tier: String,
    /// The pieces that are there.
    pub(super) pieces: Vec<Value>,
    rest: Rest,
    permit: Option<Permit>,
    first_token: Duration,
    began: Instant,
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
        let attempt = |_| async {
            let mut started = self.attempt(asking, progress, share).await?;
            let read = started.collect().await.and_then(|()| {
                let completion = started.completion();
                check(completion).map(|value| (value, completion.clone())).map_err(Fault::Invalid)
            });
            started.settle(read.as_ref().err(), asking.deadline).await;
            let pieces = std::mem::take(&mut started.pieces);
            let named =
                |(value, completion): (T, Completion)| (value, completion.named(&self.client.tier.model), pieces);
            read.map(named).inspect_err(|fault| self.tell(fault))
        };
        retry::run(&POLICY, share.first_token, attempt).await
    }

    /// An answer whose first token is there.
    pub(super) async fn start(&self, asking: &Asking<'_>, progress: &Progress, share: Share) -> Result<Started, Fault> {
        // Once it speaks, no other tier will be asked.
        let share = Share { whole: asking.deadline, ..share };
        retry::run(&POLICY, share.first_token, |_| self.attempt(asking, progress, share)).await
    }

    /// One call, up to its first token.
    async fn attempt(&self, asking: &Asking<'_>, progress: &Progress, share: Share) -> Result<Started, Fault> {
        let permit = self.admit(asking).await?;
        let asked = Instant::now();
        asking.attempts.fetch_add(1, Ordering::Relaxed);
        let total = Deadline::after(self.client.tier.total_timeout());
        let answer = match self.client.begin(asking.request, total.min(share.first_token)).await {
            Ok(answer) => answer,
            Err(fault) => {
                settle(permit, Some(&fault), asked.elapsed(), asking.deadline).await;
                if fault.is_no_attempt() {
                    asking.attempts.fetch_sub(1, Ordering::Relaxed);
                }
                self.tell(&fault);
                return Err(fault);
            }
        };
        progress.has_token.store(true, Ordering::Relaxed);
        let (rest, pieces) = match answer {
            Begun::Whole(completion) => (Rest::None(Box::new(completion)), Vec::new()),
            Begun::Stream(reader, pieces) => (Rest::Stream(reader), pieces),
        };
        let tier = &self.client.tier;
        Ok(Started {
            tier: tier.name.clone(),
            pieces,
            rest,
            permit: Some(permit),
            first_token: asked.elapsed(),
            began: asked,
            idle: tier.idle_timeout(),
            total: tier.total_timeout(),
            deadline: total.min(share.whole),
        })
    }

    async fn admit(&self, asking: &Asking<'_>) -> Result<Permit, Fault> {
        if asking.beyond_share
            && let Some(permit) = self.circuit.admit_beyond_share()
        {
            return Ok(permit);
        }
        match self.circuit.admit(asking.deadline).await {
            Admission::Granted(permit) => Ok(permit),
            Admission::Refused(refusal) if refusal.why == Why::CoolingDown => Err(Fault::CoolingDown(refusal.retry_in)),
            Admission::Refused(refusal) => Err(Fault::Circuit(refusal.why)),
        }
    }

    /// Says what went wrong with a call, and counts it.
    fn tell(&self, fault: &Fault) {
        let tier = self.name();
        metrics::count("AiFault", &[("tier", tier), ("fault", &fault.to_string())]);
        if fault.is_misconfigured() {
            tracing::error!(tier, fault = %fault, causes = causes(fault), "a tier cannot be used as it is configured");
        } else {
            tracing::warn!(tier, fault = %fault, causes = causes(fault), "a tier failed");
        }
    }
}

impl Started {
    /// The next piece; `None` when the answer is whole.
    pub(super) async fn next(&mut self) -> Result<Option<Value>, Fault> {
        let Rest::Stream(reader) = &mut self.rest else { return Ok(None) };
        let left = self.deadline.remaining();
        match reader.next(self.idle.min(left)).await {
            Err(Fault::Stalled) if left <= self.idle => {
                Err(if self.began.elapsed() >= self.total { Fault::TookTooLong } else { out_of_time(self) })
            }
            next => next,
        }
    }

    /// Waits for all of it. A deadline that is reached while tokens still come is the call's, not the tier's fault.
    async fn collect(&mut self) -> Result<(), Fault> {
        while let Some(piece) = self.next().await? {
            self.pieces.push(piece);
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

fn out_of_time(started: &Started) -> Fault {
    // It was given less than its own total: half of that is enough to blame it.
    match too_late(started.began, started.total) {
        Fault::Silent => Fault::TookTooLong,
        other => other,
    }
}

/// Tells the circuit what a call says of the provider's health.
async fn settle(permit: Permit, fault: Option<&Fault>, took: Duration, deadline: Deadline) {
    match fault.map_or(Health::Well, Fault::health) {
        Health::Well => permit.succeed(took, deadline).await,
        Health::Ill => permit.fail(deadline).await,
        Health::Busy(wait) => permit.cool_down(wait, deadline).await,
        Health::Unknown => drop(permit),
    }
}
