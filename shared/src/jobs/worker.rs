//! The consumer's side: a batch of queue messages, each on its own, so that one bad record neither fails nor delays the
//! others.
//!
//! For a batch of ten there is one claim, one call that makes the messages' invisibility as short as a lease, and one heartbeat;
//! then each job runs by itself, isolated from the others' errors and panics. What comes of it:
//!
//! | the run | the job | its message |
//! |---|---|---|
//! | succeeds | as it wrote itself | deleted |
//! | fails | queued again, or failed after the third attempt | comes after 1 s · 2^n, or when the run says; goes to the dead-letter queue |
//! | cannot succeed | failed | goes to the dead-letter queue |
//! | has to wait for something outside | deferred: no attempt is spent | deleted; the outbox sends another one when it is time |
//! | meets an outage of our own | queued again: no attempt is spent | comes after 30 to 60 s |
//! | is called off | cancelled | deleted |
//! | is overtaken | the other run's | comes again, and finds the job done or held |
//! | is killed | its lease runs out | comes when the lease is over |

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::FutureExt;
use futures::future::{self, Either, LocalBoxFuture, join_all};
use serde_json::Value;
use tracing::Instrument;

use super::claim::{Claim, Lease, Wanted, claim};
use super::ending::{self, Ended, Release};
use super::heartbeat::{Heartbeat, INVISIBLE, Pulse, Signal};
use super::queue::Queue;
use super::{JobMessage, Task};
use crate::deadline::{Deadline, Elapsed};
use crate::error::{BoxError, Error, causes};
use crate::postgres::Database;
use crate::resilience::retry::{self, Policy};
use crate::telemetry::metrics;

/// Records worked on at once.
const CONCURRENCY: usize = 10;

/// Kept from the invocation's time for writing results.
const RESERVE: Duration = Duration::from_secs(10);

/// Kept for the answer to the invocation itself.
const LAST: Duration = Duration::from_secs(1);

/// Time for claiming a batch. A database that is silent for longer is gone.
const CLAIMING: Duration = Duration::from_secs(8);

/// The first wait before another attempt; it doubles with each.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// The longest wait before another attempt, whoever asks for it.
const LONGEST_BACKOFF: Duration = Duration::from_mins(15);

/// The bounds of a deferral.
const DEFERRAL: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));

/// A message of an unknown kind may be for a worker that is just being deployed: so often it comes again, after this time.
const UNKNOWN_KIND: (u32, Duration) = (5, Duration::from_mins(1));

/// Writing an ending survives a restart of the database: it may be done twice.
const WRITING: Policy = Policy::idempotent(Duration::from_millis(200), Duration::from_secs(2));

/// Why a run did not complete its job.
#[derive(Debug)]
pub enum Stop {
    /// The attempt failed; another one may succeed.
    Failed(Failure),
    /// No attempt can succeed. The code is one of [`super::Reason`].
    Hopeless(&'static str),
    /// What it needs is not there for the moment, which is no fault of the job's: it waits, and spends no attempt.
    Deferred {
        /// A code of [`super::Reason`], should it wait in vain.
        code: &'static str,
        /// When to look again.
        retry_in: Duration,
    },
    /// Something of our own is gone: it comes again, and spends no attempt.
    Outage(BoxError),
    /// Somebody else holds the job by now, or it was erased: nothing was written.
    Overtaken,
    /// Somebody has called it off.
    CalledOff,
}

/// A failed attempt.
#[derive(Debug)]
pub struct Failure {
    /// A code of [`super::Reason`]: what is logged and stored; never content.
    pub code: &'static str,
    /// When to come again, if the work knows; else the backoff decides.
    pub retry_in: Option<Duration>,
    /// The internal cause.
    pub cause: Option<BoxError>,
}

impl Failure {
    /// A failure without a cause.
    pub const fn new(code: &'static str) -> Self {
        Self { code, retry_in: None, cause: None }
    }

    /// Adds the internal cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<BoxError>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What is temporary is an outage; the rest is a failed attempt.
impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        if error.kind().is_retryable() {
            Self::Outage(error.into())
        } else {
            Self::Failed(Failure::new("internal").because(error))
        }
    }
}

/// What a worker works with.
pub trait Environment {
    /// Where its jobs are.
    fn database(&self) -> &Database;
    /// Where their messages come from.
    fn queue(&self) -> &Queue;
    /// Where messages go that are given up.
    fn dead_letters(&self) -> &Queue;
}

