//! `POST /v1/uploads`: accepts a file, which the client then sends to S3 by itself, in one form or
//! in parts.

use std::time::Duration;

use wenzhen::config::{ConfigError, UploadRules};
use wenzhen::error::{Error, ErrorKind, error_chain};
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::{Caller, Scope};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::uploads::{
    AcceptedUpload, MAX_FORM_BYTES, NewUpload, PartLinks, UploadBucket, UploadKey, UploadRequest,
    UploadState, store,
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

    /// 202 with the upload's id and the form with which the file is sent, or the links of its
    /// parts; 429 if the files of too many uploads of the same person have not come.
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
        let is_in_parts = upload.size > MAX_FORM_BYTES;
        let (form, parts) = if is_in_parts {
            let parts = self.begin_parts(&call.caller, &key, &upload).await?;
            (None, Some(parts))
        } else {
            (Some(self.bucket.post_form(&key, &upload).await?), None)
        };
        tracing::info!(upload = %id, "an upload was accepted");
        let accepted = AcceptedUpload {
            id,
            file_name: upload.file_name,
            state: UploadState::Pending,
            form,
            parts,
        };
        reply::accepted(&format!("/v1/uploads/{id}"), &accepted)
    }
}

impl CreateUpload {
    /// An upload that S3 does not begin is none, and counts among no one's.
    async fn begin_parts(
        &self,
        caller: &Caller,
        key: &UploadKey,
        upload: &NewUpload,
    ) -> Result<PartLinks, Error> {
        let begun = self.bucket.begin_parts(key, upload.size).await;
        if begun.is_err() {
            let scope = Scope {
                tenant: &caller.tenant,
                owner: Some(&caller.user),
            };
            let delete = async |connection: &mut _| {
                store::delete_if_there(connection, scope, upload.id).await
            };
            if let Err(error) = self.database.run(delete).await {
                let causes = error_chain(&error);
                tracing::warn!(causes, "an upload that did not begin is pruned later");
            }
        }
        begun
    }
}

fn too_many_pending() -> Error {
    let detail = "The files of 20 uploads of yours are awaited, the most there may be. Send or \
                  remove some first; what is not sent counts for 20 minutes, and in parts for \
                  six hours.";
    Error::new(ErrorKind::TooManyRequests, detail).with_retry_after(PENDING_TIME)
}
