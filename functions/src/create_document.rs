//! `POST /v1/knowledge/documents`: takes a document into the tenant's knowledge base.

use std::slice;

use wenzhen::Uuid;
use wenzhen::config::{ConfigError, UploadType};
use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::{Role, Scope};
use wenzhen::jobs::outbox;
use wenzhen::jobs::queue::Queue;
use wenzhen::knowledge::{AcceptedDocument, DocumentRequest, DocumentStatus, store};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::uploads::{self, UploadBucket, UploadState};

/// The longest text of an upload, as of a request.
const MAX_TEXT_BYTES: i64 = 1_048_576;

/// The route.
pub struct CreateDocument {
    /// Holds the documents and jobs.
    pub database: Database,
    /// Takes the jobs' messages.
    pub queue: Queue,
    /// Holds the uploads whose texts are brought in.
    pub uploads: UploadBucket,
}

impl Endpoint for CreateDocument {
    const ROUTE: &'static str = "POST /v1/knowledge/documents";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            queue: setup.jobs_queue().await?,
            uploads: setup.upload_bucket().await?,
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
        let document = match request.upload()? {
            Some(id) => {
                let content = self.read_upload(&call, id).await?;
                request.with_content(content).into_document()?
            }
            None => request.into_document()?,
        };
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
        let body = AcceptedDocument {
            id,
            job_id,
            status: DocumentStatus::Processing,
        };
        reply::accepted(&format!("/v1/jobs/{job_id}"), &body)
    }
}

impl CreateDocument {
    /// The text of an upload of the caller's own: what a patient has sent is no document.
    async fn read_upload(&self, call: &Call, id: Uuid) -> Result<String, Error> {
        let wrong = |message: &str| Error::field("upload", message);
        let (tenant, user) = (&call.caller.tenant, &call.caller.user);
        let owner = Some(user);
        let scope = Scope { tenant, owner };
        let upload = self
            .database
            .run(async |connection| uploads::store::get(connection, scope, id).await)
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => wrong("must be an upload of your own"),
                _ => error,
            })?;

        let is_text = upload.content_type.0 == UploadType::Text;
        if is_text && upload.size > MAX_TEXT_BYTES {
            return Err(wrong("must have at most 1048576 bytes"));
        }
        let object = upload.text_object(tenant);
        let object = object.filter(|_| upload.state == UploadState::Ready);
        let object = object.ok_or_else(|| wrong("must be a text or a PDF that is ready"))?;

        let text = self.uploads.read_text(&object).await?;
        text.ok_or_else(|| {
            wrong(if is_text {
                "was removed"
            } else {
                "must have text: of this PDF none can be read, as of one that was scanned"
            })
        })
    }
}
