//! Every night: removes rows whose time is over, and erases records that are older than their
//! tenant keeps them.

use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;
use wenzhen::config::{ConfigError, RetentionSettings};
use wenzhen::consultations::store::prune_idempotency_keys;
use wenzhen::deadline::Deadline;
use wenzhen::error::{Error, error_chain};
use wenzhen::jobs::dead_letters::prune_quarantine;
use wenzhen::jobs::store::prune_ended;
use wenzhen::lambda::Schedule;
use wenzhen::postgres::{Database, PgConnection};
use wenzhen::privacy::{Expired, erase_expired, next_tenant};
use wenzhen::setup::Setup;
use wenzhen::telemetry::metrics;
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

/// What was done for all tenants.
struct Round {
    expired: Expired,
    /// Whether there was time for each of them.
    is_whole: bool,
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
    /// Jobs without a consultation, such as erasures, that ended 30 days ago.
    pub jobs: u64,
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
            jobs: self.repeat(prune_ended, deadline).await?,
            expired: self.erase_expired(deadline).await?,
        };

        tracing::info!(
            idempotency_keys = pruned.idempotency_keys,
            quarantine = pruned.quarantine,
            uploads = pruned.uploads,
            jobs = pruned.jobs,
            expired_consultations = pruned.expired.consultations,
            expired_uploads = pruned.expired.uploads,
            expired_audit_events = pruned.expired.audit_events,
            "pruned"
        );
        Ok(pruned)
    }
}

impl PruneExpired {
    /// Erases what is too old, some of each tenant's in turn, until nothing is left or the deadline
    /// is near. A tenant where it fails holds up no other. Jobs are sent by the sweep.
    async fn erase_expired(&self, deadline: Deadline) -> Result<Expired, Error> {
        let now = OffsetDateTime::now_utc();
        let mut total = Expired::default();

        loop {
            let round = self.erase_round(now, deadline).await?;
            total.add(round.expired);
            if !round.is_whole {
                metrics::count("RetentionBehind", &[]);
                tracing::warn!("not all records whose time is over could be erased");
                return Ok(total);
            }
            if round.expired == Expired::default() {
                return Ok(total);
            }
        }
    }

    /// One batch of each tenant.
    async fn erase_round(&self, now: OffsetDateTime, deadline: Deadline) -> Result<Round, Error> {
        let mut round = Round {
            expired: Expired::default(),
            is_whole: true,
        };
        let mut after = String::new();
        loop {
            if deadline.remaining() < BATCH_TIMEOUT {
                round.is_whole = false;
                return Ok(round);
            }
            let find = async |connection: &mut PgConnection| next_tenant(connection, &after).await;
            let Some(tenant) = self.database.within(STATEMENT_TIMEOUT, find).await? else {
                return Ok(round);
            };
            let erase = async |connection: &mut PgConnection| {
                erase_expired(connection, &tenant, &self.retention, now).await
            };
            match self.database.within(BATCH_TIMEOUT, erase).await {
                Ok(expired) => round.expired.add(expired),
                Err(error) => {
                    metrics::count("RetentionFailed", &[]);
                    let (tenant, causes) = (tenant.pseudonym(), error_chain(&error));
                    tracing::error!(tenant, causes, "a tenant's old records stay until tomorrow");
                }
            }
            tenant.as_str().clone_into(&mut after);
        }
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
