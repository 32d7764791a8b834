//! One record on its way through the worker: its job is done, and what came of it is written and told to the queue.

use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use futures::future::{self, Either};

use super::kind::isolated;
use super::{Environment, Kinds, RESERVE, Run, Stop, UNKNOWN_KIND};
use crate::deadline::{Deadline, Elapsed};
use crate::error::{Error, causes};
use crate::jobs::claim::{Claim, Lease};
use crate::jobs::ending::{self, Ended, Release};
use crate::jobs::heartbeat::{Heartbeat, INVISIBLE, Signal};
use crate::jobs::queue::Queue;
use crate::resilience::retry::{self, Policy};
use crate::telemetry::metrics;

/// The first wait before another attempt; it doubles with each.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// The longest wait before another attempt, whoever asks for it.
const LONGEST_BACKOFF: Duration = Duration::from_mins(15);

/// The bounds of a deferral.
const DEFERRAL: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));

/// Writing an ending survives a restart of the database: it may be done twice.
const WRITING: Policy = Policy::idempotent(Duration::from_millis(200), Duration::from_secs(2));

/// When a record has to come again; `None` when it is done with.
type Again = Option<Duration>;

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
        let again = match found {
            Found::NotAJob => {
                tracing::error!(code = "not_a_job", "a message that nobody understands is given up");
                metrics::count("JobMessageUnreadable", &[]);
                self.give_up().await
            }
            Found::OutOfReach => Some(outage()),
            Found::Job(claim) => self.follow(claim).await,
        };
        if let Some(wait) = again {
            let receipt = self.record.receipt_handle.as_slice();
            let receipts: Vec<_> = receipt.iter().map(String::as_str).collect();
            let_come(self.app.queue(), self.heartbeat, &receipts, wait).await;
        }
        again.is_some()
    }

    async fn follow(&self, claim: Claim) -> Again {
        match claim {
            Claim::Granted(lease) => self.run(&lease).await,
            Claim::Finished => {
                tracing::info!("done before");
                None
            }
            Claim::Failed => {
                tracing::warn!("failed for good");
                self.give_up().await
            }
            Claim::Alone => Some(Duration::ZERO), // whoever claims one by itself is not told so
            Claim::Held(rest) => {
                tracing::info!("held by another run");
                Some(rest)
            }
            Claim::UnknownKind => {
                tracing::debug!("a kind that this worker does not know");
                Some(UNKNOWN_KIND.1)
            }
            Claim::Missing => {
                tracing::warn!("no such job; it was erased or never existed");
                None
            }
        }
    }

    /// Puts the message into the dead-letter queue.
    async fn give_up(&self) -> Again {
        let body = self.record.body.as_deref().unwrap_or_default();
        match self.app.dead_letters().bury(body).await {
            Ok(()) => None,
            Err(error) => {
                tracing::warn!(error = %error, "the dead-letter queue takes no messages; the record comes again");
                Some(outage())
            }
        }
    }

    async fn run(&self, lease: &Lease) -> Again {
        let Some((longest, work)) = self.kinds.known.get(lease.kind.as_str()) else { return Some(UNKNOWN_KIND.1) };
        let pulse = self.heartbeat.keep(lease);
        let deadline = self.invocation.less(RESERVE).at_most(*longest);
        let run = Run { lease, deadline, pulse: &pulse };
        let done = {
            let work = std::pin::pin!(isolated(work(self.app, &run, lease.payload.clone()), deadline));
            let stopped = std::pin::pin!(pulse.stopped());
            match future::select(work, stopped).await {
                Either::Left((done, _)) => done,
                Either::Right((Signal::CalledOff, _)) => Err(Stop::CalledOff),
                Either::Right((_, _)) => Err(Stop::Overtaken),
            }
        };
        let again = self.settle(lease, done).await;
        self.heartbeat.let_go(lease.token);
        again
    }

    /// Writes what has become of a run.
    async fn settle(&self, lease: &Lease, done: Result<(), Stop>) -> Again {
        let kind = lease.kind.as_str();
        match done {
            Ok(()) => {
                metrics::count("JobCompleted", &[("kind", kind)]);
                None
            }
            Err(Stop::Failed(failure)) => {
                let cause = failure.cause.as_deref().map(|cause| format!("{cause}: {}", causes(cause)));
                tracing::error!(code = failure.code, attempt = lease.attempt, cause, "an attempt failed");
                let wait = failure.retry_in.map_or_else(|| backoff(lease.attempt), |wait| wait.min(LONGEST_BACKOFF));
                self.give_back(lease, Release::Failed, failure.code, wait).await
            }
            Err(Stop::Hopeless(code)) => {
                tracing::error!(code, "no attempt can succeed");
                self.give_back(lease, Release::Hopeless, code, Duration::ZERO).await
            }
            Err(Stop::Outage(cause)) => {
                tracing::error!(error = %cause, causes = causes(&*cause), "broken off by an outage");
                self.give_back(lease, Release::Uncounted, "outage", outage()).await
            }
            Err(Stop::Deferred { code, retry_in }) => self.defer(lease, code, retry_in).await,
            Err(Stop::CalledOff) => {
                tracing::info!("called off");
                metrics::count("JobCancelled", &[("kind", kind)]);
                let written = write(self.app, async |session| ending::cancelled(session, lease).await).await;
                written.err().map(|_| outage())
            }
            Err(Stop::Overtaken) => {
                tracing::warn!("overtaken by another run, or erased");
                Some(INVISIBLE)
            }
        }
    }

    async fn give_back(&self, lease: &Lease, release: Release, code: &str, wait: Duration) -> Again {
        let give_back = async |session: &mut _| ending::give_back(session, lease, release, code, wait).await;
        let ended = write(self.app, give_back).await;
        self.ended(lease, ended, wait).await
    }

    async fn defer(&self, lease: &Lease, code: &'static str, retry_in: Duration) -> Again {
        let wait = retry_in.clamp(DEFERRAL.0, DEFERRAL.1);
        tracing::info!(code, wait_s = wait.as_secs(), "deferred");
        metrics::count("JobDeferred", &[("kind", &lease.kind)]);
        let ended = write(self.app, async |session| ending::defer(session, lease, wait, code).await).await;
        match ended {
            Ok(Ended::Again) => None, // the outbox sends another message
            ended => self.ended(lease, ended, wait).await,
        }
    }

    async fn ended(&self, lease: &Lease, ended: Result<Ended, Error>, wait: Duration) -> Again {
        match ended {
            Ok(Ended::Again) => {
                metrics::count("JobRetried", &[("kind", &lease.kind)]);
                Some(wait)
            }
            Ok(Ended::Failed) => {
                metrics::count("JobFailed", &[("kind", &lease.kind)]);
                self.give_up().await
            }
            Ok(Ended::Overtaken) => Some(INVISIBLE),
            Err(error) => {
                tracing::error!(error = %error, causes = causes(&error), "an ending cannot be written; the lease runs out");
                Some(outage())
            }
        }
    }
}

