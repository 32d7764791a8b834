//! `DELETE /v1/knowledge/documents/{id}`: removes a document of the tenant.

use wenzhen::cache::Cache;
use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::Role;
use wenzhen::knowledge::{forget_searches, store};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;

/// The route.
pub struct DeleteDocument {
    /// Holds the documents.
    pub database: Database,
    /// Keeps results of searches, which may quote the document.
    pub cache: Cache,
}

impl Endpoint for DeleteDocument {
    const ROUTE: &'static str = "DELETE /v1/knowledge/documents/{id}";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            cache: setup.cache()?,
        })
    }

    /// 204 when the document and its passages are gone, for clinicians and admins. A job that still
    /// brings it in ends as failed, and writes nothing.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        call.require_role(
            Role::Clinician,
            "Only clinicians and admins may remove documents.",
        )?;

        let id = call.path_id("id", "document")?;
        let tenant = &call.caller.tenant;
        self.database
            .run(async |connection| store::delete(connection, tenant, id).await)
            .await?;
        tracing::info!(document = %id, "a document was removed");
        forget_searches(&self.cache, tenant, call.deadline).await;
        reply::no_content()
    }
}
