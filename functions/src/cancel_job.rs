//! `POST /v1/jobs/{id}/cancel`: cancels a job.

use wenzhen::audit::{self, AuditAction, AuditedRecord};
use wenzhen::config::ConfigError;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::jobs::{JobKind, JobView, store, transition};
use wenzhen::postgres::Database;
use wenzhen::realtime::Pusher;
use wenzhen::setup::Setup;
use wenzhen::telemetry::metrics;

use crate::JOB_KINDS;

/// The route.
pub struct CancelJob {
    /// Holds the jobs.
    pub database: Database,
    /// Tells those who follow the job's consultation.
    pub pusher: Pusher,
}

impl Endpoint for CancelJob {
    const ROUTE: &'static str = "POST /v1/jobs/{id}/cancel";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            pusher: setup.pusher().await?,
        })
    }

    /// 200 with the job: `cancelled`, or still `active` with `cancel_requested` while a worker runs
    /// it. 409 if it has ended, or is an erasure.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let id = call.path_id("id", "job")?;
        let scope = call.caller.scope();

        let (job, is_new) = self
            .database
            .transact(async |connection| {
                let job = store::get(connection, scope, id).await?;
                if !JobKind::is_cancellable(JOB_KINDS, &job.kind) {
                    let detail = "An erasure that has begun cannot be cancelled.";
                    return Err(Error::new(ErrorKind::Conflict, detail));
                }
                let cancelled = transition::cancel(connection, scope, id).await?;
                let is_new = !job.state.is_final() && !job.cancel_requested;
                if let Some(consultation) = cancelled.consultation_id.filter(|_| is_new) {
                    let record = AuditedRecord::consultation(&job.user_id, consultation);
                    let action = AuditAction::CancelJob;
                    audit::record_act(connection, &call.caller, action, record).await?;
                }
                Ok((cancelled, is_new))
            })
            .await?;
        if is_new && job.state.is_final() {
            metrics::count("JobCancelled", &[("kind", &job.kind)]);
        }

        if let Some(consultation) = job.consultation_id {
            let push = self
                .pusher
                .push(&self.database, scope.tenant, consultation, call.deadline);
            push.await;
        }

        tracing::info!(job = %id, is_at_once = job.state.is_final(), "cancelled");
        reply::ok(&JobView::new(job, JOB_KINDS))
    }
}
