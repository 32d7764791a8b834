//! Every minute: removes the files of uploads that are gone, and what the CDN has cached of them.

use std::time::Duration;

use serde::Serialize;
use wenzhen::config::{self, ConfigError};
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::lambda::Schedule;
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::uploads::{Invalidations, MAX_REMOVED, UploadBucket, store};

/// The longest that one statement may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(8);

/// What must be left of the time for another batch to begin.
const MIN_BATCH_TIME: Duration = Duration::from_secs(25);

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
    /// Objects that are gone.
    pub objects: usize,
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
            let next =
                async |connection: &mut _| store::next_removals(connection, MAX_REMOVED).await;
            let Some(batch) = self.database.within(STATEMENT_TIMEOUT, next).await? else {
                break;
            };
            self.bucket.remove(&batch.objects).await?;
            if let Some(cdn) = &self.cdn {
                cdn.invalidate(&batch).await?;
            }

            let end = async |connection: &mut _| store::end_removals(connection, batch.id).await;
            self.database.within(STATEMENT_TIMEOUT, end).await?;
            removed.objects += batch.objects.len();
        }

        if removed.objects > 0 {
            tracing::info!(objects = removed.objects, "removed");
        }
        Ok(removed)
    }
}
