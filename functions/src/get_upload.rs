//! `GET /v1/uploads/{id}`: an upload, with a link to it once it is ready.

use wenzhen::audit::{self, AuditAction, AuditedRecord};
use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::uploads::{UploadLinks, store};

/// The route.
pub struct GetUpload {
    /// Holds the uploads.
    pub database: Database,
    /// Signs links to the files.
    pub links: UploadLinks,
}

impl Endpoint for GetUpload {
    const ROUTE: &'static str = "GET /v1/uploads/{id}";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            links: setup.upload_links().await?,
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

        let link = self.links.sign(&call.caller.tenant, &upload).await?;
        reply::ok(&upload.into_view(link))
    }
}
