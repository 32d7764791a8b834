//! `GET /docs`: a page to read the description of the API, and to try it.

use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::http::{Endpoint, Public, PublicCall, Response, reply, script_hash};
use wenzhen::setup::Setup;

/// One page with its style and script: it needs no other origin.
const PAGE: &str = include_str!("pages/docs.html");

/// The route.
pub struct GetDocs {
    /// The one script that browsers run.
    pub script_hash: String,
}

impl Endpoint<Public> for GetDocs {
    const ROUTE: &'static str = "GET /docs";

    async fn from_env(_: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            script_hash: script_hash(PAGE),
        })
    }

    /// 200 with the page.
    async fn handle(&self, _: PublicCall) -> Result<Response, Error> {
        reply::page(PAGE, &self.script_hash)
    }
}
