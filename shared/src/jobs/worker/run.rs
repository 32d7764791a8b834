//! One run of a job.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use sqlx::PgConnection;

use super::error::{Failure, JobError};
use super::write::write_insistently;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::jobs::changes::ChangeFeed;
use crate::jobs::heartbeat::{RunHandle, RunSignal};
use crate::jobs::lease::Lease;
use crate::postgres::Database;

/// One run of a job, as its handler sees it.
pub struct Run<'a> {
    /// The right to write the result.
    pub lease: &'a Lease,
    /// When the attempt must be over.
    pub deadline: Deadline,
    pub(super) handle: &'a RunHandle,
    pub(super) database: &'a Database,
    pub(super) changes: &'a ChangeFeed,
}

impl Run<'_> {
    /// Says what the run does, such as `asking_models`, and how far it is in percent. The next
    /// heartbeat writes it, so it costs nothing.
    pub fn report_progress(&self, percent: i16, step: &'static str) {
        self.handle.report_progress(percent, step);
    }

    /// The run has committed something that those who follow its consultation are told, beside the
    /// run.
    pub fn report_change(&self) {
        self.changes.report(self.lease);
    }

    /// Completes the job with what `write` writes under the lease. `write` returns whether the
    /// lease still held. It is called again for some seconds while the database is gone. From now
    /// on a caller's cancel comes too late.
    pub async fn complete(
        &self,
        write: impl AsyncFn(&mut PgConnection) -> Result<bool, Error>,
    ) -> Result<(), JobError> {
        match self.handle.begin_completion() {
            RunSignal::Continue => {}
            RunSignal::Cancelled => return Err(JobError::Cancelled),
            RunSignal::LeaseLost => return Err(JobError::LeaseLost),
        }

        let was_held = write_insistently(self.database, write).await?;
        if was_held {
            Ok(())
        } else {
            Err(JobError::LeaseLost)
        }
    }
}

/// Runs a handler's work within its time. A panic in it is a failure like any other.
pub(super) async fn run_guarded(
    work: impl Future<Output = Result<(), JobError>>,
    deadline: Deadline,
) -> Result<(), JobError> {
    match deadline.run(AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(done)) => done,
        Ok(Err(_panic)) => Err(Failure::new("panic").into()),
        Err(_elapsed) => Err(Failure::new("took_too_long").into()),
    }
}
