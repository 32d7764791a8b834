//! `GET /v1/jobs`: the jobs of the caller's tenant, newest first, page by page.

use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::Role;
use wenzhen::jobs::JobView;
use wenzhen::jobs::store::{self, JobFilter};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;

use crate::JOB_KINDS;

/// What may be asked for.
const QUERIES: [&str; 3] = ["limit", "cursor", "state"];

/// The route.
pub struct ListJobs {
    /// Holds the jobs.
    pub database: Database,
}

impl Endpoint for ListJobs {
    const ROUTE: &'static str = "GET /v1/jobs";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
        })
    }

    /// 200 with one page of the tenant's jobs, for admins. `?state=failed` chooses those that have
    /// failed for good, which `POST /v1/jobs/redrive` brings back.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        call.require_role(Role::Admin, "Only admins may list the jobs of all.")?;

        call.refuse_other_queries(&QUERIES)?;
        let page = call.page()?;
        let filter = read_filter(&call)?;
        let tenant = &call.caller.tenant;
        let jobs = self
            .database
            .run(async |connection| store::list(connection, tenant, filter, page).await)
            .await?;

        let views = jobs.into_iter().map(|job| JobView::new(job, JOB_KINDS));
        reply::ok(&page.items(views.collect(), |job| job.id))
    }
}

fn read_filter(call: &Call) -> Result<JobFilter, Error> {
    match call.query("state").as_deref() {
        None => Ok(JobFilter::All),
        Some("failed") => Ok(JobFilter::Failed),
        Some(_) => Err(Error::field("state", "must be failed, or be left out")),
    }
}
