//! `GET /v1/jobs/{id}`: how far a job is.

use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::jobs::{JobView, store};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;

use crate::JOB_KINDS;

/// The route.
pub struct GetJob {
    /// Holds the jobs.
    pub database: Database,
}

impl Endpoint for GetJob {
    const ROUTE: &'static str = "GET /v1/jobs/{id}";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
        })
    }

    /// 200 with the job and an `ETag`, or 304.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let id = call.path_id("id", "job")?;
        let scope = call.caller.scope();

        let job = self
            .database
            .run(async |connection| store::get(connection, scope, id).await)
            .await?;
        reply::revalidated(call.headers(), &JobView::new(job, JOB_KINDS))
    }
}
