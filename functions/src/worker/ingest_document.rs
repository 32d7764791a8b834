//! The `ingest_document` job: makes a document's latest version one that is found.

use wenzhen::error::ErrorKind;
use wenzhen::jobs::Lease;
use wenzhen::jobs::worker::{JobError, JobHandler, Run};
use wenzhen::knowledge::{IngestDocument, store};

use super::{READ_TIMEOUT, Worker};

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
        tracing::info!(document = %id, attempt = lease.attempt, "a document was brought in");
        Ok(())
    }

    /// There is nothing outside the database to clean up.
    async fn cleanup(&self, _: &Lease, _: IngestDocument) -> Result<(), JobError> {
        Ok(())
    }
}
