//! One record of a batch: its job runs, if the claim was granted, and the queue learns when the
//! message comes again.

use std::time::{Duration, Instant};

use aws_lambda_events::sqs::SqsMessage;
use futures::future::{self, Either};

use super::context::WorkerContext;
use super::error::JobError;
use super::registry::{JobRegistry, RegisteredKind};
use super::run::{Run, run_guarded};
use super::settle::{RecordOutcome, RunSettlement, log_cancelled};
use crate::deadline::Deadline;
use crate::error::error_chain;
use crate::jobs::changes::ChangeFeed;
use crate::jobs::claim::Claim;
use crate::jobs::heartbeat::{Heartbeat, RunSignal};
use crate::jobs::lease::Lease;
use crate::jobs::queue::Queue;
use crate::telemetry::{catalogue, metrics, trace};

/// Kept from the invocation's time for settling runs.
pub(super) const SETTLE_RESERVE: Duration = Duration::from_secs(10);

/// The time that a run may still take after it has lost its lease.
const LEASE_LOST_GRACE: Duration = Duration::from_secs(5);

/// When a message comes again whose kind this worker does not know.
const UNKNOWN_KIND_DELAY: Duration = Duration::from_mins(1);

/// A record's claim, as far as it is known before the record is processed.
pub(super) enum RecordClaim {
    /// No parser understands the record.
    NotAJob,
    /// The record is a job's, and the database cannot be asked for it.
    DatabaseDown,
    /// The record is a job's, and this is what became of its claim.
    Claimed(Claim),
}

/// One record on its way through the worker.
pub(super) struct RecordRun<'a, Context> {
    pub(super) context: &'a Context,
    pub(super) registry: &'a JobRegistry<Context>,
    pub(super) heartbeat: &'a Heartbeat,
    pub(super) changes: &'a ChangeFeed,
    pub(super) record: &'a SqsMessage,
    pub(super) invocation: Deadline,
}

impl<Context: WorkerContext> RecordRun<'_, Context> {
    /// Processes the record. Returns whether it has to come again; its visibility says when.
    pub(super) async fn process(&self, claim: RecordClaim) -> bool {
        let outcome = match claim {
            RecordClaim::NotAJob => {
                let code = "not_a_job";
                tracing::warn!(code, "a message that no parser understands is given up");
                metrics::count("JobMessageUnreadable", &[]);
                self.settlement().dead_letter().await
            }
            RecordClaim::DatabaseDown => RecordOutcome::after_outage(),
            RecordClaim::Claimed(claim) => self.follow_claim(claim).await,
        };

        match outcome {
            RecordOutcome::Done => false,
            RecordOutcome::ComesAgain(wait) => {
                let receipts: Vec<_> = self.record.receipt_handle.as_deref().into_iter().collect();
                return_records(self.context.queue(), self.heartbeat, &receipts, wait).await;
                true
            }
        }
    }

    async fn follow_claim(&self, claim: Claim) -> RecordOutcome {
        match claim {
            Claim::Granted(lease) => self.run_job(&lease).await,
            Claim::AlreadyEnded => {
                tracing::info!("done before");
                RecordOutcome::Done
            }
            Claim::JustCancelled(job) => {
                log_cancelled(&job.kind);
                self.changes.report(&job);
                RecordOutcome::Done
            }
            Claim::AlreadyFailed => {
                tracing::info!("failed before");
                self.settlement().dead_letter().await
            }
            Claim::JustFailed(job) => {
                tracing::error!("its attempts are used up, or no worker knows its kind");
                metrics::count("JobFailed", &[("kind", &job.kind)]);
                self.changes.report(&job);
                self.settlement().dead_letter().await
            }
            Claim::LeasedElsewhere(remaining) => {
                tracing::info!("leased by another run");
                RecordOutcome::ComesAgain(remaining)
            }
            Claim::NotDue(remaining) => {
                tracing::info!(wait_s = remaining.as_secs(), "not yet due");
                RecordOutcome::ComesAgain(remaining)
            }
            Claim::UnknownKind => {
                tracing::warn!("a kind that this worker does not know");
                RecordOutcome::ComesAgain(UNKNOWN_KIND_DELAY)
            }
            Claim::NotFound => {
                tracing::warn!(
                    "no such job in this tenant; it was erased, or the message is wrong"
                );
                RecordOutcome::Done
            }
            // The batch claims such a job again, isolated, and does not come here with it.
            Claim::NeedsIsolation => RecordOutcome::after_outage(),
        }
    }

    /// Runs a job whose lease was granted, and settles the run.
    async fn run_job(&self, lease: &Lease) -> RecordOutcome {
        let Some(kind) = self.registry.find(&lease.kind) else {
            return RecordOutcome::ComesAgain(UNKNOWN_KIND_DELAY);
        };

        self.changes.report(lease);
        let began = Instant::now();
        let done = self.run_handler(kind, lease).await;
        let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        metrics::observe(
            &catalogue::JOB_DURATION,
            &[("kind", &lease.kind)],
            milliseconds,
        );
        let result = done.as_ref().map_or_else(JobError::name, |()| "completed");
        tracing::info!(
            attempt = lease.attempt,
            duration_ms = milliseconds,
            result,
            "ran"
        );
        if let Err(JobError::Failed(_) | JobError::Permanent(_)) = &done {
            trace::fail(result);
        }
        let outcome = self.settlement().settle(lease, done).await;
        self.heartbeat.unregister(lease.token);
        self.changes.report(lease);

        outcome
    }

    /// Runs the kind's handler until it is done, or until the heartbeat stops it.
    async fn run_handler(
        &self,
        kind: &RegisteredKind<Context>,
        lease: &Lease,
    ) -> Result<(), JobError> {
        let handle = self.heartbeat.register(lease);
        let available = self.invocation.less(SETTLE_RESERVE);
        let run = Run {
            lease,
            deadline: available.at_most(kind.attempt_timeout),
            handle: &handle,
            database: self.context.database(),
            changes: self.changes,
        };

        let work = run_guarded((kind.handle)(self.context, &run), run.deadline);
        let work = std::pin::pin!(work);
        let stopped = std::pin::pin!(handle.wait_for_stop());

        match future::select(work, stopped).await {
            Either::Left((done, _)) => done,
            Either::Right((RunSignal::Cancelled, _)) => Err(JobError::Cancelled),
            // What the run is just putting outside the database had better be there before it is
            // removed again. The result is fenced anyway.
            Either::Right((_, work)) => Deadline::after(LEASE_LOST_GRACE)
                .run(work)
                .await
                .unwrap_or(Err(JobError::LeaseLost)),
        }
    }

    const fn settlement(&self) -> RunSettlement<'_, Context> {
        RunSettlement {
            context: self.context,
            registry: self.registry,
            record: self.record,
        }
    }
}

/// Lets the messages with these receipts come again after `wait`.
pub(super) async fn return_records(
    queue: &Queue,
    heartbeat: &Heartbeat,
    receipts: &[&str],
    wait: Duration,
) {
    for receipt in receipts {
        heartbeat.make_visible(receipt);
    }

    if let Err(error) = queue.set_visibility(receipts, wait).await {
        let causes = error_chain(&*error);
        tracing::warn!(
            causes,
            "the visibility cannot be set; the queue decides when the records come"
        );
    }
}
