//! `DELETE /v1/uploads/{id}`: removes an upload.

use wenzhen::config::ConfigError;
use wenzhen::error::{Error, error_chain};
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::uploads::{UploadBucket, UploadKey, store};

/// The route.
pub struct DeleteUpload {
    /// Holds the uploads.
    pub database: Database,
    /// Holds the files.
    pub bucket: UploadBucket,
}

impl Endpoint for DeleteUpload {
    const ROUTE: &'static str = "DELETE /v1/uploads/{id}";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            bucket: setup.upload_bucket().await?,
        })
    }

    /// 204 when nobody can get a link any more. The file is removed at once if S3 can be reached,
    /// and else, like what the CDN has cached of it, by `remove-objects`.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let id = call.path_id("id", "upload")?;
        let scope = call.caller.scope();
        let removed = self
            .database
            .run(async |connection| store::delete(connection, scope, id).await)
            .await?;
        tracing::info!(upload = %id, "an upload was removed");

        let key = UploadKey {
            tenant: call.caller.tenant.clone(),
            id,
        };
        let objects = [key.incoming(), key.kept(&removed.file_name)];
        let remove = call.deadline.run(self.bucket.remove(&objects));
        if let Ok(Err(error)) = remove.await {
            let causes = error_chain(&error);
            tracing::warn!(causes, "a removed upload's file is removed later");
        }
        reply::no_content()
    }
}
