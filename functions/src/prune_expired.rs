//! Every night: removes rows whose time is over, and erases records that are older than their
//! tenant keeps them.

use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;
use wenzhen::config::{ConfigError, RetentionSettings};
use wenzhen::consultations::store::prune_idempotency_keys;
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::jobs::dead_letters::prune_quarantine;
use wenzhen::lambda::Schedule;
use wenzhen::postgres::{Database, PgConnection};
use wenzhen::privacy::{Expired, erase_expired, next_tenant};
use wenzhen::setup::Setup;
use wenzhen::uploads::store::prune_unfinished;

/// The longest that one statement may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(8);

/// The longest that erasing some records of a tenant may take.
const BATCH_TIMEOUT: Duration = Duration::from_secs(30);

/// The scheduled function.
pub struct PruneExpired {
    /// Holds all of the rows.
    pub database: Database,
    /// How long records are kept.
    pub retention: RetentionSettings,
}

/// How many rows were removed.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Keys of requests that may not be repeated any more.
    pub idempotency_keys: u64,
    /// Messages that no parser understood, 30 days ago.
    pub quarantine: u64,
    /// Uploads that were not finished within a day, or were rejected a week ago.
    pub uploads: u64,
    /// Records that were older than their tenants keep them.
    pub expired: Expired,
}

impl Schedule for PruneExpired {
    const TIMEOUT: Duration = Duration::from_mins(5);

    type Summary = Pruned;

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            retention: setup.retention().await?,
        })
    }

    /// Prunes until nothing is left or the deadline is near. A second run, or one at the same time,
    /// changes nothing more.
    async fn run(&self, deadline: Deadline) -> Result<Pruned, Error> {
        let pruned = Pruned {
            idempotency_keys: self.repeat(prune_idempotency_keys, deadline).await?,
            quarantine: self.repeat(prune_quarantine, deadline).await?,
            uploads: self.repeat(prune_unfinished, deadline).await?,
            expired: self.erase_expired(deadline).await?,
        };

        tracing::info!(
            idempotency_keys = pruned.idempotency_keys,
            quarantine = pruned.quarantine,
            uploads = pruned.uploads,
            expired_consultations = pruned.expired.consultations,
            expired_uploads = pruned.expired.uploads,
            expired_audit_events = pruned.expired.audit_events,
            "pruned"
        );
        Ok(pruned)
    }
}

impl PruneExpired {
    /// Erases what is too old, tenant by tenant, until the deadline is near. Their jobs are sent by
    /// the sweep.
    async fn erase_expired(&self, deadline: Deadline) -> Result<Expired, Error> {
        let now = OffsetDateTime::now_utc();
        let mut total = Expired::default();
        let mut after = String::new();

        while deadline.remaining() > BATCH_TIMEOUT {
            let find = async |connection: &mut PgConnection| next_tenant(connection, &after).await;
            let Some(tenant) = self.database.within(STATEMENT_TIMEOUT, find).await? else {
                break;
            };
            let erase = async |connection: &mut PgConnection| {
                erase_expired(connection, &tenant, &self.retention, now).await
            };
            while let Some(expired) = self.database.within(BATCH_TIMEOUT, erase).await? {
                total.add(expired);
                if deadline.remaining() < BATCH_TIMEOUT {
                    break;
                }
            }
            tenant.as_str().clone_into(&mut after);
        }
        Ok(total)
    }

    /// Removes batch after batch, until one is empty. Returns how many rows were removed.
    async fn repeat(
        &self,
        prune: impl AsyncFn(&mut PgConnection) -> Result<u64, Error>,
        deadline: Deadline,
    ) -> Result<u64, Error> {
        let mut total = 0;
        while deadline.remaining() > STATEMENT_TIMEOUT {
            let batch = async |connection: &mut PgConnection| prune(connection).await;
            let pruned = self.database.within(STATEMENT_TIMEOUT, batch).await?;
            if pruned == 0 {
                break;
            }
            total += pruned;
        }

        Ok(total)
    }
}
