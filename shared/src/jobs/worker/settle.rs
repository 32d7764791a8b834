//! The end of a run: writes the job's next state, and decides when its message comes again.

use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use sqlx::PgConnection;

use super::context::WorkerContext;
use super::error::{Failure, JobError};
use super::registry::JobRegistry;
use super::run::run_guarded;
use super::write::write_insistently;
use crate::deadline::Deadline;
use crate::error::{Error, error_chain};
use crate::jobs::heartbeat::VISIBILITY_TIMEOUT;
use crate::jobs::lease::{Lease, job_exists};
use crate::jobs::transition::{
    Deferral, LeaseRelease, ReleaseReason, Transition, defer, release_lease,
};
use crate::telemetry::metrics;

/// The longest that a handler's cleanup may take.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(10);

/// The ceiling of the first backoff; it doubles with each attempt.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// The longest wait before another attempt, also if a provider asks for more.
const MAX_BACKOFF: Duration = Duration::from_mins(15);

/// The shortest deferral.
const MIN_DEFERRAL: Duration = Duration::from_secs(5);

/// The longest deferral.
const MAX_DEFERRAL: Duration = Duration::from_mins(5);

/// Seconds after which a message comes again that met an outage of ours: late enough to outlast a
/// failover.
const OUTAGE_DELAY_SECONDS: std::ops::RangeInclusive<u64> = 30..=60;

/// Whether a record's message comes again, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordOutcome {
    /// The queue may delete the message.
    Done,
    /// The message comes again after this time.
    ComesAgain(Duration),
}

impl RecordOutcome {
    /// The message comes again when an outage of ours may be over.
    pub(super) fn after_outage() -> Self {
        Self::ComesAgain(outage_delay())
    }
}

/// Settles runs of one record.
pub(super) struct RunSettlement<'a, Context> {
    pub(super) context: &'a Context,
    pub(super) registry: &'a JobRegistry<Context>,
    pub(super) record: &'a SqsMessage,
}

