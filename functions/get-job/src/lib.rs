//! `GET /v1/jobs/{id}`: how far a job is.

use std::sync::Arc;

use wenzhen::error::Error;
use wenzhen::http::{Call, Response, reply};
use wenzhen::jobs::store;
use wenzhen::limits::{self, Limit};
use wenzhen::postgres::Database;

/// How often the route may be called.
pub const LIMITS: &[Limit] = limits::DEFAULT;

/// What the route needs, made once for each environment.
pub struct App {
    /// Where jobs are kept.
    pub database: Database,
}

/// 200 with the job and an `ETag`, or 304.
pub async fn handle(app: Arc<App>, call: Call) -> Result<Response, Error> {
    let id = call.path_id("id", "job")?;
    let mut session = app.database.session().await?;
    let found = store::get(&mut session, call.caller.scope(), id).await;
    reply::revalidated(call.headers(), &session.finish(found)?)
}
