//! `POST /v1/consultations/{id}/review`: a clinician marks a consultation as seen to, or takes that
//! back.

use wenzhen::audit::{self, AuditAction, AuditedRecord};
use wenzhen::cache::Cache;
use wenzhen::config::ConfigError;
use wenzhen::consultations::{NewReview, forget_cached, review};
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::Role;
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;

/// The route.
pub struct ReviewConsultation {
    /// Holds the consultations.
    pub database: Database,
    /// May hold the consultation as it was.
    pub cache: Cache,
}

impl Endpoint for ReviewConsultation {
    const ROUTE: &'static str = "POST /v1/consultations/{id}/review";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            cache: setup.cache()?,
        })
    }

    /// 200 with who has reviewed it and when. The same call again changes nothing.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        call.require_role(
            Role::Clinician,
            "Only clinicians and admins review consultations.",
        )?;
        let id = call.path_id("id", "consultation")?;
        let new: NewReview = call.json()?;
        let action = if new.reviewed {
            AuditAction::ReviewConsultation
        } else {
            AuditAction::ReopenConsultation
        };

        let reviewed = self
            .database
            .transact(async |connection| {
                let reviewed = review::record(connection, &call.caller, id, &new).await?;
                if reviewed.is_changed {
                    let record = AuditedRecord::consultation(&reviewed.user_id, id);
                    audit::record_act(connection, &call.caller, action, record).await?;
                }
                Ok(reviewed)
            })
            .await?;
        // Also when nothing has changed: the call that changed it may have died before this.
        forget_cached(&self.cache, &call.caller.tenant, id, call.deadline).await;

        if reviewed.is_changed {
            tracing::info!(consultation = %id, reviewed = new.reviewed, "a review was taken");
        }
        reply::ok(&reviewed.view)
    }
}
