//! `GET /v1/knowledge/documents`: the tenant's documents, page by page.

use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::Role;
use wenzhen::knowledge::store;
use wenzhen::page::Page;
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;

/// The route.
pub struct ListDocuments {
    /// Holds the documents.
    pub database: Database,
}

impl Endpoint for ListDocuments {
    const ROUTE: &'static str = "GET /v1/knowledge/documents";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
        })
    }

    /// 200 with one page, the newest first, for clinicians and admins. Shared documents, which no
    /// caller writes, are not among them.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        call.require_role(
            Role::Clinician,
            "Only clinicians and admins may list documents.",
        )?;

        call.refuse_other_queries(&["limit", "cursor"])?;
        let page: Page = call.page()?;
        let tenant = &call.caller.tenant;
        let listed = self
            .database
            .run(async |connection| store::list(connection, tenant, page).await)
            .await?;
        let items = page.items(listed, |document| document.id);
        reply::revalidated(call.headers(), &items)
    }
}
