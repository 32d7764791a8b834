//! `GET /v1/consultations`: the caller's consultations, newest first, page by page.

use wenzhen::audit::{self, AuditAction, AuditedRecord};
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
        call.refuse_other_queries(&["limit", "cursor"])?;
        let page = call.page()?;
        let scope = call.caller.scope();

        let items = self
            .database
            .run(async |connection| {
                let rows = store::list(connection, scope, page).await?;
                let items = page.items(rows, |row| row.id);
                let records = items.items.iter();
                let records = records.map(|it| AuditedRecord::consultation(&it.user_id, it.id));
                let records: Vec<_> = records.collect();
                let action = AuditAction::ListConsultation;
                audit::record_reads(connection, &call.caller, action, &records).await?;
                Ok(items)
            })
            .await?;
        reply::revalidated(call.headers(), &items)
    }
}
