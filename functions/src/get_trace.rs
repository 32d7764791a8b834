//! `GET /v1/consultations/{id}/trace`: what was done for the answers of a consultation.

use serde_json::json;
use wenzhen::audit::{self, AuditAction, AuditedRecord};
use wenzhen::config::{self, ConfigError};
use wenzhen::consultations::transcript::Transcripts;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::Role;
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;

/// The route.
pub struct GetTrace {
    /// Holds the consultations.
    pub database: Database,
    /// Holds the answers of earlier turns.
    pub transcripts: Transcripts,
}

impl Endpoint for GetTrace {
    const ROUTE: &'static str = "GET /v1/consultations/{id}/trace";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            transcripts: Transcripts::new(setup.aws().await, config::transcripts_table()?),
        })
    }

    /// 200 with the steps of each answer that is there, for clinicians and admins.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        call.require_role(
            Role::Clinician,
            "Only clinicians and admins may read how an answer was made.",
        )?;

        let id = call.path_id("id", "consultation")?;
        let scope = call.caller.scope();
        let read = self
            .transcripts
            .read_consultation(&self.database, scope, id);
        let (consultation, conversation) = read.await?;

        let record = AuditedRecord::consultation(&consultation.user_id, id);
        let action = AuditAction::ReadTrace;
        audit::record_read(&self.database, &call.caller, action, record).await?;

        let items = json!({ "items": conversation.traces(&consultation) });
        reply::revalidated(call.headers(), &items)
    }
}
