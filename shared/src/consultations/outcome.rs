//! How the jobs of a consultation end. The result and the job's final state are written in one statement, and only while the
//! lease is still the run's own: a run that was overtaken writes nothing.

use sqlx::PgConnection;
use sqlx::types::Json;

use super::{Assessment, StoredReport};
use crate::error::Error;
use crate::jobs::claim::Lease;
use crate::jobs::ending::completing;

/// Writes the assessment and completes the job. `false` when the lease had passed to somebody else: then nothing was written.
pub async fn assessed(
    connection: &mut PgConnection,
    lease: &Lease,
    assessment: &Assessment,
) -> Result<bool, Error> {
    let written = sqlx::query(completing!(
        "UPDATE consultations SET urgency = $4, assessment = $5, updated_at = now(), completed_at = now()
         FROM finished WHERE consultations.tenant_id = $1 AND consultations.id = finished.consultation_id"
    ))
    .bind(lease.tenant.as_str())
    .bind(lease.job_id)
    .bind(lease.token)
    .bind(assessment.urgency.as_str())
    .bind(Json(assessment))
    .execute(connection)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Says where the report lies and completes the job. `false` as above.
pub async fn reported(
    connection: &mut PgConnection,
    lease: &Lease,
    report: &StoredReport,
) -> Result<bool, Error> {
    let written = sqlx::query(completing!(
        "UPDATE consultations SET report = $4, updated_at = now()
         FROM finished WHERE consultations.tenant_id = $1 AND consultations.id = finished.consultation_id"
    ))
    .bind(lease.tenant.as_str())
    .bind(lease.job_id)
    .bind(lease.token)
    .bind(Json(report))
    .execute(connection)
    .await?;
    Ok(written.rows_affected() == 1)
}