impl<Context: WorkerContext> RunSettlement<'_, Context> {
    /// Writes what has become of a run.
    pub(super) async fn settle(&self, lease: &Lease, done: Result<(), JobError>) -> RecordOutcome {
        match done {
            Ok(()) => {
                metrics::count("JobCompleted", &[("kind", &lease.kind)]);
                RecordOutcome::Done
            }
            Err(JobError::Failed(failure)) => self.settle_failure(lease, &failure).await,
            Err(JobError::Permanent(code)) => {
                tracing::error!(code, "no attempt can succeed");
                let reason = ReleaseReason::Permanent;
                self.release(lease, final_release(reason, code)).await
            }
            Err(JobError::Outage(cause)) => {
                let causes = error_chain(&*cause);
                tracing::error!(error = %cause, causes, "an outage broke the run off");
                let release = LeaseRelease {
                    reason: ReleaseReason::Outage,
                    code: "outage",
                    retry_in: outage_delay(),
                };
                self.release(lease, release).await
            }
            Err(JobError::Deferred(deferral)) => self.defer(lease, deferral).await,
            Err(JobError::Cancelled) => {
                // The row says that the job was cancelled, so it ends as such.
                let reason = ReleaseReason::AttemptFailed;
                self.release(lease, final_release(reason, "cancelled"))
                    .await
            }
            Err(JobError::LeaseLost) => self.settle_lost_lease(lease).await,
        }
    }

    async fn settle_failure(&self, lease: &Lease, failure: &Failure) -> RecordOutcome {
        let (code, attempt) = (failure.code, lease.attempt);
        let cause = failure.describe_cause();
        tracing::error!(code, attempt, cause, "an attempt failed");

        let asked_for = failure.retry_in.map(|wait| wait.min(MAX_BACKOFF));
        let release = LeaseRelease {
            reason: ReleaseReason::AttemptFailed,
            code,
            retry_in: asked_for.unwrap_or_else(|| backoff(attempt)),
        };

        self.release(lease, release).await
    }

    async fn release(&self, lease: &Lease, release: LeaseRelease<'_>) -> RecordOutcome {
        let write =
            async |connection: &mut PgConnection| release_lease(connection, lease, release).await;
        let transition = write_insistently(self.context.database(), write).await;

        if matches!(transition, Ok(Transition::Rescheduled)) {
            metrics::count("JobRetried", &[("kind", &lease.kind)]);
        }
        let rescheduled = RecordOutcome::ComesAgain(release.retry_in);

        self.follow_transition(lease, transition, rescheduled).await
    }

    async fn defer(&self, lease: &Lease, deferral: Deferral<'static>) -> RecordOutcome {
        let deferral = Deferral {
            code: deferral.code,
            retry_in: deferral.retry_in.clamp(MIN_DEFERRAL, MAX_DEFERRAL),
        };

        let write = async |connection: &mut PgConnection| defer(connection, lease, deferral).await;
        let transition = write_insistently(self.context.database(), write).await;

        if matches!(transition, Ok(Transition::Rescheduled)) {
            let wait_s = deferral.retry_in.as_secs();
            tracing::info!(code = deferral.code, wait_s, "deferred");
            metrics::count("JobDeferred", &[("kind", &lease.kind)]);
        }

        // The outbox sends another message when it is time.
        let rescheduled = RecordOutcome::Done;

        self.follow_transition(lease, transition, rescheduled).await
    }

    /// The record's outcome after a transition; it is `rescheduled` if the job is tried again.
    async fn follow_transition(
        &self,
        lease: &Lease,
        transition: Result<Transition, Error>,
        rescheduled: RecordOutcome,
    ) -> RecordOutcome {
        match transition {
            Ok(Transition::Rescheduled) => rescheduled,
            Ok(Transition::Failed) => {
                metrics::count("JobFailed", &[("kind", &lease.kind)]);
                self.dead_letter().await
            }
            Ok(Transition::Cancelled) => {
                log_cancelled(&lease.kind);
                RecordOutcome::Done
            }
            Ok(Transition::LeaseLost) => self.settle_lost_lease(lease).await,
            Err(error) => {
                let causes = error_chain(&error);
                tracing::error!(
                    error = %error,
                    causes,
                    "a transition cannot be written; the lease runs out"
                );
                RecordOutcome::after_outage()
            }
        }
    }

    /// Puts the message into the dead-letter queue.
    pub(super) async fn dead_letter(&self) -> RecordOutcome {
        match self.context.dead_letters().pass_on(self.record).await {
            Ok(()) => RecordOutcome::Done,
            Err(error) => {
                tracing::warn!(
                    error = %error,
                    "the dead-letter queue takes no messages; the record comes again"
                );
                RecordOutcome::after_outage()
            }
        }
    }

    /// Another run has the job by now, and with it what this run has left outside the database. Or
    /// the job was erased, and nothing of it may be left anywhere.
    async fn settle_lost_lease(&self, lease: &Lease) -> RecordOutcome {
        let read = async |connection: &mut PgConnection| job_exists(connection, lease).await;

        match write_insistently(self.context.database(), read).await {
            Ok(true) => {
                tracing::warn!(
                    "the lease was lost to another run, or the result was written and the answer \
                     lost"
                );
                RecordOutcome::ComesAgain(VISIBILITY_TIMEOUT)
            }
            Ok(false) => {
                self.clean_up(lease).await;
                RecordOutcome::Done
            }
            Err(error) => {
                let causes = error_chain(&error);
                tracing::error!(
                    causes,
                    "the lease was lost, and the database cannot say to which run; if the job was \
                     erased, something of it may be left outside the database"
                );
                RecordOutcome::after_outage()
            }
        }
    }

    /// Removes what the run of an erased job has left outside the database.
    async fn clean_up(&self, lease: &Lease) {
        let Some(kind) = self.registry.find(&lease.kind) else {
            return;
        };

        let cleanup = (kind.cleanup)(self.context, lease);

        match run_guarded(cleanup, Deadline::after(CLEANUP_TIMEOUT)).await {
            Ok(()) => tracing::info!("the job was erased while it ran"),
            Err(error) => tracing::error!(
                kind = lease.kind,
                cause = error.cause(),
                "the job was erased while it ran; something of it is left outside the database"
            ),
        }
    }
}

/// A release that ends the job, so its message does not come again.
const fn final_release(reason: ReleaseReason, code: &str) -> LeaseRelease<'_> {
    LeaseRelease {
        reason,
        code,
        retry_in: Duration::ZERO,
    }
}

/// Logs and counts a job that has ended as cancelled.
pub(super) fn log_cancelled(kind: &str) {
    tracing::info!("cancelled");
    metrics::count("JobCancelled", &[("kind", kind)]);
}

/// Full jitter ("Exponential backoff and jitter", AWS architecture blog): a random time up to
/// 1 s · 2^n, n being the number of earlier attempts; whole seconds, at most 15 minutes.
fn backoff(attempt: i16) -> Duration {
    let earlier_attempts = u32::try_from(attempt).unwrap_or_default().saturating_sub(1);
    let factor = 1 << earlier_attempts.min(10);
    let ceiling = FIRST_BACKOFF.saturating_mul(factor).min(MAX_BACKOFF);
    Duration::from_secs(fastrand::u64(0..=ceiling.as_secs()))
}

fn outage_delay() -> Duration {
    Duration::from_secs(fastrand::u64(OUTAGE_DELAY_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest of many backoffs after this attempt, in seconds.
    fn longest_backoff(attempt: i16) -> u64 {
        let backoffs = (0..2_000).map(|_| backoff(attempt).as_secs());
        backoffs.max().unwrap_or_default()
    }

    #[test]
    fn the_backoff_doubles_with_each_attempt_and_is_bounded() {
        for (attempt, ceiling) in [(0, 1), (1, 1), (2, 2), (3, 4), (40, 900)] {
            let longest = longest_backoff(attempt);
            assert!(longest <= ceiling, "attempt {attempt}: {longest}");
            assert!(longest * 10 >= ceiling * 9, "attempt {attempt}: {longest}");
        }
    }
}
