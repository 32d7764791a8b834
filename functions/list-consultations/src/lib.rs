//! `GET /v1/consultations`: the caller's consultations, newest first, page by page.

use std::sync::Arc;

use wenzhen::consultations::store;
use wenzhen::error::Error;
use wenzhen::http::{Call, Response, reply};
use wenzhen::limits::{self, Limit};
use wenzhen::postgres::Database;

/// How often the route may be called.
pub const LIMITS: &[Limit] = limits::DEFAULT;

/// What the route needs, made once for each environment.
pub struct App {
    /// Where consultations are kept.
    pub database: Database,
}

/// 200 with one page: a patient's own, for a clinician or an admin the tenant's.
pub async fn handle(app: Arc<App>, call: Call) -> Result<Response, Error> {
    let page = call.page()?;
    let mut session = app.database.session().await?;
    let rows = store::list(&mut session, call.caller.scope(), page).await;
    let rows = session.finish(rows)?;
    reply::revalidated(call.headers(), &page.items(rows, |row| row.id))
}