/// Lets records come again, after `wait`.
pub(super) async fn let_come(queue: &Queue, heartbeat: &Heartbeat, receipts: &[&str], wait: Duration) {
    for receipt in receipts {
        heartbeat.let_come(receipt);
    }
    if let Err(error) = queue.set_visibility(receipts, wait).await {
        tracing::warn!(error = %error, "the visibility cannot be set; the records come when the queue says");
    }
}

/// Writes under a lease, which may be done twice: tried again for a few seconds while the database is gone, so that a restart
/// of it costs no work.
pub async fn write<App: Environment, T>(
    app: &App,
    write: impl AsyncFn(&mut sqlx::PgConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    let (write, deadline) = (&write, Deadline::after(RESERVE.saturating_sub(Duration::from_secs(2))));
    let written = deadline.run(retry::run(&WRITING, deadline, |_| async move {
        let mut session = app.database().session().await?;
        let written = write(&mut session).await;
        session.finish(written)
    }));
    written.await.unwrap_or_else(|elapsed| Err(late(elapsed)))
}

pub(super) fn late(elapsed: Elapsed) -> Error {
    Error::unavailable("The database", RESERVE, elapsed)
}

/// Full jitter ("Exponential backoff and jitter", AWS architecture blog): anything from nothing to 1 s · 2^n, n being the number
/// of earlier attempts; whole seconds, at most 15 minutes.
fn backoff(attempt: i16) -> Duration {
    let earlier = u32::try_from(attempt).unwrap_or_default().saturating_sub(1).min(10);
    let ceiling = FIRST_BACKOFF.saturating_mul(1 << earlier).min(LONGEST_BACKOFF).as_secs();
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
            assert!(longest.is_some_and(|longest| longest <= ceiling && longest * 10 >= ceiling * 9), "{attempt}");
        }
    }
}
