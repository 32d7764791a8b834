//! Servers that follow the database and take reads off it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use sqlx::postgres::PgConnection;

use super::{Database, elapsed_since, is_suspect};
use crate::aws::Secrets;
use crate::config::{ConfigError, DatabaseSettings, ReaderAddress};
use crate::error::{Error, error_chain};
use crate::telemetry::metrics;

/// For so long a reader that did not answer is left alone.
const REST: Duration = Duration::from_secs(10);

/// A reader may be this far behind. What changed later is read from the database itself.
pub const MAX_LAG: Duration = Duration::from_secs(10);

/// The readers of the database; without any, all reads go to the database itself.
#[derive(Default)]
pub struct Readers {
    database: Option<Database>,
    failed_at: Mutex<Option<SystemTime>>,
}

impl Readers {
    /// Prepares the readers at this address; no connection is made yet.
    pub async fn new(
        settings: &DatabaseSettings,
        address: Option<ReaderAddress>,
        secrets: Arc<Secrets>,
    ) -> Result<Self, ConfigError> {
        let database = match address {
            Some(address) => Some(Database::at(settings, secrets, Some(address)).await?),
            None => None,
        };
        Ok(Self {
            database,
            failed_at: Mutex::default(),
        })
    }

    /// Does a read that may miss what the database learnt in the last [`MAX_LAG`]. If no reader
    /// answers within `timeout`, the database itself does, within as much; for a while the readers
    /// are left alone then.
    pub async fn read<T>(
        &self,
        database: &Database,
        timeout: Duration,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error> + Clone,
    ) -> Result<T, Error> {
        let Some(reader) = self.database.as_ref().filter(|_| !self.is_resting()) else {
            return database.within(timeout, work).await;
        };

        let answer = reader.within(timeout, work.clone()).await;
        let Some(error) = answer.as_ref().err().filter(|it| is_suspect(it.kind())) else {
            metrics::count("ReaderCall", &[("outcome", "answered")]);
            return answer;
        };
        metrics::count("ReaderCall", &[("outcome", "failed")]);
        let causes = error_chain(error);
        tracing::warn!(
            causes,
            "a reader does not answer; the database itself is asked"
        );
        *self.failed_at.lock() = Some(SystemTime::now());
        database.within(timeout, work).await
    }

    /// The readers by themselves, if there are any.
    pub const fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    fn is_resting(&self) -> bool {
        let failed_at = *self.failed_at.lock();
        failed_at.is_some_and(|at| elapsed_since(at) < REST)
    }
}
