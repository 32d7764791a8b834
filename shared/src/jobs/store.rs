//! Jobs in PostgreSQL: who may work on one.
//!
//! A claim is a lease with a fencing token. SQS delivers at least once, so two deliveries of a message can run at the same
//! time: only the holder of the lease works, and only the latest holder's result is written.

use std::time::Duration;

use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::JobMessage;
use crate::error::Error;
use crate::identity::TenantId;
use crate::postgres::fault;

/// The number of times a job is tried.
pub const MAX_ATTEMPTS: i16 = 3;

/// What became of an attempt to claim a job.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is ours, until the lease expires.
    Granted(Lease),
    /// It is completed or cancelled; there is nothing to do.
    Finished,
    /// It has failed for good; its message belongs into the dead-letter queue.
    Failed,
    /// Somebody else holds it, for this long at most.
    Held(Duration),
    /// There is no such job in this tenant: its consultation was erased, or the message is wrong.
    Missing,
}

/// The right to write a job's result.
#[derive(Debug, PartialEq, Eq)]
pub struct Lease {
    /// Whose job it is.
    pub tenant: TenantId,
    /// The job.
    pub job_id: Uuid,
    /// The consultation it works on.
    pub consultation_id: Uuid,
    /// Which attempt this is, from 1.
    pub attempt: i16,
    /// What a later claim takes away: a result is written only with the row's token.
    pub token: Uuid,
}

#[derive(FromRow)]
struct Claimed {
    consultation_id: Uuid,
    attempts: i16,
    state: String,
    granted: bool,
    held_for: f64,
}

/// Claims the job of a message for the time that an attempt may take.
pub async fn claim(connection: &mut PgConnection, message: &JobMessage, lease: Duration) -> Result<Claim, Error> {
    let token = Uuid::new_v4();
    // The row is locked first: of two claims at once, the later one then sees what the earlier one wrote.
    let claimed: Option<Claimed> = sqlx::query_as(
        "WITH job AS MATERIALIZED (
             SELECT consultation_id, attempts, state, lease_expires_at FROM jobs
             WHERE tenant_id = $1 AND id = $2 FOR UPDATE
         ), granted AS (
             UPDATE jobs SET state = 'active', attempts = job.attempts + 1, started_at = coalesce(jobs.started_at, now()),
                    lease_token = $3, lease_expires_at = now() + make_interval(secs => $4)
             FROM job
             WHERE jobs.tenant_id = $1 AND jobs.id = $2 AND job.state IN ('queued', 'active', 'deferred')
               AND coalesce(job.lease_expires_at < now(), true)
             RETURNING jobs.attempts
         )
         SELECT job.consultation_id, coalesce(granted.attempts, job.attempts) AS attempts, job.state,
                granted.attempts IS NOT NULL AS granted,
                coalesce(greatest(extract(epoch FROM job.lease_expires_at - now()), 0), 0)::float8 AS held_for
         FROM job LEFT JOIN granted ON true",
    )
    .bind(message.tenant_id.as_str())
    .bind(message.job_id)
    .bind(token)
    .bind(lease.as_secs_f64())
    .fetch_optional(connection)
    .await
    .map_err(fault)?;
    Ok(match claimed {
        None => Claim::Missing,
        Some(job) if job.granted => Claim::Granted(Lease {
            tenant: message.tenant_id.clone(),
            job_id: message.job_id,
            consultation_id: job.consultation_id,
            attempt: job.attempts,
            token,
        }),
        Some(job) if job.state == "failed" => Claim::Failed,
        Some(job) if matches!(job.state.as_str(), "completed" | "cancelled") => Claim::Finished,
        // Whoever waited for the row began before the lease did, so what is left may look a moment longer than it is.
        Some(job) => Claim::Held(Duration::from_secs_f64(job.held_for).min(lease)),
    })
}
