//! `POST /v1/consultations/{id}/messages`: a further message of the patient, which the rules answer
//! at once, and the worker with a new assessment.

use std::slice;

use wenzhen::cache::Cache;
use wenzhen::config::{self, ConfigError};
use wenzhen::consultations::transcript::Transcripts;
use wenzhen::consultations::{
    Accepted, BegunTurn, IdempotencyKey, NewMessage, TurnRequest, begin_turn, forget_cached,
};
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::jobs::outbox;
use wenzhen::jobs::queue::Queue;
use wenzhen::postgres::Database;
use wenzhen::realtime::Pusher;
use wenzhen::setup::Setup;

/// The route.
pub struct CreateMessage {
    /// Holds the consultations.
    pub database: Database,
    /// Holds what is said in them.
    pub transcripts: Transcripts,
    /// Takes the jobs' messages.
    pub queue: Queue,
    /// Keeps completed consultations for a while.
    pub cache: Cache,
    /// Tells those who follow the consultation.
    pub pusher: Pusher,
}

impl Endpoint for CreateMessage {
    const ROUTE: &'static str = "POST /v1/consultations/{id}/messages";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            transcripts: Transcripts::new(setup.aws().await, config::transcripts_table()?),
            queue: setup.jobs_queue().await?,
            cache: setup.cache()?,
            pusher: setup.pusher().await?,
        })
    }

    /// 202 with the rules' verdict on all that was written so far; the same job again for the same
    /// `Idempotency-Key` and body. 409 while the message before is being answered.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let id = call.path_id("id", "consultation")?;
        let key: Option<IdempotencyKey> =
            call.header("idempotency-key").map(str::parse).transpose()?;
        let new: NewMessage = call.json()?;

        let request = TurnRequest {
            caller: &call.caller,
            id,
            key: key.as_ref(),
            new: &new,
        };
        let begun = begin_turn(&self.database, &self.transcripts, &request).await;
        // Also a message that is refused may have raised the urgency.
        let (tenant, deadline) = (&call.caller.tenant, call.deadline);
        forget_cached(&self.cache, tenant, id, deadline).await;
        if let Ok(BegunTurn {
            message: Some(message),
            ..
        }) = &begun
        {
            outbox::dispatch(&self.queue, slice::from_ref(message), deadline).await;
        }
        self.pusher.push(&self.database, tenant, id, deadline).await;
        let BegunTurn {
            consultation,
            job_id,
            message,
        } = begun?;

        if message.is_some() {
            let (turn, urgency) = (consultation.turns, consultation.urgency.as_str());
            tracing::info!(consultation = %id, job = %job_id, turn, urgency, "accepted");
        }
        let decided = consultation.decided();
        let body = Accepted::new(id, job_id, &decided, consultation.locale);
        reply::accepted(&format!("/v1/consultations/{id}"), &body)
    }
}