/// One run of a job.
pub struct Run<'a> {
    /// The right to write its result.
    pub lease: &'a Lease,
    /// Until when the attempt may take.
    pub deadline: Deadline,
    pulse: &'a Pulse,
}

impl Run<'_> {
    /// Says what it is doing, such as `asking_models`, and how far it is in percent. It is written with the next heartbeat, so
    /// it costs nothing.
    pub fn step(&self, progress: i16, step: &'static str) {
        self.pulse.say(progress, step);
    }
}

/// The function of a kind: does one attempt of a job, and completes it.
pub trait Perform<T: Task> {
    /// Writes the result under the run's lease.
    fn perform(&self, run: &Run<'_>, task: T) -> impl Future<Output = Result<(), Stop>>;
}

type Work<App> = for<'a> fn(&'a App, &'a Run<'a>, Value) -> LocalBoxFuture<'a, Result<(), Stop>>;

/// The kinds that a worker knows.
pub struct Kinds<App> {
    known: BTreeMap<&'static str, (Duration, Work<App>)>,
}

impl<App> Default for Kinds<App> {
    fn default() -> Self {
        Self { known: BTreeMap::new() }
    }
}

impl<App> Kinds<App> {
    /// Adds a kind.
    #[must_use]
    pub fn with<T: Task>(mut self) -> Self
    where
        App: Perform<T>,
    {
        self.known.insert(T::KIND, (T::LONGEST, work::<App, T>));
        self
    }

    fn names(&self) -> Vec<&'static str> {
        self.known.keys().copied().collect()
    }

    /// The longest that an attempt of any kind may take.
    fn longest(&self) -> Duration {
        self.known.values().map(|(longest, _)| *longest).max().unwrap_or_default()
    }
}

fn work<'a, App: Perform<T>, T: Task>(
    app: &'a App,
    run: &'a Run<'a>,
    payload: Value,
) -> LocalBoxFuture<'a, Result<(), Stop>> {
    Box::pin(async move {
        // The error's text may repeat the payload, so it is not kept as the cause.
        let task = serde_json::from_value(payload).map_err(|_| Stop::Hopeless("payload_unreadable"))?;
        app.perform(run, task).await
    })
}

/// When a record has to come again; `None` when it is done with.
type Again = Option<Duration>;

/// Works on every record of a batch and reports those that have to come again. Deliveries are not attempts: those are counted
/// in the job's row, so that an outage does not use them up.
pub async fn process<App: Environment>(
    app: &App,
    kinds: &Kinds<App>,
    event: SqsEvent,
    invocation: Deadline,
) -> SqsBatchResponse {
    let mut failed = Vec::new();
    let mut rest = event.records;
    while !rest.is_empty() {
        let later = rest.split_off(rest.len().min(CONCURRENCY));
        let wave = std::mem::replace(&mut rest, later);
        if invocation.remaining() < kinds.longest() + RESERVE {
            failed.extend(return_all(app.queue(), &wave).await);
        } else {
            failed.extend(work_on(app, kinds, &wave, invocation).await);
        }
    }
    let mut response = SqsBatchResponse::default();
    response.set_failures(failed);
    response
}

/// Gives records back that there is no time for.
async fn return_all(queue: &Queue, records: &[SqsMessage]) -> Vec<String> {
    tracing::info!(records = records.len(), "returned: the time left is less than a job needs");
    let receipts: Vec<_> = records.iter().filter_map(|record| record.receipt_handle.as_deref()).collect();
    set_visibility(queue, &receipts, Duration::ZERO).await;
    records.iter().filter_map(|record| record.message_id.clone()).collect()
}

async fn set_visibility(queue: &Queue, receipts: &[&str], wait: Duration) {
    if let Err(error) = queue.set_visibility(receipts, wait).await {
        tracing::warn!(error = %error, "the visibility cannot be set; the records come when the queue says");
    }
}

