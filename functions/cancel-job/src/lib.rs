//! `POST /v1/jobs/{id}/cancel`: calls a job off.

use std::sync::Arc;

use wenzhen::error::Error;
use wenzhen::http::{Call, Response, reply};
use wenzhen::jobs::ending;
use wenzhen::limits::{self, Limit};
use wenzhen::postgres::Database;
use wenzhen::telemetry::metrics;

/// How often the route may be called.
pub const LIMITS: &[Limit] = limits::DEFAULT;

/// What the route needs, made once for each environment.
pub struct App {
    /// Where jobs are kept.
    pub database: Database,
}

/// 200 with the job: `cancelled`, or still `active` with `cancel_requested` if a worker is at it. 409 if it has ended.
pub async fn handle(app: Arc<App>, call: Call) -> Result<Response, Error> {
    let id = call.path_id("id", "job")?;
    let mut session = app.database.session().await?;
    let job = ending::cancel(&mut session, call.caller.scope(), id).await;
    let job = session.finish(job)?;
    if job.state.is_final() {
        metrics::count("JobCancelled", &[("kind", &job.kind)]);
    }
    tracing::info!(job = %id, is_at_once = job.state.is_final(), "called off");
    reply::ok(&job)
}
