//! `POST /v1/consultations`: accepts a complaint, answers with the rules' verdict, and leaves the
//! assessment to the worker.

use std::slice;

use wenzhen::config::ConfigError;
use wenzhen::consultations::store::Created;
use wenzhen::consultations::{Accepted, IdempotencyKey, NewConsultation};
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::jobs::outbox;
use wenzhen::jobs::queue::Queue;
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::telemetry::{catalogue, metrics};
use wenzhen::triage;
use wenzhen::uploads::attachments::create_consultation;

/// The route.
pub struct CreateConsultation {
    /// Holds the consultations.
    pub database: Database,
    /// Takes the jobs' messages.
    pub queue: Queue,
}

impl Endpoint for CreateConsultation {
    const ROUTE: &'static str = "POST /v1/consultations";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            queue: setup.jobs_queue().await?,
        })
    }

    /// 202 with the rules' verdict; the same answer again for the same `Idempotency-Key` and body.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let key: Option<IdempotencyKey> =
            call.header("idempotency-key").map(str::parse).transpose()?;
        let request: NewConsultation = call.json()?;
        let verdict = triage::assess(&request.complaint());
        metrics::increment(
            &catalogue::TRIAGE_VERDICTS,
            &[("urgency", verdict.urgency.as_str())],
        );

        let created = self
            .database
            .run(async |connection| {
                create_consultation(connection, &call.caller, key.as_ref(), &request, &verdict)
                    .await
            })
            .await?;

        match created {
            Created::New { id, message } => {
                let (job_id, urgency) = (message.job_id, verdict.urgency.as_str());
                tracing::info!(consultation = %id, job = %job_id, urgency, "accepted");
                outbox::dispatch(&self.queue, slice::from_ref(&message), call.deadline).await;
                accepted(&Accepted::new(id, job_id, &verdict, request.language()))
            }
            Created::Existing(existing) => {
                let (id, job_id) = (existing.id, existing.job_id);
                accepted(&Accepted::new(
                    id,
                    job_id,
                    &existing.triage,
                    existing.locale,
                ))
            }
        }
    }
}

fn accepted(body: &Accepted) -> Result<Response, Error> {
    reply::accepted(&format!("/v1/consultations/{}", body.id), body)
}
