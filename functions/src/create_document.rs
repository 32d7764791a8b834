//! `POST /v1/knowledge/documents`: takes a document into the tenant's knowledge base.

use std::slice;

use serde_json::json;
use wenzhen::config::ConfigError;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::Role;
use wenzhen::jobs::outbox;
use wenzhen::jobs::queue::Queue;
use wenzhen::knowledge::{DocumentRequest, store};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;

/// The route.
pub struct CreateDocument {
    /// Holds the documents and jobs.
    pub database: Database,
    /// Takes the jobs' messages.
    pub queue: Queue,
}

impl Endpoint for CreateDocument {
    const ROUTE: &'static str = "POST /v1/knowledge/documents";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            queue: setup.jobs_queue().await?,
        })
    }

    /// 202 with the document and the job that brings it in, for clinicians and admins; 409 if the
    /// document is there as it is.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        call.require_role(
            Role::Clinician,
            "Only clinicians and admins may bring documents in.",
        )?;

        let request: DocumentRequest = call.bulk_json()?;
        let document = request.into_document()?;
        let created = self
            .database
            .run(async |connection| store::create(connection, &call.caller, &document).await)
            .await?;
        let Some(created) = created else {
            let detail = "The same document is there already, and nothing of it has changed.";
            return Err(Error::new(ErrorKind::Conflict, detail));
        };

        let (id, job_id) = (created.id, created.message.job_id);
        tracing::info!(document = %id, job = %job_id, "a document was accepted");
        outbox::dispatch(
            &self.queue,
            slice::from_ref(&created.message),
            call.deadline,
        )
        .await;
        let body = json!({ "id": id, "job_id": job_id, "status": "processing" });
        reply::accepted(&format!("/v1/jobs/{job_id}"), &body)
    }
}
