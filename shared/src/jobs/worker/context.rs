//! The services that a worker needs.

use crate::jobs::changes::ChangedJob;
use crate::jobs::queue::Queue;
use crate::postgres::Database;

/// The services that a worker needs, besides those that its handlers need.
pub trait WorkerContext {
    /// Holds the jobs.
    fn database(&self) -> &Database;

    /// Brings the jobs' messages.
    fn queue(&self) -> &Queue;

    /// Takes the messages that are given up.
    fn dead_letters(&self) -> &Queue;

    /// Tells those who follow a job that its row has changed. Called after each commit. The jobs of
    /// the batch do not wait for it, and it must end by itself.
    fn job_changed(&self, _job: ChangedJob) -> impl Future<Output = ()> {
        std::future::ready(())
    }
}
