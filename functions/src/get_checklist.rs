//! `GET /v1/triage/checklist`: the questions after danger signs, for an age and a sex.

use wenzhen::config::ConfigError;
use wenzhen::consultations::Checklist;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::setup::Setup;

/// The route.
pub struct GetChecklist;

impl Endpoint for GetChecklist {
    const ROUTE: &'static str = "GET /v1/triage/checklist";

    async fn from_env(_: &Setup) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    /// 200 with the questions in the order in which they are asked, or 304.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let checklist = Checklist::from_query(|name| call.query(name))?;
        reply::revalidated(call.headers(), &checklist)
    }
}
