//! `GET /health/live`: that the API answers, whatever its dependencies do.

use serde_json::json;
use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::http::{Endpoint, Public, PublicCall, Response, reply};
use wenzhen::setup::Setup;

/// The route.
pub struct GetLiveness;

impl Endpoint<Public> for GetLiveness {
    const ROUTE: &'static str = "GET /health/live";

    async fn from_env(_: &Setup) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    /// 200, and no dependency is asked.
    async fn handle(&self, _: PublicCall) -> Result<Response, Error> {
        reply::ok(&json!({ "status": "ok" }))
    }
}