/// Works on up to ten records at once. Returns the ids of those that have to come again.
async fn work_on<App: Environment>(
    app: &App,
    kinds: &Kinds<App>,
    records: &[SqsMessage],
    invocation: Deadline,
) -> Vec<String> {
    let heartbeat = Heartbeat::new(records.iter().filter_map(|record| record.receipt_handle.clone()).collect());
    let parse = |record: &SqsMessage| JobMessage::read(record.body.as_deref()?);
    let messages: Vec<Option<JobMessage>> = records.iter().map(parse).collect();
    let wanted: Vec<_> = records
        .iter()
        .zip(&messages)
        .filter_map(|(record, message)| {
            let is_last_chance = deliveries(record) >= UNKNOWN_KIND.0;
            message.as_ref().map(|message| Wanted { message, is_last_chance })
        })
        .collect();
    let names = kinds.names();
    let (claims, hidden) = futures::join!(claim_all(app, &wanted, &names), heartbeat.hide(app.queue()));
    if let Err(error) = hidden {
        tracing::warn!(error = %error, "messages of a worker that is killed now would come late");
    }
    let mut claims = match claims {
        Ok(claims) => claims.into_iter().map(Ok).collect::<Vec<_>>().into_iter(),
        Err(error) => {
            tracing::error!(error = %error, causes = causes(&error), "no job can be claimed; the records come again");
            vec![Err(()); wanted.len()].into_iter()
        }
    };
    let runs = records.iter().zip(&messages).map(|(record, message)| {
        let claim = message.as_ref().map(|message| (message, claims.next().unwrap_or(Err(()))));
        let span = tracing::info_span!(
            "record",
            message_id = record.message_id.as_deref(),
            job = message.as_ref().map(|message| message.job_id.to_string()),
            tenant = message.as_ref().map(|message| message.tenant_id.as_str())
        );
        let delivery = Delivery { app, kinds, heartbeat: &heartbeat, record, invocation };
        // A panic on the way, not only one in the job itself, makes its record come again, and no other.
        let seen_to = async move { AssertUnwindSafe(delivery.see_to(claim)).catch_unwind().await.unwrap_or(Some(())) };
        seen_to.map(|again| again.and_then(|()| record.message_id.clone())).instrument(span)
    });
    let all = std::pin::pin!(join_all(runs));
    let beat = std::pin::pin!(heartbeat.beat(app.database(), app.queue()));
    let ended = invocation.less(LAST).run(future::select(all, beat)).await;
    match ended {
        Ok(Either::Left((ended, _))) => ended.into_iter().flatten().collect(),
        // The heartbeat never ends, and everything it waits for is bounded: so time is over, and nobody knows for what.
        Ok(Either::Right(_)) | Err(_) => {
            tracing::error!("the invocation ends before its records; they come when their leases are over");
            records.iter().filter_map(|record| record.message_id.clone()).collect()
        }
    }
}

async fn claim_all<App: Environment>(app: &App, wanted: &[Wanted<'_>], kinds: &[&str]) -> Result<Vec<Claim>, Error> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let claims = Deadline::after(CLAIMING).run(async {
        let mut session = app.database().session().await?;
        let claims = claim(&mut session, wanted, kinds).await;
        session.finish(claims)
    });
    claims.await.unwrap_or_else(|elapsed| Err(late(elapsed)))
}

/// One record on its way through the worker.
struct Delivery<'a, App> {
    app: &'a App,
    kinds: &'a Kinds<App>,
    heartbeat: &'a Heartbeat,
    record: &'a SqsMessage,
    invocation: Deadline,
}

impl<App: Environment> Delivery<'_, App> {
    /// Does what is to be done about the record; `Some` if it has to come again, which its visibility then says when.
    async fn see_to(&self, claim: Option<(&JobMessage, Result<Claim, ()>)>) -> Option<()> {
        let again = match claim {
            None => {
                tracing::error!(code = "not_a_job", "a message that nobody understands is given up");
                metrics::count("JobMessageUnreadable", &[]);
                self.give_up().await
            }
            Some((_, Err(()))) => Some(outage()),
            Some((message, Ok(claim))) => self.follow(message, claim).await,
        };
        let wait = again?;
        if let Some(receipt) = self.record.receipt_handle.as_deref() {
            self.heartbeat.let_come(receipt);
            set_visibility(self.app.queue(), &[receipt], wait).await;
        }
        Some(())
    }

    async fn follow(&self, message: &JobMessage, claim: Claim) -> Again {
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
            Claim::Held(rest) => {
                tracing::info!("held by another run");
                Some(rest)
            }
            Claim::UnknownKind => {
                tracing::debug!(kind = message.kind, "a kind that this worker does not know");
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

fn late(elapsed: Elapsed) -> Error {
    Error::unavailable("The database", RESERVE, elapsed)
}

/// Runs work within its time, and so that a panic in it is a failure like any other.
async fn isolated(work: impl Future<Output = Result<(), Stop>>, deadline: Deadline) -> Result<(), Stop> {
    match deadline.run(AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(done)) => done,
        Ok(Err(_panic)) => Err(Failure::new("panic").into()),
        Err(_elapsed) => Err(Failure::new("took_too_long").into()),
    }
}

fn deliveries(record: &SqsMessage) -> u32 {
    record.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1)
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
