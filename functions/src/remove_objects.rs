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
use wenzhen::uploads::{Invalidations, UploadBucket};

/// The longest that one statement may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(8);

/// What must be left of the time for another batch to begin.
const MIN_BATCH_TIME: Duration = Duration::from_secs(35);

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

    /// A batch that fails anywhere is done again by the next run, under the same name.
    async fn run(&self, deadline: Deadline) -> Result<Removed, Error> {
        let mut removed = Removed::default();

        while deadline.remaining() > MIN_BATCH_TIME {
            let next = async |connection: &mut _| removal::next(connection).await;
            let Some(batch) = self.database.within(STATEMENT_TIMEOUT, next).await? else {
                break;
            };
            let id = batch.id;
            let removing = deadline.less(STATEMENT_TIMEOUT).run(self.remove(&batch));
            let failure = match removing.await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error_chain(&error)),
                Err(_) => Some("no time left".to_owned()),
            };
            if let Some(causes) = failure {
                metrics::count("UploadRemovalFailed", &[]);
                tracing::warn!(causes, "files of uploads are removed later");
                let postpone = async |connection: &mut _| removal::postpone(connection, id).await;
                self.database.within(STATEMENT_TIMEOUT, postpone).await?;
                continue;
            }

            let end = async |connection: &mut _| removal::end(connection, id).await;
            self.database.within(STATEMENT_TIMEOUT, end).await?;
            removed.uploads += batch.uploads.len();
        }

        if removed.uploads > 0 {
            tracing::info!(uploads = removed.uploads, "removed files");
        }
        Ok(removed)
    }
}

impl RemoveObjects {
    async fn remove(&self, batch: &RemovalBatch) -> Result<(), Error> {
        for key in &batch.uploads {
            self.bucket.remove_all(key).await?;
        }
        match &self.cdn {
            Some(cdn) => cdn.invalidate(batch).await,
            None => Ok(()),
        }
    }
}
