//! `POST /v1/jobs/redrive`: queues failed jobs of the caller's tenant again.

use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::Role;
use wenzhen::jobs::dead_letters::{self, RedriveRequest};
use wenzhen::jobs::queue::Queue;
use wenzhen::jobs::{JobKind, RedrivenView, outbox};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;

use crate::JOB_KINDS;

/// How many jobs one call queues again unless it says otherwise.
const DEFAULT_LIMIT: i64 = 100;

/// How many jobs one call queues again at most.
const MAX_LIMIT: i64 = 1_000;

/// The route.
pub struct RedriveJobs {
    /// Holds the jobs.
    pub database: Database,
    /// Takes the jobs' messages.
    pub queue: Queue,
}

impl Endpoint for RedriveJobs {
    const ROUTE: &'static str = "POST /v1/jobs/redrive";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            queue: setup.jobs_queue().await?,
        })
    }

    /// 200 with how many jobs were queued again and how many failed ones are left, for admins.
    /// `?limit=` (1 to 1,000) and `?kind=` narrow it.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        call.require_role(Role::Admin, "Only admins may bring failed jobs back.")?;

        call.refuse_other_queries(&["limit", "kind"])?;
        let kind = call.query("kind");
        let is_unknown = |kind: &str| !JobKind::is_known(JOB_KINDS, kind);
        if kind.as_deref().is_some_and(is_unknown) {
            return Err(Error::field("kind", "must be a kind of job"));
        }
        let request = RedriveRequest {
            tenant: &call.caller.tenant,
            kind: kind.as_deref(),
            limit: parse_limit(&call)?,
        };
        let redriven = self
            .database
            .run(async |connection| dead_letters::redrive(connection, request).await)
            .await?;
        outbox::dispatch(&self.queue, &redriven.messages, call.deadline).await;

        let count = redriven.messages.len();
        tracing::info!(redriven = count, "failed jobs were queued again");
        reply::ok(&RedrivenView {
            redriven: count,
            remaining: redriven.remaining,
        })
    }
}

fn parse_limit(call: &Call) -> Result<i64, Error> {
    match call.query("limit").map(|text| text.parse()) {
        None => Ok(DEFAULT_LIMIT),
        Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        Some(_) => {
            let message = "must be a whole number from 1 to 1000";
            Err(Error::field("limit", message))
        }
    }
}
