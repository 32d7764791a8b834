//! `GET /v1/consultations`: the caller's consultations, page by page, newest first or, for staff,
//! by urgency.

use wenzhen::audit::{self, AuditAction, AuditedRecord};
use wenzhen::config::ConfigError;
use wenzhen::consultations::{Listing, store};
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;

/// What may be asked for.
const QUERIES: [&str; 5] = ["limit", "cursor", "order", "urgency", "reviewed"];

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
    /// These may ask for the most urgent first (`?order=urgency`), for those of one `urgency`, or
    /// for those that are still to be reviewed (`?reviewed=false`).
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        call.refuse_other_queries(&QUERIES)?;
        let listing = Listing::from_query(|name| call.query(name))?;
        let scope = call.caller.scope();

        let items = self
            .database
            .run(async |connection| {
                let rows = store::list(connection, scope, listing).await?;
                let items = listing.items(rows);
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
