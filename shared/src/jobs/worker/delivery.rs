//! One record on its way through the worker: its job is done, and what came of it is written and told to the queue.

use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use futures::future::{self, Either};
use sqlx::PgConnection;

use super::kind::{in_full, isolated};
use super::{Environment, Kinds, RESERVE, Run, Stop, UNKNOWN_KIND};
use crate::deadline::Deadline;
use crate::error::{Error, error_chain};
use crate::jobs::claim::{Claim, Lease, is_there};
use crate::jobs::ending::{self, Ended, Release};
use crate::jobs::heartbeat::{Heartbeat, INVISIBLE, Signal};
use crate::jobs::queue::Queue;
use crate::postgres::Database;
use crate::resilience::retry::{self, Policy};
use crate::telemetry::metrics;

/// What a run may still take after it was overtaken or erased.
const GRACE: Duration = Duration::from_secs(5);

/// The first wait before another attempt; it doubles with each.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// The longest wait before another attempt, whoever asks for it.
const LONGEST_BACKOFF: Duration = Duration::from_mins(15);

/// The bounds of a deferral.
const DEFERRAL: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));

/// For how long something is written again and again, and the longest that one try may take.
const INSIST: Duration = Duration::from_secs(8);
const EACH_TRY: Duration = Duration::from_secs(3);

/// Writing an ending survives a restart of the database: it may be done twice.
const WRITING: Policy = Policy::idempotent(Duration::from_millis(200), Duration::from_secs(2));

/// When a record has to come again; `None` when it is done with.
type Wait = Option<Duration>;

/// What is known of a record before anything is done.
pub(super) enum Found {
    /// No parser understands it.
    NotAJob,
    /// A job's, but the database cannot be asked for it.
    OutOfReach,
    /// A job's, and this is what became of the claim.
    Job(Claim),
}

/// One record on its way through the worker.
pub(super) struct Delivery<'a, App> {
    pub(super) app: &'a App,
    pub(super) kinds: &'a Kinds<App>,
    pub(super) heartbeat: &'a Heartbeat,
    pub(super) record: &'a SqsMessage,
    pub(super) invocation: Deadline,
}

