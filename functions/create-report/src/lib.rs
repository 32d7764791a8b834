//! `POST /v1/consultations/{id}/report`: has a report written of a consultation.

use std::slice;
use std::sync::Arc;

use serde_json::json;
use wenzhen::consultations::{GenerateReport, Status, store as consultations};
use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::{Call, Response, reply};
use wenzhen::jobs::queue::Queue;
use wenzhen::jobs::store::Enqueued;
use wenzhen::jobs::{NewJob, outbox, store};
use wenzhen::limits::{self, Limit};
use wenzhen::postgres::Database;

/// How often the route may be called.
pub const LIMITS: &[Limit] = limits::DEFAULT;

/// What the route needs, made once for each environment.
pub struct App {
    /// Where consultations and jobs are kept.
    pub database: Database,
    /// Where jobs go.
    pub queue: Queue,
}

/// 202 with the job, which is the one under way if there is one already; 409 while there is no assessment to report on.
pub async fn handle(app: Arc<App>, call: Call) -> Result<Response, Error> {
    let id = call.path_id("id", "consultation")?;
    let tenant = &call.caller.tenant;
    let mut session = app.database.session().await?;
    let found = consultations::get(&mut session, call.caller.scope(), id).await;
    let consultation = session.finish(found)?;
    require_assessment(consultation.status)?;
    let task = GenerateReport {
        consultation_id: id,
    };
    // Whose record it is, whoever asks: a patient may follow the report that their clinician has asked for.
    let job = NewJob::new(tenant, &consultation.user_id, consultation.locale, &task)?
        .about(id)
        .once(id.to_string());
    let mut session = app.database.session().await?;
    let enqueued = store::enqueue(&mut session, &job).await;
    let job_id = match session.finish(enqueued)? {
        Enqueued::New(message) => {
            tracing::info!(consultation = %id, job = %message.job_id, "a report was asked for");
            outbox::announce(&app.queue, slice::from_ref(&message), call.deadline).await;
            message.job_id
        }
        Enqueued::Before(job_id) => job_id,
    };
    reply::accepted(
        &format!("/v1/jobs/{job_id}"),
        &json!({ "job_id": job_id, "consultation_id": id }),
    )
}

fn require_assessment(status: Status) -> Result<(), Error> {
    let detail = match status {
        Status::Completed => return Ok(()),
        Status::Processing => {
            "The consultation is still being processed. Ask again when its assessment is there."
        }
        Status::Failed => {
            "The consultation has failed, so there is no assessment to report on. Create it anew, or have an admin bring its job back."
        }
        Status::Cancelled => {
            "The consultation was called off, so there is no assessment to report on. Create it anew."
        }
    };
    Err(Error::new(ErrorKind::Conflict, detail))
}
