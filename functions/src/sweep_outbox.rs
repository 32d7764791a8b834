//! Every minute: sends the jobs that are due and have no message on its way.

use std::time::Duration;

use wenzhen::config::ConfigError;
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::jobs::outbox::{SweepPosition, Swept, sweep};
use wenzhen::jobs::queue::Queue;
use wenzhen::lambda::Schedule;
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;

/// The scheduled function.
pub struct SweepOutbox {
    /// Holds the outbox.
    pub database: Database,
    /// Takes the jobs' messages.
    pub queue: Queue,
    /// Where this environment's last sweep has left off.
    pub position: SweepPosition,
}

impl Schedule for SweepOutbox {
    const TIMEOUT: Duration = Duration::from_mins(1);

    type Summary = Swept;

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            queue: setup.jobs_queue().await?,
            position: SweepPosition::default(),
        })
    }

    async fn run(&self, deadline: Deadline) -> Result<Swept, Error> {
        let swept = sweep(&self.database, &self.queue, &self.position, deadline).await?;
        let Swept { due, sent, refused } = swept;
        if refused > 0 {
            tracing::error!(due, sent, refused, "the queue refused some messages");
        } else if due > 0 {
            tracing::info!(due, sent, "swept");
        }
        Ok(swept)
    }
}
