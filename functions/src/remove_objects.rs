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
use wenzhen::uploads::removal::{self, Attempt, Removal, RemovalBatch};
use wenzhen::uploads::{Invalidations, UploadBucket};

/// The longest that one statement may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// What must be left of the time for another batch to begin.
const MIN_BATCH_TIME: Duration = Duration::from_secs(35);

/// Kept from a batch's time for its invalidation and for the statements before and after it.
const BATCH_RESERVE: Duration = Duration::from_secs(22);

/// For the files of one upload, so that one that hangs leaves time for the others. What does not
/// have this time is not begun: an upload is called failed only if it had it.
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
            removed.uploads += self.work_off(batch, deadline.less(BATCH_RESERVE)).await?;
        }

        let has_failed = async |connection: &mut _| removal::has_failed(connection).await;
        if self.database.within(STATEMENT_TIMEOUT, has_failed).await? {
            metrics::count("UploadRemovalFailed", &[]);
        }
        if removed.uploads > 0 {
            tracing::info!(uploads = removed.uploads, "removed files");
        }
        Ok(removed)
    }
}

impl RemoveObjects {
    /// Removes the files of a batch, and what the CDN has cached of those that are gone. Returns
    /// how many uploads are done.
    async fn work_off(&self, batch: RemovalBatch, deadline: Deadline) -> Result<usize, Error> {
        let id = batch.id;
        let attempt = self.remove(batch.uploads, deadline).await;
        let leave = async |connection: &mut _| removal::leave(connection, id, attempt).await;
        let Some(gone) = self.database.within(STATEMENT_TIMEOUT, leave).await? else {
            return Ok(0);
        };

        let id = gone.id;
        if let Err(error) = self.invalidate(&gone).await {
            let causes = error_chain(&error);
            tracing::warn!(causes, "the CDN hears later of files that are removed");
            metrics::count("UploadRemovalFailed", &[]);
            let postpone = async |connection: &mut _| removal::postpone(connection, id).await;
            self.database.within(STATEMENT_TIMEOUT, postpone).await?;
            return Ok(0);
        }
        let end = async |connection: &mut _| removal::end(connection, id).await;
        self.database.within(STATEMENT_TIMEOUT, end).await?;
        Ok(gone.uploads.len())
    }

    /// Removes the files of these uploads, one after the other.
    async fn remove(&self, uploads: Vec<Removal>, deadline: Deadline) -> Attempt {
        let mut attempt = Attempt::default();
        for upload in uploads {
            if deadline.remaining() < UPLOAD_TIMEOUT {
                attempt.unreached.push(upload);
                continue;
            }
            let removing = Deadline::after(UPLOAD_TIMEOUT);
            let causes = match removing.run(self.bucket.remove_all(&upload.key)).await {
                Ok(Ok(())) => {
                    attempt.removed.push(upload);
                    continue;
                }
                Ok(Err(error)) => error_chain(&error),
                Err(_) => "no time left".to_owned(),
            };
            tracing::warn!(upload = %upload.key.id, causes, "files of an upload are removed later");
            attempt.failed.push(upload);
        }
        attempt
    }

    /// Makes invalid what the CDN has cached of a batch.
    async fn invalidate(&self, batch: &RemovalBatch) -> Result<(), Error> {
        match &self.cdn {
            Some(cdn) => cdn.invalidate(batch).await,
            None => Ok(()),
        }
    }
}