impl<App: Environment> Delivery<'_, App> {
    /// Does what is to be done about the record. Whether it has to come again, which its visibility then says when.
    pub(super) async fn see_to(&self, found: Found) -> bool {
        let wait = match found {
            Found::NotAJob => {
                tracing::warn!(
                    code = "not_a_job",
                    "a message that nobody understands is given up"
                );
                metrics::count("JobMessageUnreadable", &[]);
                self.give_up().await
            }
            Found::OutOfReach => Some(outage()),
            Found::Job(claim) => self.follow(claim).await,
        };
        if let Some(wait) = wait {
            let receipt = self.record.receipt_handle.as_slice();
            let receipts: Vec<_> = receipt.iter().map(String::as_str).collect();
            let_come(self.app.queue(), self.heartbeat, &receipts, wait).await;
        }
        wait.is_some()
    }

    async fn follow(&self, claim: Claim) -> Wait {
        match claim {
            Claim::Granted(lease) => self.run(&lease).await,
            Claim::Finished => {
                tracing::info!("done before");
                None
            }
            Claim::Cancelled(kind) => {
                tracing::info!("called off");
                metrics::count("JobCancelled", &[("kind", &kind)]);
                None
            }
            Claim::Failed => {
                tracing::info!("failed before");
                self.give_up().await
            }
            Claim::GivenUp(kind) => {
                tracing::error!("its attempts are used up, or no worker knows its kind");
                metrics::count("JobFailed", &[("kind", &kind)]);
                self.give_up().await
            }
            Claim::Held(rest) => {
                tracing::info!("held by another run");
                Some(rest)
            }
            Claim::Early(rest) => {
                tracing::info!(wait_s = rest.as_secs(), "not yet due");
                Some(rest)
            }
            Claim::UnknownKind => {
                tracing::warn!("a kind that this worker does not know");
                Some(UNKNOWN_KIND)
            }
            Claim::Missing => {
                tracing::warn!(
                    "no such job in this tenant; it was erased, or the message is wrong"
                );
                None
            }
            // The batch has seen to it that nothing else goes on.
            Claim::Alone => Some(outage()),
        }
    }

    /// Puts the message into the dead-letter queue.
    async fn give_up(&self) -> Wait {
        match self.app.dead_letters().pass_on(self.record).await {
            Ok(()) => None,
            Err(error) => {
                tracing::warn!(error = %error, "the dead-letter queue takes no messages; the record comes again");
                Some(outage())
            }
        }
    }

    async fn run(&self, lease: &Lease) -> Wait {
        let Some(kind) = self.kinds.known.get(lease.kind.as_str()) else {
            return Some(UNKNOWN_KIND);
        };
        let pulse = self.heartbeat.keep(lease);
        let deadline = self.invocation.less(RESERVE).at_most(kind.longest);
        let run = Run {
            lease,
            deadline,
            pulse: &pulse,
            database: self.app.database(),
        };
        let done = {
            let work = std::pin::pin!(isolated((kind.perform)(self.app, &run), deadline));
            let stopped = std::pin::pin!(pulse.stopped());
            match future::select(work, stopped).await {
                Either::Left((done, _)) => done,
                Either::Right((Signal::CalledOff, _)) => Err(Stop::CalledOff),
                // What it is just putting somewhere had better be there before it is removed again; the result is fenced anyway.
                Either::Right((_, work)) => Deadline::after(GRACE)
                    .run(work)
                    .await
                    .unwrap_or(Err(Stop::Overtaken)),
            }
        };
        let wait = self.settle(lease, done).await;
        self.heartbeat.let_go(lease.token);
        wait
    }

    /// Writes what has become of a run.
    async fn settle(&self, lease: &Lease, done: Result<(), Stop>) -> Wait {
        match done {
            Ok(()) => {
                metrics::count("JobCompleted", &[("kind", &lease.kind)]);
                None
            }
            Err(Stop::Failed(failure)) => {
                let cause = failure.cause.as_deref().map(|cause| in_full(cause));
                tracing::error!(
                    code = failure.code,
                    attempt = lease.attempt,
                    cause,
                    "an attempt failed"
                );
                let wait = failure
                    .retry_in
                    .map_or_else(|| backoff(lease.attempt), |wait| wait.min(LONGEST_BACKOFF));
                self.give_back(lease, Release::Failed, failure.code, wait)
                    .await
            }
            Err(Stop::Hopeless(code)) => {
                tracing::error!(code, "no attempt can succeed");
                self.give_back(lease, Release::Hopeless, code, Duration::ZERO)
                    .await
            }
            Err(Stop::Outage(cause)) => {
                tracing::error!(error = %cause, causes = error_chain(&*cause), "broken off by an outage");
                self.give_back(lease, Release::Uncounted, "outage", outage())
                    .await
            }
            Err(Stop::Deferred { code, retry_in }) => self.defer(lease, code, retry_in).await,
            Err(Stop::CalledOff) => {
                self.give_back(lease, Release::Failed, "called_off", Duration::ZERO)
                    .await
            }
            Err(Stop::Overtaken) => self.overtaken(lease).await,
        }
    }

    async fn give_back(&self, lease: &Lease, release: Release, code: &str, wait: Duration) -> Wait {
        let give_back = async |connection: &mut _| {
            ending::give_back(connection, lease, release, code, wait).await
        };
        let ended = write(self.app.database(), give_back).await;
        if matches!(ended, Ok(Ended::Again)) {
            metrics::count("JobRetried", &[("kind", &lease.kind)]);
        }
        self.ended(lease, ended, Some(wait)).await
    }

    async fn defer(&self, lease: &Lease, code: &'static str, retry_in: Duration) -> Wait {
        let wait = retry_in.clamp(DEFERRAL.0, DEFERRAL.1);
        let ended = write(self.app.database(), async |connection| {
            ending::defer(connection, lease, wait, code).await
        })
        .await;
        if matches!(ended, Ok(Ended::Again)) {
            tracing::info!(code, wait_s = wait.as_secs(), "deferred");
            metrics::count("JobDeferred", &[("kind", &lease.kind)]);
        }
        self.ended(lease, ended, None).await // the outbox sends another message
    }

    /// `wait` is for a job that is to be tried again.
    async fn ended(&self, lease: &Lease, ended: Result<Ended, Error>, wait: Wait) -> Wait {
        match ended {
            Ok(Ended::Again) => wait,
            Ok(Ended::Failed) => {
                metrics::count("JobFailed", &[("kind", &lease.kind)]);
                self.give_up().await
            }
            Ok(Ended::Cancelled) => {
                tracing::info!("called off");
                metrics::count("JobCancelled", &[("kind", &lease.kind)]);
                None
            }
            Ok(Ended::Overtaken) => self.overtaken(lease).await,
            Err(error) => {
                tracing::error!(error = %error, causes = error_chain(&error), "an ending cannot be written; the lease runs out");
                Some(outage())
            }
        }
    }

    /// Somebody else has the job by now, and what this run has left elsewhere is theirs as well; or it was erased, and nothing of
    /// it may be left anywhere.
    async fn overtaken(&self, lease: &Lease) -> Wait {
        match write(self.app.database(), async |connection| {
            is_there(connection, lease).await
        })
        .await
        {
            Ok(true) => {
                tracing::warn!(
                    "overtaken by another run, or its end was written and the answer lost"
                );
                Some(INVISIBLE)
            }
            Ok(false) => self.forget(lease).await,
            Err(error) => {
                tracing::error!(
                    causes = error_chain(&error),
                    "nobody knows who has the job; if it was erased, something of it may be left outside the database"
                );
                Some(outage())
            }
        }
    }

    async fn forget(&self, lease: &Lease) -> Wait {
        let kind = self.kinds.known.get(lease.kind.as_str())?;
        match isolated((kind.forget)(self.app, lease), Deadline::after(RESERVE)).await {
            Ok(()) => tracing::info!("erased while it was done"),
            Err(stop) => {
                let cause = stop.cause();
                tracing::error!(
                    kind = lease.kind,
                    cause,
                    "erased while it was done; something of it is left outside the database"
                );
            }
        }
        None
    }
}

