//! The `ingest_document` job: makes a document's latest version one that is found.

use std::time::Duration;

use wenzhen::ai::{Embedding, EmbeddingCall, InputKind};
use wenzhen::error::{ErrorKind, error_chain};
use wenzhen::jobs::Lease;
use wenzhen::jobs::worker::{JobError, JobHandler, Run};
use wenzhen::knowledge::store::CutDocument;
use wenzhen::knowledge::{self, IngestDocument, index, store};
use wenzhen::telemetry::metrics;

use super::{READ_TIMEOUT, Worker};

/// The longest that a document waits for its vectors before it is found by its words.
const EMBED_TIMEOUT: Duration = Duration::from_secs(20);

impl JobHandler<IngestDocument> for Worker {
    async fn handle(&self, run: &Run<'_>, payload: IngestDocument) -> Result<(), JobError> {
        let (lease, id) = (run.lease, payload.document_id);
        let read = self.database.within(READ_TIMEOUT, async |connection| {
            store::get_content(connection, &lease.tenant, id).await
        });
        let document = match read.await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(JobError::Permanent(IngestDocument::DOCUMENT_DELETED));
            }
            read => read?,
        };

        run.report_progress(20, "embedding_passages");
        let document = document.cut();
        let embeddings = self.embed_passages(run, &document).await?;

        run.report_progress(80, "writing_passages");
        run.complete(async |connection| {
            store::complete_ingestion(connection, lease, id, &document, &embeddings).await
        })
        .await?;
        let tag = knowledge::cache_tag(&lease.tenant);
        if let Err(error) = self.cache.invalidate(&[tag], run.deadline).await {
            let causes = error_chain(&error);
            tracing::warn!(causes, "until they expire, cached searches lack a document");
        }
        tracing::info!(document = %id, attempt = lease.attempt, "a document was brought in");
        Ok(())
    }

    /// There is nothing outside the database to clean up.
    async fn cleanup(&self, _: &Lease, _: IngestDocument) -> Result<(), JobError> {
        Ok(())
    }
}

impl Worker {
    /// Vectors of the passages, the first ones first: as many as can be made within the time, none
    /// without a model, or if the index holds another one's. A document is found by its words
    /// meanwhile, and `embed-passages` makes what is missing.
    async fn embed_passages(
        &self,
        run: &Run<'_>,
        document: &CutDocument<'_>,
    ) -> Result<Vec<Embedding>, JobError> {
        let Some(embedder) = &self.embedder else {
            return Ok(Vec::new());
        };
        let adopt = self.database.within(READ_TIMEOUT, async |connection| {
            index::adopt_model(connection, embedder.model()).await
        });
        if !adopt.await? {
            metrics::count("DocumentWithoutVectors", &[("reason", "not_indexed")]);
            tracing::error!("the index holds another model's vectors: run `cargo xtask reindex`");
            return Ok(Vec::new());
        }

        let deadline = run.deadline.at_most(EMBED_TIMEOUT);
        let call = EmbeddingCall::of_job(&run.lease.tenant, deadline);
        let texts = document.texts_to_embed();
        let embeddings = embedder
            .embed_first(&texts, InputKind::Passage, &call)
            .await;
        if embeddings.len() < texts.len() {
            metrics::count("DocumentWithoutVectors", &[("reason", "not_in_time")]);
        }
        Ok(embeddings)
    }
}
