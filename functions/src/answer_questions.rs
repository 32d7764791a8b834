//! `POST /v1/consultations/{id}/answers`: takes the patient's answers, and decides again at once.

use wenzhen::audit::{self, AuditAction, AuditedRecord};
use wenzhen::cache::Cache;
use wenzhen::config::ConfigError;
use wenzhen::consultations::{AnsweredView, NewAnswers, answers, forget_cached};
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::postgres::Database;
use wenzhen::realtime::Pusher;
use wenzhen::setup::Setup;

/// The route.
pub struct AnswerQuestions {
    /// Holds the consultations.
    pub database: Database,
    /// May hold the consultation as it was.
    pub cache: Cache,
    /// Tells those who follow the consultation.
    pub pusher: Pusher,
}

impl Endpoint for AnswerQuestions {
    const ROUTE: &'static str = "POST /v1/consultations/{id}/answers";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            cache: setup.cache()?,
            pusher: setup.pusher().await?,
        })
    }

    /// 200 with the rules' decision and the questions that are still open. The same answers again
    /// get the same answer.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let id = call.path_id("id", "consultation")?;
        let new: NewAnswers = call.json()?;
        let scope = call.caller.scope();

        let answered = self
            .database
            .transact(async |connection| {
                let answered = answers::record(connection, scope, id, &new).await?;
                let record = AuditedRecord::consultation(&answered.user_id, id);
                let action = AuditAction::AnswerQuestions;
                audit::record_act(connection, &call.caller, action, record).await?;
                Ok(answered)
            })
            .await?;
        if answered.is_changed {
            let urgency = answered.urgency.as_str();
            tracing::info!(consultation = %id, urgency, "answers were taken");
        }
        // Also when nothing has changed: the call that changed it may have died before this.
        let (tenant, deadline) = (&call.caller.tenant, call.deadline);
        forget_cached(&self.cache, tenant, id, deadline).await;
        self.pusher.push(&self.database, tenant, id, deadline).await;

        reply::ok(&AnsweredView::new(id, &answered))
    }
}
