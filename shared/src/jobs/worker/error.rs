//! Why a run did not complete its job.

use std::time::Duration;

use crate::error::{BoxError, Error, error_chain};
use crate::jobs::transition::Deferral;

/// Why a run did not complete its job.
#[derive(Debug)]
pub enum JobError {
    /// The attempt failed; another one may succeed.
    Failed(Failure),
    /// No attempt can succeed. The code is one of the kind's reasons.
    Permanent(&'static str),
    /// A service outside is not there for the moment, which is no fault of the job's: the job
    /// waits, and no attempt is spent.
    Deferred(Deferral<'static>),
    /// A service of ours is gone: the message comes again, and no attempt is spent.
    Outage(BoxError),
    /// Another run has the lease by now, or the job was erased: nothing was written.
    LeaseLost,
    /// A caller has cancelled the job.
    Cancelled,
}

impl JobError {
    /// What became of the run, in a word or a code.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Failed(failure) => failure.code,
            Self::Permanent(code) => code,
            Self::Deferred(_) => "deferred",
            Self::Outage(_) => "outage",
            Self::LeaseLost => "lease_lost",
            Self::Cancelled => "cancelled",
        }
    }

    /// The internal cause, for the log.
    pub(super) fn cause(&self) -> Option<String> {
        match self {
            Self::Failed(failure) => failure.describe_cause(),
            Self::Outage(cause) => Some(describe_error(&**cause)),
            Self::Permanent(_) | Self::Deferred(_) | Self::LeaseLost | Self::Cancelled => None,
        }
    }
}

/// A failed attempt.
#[derive(Debug)]
pub struct Failure {
    /// The code of one of the kind's reasons, which is logged and stored; never content.
    pub code: &'static str,
    /// When the next attempt may begin, if the handler knows; else the backoff decides.
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

    pub(super) fn describe_cause(&self) -> Option<String> {
        self.cause.as_deref().map(|cause| describe_error(cause))
    }
}

/// An error with all its causes, on one line.
fn describe_error(error: &(dyn std::error::Error + 'static)) -> String {
    format!("{error}: {}", error_chain(error))
}

impl From<Failure> for JobError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A temporary error is an outage; any other is a failed attempt.
impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        if error.kind().is_retryable() {
            Self::Outage(error.into())
        } else {
            Self::Failed(Failure::new("internal").with_source(error))
        }
    }
}
