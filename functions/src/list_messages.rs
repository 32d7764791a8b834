//! `GET /v1/consultations/{id}/messages`: what was said in a consultation.

use serde_json::json;
use wenzhen::audit::{self, AuditAction, AuditedRecord};
use wenzhen::config::{self, ConfigError};
use wenzhen::consultations::transcript::Transcripts;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;

/// The route.
pub struct ListMessages {
    /// Holds the consultations.
    pub database: Database,
    /// Holds what is said in them.
    pub transcripts: Transcripts,
}

impl Endpoint for ListMessages {
    const ROUTE: &'static str = "GET /v1/consultations/{id}/messages";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            transcripts: Transcripts::new(setup.aws().await, config::transcripts_table()?),
        })
    }

    /// 200 with the texts in order, from the complaint to the last answer that is there.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let id = call.path_id("id", "consultation")?;
        let scope = call.caller.scope();
        let read = self
            .transcripts
            .read_consultation(&self.database, scope, id);
        let (consultation, conversation) = read.await?;

        let record = AuditedRecord::consultation(&consultation.user_id, id);
        let action = AuditAction::ReadMessages;
        audit::record_read(&self.database, &call.caller, action, record).await?;

        let items = json!({ "items": conversation.into_view(&consultation) });
        reply::revalidated(call.headers(), &items)
    }
}
