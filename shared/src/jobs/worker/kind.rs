//! A kind of job as the worker sees it: its function, what that gets, and how it may end.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use serde_json::Value;

use crate::deadline::Deadline;
use crate::error::{BoxError, Error};
use crate::jobs::Task;
use crate::jobs::claim::Lease;
use crate::jobs::heartbeat::Pulse;

/// Why a run did not complete its job.
#[derive(Debug)]
pub enum Stop {
    /// The attempt failed; another one may succeed.
    Failed(Failure),
    /// No attempt can succeed. The code is one of [`crate::jobs::Reason`].
    Hopeless(&'static str),
    /// What it needs is not there for the moment, which is no fault of the job's: it waits, and spends no attempt.
    Deferred {
        /// A code of [`crate::jobs::Reason`], should it wait in vain.
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
    /// A code of [`crate::jobs::Reason`]: what is logged and stored; never content.
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

/// One run of a job.
pub struct Run<'a> {
    /// The right to write its result.
    pub lease: &'a Lease,
    /// Until when the attempt may take.
    pub deadline: Deadline,
    pub(super) pulse: &'a Pulse,
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

pub(super) type Work<App> = for<'a> fn(&'a App, &'a Run<'a>, Value) -> LocalBoxFuture<'a, Result<(), Stop>>;

/// The kinds that a worker knows.
pub struct Kinds<App> {
    pub(super) known: BTreeMap<&'static str, (Duration, Work<App>)>,
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

    pub(super) fn names(&self) -> Vec<&'static str> {
        self.known.keys().copied().collect()
    }

    /// The longest that an attempt of any kind may take.
    pub(super) fn longest(&self) -> Duration {
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

/// Runs work within its time, and so that a panic in it is a failure like any other.
pub(super) async fn isolated(work: impl Future<Output = Result<(), Stop>>, deadline: Deadline) -> Result<(), Stop> {
    match deadline.run(AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(done)) => done,
        Ok(Err(_panic)) => Err(Failure::new("panic").into()),
        Err(_elapsed) => Err(Failure::new("took_too_long").into()),
    }
}
