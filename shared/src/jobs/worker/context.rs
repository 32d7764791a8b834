//! The services that a worker needs.

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
}
