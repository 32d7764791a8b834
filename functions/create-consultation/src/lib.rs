//! `POST /v1/consultations`: accepts a complaint, answers with what the rules say of it, and leaves the assessment to the
//! worker.

use std::slice;
use std::sync::Arc;

use wenzhen::consultations::store::{self, Created};
use wenzhen::consultations::{Accepted, IdempotencyKey, NewConsultation};
use wenzhen::error::Error;
use wenzhen::http::{Call, Response, reply};
use wenzhen::jobs::outbox;
use wenzhen::jobs::queue::Queue;
use wenzhen::limits::{self, Limit};
use wenzhen::postgres::Database;
use wenzhen::triage;

/// How often the route may be called.
pub const LIMITS: &[Limit] = limits::DEFAULT;

/// What the route needs, made once for each environment.
pub struct App {
    /// Where consultations are kept.
    pub database: Database,
    /// Where their jobs go.
    pub queue: Queue,
}

/// 202 with the rules' verdict; the same answer again for the same `Idempotency-Key` and body.
pub async fn handle(app: Arc<App>, call: Call) -> Result<Response, Error> {
    let key: Option<IdempotencyKey> = call.header("idempotency-key").map(str::parse).transpose()?;
    let request: NewConsultation = call.json()?;
    let verdict = triage::assess(&request.complaint());
    let mut session = app.database.session().await?;
    let created = store::create(&mut session, &call.caller, key.as_ref(), &request, &verdict).await;
    match session.finish(created)? {
        Created::New { id, message } => {
            tracing::info!(consultation = %id, job = %message.job_id, urgency = verdict.urgency.as_str(), "accepted");
            outbox::announce(&app.queue, slice::from_ref(&message), call.deadline).await;
            accepted(&Accepted::new(
                id,
                message.job_id,
                &verdict,
                request.language(),
            ))
        }
        Created::Before {
            id,
            job_id,
            triage,
            locale,
        } => accepted(&Accepted::new(id, job_id, &triage, locale)),
    }
}

fn accepted(body: &Accepted) -> Result<Response, Error> {
    reply::accepted(&format!("/v1/consultations/{}", body.id), body)
}
