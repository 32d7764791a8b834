//! `DELETE /v1/uploads/{id}`: removes an upload.

use wenzhen::audit::{self, AuditAction, AuditedRecord};
use wenzhen::config::ConfigError;
use wenzhen::error::{Error, error_chain};
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::{Role, Scope};
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

    /// 204 when nobody can get a link any more; for the owner, and for admins of the tenant. The
    /// file is removed at once if S3 can be reached, and else, like what the CDN has cached of it,
    /// by `remove-objects`.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let id = call.path_id("id", "upload")?;
        let (tenant, user) = (&call.caller.tenant, &call.caller.user);
        let owner = (call.caller.role != Role::Admin).then_some(user);
        let scope = Scope { tenant, owner };
        self.database
            .transact(async |connection| {
                let upload = store::get(connection, scope, id).await?;
                let record = AuditedRecord::upload(&upload.user_id, id);
                let action = AuditAction::RemoveUpload;
                audit::record_act(connection, &call.caller, action, record).await?;
                store::delete(connection, scope, id).await
            })
            .await?;
        tracing::info!(upload = %id, "an upload was removed");

        let key = UploadKey {
            tenant: tenant.clone(),
            id,
        };
        let remove = call.deadline.run(self.bucket.remove_all(&key));
        if let Ok(Err(error)) = remove.await {
            let causes = error_chain(&error);
            tracing::warn!(causes, "a removed upload's file is removed later");
        }
        reply::no_content()
    }
}
