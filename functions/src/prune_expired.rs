//! Every night: removes rows whose time is over.

use std::time::Duration;

use serde::Serialize;
use wenzhen::config::ConfigError;
use wenzhen::consultations::store::prune_idempotency_keys;
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::jobs::dead_letters::prune_quarantine;
use wenzhen::jobs::outbox;
use wenzhen::lambda::Schedule;
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;

/// The scheduled function.
pub struct PruneExpired {
    /// Holds all of the rows.
    pub database: Database,
}

/// How many rows were removed.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Keys of requests that may not be repeated any more.
    pub idempotency_keys: u64,
    /// Outbox rows of jobs that have ended.
    pub outbox: u64,
    /// Messages that no parser understood, 30 days ago.
    pub quarantine: u64,
}

impl Schedule for PruneExpired {
    const TIMEOUT: Duration = Duration::from_mins(5);

    type Summary = Pruned;

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
        })
    }

    /// Prunes once. A second run, or one at the same time, changes nothing more.
    async fn run(&self, _: Deadline) -> Result<Pruned, Error> {
        let pruned = self
            .database
            .run(async |connection| {
                Ok(Pruned {
                    idempotency_keys: prune_idempotency_keys(connection).await?,
                    outbox: outbox::prune(connection).await?,
                    quarantine: prune_quarantine(connection).await?,
                })
            })
            .await?;

        tracing::info!(
            idempotency_keys = pruned.idempotency_keys,
            outbox = pruned.outbox,
            quarantine = pruned.quarantine,
            "pruned"
        );
        Ok(pruned)
    }
}
