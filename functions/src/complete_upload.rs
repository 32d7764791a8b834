//! `POST /v1/uploads/{id}/complete`: puts an upload together that was sent in parts.

use wenzhen::Uuid;
use wenzhen::config::ConfigError;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::Scope;
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::uploads::{
    AcceptedUpload, Assembly, MAX_FORM_BYTES, Upload, UploadBucket, UploadKey, UploadState, store,
};

/// The route.
pub struct CompleteUpload {
    /// Holds the uploads.
    pub database: Database,
    /// Holds the parts.
    pub bucket: UploadBucket,
}

impl Endpoint for CompleteUpload {
    const ROUTE: &'static str = "POST /v1/uploads/{id}/complete";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            bucket: setup.upload_bucket().await?,
        })
    }

    /// 202 once all parts are there, with the state that the upload is in: also when it was put
    /// together before. 409 with what is to be done, if some are missing or have another size, and
    /// for an upload that is sent with a form. For the owner alone.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let id = call.path_id("id", "upload")?;
        let upload = self.find(&call, id).await?;
        let size = u64::try_from(upload.size).unwrap_or_default();
        if size <= MAX_FORM_BYTES {
            let detail = "This upload is sent with its form, and has no parts.";
            return Err(Error::new(ErrorKind::Conflict, detail));
        }
        if upload.state != UploadState::Pending {
            return accepted(&upload);
        }

        let key = UploadKey {
            tenant: call.caller.tenant.clone(),
            id,
        };
        match self.bucket.assemble(&key, size).await? {
            Assembly::Whole => {
                tracing::info!(upload = %id, "an upload was put together");
                accepted(&upload)
            }
            Assembly::Incomplete(parts) => Err(Error::new(ErrorKind::Conflict, parts.advice())),
            Assembly::Gone => self.accept_verified(&call, id).await,
        }
    }
}

impl CompleteUpload {
    async fn find(&self, call: &Call, id: Uuid) -> Result<Upload, Error> {
        let scope = Scope {
            tenant: &call.caller.tenant,
            owner: Some(&call.caller.user),
        };
        self.database
            .run(async |connection| store::get(connection, scope, id).await)
            .await
    }

    /// A file that is not there any more may have been verified meanwhile.
    async fn accept_verified(&self, call: &Call, id: Uuid) -> Result<Response, Error> {
        let upload = self.find(call, id).await?;
        if upload.state == UploadState::Pending {
            let detail = "The parts of this upload are gone. Ask for another upload, and send it.";
            return Err(Error::new(ErrorKind::Conflict, detail));
        }
        accepted(&upload)
    }
}

fn accepted(upload: &Upload) -> Result<Response, Error> {
    let body = AcceptedUpload {
        id: upload.id,
        file_name: upload.file_name.clone(),
        state: upload.state,
        form: None,
        parts: None,
    };
    reply::accepted(&format!("/v1/uploads/{}", upload.id), &body)
}
