//! A kind of job as the worker sees it: its function, what that gets, and how it may end.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use sqlx::PgConnection;

use super::delivery;

use crate::deadline::Deadline;
use crate::error::{BoxError, Error, error_chain};
use crate::jobs::Task;
use crate::jobs::claim::Lease;
use crate::jobs::heartbeat::{Pulse, Signal};
use crate::postgres::Database;

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

impl Stop {
    /// What the log says of it.
    pub(super) fn cause(&self) -> Option<String> {
        match self {
            Self::Failed(failure) => failure.cause.as_deref().map(|cause| in_full(cause)),
            Self::Outage(cause) => Some(in_full(&**cause)),
            _ => None,
        }
    }
}

/// An error with all its causes.
pub(super) fn in_full(error: &(dyn std::error::Error + 'static)) -> String {
    format!("{error}: {}", error_chain(error))
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
        Self {
            code,
            retry_in: None,
            cause: None,
        }
    }

    /// Adds the internal cause.
    #[must_use]
    pub fn with_source(mut self, cause: impl Into<BoxError>) -> Self {
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
            Self::Failed(Failure::new("internal").with_source(error))
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
    pub(super) database: &'a Database,
}

impl Run<'_> {
    /// Says what it is doing, such as `asking_models`, and how far it is in percent. It is written with the next heartbeat, so
    /// it costs nothing.
    pub fn step(&self, progress: i16, step: &'static str) {
        self.pulse.say(progress, step);
    }

    /// Completes the job with what `write` writes under the lease, which it says with `true`; for some seconds again and again, if
    /// the database is gone. From then on nobody calls the run off any more.
    pub async fn complete(
        &self,
        write: impl AsyncFn(&mut PgConnection) -> Result<bool, Error>,
    ) -> Result<(), Stop> {
        match self.pulse.end() {
            Signal::GoOn => {}
            Signal::CalledOff => return Err(Stop::CalledOff),
            Signal::Overtaken => return Err(Stop::Overtaken),
        }
        if delivery::write(self.database, write).await? {
            Ok(())
        } else {
            Err(Stop::Overtaken)
        }
    }
}

/// The function of a kind.
pub trait Perform<T: Task> {
    /// Does one attempt of a job, and completes it with [`Run::complete`].
    fn perform(&self, run: &Run<'_>, task: T) -> impl Future<Output = Result<(), Stop>>;

    /// Removes what a run may have left outside the database, whose job was erased meanwhile.
    fn forget(&self, lease: &Lease, task: T) -> impl Future<Output = Result<(), Stop>>;
}

type Doing<'a> = LocalBoxFuture<'a, Result<(), Stop>>;

/// A kind with its functions, which take its payload as it stands in the row.
pub(super) struct KnownKind<App> {
    pub(super) longest: Duration,
    pub(super) perform: for<'a> fn(&'a App, &'a Run<'a>) -> Doing<'a>,
    pub(super) forget: for<'a> fn(&'a App, &'a Lease) -> Doing<'a>,
}

/// The kinds that a worker knows.
pub struct Kinds<App> {
    pub(super) known: BTreeMap<&'static str, KnownKind<App>>,
}

impl<App> Default for Kinds<App> {
    fn default() -> Self {
        Self {
            known: BTreeMap::new(),
        }
    }
}

impl<App> Kinds<App> {
    /// Adds a kind.
    #[must_use]
    pub fn with<T: Task>(mut self) -> Self
    where
        App: Perform<T>,
    {
        let kind = KnownKind {
            longest: T::LONGEST,
            perform: perform::<App, T>,
            forget: forget::<App, T>,
        };
        self.known.insert(T::KIND, kind);
        self
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        self.known.keys().copied().collect()
    }

    /// The longest that an attempt of any kind may take.
    pub(super) fn longest(&self) -> Duration {
        self.known
            .values()
            .map(|kind| kind.longest)
            .max()
            .unwrap_or_default()
    }
}

fn perform<'a, App: Perform<T>, T: Task>(app: &'a App, run: &'a Run<'a>) -> Doing<'a> {
    Box::pin(async move { app.perform(run, payload(run.lease)?).await })
}

fn forget<'a, App: Perform<T>, T: Task>(app: &'a App, lease: &'a Lease) -> Doing<'a> {
    Box::pin(async move { app.forget(lease, payload(lease)?).await })
}

/// The error's text may repeat the payload, so it is not kept as the cause.
fn payload<T: Task>(lease: &Lease) -> Result<T, Stop> {
    T::deserialize(&lease.payload).map_err(|_| Stop::Hopeless("payload_unreadable"))
}

/// Runs work within its time, and so that a panic in it is a failure like any other.
pub(super) async fn isolated(
    work: impl Future<Output = Result<(), Stop>>,
    deadline: Deadline,
) -> Result<(), Stop> {
    match deadline.run(AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(done)) => done,
        Ok(Err(_panic)) => Err(Failure::new("panic").into()),
        Err(_elapsed) => Err(Failure::new("took_too_long").into()),
    }
}
