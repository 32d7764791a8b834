//! The handler of a kind, which does its work.

use super::error::JobError;
use super::run::Run;
use crate::jobs::lease::Lease;
use crate::jobs::payload::JobPayload;

/// The handler of the kind `P`.
pub trait JobHandler<P: JobPayload> {
    /// Makes one attempt at a job, and completes it with [`Run::complete`].
    fn handle(&self, run: &Run<'_>, payload: P) -> impl Future<Output = Result<(), JobError>>;

    /// Removes what a run may have left outside the database, after its job was erased.
    fn cleanup(&self, lease: &Lease, payload: P) -> impl Future<Output = Result<(), JobError>>;
}
