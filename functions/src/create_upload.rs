//! `POST /v1/uploads`: accepts a file, which the client then sends to S3 by itself.

use std::time::Duration;

use wenzhen::config::{ConfigError, UploadRules};
use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::uploads::{
    AcceptedUpload, UploadBucket, UploadKey, UploadRequest, UploadState, store,
};

/// How long an upload counts whose file does not come.
const PENDING_TIME: Duration = Duration::from_mins(20);

/// The route.
pub struct CreateUpload {
    /// Holds the uploads.
    pub database: Database,
    /// Takes the files.
    pub bucket: UploadBucket,
    /// What may be uploaded.
    pub rules: UploadRules,
}

impl Endpoint for CreateUpload {
    const ROUTE: &'static str = "POST /v1/uploads";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            bucket: setup.upload_bucket().await?,
            rules: UploadRules::from_env()?,
        })
    }

    /// 202 with the upload's id and the form with which the file is sent; 429 if the files of too
    /// many uploads of the same person have not come.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let request: UploadRequest = call.json()?;
        let upload = request.into_upload(&self.rules)?;
        let created = self
            .database
            .run(async |connection| store::create(connection, &call.caller, &upload).await)
            .await?;
        if !created {
            return Err(too_many_pending());
        }

        let id = upload.id;
        let key = UploadKey {
            tenant: call.caller.tenant.clone(),
            id,
        };
        let form = self.bucket.post_form(&key, &upload).await?;
        tracing::info!(upload = %id, "an upload was accepted");
        let body = AcceptedUpload {
            id,
            file_name: upload.file_name,
            state: UploadState::Pending,
            form,
        };
        reply::accepted(&format!("/v1/uploads/{id}"), &body)
    }
}

fn too_many_pending() -> Error {
    let detail = "The files of 20 uploads of yours are awaited, the most there may be. Send or \
                  remove some first; what is not sent counts for 20 minutes.";
    Error::new(ErrorKind::TooManyRequests, detail).with_retry_after(PENDING_TIME)
}
