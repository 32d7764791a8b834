//! The `ingest_document` job: makes a document's latest version one that is found.

use std::time::Duration;

use wenzhen::Uuid;
use wenzhen::ai::ServiceCall;
use wenzhen::error::ErrorKind;
use wenzhen::jobs::Lease;
use wenzhen::jobs::worker::{JobError, JobHandler, Run};
use wenzhen::knowledge::copies::Copied;
use wenzhen::knowledge::index::{FillError, PassageScope};
use wenzhen::knowledge::{IngestDocument, VectorIndex, copies, forget_searches, index, store};
use wenzhen::telemetry::metrics;

use super::{READ_TIMEOUT, Worker};

/// The longest that a job makes vectors for.
const EMBED_TIMEOUT: Duration = Duration::from_secs(20);

/// The longest that it copies them to a vector store.
const COPY_TIMEOUT: Duration = Duration::from_secs(20);

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

        run.report_progress(50, "writing_passages");
        run.complete(async |connection| {
            store::complete_ingestion(connection, lease, id, &document).await
        })
        .await?;
        forget_searches(&self.cache, &lease.tenant, run.deadline).await;
        tracing::info!(document = %id, attempt = lease.attempt, "a document was brought in");

        self.embed_passages(run, id).await;
        // What was found by words alone meanwhile is found by its meaning now.
        forget_searches(&self.cache, &lease.tenant, run.deadline).await;
        Ok(())
    }

    /// There is nothing outside the database to clean up.
    async fn cleanup(&self, _: &Lease, _: IngestDocument) -> Result<(), JobError> {
        Ok(())
    }
}

impl Worker {
    /// Makes vectors of the document's passages: as many as can be made within the time. The job is
    /// complete, and the document found by its words; `embed-passages` makes what is missing.
    async fn embed_passages(&self, run: &Run<'_>, id: Uuid) {
        let Some(index) = &self.index else {
            return;
        };
        let tenant = &run.lease.tenant;
        let deadline = run.deadline.at_most(EMBED_TIMEOUT);
        let scope = PassageScope::Document { tenant, id };
        let call = || ServiceCall::of_job(tenant, deadline);
        let may_go_on = |_| deadline.remaining() > Duration::ZERO;

        let (database, embedder) = (&self.database, index.embedder());
        let fill = index::fill_missing(database, scope, embedder, call, may_go_on);
        let reason = match Box::pin(fill).await {
            Ok(filled) if filled.left == 0 => return self.copy_vectors(run, index, scope).await,
            Err(FillError::OtherModel) => {
                let message = "the index holds another model's vectors: run `cargo xtask reindex`";
                tracing::error!("{message}");
                "not_indexed"
            }
            _ => "not_in_time",
        };
        metrics::count("DocumentWithoutVectors", &[("reason", reason)]);
    }

    /// Brings the vector store up to date, if there is one. `embed-passages` does it if this fails.
    async fn copy_vectors(&self, run: &Run<'_>, index: &VectorIndex, scope: PassageScope<'_>) {
        if index.store().is_none() {
            return;
        }
        let deadline = run.deadline.at_most(COPY_TIMEOUT);
        let call = |until| ServiceCall::of_job(&run.lease.tenant, until);

        let database = &self.database;
        let copy = copies::copy_outdated(database, scope, index, call, deadline, |_| true);
        match Box::pin(copy).await {
            Ok(Copied { left: 0, .. }) => return,
            Ok(_) => tracing::warn!("the vector store is behind"),
            Err(error) => {
                tracing::warn!(%error, "searches ask the database instead of the vector store");
            }
        }
        metrics::count("VectorStoreBehind", &[]);
    }
}
