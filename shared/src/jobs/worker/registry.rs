//! The kinds of job that a worker knows.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::LocalBoxFuture;

use super::error::JobError;
use super::handler::JobHandler;
use super::run::Run;
use crate::jobs::lease::Lease;
use crate::jobs::payload::JobPayload;

type HandlerFuture<'a> = LocalBoxFuture<'a, Result<(), JobError>>;

/// A kind with its handler's functions, which take the payload as it stands in the job's row.
pub(super) struct RegisteredKind<Context> {
    pub(super) attempt_timeout: Duration,
    pub(super) handle: for<'a> fn(&'a Context, &'a Run<'a>) -> HandlerFuture<'a>,
    pub(super) cleanup: for<'a> fn(&'a Context, &'a Lease) -> HandlerFuture<'a>,
}

/// The kinds that a worker knows, by their names.
pub struct JobRegistry<Context>(BTreeMap<&'static str, RegisteredKind<Context>>);

impl<Context> Default for JobRegistry<Context> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<Context> JobRegistry<Context> {
    /// Adds a kind, which the context handles.
    #[must_use]
    pub fn register<P: JobPayload>(mut self) -> Self
    where
        Context: JobHandler<P>,
    {
        let kind = RegisteredKind {
            attempt_timeout: P::ATTEMPT_TIMEOUT,
            handle: handle::<Context, P>,
            cleanup: cleanup::<Context, P>,
        };

        self.0.insert(P::KIND, kind);
        self
    }

    pub(super) fn find(&self, kind: &str) -> Option<&RegisteredKind<Context>> {
        self.0.get(kind)
    }

    /// Their names.
    pub fn kind_names(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }

    /// The longest that an attempt of any kind may take.
    pub(super) fn max_attempt_timeout(&self) -> Duration {
        let timeouts = self.0.values().map(|kind| kind.attempt_timeout);
        timeouts.max().unwrap_or_default()
    }
}

fn handle<'a, Context, P>(context: &'a Context, run: &'a Run<'a>) -> HandlerFuture<'a>
where
    Context: JobHandler<P>,
    P: JobPayload,
{
    Box::pin(async move { context.handle(run, parse_payload(run.lease)?).await })
}

fn cleanup<'a, Context, P>(context: &'a Context, lease: &'a Lease) -> HandlerFuture<'a>
where
    Context: JobHandler<P>,
    P: JobPayload,
{
    Box::pin(async move { context.cleanup(lease, parse_payload(lease)?).await })
}

/// The parser's error may repeat the payload, so it is not kept as the cause.
fn parse_payload<P: JobPayload>(lease: &Lease) -> Result<P, JobError> {
    P::deserialize(&lease.payload).map_err(|_| JobError::Permanent("payload_unreadable"))
}
