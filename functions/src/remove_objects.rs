//! Every minute: removes the files of uploads that are gone, and what the CDN has cached of them.

use std::time::Duration;

use serde::Serialize;
use wenzhen::config::{self, ConfigError};
use wenzhen::deadline::Deadline;
use wenzhen::error::{Error, error_chain};
use wenzhen::lambda::Schedule;
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::telemetry::metrics;
use wenzhen::uploads::removal::{self, RemovalBatch};
use wenzhen::uploads::{Invalidations, UploadBucket, UploadKey};

/// The longest that one statement may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(8);

/// What must be left of the time for another batch to begin.
const MIN_BATCH_TIME: Duration = Duration::from_secs(35);

/// Kept from a batch's time for its invalidation and for the statement that ends it.
const BATCH_RESERVE: Duration = Duration::from_secs(20);

/// For the files of one upload, so that one that hangs leaves time for the others.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(5);

/// The scheduled function.
pub struct RemoveObjects {
    /// Holds what is to be removed.
    pub database: Database,
    /// Holds the files.
    pub bucket: UploadBucket,
    /// The CDN, if there is one.
    pub cdn: Option<Invalidations>,
}

/// What one run has done.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// Uploads whose files are gone.
    pub uploads: usize,
}

impl Schedule for RemoveObjects {
    const TIMEOUT: Duration = Duration::from_mins(1);

    type Summary = Removed;

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        let cdn = match config::cdn_distribution()? {
            Some(distribution) => Some(Invalidations::new(setup.aws().await, distribution)),
            None => None,
        };
        Ok(Self {
            database: setup.database().await?,
            bucket: setup.upload_bucket().await?,
            cdn,
        })
    }

    /// A file that cannot be removed holds up no other, and no invalidation: it is left for a later
    /// batch. A batch that the CDN has not heard of is done again under the same name.
    async fn run(&self, deadline: Deadline) -> Result<Removed, Error> {
        let mut removed = Removed::default();

        while deadline.remaining() > MIN_BATCH_TIME {
            let next = async |connection: &mut _| removal::next(connection).await;
            let Some(batch) = self.database.within(STATEMENT_TIMEOUT, next).await? else {
                break;
            };

            let remain = self.remove(&batch, deadline.less(BATCH_RESERVE)).await;
            if let Err(error) = self.invalidate(&batch).await {
                let causes = error_chain(&error);
                tracing::warn!(causes, "the CDN hears later of files that are removed");
                metrics::count("UploadRemovalFailed", &[]);
                let id = batch.id;
                let postpone = async |connection: &mut _| removal::postpone(connection, id).await;
                self.database.within(STATEMENT_TIMEOUT, postpone).await?;
                continue;
            }

            if !remain.is_empty() {
                metrics::count("UploadRemovalFailed", &[]);
            }
            let end = async |connection: &mut _| removal::end(connection, batch.id, &remain).await;
            self.database.within(STATEMENT_TIMEOUT, end).await?;
            removed.uploads += batch.uploads.len() - remain.len();
        }

        if removed.uploads > 0 {
            tracing::info!(uploads = removed.uploads, "removed files");
        }
        Ok(removed)
    }
}

impl RemoveObjects {
    /// Removes the files of all uploads of a batch. Returns the uploads whose files remain.
    async fn remove<'b>(&self, batch: &'b RemovalBatch, deadline: Deadline) -> Vec<&'b UploadKey> {
        let mut remain = Vec::new();
        for key in &batch.uploads {
            let removing = deadline.at_most(UPLOAD_TIMEOUT);
            let causes = match removing.run(self.bucket.remove_all(key)).await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error_chain(&error),
                Err(_) => "no time left".to_owned(),
            };
            tracing::warn!(upload = %key.id, causes, "files of an upload are removed later");
            remain.push(key);
        }
        remain
    }

    /// Makes invalid what the CDN has cached of a batch.
    async fn invalidate(&self, batch: &RemovalBatch) -> Result<(), Error> {
        match &self.cdn {
            Some(cdn) => cdn.invalidate(batch).await,
            None => Ok(()),
        }
    }
}
