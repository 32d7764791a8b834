//! Every minute: writes changes of access into Valkey again, and ends the connections that they
//! outdate.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use serde::Serialize;
use wenzhen::access::{self, PersonChange};
use wenzhen::config::ConfigError;
use wenzhen::deadline::Deadline;
use wenzhen::error::{Error, error_chain};
use wenzhen::lambda::Schedule;
use wenzhen::postgres::Database;
use wenzhen::realtime::Pusher;
use wenzhen::setup::Setup;
use wenzhen::valkey::Valkey;

/// People whose connections are looked at at the same time.
const MAX_CONCURRENT_PEOPLE: usize = 20;

/// The scheduled function.
pub struct PublishAccessChanges {
    /// Holds the changes.
    pub database: Database,
    /// Holds their copy.
    pub valkey: Option<Arc<Valkey>>,
    /// Ends connections.
    pub pusher: Pusher,
}

/// What one run has done.
#[derive(Debug, Default, Serialize)]
pub struct PublishedChanges {
    /// Changes that were written, most of them again.
    pub changes: usize,
    /// Connections that were ended.
    pub ended: usize,
}

impl Schedule for PublishAccessChanges {
    const TIMEOUT: Duration = Duration::from_mins(1);

    type Summary = PublishedChanges;

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            valkey: setup.valkey()?,
            pusher: setup.pusher().await?,
        })
    }

    /// What one run leaves, the next one does: of people whose access has changed in the last
    /// minutes, each run looks at the connections.
    async fn run(&self, deadline: Deadline) -> Result<PublishedChanges, Error> {
        let Some(valkey) = &self.valkey else {
            return Ok(PublishedChanges::default());
        };

        let published = access::publish_recent(&self.database, valkey, deadline).await?;
        let ended = self.end_outdated(&published.recent).await;
        if ended > 0 {
            tracing::info!(ended, "ended connections");
        }
        Ok(PublishedChanges {
            changes: published.changes,
            ended,
        })
    }
}

impl PublishAccessChanges {
    async fn end_outdated(&self, people: &[PersonChange]) -> usize {
        let ends = stream::iter(people).map(|person| async {
            let ended = self.pusher.end_outdated(person).await;
            ended.unwrap_or_else(|error| {
                let causes = error_chain(&error);
                tracing::warn!(causes, "connections are ended by the next run");
                0
            })
        });
        let ended = ends.buffer_unordered(MAX_CONCURRENT_PEOPLE);
        ended.fold(0, async |sum, ended| sum + ended).await
    }
}
