//! How a consultation's job ends. The job's row and the consultation's change in one statement, and only while the lease
//! is still the job's: a run that was overtaken writes nothing.

use sqlx::PgConnection;
use sqlx::types::Json;

use super::Assessment;
use crate::error::Error;
use crate::jobs::store::{Lease, MAX_ATTEMPTS};
use crate::postgres::fault;

/// Writes the assessment and the job's final state in one statement. `false` when the lease had passed to somebody else:
/// then nothing was written.
pub async fn complete(connection: &mut PgConnection, lease: &Lease, assessment: &Assessment) -> Result<bool, Error> {
    let written = sqlx::query(
        "WITH finished AS (
             UPDATE jobs SET state = 'completed', finished_at = now(), last_error = NULL,
                    lease_token = NULL, lease_expires_at = NULL
             WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 RETURNING consultation_id
         )
         UPDATE consultations SET status = 'completed', urgency = $4, assessment = $5,
                updated_at = now(), completed_at = now()
         FROM finished WHERE tenant_id = $1 AND id = finished.consultation_id",
    )
    .bind(lease.tenant.as_str())
    .bind(lease.job_id)
    .bind(lease.token)
    .bind(assessment.urgency.as_str())
    .bind(Json(assessment))
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(written.rows_affected() == 1)
}

/// Gives a job back after a failed attempt; the last one makes it and its consultation `failed`. `error` is a code.
pub async fn give_back(connection: &mut PgConnection, lease: &Lease, error: &'static str) -> Result<(), Error> {
    sqlx::query(
        "WITH released AS (
             UPDATE jobs SET state = CASE WHEN attempts >= $5 THEN 'failed' ELSE 'queued' END, last_error = $4,
                    finished_at = CASE WHEN attempts >= $5 THEN now() END,
                    lease_token = NULL, lease_expires_at = NULL
             WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 RETURNING consultation_id, state
         )
         UPDATE consultations SET status = 'failed', updated_at = now()
         FROM released WHERE tenant_id = $1 AND id = released.consultation_id AND released.state = 'failed'",
    )
    .bind(lease.tenant.as_str())
    .bind(lease.job_id)
    .bind(lease.token)
    .bind(error)
    .bind(MAX_ATTEMPTS)
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(())
}
