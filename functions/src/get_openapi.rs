//! `GET /openapi.json`: the description of the API.

use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::http::{Endpoint, Public, PublicCall, Response, reply};
use wenzhen::setup::Setup;

/// Written by `cargo xtask openapi`, so that no function makes schemas.
const DESCRIPTION: &str = include_str!("../../docs/openapi.json");

/// The route.
pub struct GetOpenapi;

impl Endpoint<Public> for GetOpenapi {
    const ROUTE: &'static str = "GET /openapi.json";

    async fn from_env(_: &Setup) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    /// 200 with the description (`OpenAPI` 3.1).
    async fn handle(&self, _: PublicCall) -> Result<Response, Error> {
        reply::public_text("application/json", DESCRIPTION)
    }
}
