//! `POST /v1/jobs/redrive`: brings failed jobs of the caller's tenant back.

use std::sync::Arc;

use serde_json::json;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::{Call, Response, reply};
use wenzhen::identity::Role;
use wenzhen::jobs::queue::Queue;
use wenzhen::jobs::{burial, outbox};
use wenzhen::limits::{self, Limit};
use wenzhen::postgres::Database;

/// How often the route may be called.
pub const LIMITS: &[Limit] = limits::DEFAULT;

/// How many jobs one call brings back, unless it says otherwise, and at most.
const DEFAULT: i64 = 100;
const MOST: i64 = 1_000;

/// What the route needs, made once for each environment.
pub struct App {
    /// Where jobs are kept.
    pub database: Database,
    /// Where they go.
    pub queue: Queue,
}

/// 200 with how many jobs were brought back and how many failed ones are left, for admins. `?limit=` (1 to 1,000) and
/// `?kind=` narrow it.
pub async fn handle(app: Arc<App>, call: Call) -> Result<Response, Error> {
    if call.caller.role != Role::Admin {
        return Err(Error::new(
            ErrorKind::Forbidden,
            "Only admins may bring failed jobs back.",
        ));
    }
    let (limit, kind) = (limit(&call)?, call.query("kind"));
    let mut session = app.database.session().await?;
    let redriven = burial::redrive(&mut session, &call.caller.tenant, kind.as_deref(), limit).await;
    let redriven = session.finish(redriven)?;
    outbox::announce(&app.queue, &redriven.messages, call.deadline).await;
    tracing::info!(
        redriven = redriven.messages.len(),
        "failed jobs were brought back"
    );
    reply::ok(&json!({ "redriven": redriven.messages.len(), "remaining": redriven.remaining }))
}

fn limit(call: &Call) -> Result<i64, Error> {
    match call.query("limit").map(|text| text.parse()) {
        None => Ok(DEFAULT),
        Some(Ok(limit)) if (1..=MOST).contains(&limit) => Ok(limit),
        Some(_) => Err(Error::field(
            "limit",
            "must be a whole number from 1 to 1000",
        )),
    }
}
