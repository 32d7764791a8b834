//! `GET /v1/uploads/{id}`: an upload, with a link to it once it is ready.

use wenzhen::audit::{self, AuditAction, AuditedRecord};
use wenzhen::config::{CdnSettings, ConfigError};
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::uploads::{CdnSigner, Link, UploadBucket, UploadState, store};

/// The route.
pub struct GetUpload {
    /// Holds the uploads.
    pub database: Database,
    /// Holds the files.
    pub bucket: UploadBucket,
    /// Signs links of the CDN, if there is one; else links are the bucket's own.
    pub cdn: Option<CdnSigner>,
}

impl Endpoint for GetUpload {
    const ROUTE: &'static str = "GET /v1/uploads/{id}";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        let cdn = CdnSettings::from_env()?;
        Ok(Self {
            database: setup.database().await?,
            bucket: setup.upload_bucket().await?,
            cdn: cdn.map(|settings| CdnSigner::new(settings, setup.secrets())),
        })
    }

    /// 200 with the upload; `link` is there once it is ready.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let id = call.path_id("id", "upload")?;
        let scope = call.caller.scope();
        let upload = self
            .database
            .run(async |connection| {
                let upload = store::get(connection, scope, id).await?;
                let record = AuditedRecord::upload(&upload.user_id, id);
                let action = AuditAction::ReadUpload;
                audit::record_reads(connection, &call.caller, action, &[record]).await?;
                Ok(upload)
            })
            .await?;

        let kept = upload.kept_object(&call.caller.tenant);
        let link = match kept.filter(|_| upload.state == UploadState::Ready) {
            Some(object) => Some(self.sign_link(&object).await?),
            None => None,
        };
        reply::ok(&upload.view(link))
    }
}

impl GetUpload {
    async fn sign_link(&self, object: &str) -> Result<Link, Error> {
        match &self.cdn {
            Some(cdn) => cdn.sign_link(object).await,
            None => self.bucket.sign_link(object).await,
        }
    }
}
