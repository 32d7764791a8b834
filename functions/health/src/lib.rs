//! `GET /health`: whether the parts answer, and what the circuits of the models do.

use std::sync::Arc;

use wenzhen::ai::Chains;
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::health;
use wenzhen::http::{Response, reply};
use wenzhen::postgres::Database;
use wenzhen::valkey::Valkey;

/// What the route needs, made once for each environment.
pub struct App {
    /// Asked whether it answers.
    pub database: Database,
    /// Asked whether it answers, if there is one.
    pub valkey: Option<Arc<Valkey>>,
    /// Whose circuits are shown.
    pub chains: Chains,
}

/// 200 when calls can be accepted, if need be degraded; 503 when they cannot.
pub async fn handle(app: Arc<App>, deadline: Deadline) -> Result<Response, Error> {
    let report = health::check(&app.database, app.valkey.as_deref(), app.chains.breakers(), deadline).await;
    reply::health(report.is_serving(), &report)
}
