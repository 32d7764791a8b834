//! `DELETE /v1/consultations/{id}`: erases a consultation.

use std::slice;

use wenzhen::cache::Cache;
use wenzhen::config::ConfigError;
use wenzhen::consultations::forget_cached;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::jobs::queue::Queue;
use wenzhen::jobs::{AcceptedJob, outbox};
use wenzhen::postgres::Database;
use wenzhen::privacy::{Erasure, begin_erasure};
use wenzhen::setup::Setup;

/// The route.
pub struct DeleteConsultation {
    /// Holds the consultations and jobs.
    pub database: Database,
    /// Takes the jobs' messages.
    pub queue: Queue,
    /// Keeps completed consultations for a while.
    pub cache: Cache,
}

impl Endpoint for DeleteConsultation {
    const ROUTE: &'static str = "DELETE /v1/consultations/{id}";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            queue: setup.jobs_queue().await?,
            cache: setup.cache()?,
        })
    }

    /// 202 when nobody can read the consultation any more, for its owner and for admins of the
    /// tenant. The job removes what lies outside the database. The same request again gets the same
    /// answer.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let id = call.path_id("id", "consultation")?;
        let erasure = self
            .database
            .run(async |connection| begin_erasure(connection, &call.caller, id).await)
            .await?;

        forget_cached(&self.cache, &call.caller.tenant, id, call.deadline).await;
        let job_id = match erasure {
            Erasure::Begun(message) => {
                tracing::info!(consultation = %id, job = %message.job_id, "erased");
                outbox::dispatch(&self.queue, slice::from_ref(&message), call.deadline).await;
                message.job_id
            }
            Erasure::Before(job_id) => job_id,
        };
        let body = AcceptedJob {
            job_id,
            consultation_id: id,
        };
        reply::accepted(&format!("/v1/jobs/{job_id}"), &body)
    }
}
