//! Every five minutes: makes the vectors of passages that have none, and brings the vector store up
//! to date.

use std::time::Duration;

use serde::Serialize;
use wenzhen::ai::ServiceCall;
use wenzhen::config::ConfigError;
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::knowledge::VectorIndex;
use wenzhen::knowledge::copies::{self, Copied, CopyError};
use wenzhen::knowledge::index::{self, FillError, Filled, PassageScope};
use wenzhen::lambda::Schedule;
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::telemetry::metrics;

/// The longest that the vectors of one batch may take.
const BATCH_TIMEOUT: Duration = Duration::from_secs(20);

/// What must be left of the time for another batch to begin.
const MIN_BATCH_TIME: Duration = Duration::from_secs(45);

/// The scheduled function.
pub struct EmbedPassages {
    /// Holds the passages.
    pub database: Database,
    /// Makes vectors, and holds copies of them; none if there is no model.
    pub index: Option<VectorIndex>,
}

/// What one run has done.
#[derive(Debug, Default, Serialize)]
pub struct EmbedSummary {
    /// Passages that had no vector.
    pub vectors: Filled,
    /// Documents whose copies in the vector store were outdated.
    pub copies: Copied,
}

impl Schedule for EmbedPassages {
    const TIMEOUT: Duration = Duration::from_mins(4);

    type Summary = EmbedSummary;

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            index: VectorIndex::from_setup(setup).await?,
        })
    }

    /// What one run does not make, the next one does: a large document's, and those that came while
    /// the model was away.
    async fn run(&self, deadline: Deadline) -> Result<EmbedSummary, Error> {
        let Some(index) = &self.index else {
            return Ok(EmbedSummary::default());
        };

        // What was removed leaves the store before the time goes into new vectors.
        let before = self.copy(index, CopyStep::Adopt, deadline).await?;
        let vectors = self.fill(index, deadline).await?;
        let after = self.copy(index, CopyStep::Alone, deadline).await?;
        Ok(EmbedSummary {
            vectors,
            copies: Copied {
                copied: before.copied + after.copied,
                left: after.left,
            },
        })
    }
}

/// Whether the store is looked at first, which counts all vectors: once in a run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CopyStep {
    Adopt,
    Alone,
}

impl EmbedPassages {
    async fn fill(&self, index: &VectorIndex, deadline: Deadline) -> Result<Filled, Error> {
        let call = || ServiceCall::of_operator(deadline.at_most(BATCH_TIMEOUT));
        let may_go_on = |_| deadline.remaining() > MIN_BATCH_TIME;
        let (database, scope, embedder) = (&self.database, PassageScope::All, index.embedder());

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

    async fn copy(
        &self,
        index: &VectorIndex,
        step: CopyStep,
        deadline: Deadline,
    ) -> Result<Copied, Error> {
        let (database, call) = (&self.database, ServiceCall::of_operator);
        let copy = async {
            if step == CopyStep::Adopt {
                copies::adopt_store(database, index, call, deadline).await?;
            }
            let scope = PassageScope::All;
            copies::copy_outdated(database, scope, index, call, deadline, |_| true).await
        };

        match Box::pin(copy).await {
            Ok(done) => {
                let Copied { copied, left } = done;
                if left > 0 {
                    metrics::count("VectorStoreBehind", &[]);
                    tracing::warn!(copied, left, "the vector store is behind");
                } else if copied > 0 {
                    tracing::info!(copied, "copied vectors");
                }
                Ok(done)
            }
            Err(CopyError::Database(error)) => Err(error),
            Err(error @ CopyError::Store(_)) => {
                metrics::count("VectorStoreBehind", &[]);
                tracing::warn!(%error, "searches ask the database instead of the vector store");
                Ok(Copied::default())
            }
        }
    }
}
