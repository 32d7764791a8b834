//! Every five minutes: makes the vectors of passages that have none.

use std::time::Duration;

use wenzhen::ai::{Embedder, EmbeddingCall};
use wenzhen::config::ConfigError;
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::knowledge::index::{self, FillError, FillScope, Filled};
use wenzhen::lambda::Schedule;
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;

/// The longest that the vectors of one batch may take.
const BATCH_TIMEOUT: Duration = Duration::from_secs(20);

/// What must be left of the time for another batch to begin.
const MIN_BATCH_TIME: Duration = Duration::from_secs(45);

/// The scheduled function.
pub struct EmbedPassages {
    /// Holds the passages.
    pub database: Database,
    /// Makes vectors, if there is a model for it.
    pub embedder: Option<Embedder>,
}

impl Schedule for EmbedPassages {
    const TIMEOUT: Duration = Duration::from_mins(4);

    type Summary = Filled;

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            embedder: Embedder::from_setup(setup).await?,
        })
    }

    /// What one run does not make, the next one does: a large document's, and those that came while
    /// the model was away.
    async fn run(&self, deadline: Deadline) -> Result<Filled, Error> {
        let Some(embedder) = &self.embedder else {
            return Ok(Filled::default());
        };

        let call = || EmbeddingCall::of_operator(deadline.at_most(BATCH_TIMEOUT));
        let may_go_on = |_| deadline.remaining() > MIN_BATCH_TIME;
        let (database, scope) = (&self.database, FillScope::All);
        let fill = index::fill_missing(database, scope, embedder, call, may_go_on);
        match Box::pin(fill).await {
            Ok(filled) => {
                let Filled { made, left } = filled;
                if made + left > 0 {
                    tracing::info!(made, left, "made vectors");
                }
                Ok(filled)
            }
            Err(FillError::Database(error)) => Err(error),
            Err(error @ FillError::OtherModel) => {
                tracing::error!(%error, "no vectors are made");
                Ok(Filled::default())
            }
        }
    }
}
