//! `GET /v1/consultations`: the caller's consultations, newest first, page by page.

use wenzhen::config::ConfigError;
use wenzhen::consultations::store;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;

/// The route.
pub struct ListConsultations {
    /// Holds the consultations.
    pub database: Database,
}

impl Endpoint for ListConsultations {
    const ROUTE: &'static str = "GET /v1/consultations";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
        })
    }

    /// 200 with one page: a patient's own consultations, for a clinician or an admin the tenant's.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let page = call.page()?;
        let scope = call.caller.scope();

        let rows = self
            .database
            .run(async |connection| store::list(connection, scope, page).await)
            .await?;
        reply::revalidated(call.headers(), &page.items(rows, |row| row.id))
    }
}
