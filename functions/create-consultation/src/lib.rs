//! `POST /v1/consultations`: accepts a complaint, answers with what the rules say of it, and leaves the assessment to the
//! worker.

use std::sync::Arc;

use wenzhen::consultations::store::{self, Created};
use wenzhen::consultations::{Accepted, IdempotencyKey, NewConsultation};
use wenzhen::error::{Error, causes};
use wenzhen::http::{Call, Response, reply};
use wenzhen::jobs::JobMessage;
use wenzhen::jobs::outbox::{self, Queue};
use wenzhen::postgres::Database;
use wenzhen::triage;

/// What the route needs, made once for each environment.
pub struct App {
    /// Where consultations are kept.
    pub database: Database,
    /// Where their jobs go.
    pub queue: Queue,
}

/// 202 with the rules' verdict; the same answer again for the same `Idempotency-Key` and body.
pub async fn handle(app: Arc<App>, call: Call) -> Result<Response, Error> {
    let key = IdempotencyKey::from_headers(call.headers())?;
    let request: NewConsultation = call.json()?;
    let verdict = triage::assess(&request.complaint());
    let mut connection = app.database.connection().await?;
    let created = store::create(&mut connection, &call.caller, key.as_ref(), &request, &verdict).await?;
    drop(connection);
    match created {
        Created::New { id, message } => {
            tracing::info!(consultation = %id, job = %message.job_id, urgency = verdict.urgency.as_str(), "accepted");
            announce(&app, &message).await;
            accepted(&Accepted::new(id, message.job_id, &verdict, request.language()))
        }
        Created::Before { id, job_id, triage, locale } => accepted(&Accepted::new(id, job_id, &triage, locale)),
    }
}

fn accepted(body: &Accepted) -> Result<Response, Error> {
    reply::accepted(&format!("/v1/consultations/{}", body.id), body)
}

/// Sends the job. The consultation is committed and its outbox row with it, so a failure here is no failure of the
/// request: the row stays unsent for the sweep.
async fn announce(app: &App, message: &JobMessage) {
    if let Err(error) = app.queue.send(message).await {
        tracing::error!(job = %message.job_id, causes = causes(&*error), "the job stays in the outbox");
        return;
    }
    let marked = match app.database.connection().await {
        Ok(mut connection) => outbox::mark_sent(&mut connection, message).await,
        Err(error) => Err(error),
    };
    if let Err(error) = marked {
        tracing::warn!(job = %message.job_id, causes = causes(&error), "a sent job may be sent again");
    }
}
