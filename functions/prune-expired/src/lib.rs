//! Every night: removes what has had its time.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use wenzhen::consultations::store::prune_idempotency_keys;
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::jobs::burial::prune_quarantine;
use wenzhen::jobs::outbox;
use wenzhen::postgres::Database;

/// The function's time-out.
pub const TIMEOUT: Duration = Duration::from_mins(5);

/// What the pruning needs, made once for each environment.
pub struct App {
    /// Where all of it is.
    pub database: Database,
}

/// Rows that were removed.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Keys of requests that may not be repeated any more.
    pub idempotency_keys: u64,
    /// Outbox rows of jobs that have ended.
    pub outbox: u64,
    /// Messages that nobody understood, 30 days ago.
    pub quarantine: u64,
}

/// Prunes once. Doing it twice, or at the same time, changes nothing more.
pub async fn handle(app: Arc<App>, _: Deadline) -> Result<Pruned, Error> {
    let pruned = prune(&app).await?;
    tracing::info!(
        idempotency_keys = pruned.idempotency_keys,
        outbox = pruned.outbox,
        quarantine = pruned.quarantine,
        "pruned"
    );
    Ok(pruned)
}

async fn prune(app: &App) -> Result<Pruned, Error> {
    let mut session = app.database.session().await?;
    let pruned = async {
        Ok(Pruned {
            idempotency_keys: prune_idempotency_keys(&mut session).await?,
            outbox: outbox::prune(&mut session).await?,
            quarantine: prune_quarantine(&mut session).await?,
        })
    };
    let pruned = pruned.await;
    session.finish(pruned)
}
