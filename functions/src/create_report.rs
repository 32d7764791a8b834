//! `POST /v1/consultations/{id}/report`: requests a report of a consultation.

use std::slice;

use wenzhen::audit::{self, AuditAction, AuditedRecord};
use wenzhen::config::ConfigError;
use wenzhen::consultations::{ConsultationStatus, GenerateReport, store as consultations};
use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::jobs::queue::Queue;
use wenzhen::jobs::store::{self, Enqueued};
use wenzhen::jobs::{AcceptedJob, NewJob, outbox};
use wenzhen::postgres::Database;
use wenzhen::realtime::Pusher;
use wenzhen::setup::Setup;

/// The route.
pub struct CreateReport {
    /// Holds the consultations and jobs.
    pub database: Database,
    /// Takes the jobs' messages.
    pub queue: Queue,
    /// Tells those who follow the consultation.
    pub pusher: Pusher,
}

impl Endpoint for CreateReport {
    const ROUTE: &'static str = "POST /v1/consultations/{id}/report";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            queue: setup.jobs_queue().await?,
            pusher: setup.pusher().await?,
        })
    }

    /// 202 with the job, which is the one under way if there is one already; 409 while there is no
    /// assessment to report on.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let id = call.path_id("id", "consultation")?;
        let (scope, tenant) = (call.caller.scope(), &call.caller.tenant);
        let consultation = self
            .database
            .run(async |connection| consultations::get(connection, scope, id).await)
            .await?;
        require_assessment(consultation.status)?;

        // The job belongs to the record's patient, also if a clinician requests it: the patient may
        // follow the report.
        let payload = GenerateReport {
            consultation_id: id,
        };
        let job = NewJob::new(tenant, &consultation.user_id, consultation.locale, &payload)?
            .for_consultation(id)
            .deduplicate_by(id.to_string());
        let enqueued = self
            .database
            .transact(async |connection| {
                let record = AuditedRecord::consultation(&consultation.user_id, id);
                let action = AuditAction::RequestReport;
                audit::record_act(connection, &call.caller, action, record).await?;
                store::enqueue(connection, &job).await
            })
            .await?;

        let job_id = match enqueued {
            Enqueued::New(message) => {
                tracing::info!(consultation = %id, job = %message.job_id, "a report was requested");
                let deadline = call.deadline;
                outbox::dispatch(&self.queue, slice::from_ref(&message), deadline).await;
                self.pusher.push(&self.database, tenant, id, deadline).await;
                message.job_id
            }
            Enqueued::Before(job_id) => job_id,
        };
        let body = AcceptedJob {
            job_id,
            consultation_id: id,
        };
        reply::accepted(&format!("/v1/jobs/{job_id}"), &body)
    }
}

fn require_assessment(status: ConsultationStatus) -> Result<(), Error> {
    let detail = match status {
        ConsultationStatus::Completed => return Ok(()),
        ConsultationStatus::Processing => {
            "The consultation is still being processed. Ask again when its assessment is there."
        }
        ConsultationStatus::Failed => {
            "The consultation has failed, so there is no assessment to report on. Create it anew, \
             or have an admin bring its job back."
        }
        ConsultationStatus::Cancelled => {
            "The consultation was cancelled, so there is no assessment to report on. Create it \
             anew."
        }
    };
    Err(Error::new(ErrorKind::Conflict, detail))
}