/// Lets records come again, after `wait`.
pub(super) async fn let_come(
    queue: &Queue,
    heartbeat: &Heartbeat,
    receipts: &[&str],
    wait: Duration,
) {
    for receipt in receipts {
        heartbeat.let_come(receipt);
    }
    if let Err(error) = queue.set_visibility(receipts, wait).await {
        tracing::warn!(
            causes = error_chain(&*error),
            "the visibility cannot be set; the records come when the queue says"
        );
    }
}

/// Writes what may be written twice: tried again for a few seconds while the database is gone, so that a restart of it costs
/// no work.
pub(super) async fn write<T>(
    database: &Database,
    write: impl AsyncFn(&mut PgConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    let (write, deadline) = (&write, Deadline::after(INSIST));
    let written = retry::run(&WRITING, deadline, |_| async move {
        database
            .within(EACH_TRY.min(deadline.remaining()), async |connection| {
                write(connection).await
            })
            .await
    });
    written.await
}

/// Full jitter ("Exponential backoff and jitter", AWS architecture blog): anything from nothing to 1 s · 2^n, n being the number
/// of earlier attempts; whole seconds, at most 15 minutes.
fn backoff(attempt: i16) -> Duration {
    let earlier = u32::try_from(attempt)
        .unwrap_or_default()
        .saturating_sub(1)
        .min(10);
    let ceiling = FIRST_BACKOFF
        .saturating_mul(1 << earlier)
        .min(LONGEST_BACKOFF)
        .as_secs();
    Duration::from_secs(fastrand::u64(0..=ceiling))
}

/// When to come again after an outage of our own: late enough to outlast a failover.
fn outage() -> Duration {
    Duration::from_secs(fastrand::u64(30..=60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_with_each_attempt_and_is_bounded() {
        for (attempt, ceiling) in [(0, 1), (1, 1), (2, 2), (3, 4), (40, 900)] {
            let longest = (0..2_000).map(|_| backoff(attempt).as_secs()).max();
            assert!(
                longest.is_some_and(|longest| longest <= ceiling && longest * 10 >= ceiling * 9),
                "{attempt}"
            );
        }
    }
}
