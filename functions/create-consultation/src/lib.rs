//! `POST /v1/consultations`: accepts a complaint, answers with what the rules say of it, and leaves the assessment to the
//! worker.

use std::sync::Arc;
use std::time::Duration;

use wenzhen::consultations::store::{self, Created};
use wenzhen::consultations::{Accepted, IdempotencyKey, NewConsultation};
use wenzhen::deadline::Deadline;
use wenzhen::error::{BoxError, Error, causes};
use wenzhen::http::{Call, Response, reply};
use wenzhen::jobs::JobMessage;
use wenzhen::jobs::outbox::{self, Queue};
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
            announce(&app, &message, call.deadline).await;
            accepted(&Accepted::new(id, message.job_id, &verdict, request.language()))
        }
        Created::Before { id, job_id, triage, locale, unsent } => {
            if let Some(message) = unsent {
                announce(&app, &message, call.deadline).await;
            }
            accepted(&Accepted::new(id, job_id, &triage, locale))
        }
    }
}

fn accepted(body: &Accepted) -> Result<Response, Error> {
    reply::accepted(&format!("/v1/consultations/{}", body.id), body)
}

/// Sends the job and notes that it was sent, within two seconds. The consultation is committed and its outbox row with it,
/// so a failure here is no failure of the request: the row stays unsent for the sweep, or for the caller's next try.
async fn announce(app: &App, message: &JobMessage, deadline: Deadline) {
    let deadline = deadline.less(Duration::from_secs(1)).at_most(Duration::from_secs(2));
    match deadline.run(app.queue.send(message)).await.map_err(BoxError::from).flatten() {
        Ok(()) => {}
        Err(error) => {
            tracing::error!(job = %message.job_id, error = %error, causes = causes(&*error), "the job stays in the outbox");
            return;
        }
    }
    let marked = deadline.run(mark_sent(app, message)).await;
    if let Err(error) = marked.map_err(BoxError::from).and_then(|marked| marked.map_err(BoxError::from)) {
        tracing::warn!(job = %message.job_id, error = %error, "a sent job may be sent again");
    }
}

async fn mark_sent(app: &App, message: &JobMessage) -> Result<(), Error> {
    let mut session = app.database.session().await?;
    let marked = outbox::mark_sent(&mut session, message).await;
    session.finish(marked)
}
