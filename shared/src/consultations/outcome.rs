//! How the jobs of a consultation are completed. The result and the job's state are written in one
//! statement, and only while the run has the job's lease: a run that has lost it writes nothing.

use sqlx::PgConnection;
use sqlx::types::Json;

use super::assessment::Assessment;
use super::report::StoredReport;
use crate::error::Error;
use crate::jobs::{Lease, completion_sql};
use crate::triage::Urgency;

/// Writes the assessment and completes the job. An urgency that the patient's answers have raised
/// meanwhile stands. Returns whether the lease held and no later turn has begun; if not, nothing
/// was written to the consultation.
pub async fn write_assessment(
    connection: &mut PgConnection,
    lease: &Lease,
    assessment: &Assessment,
) -> Result<bool, Error> {
    let completion = sqlx::query(completion_sql!(
        "UPDATE consultations
         SET urgency = CASE
                 WHEN array_position($6, consultations.urgency) > array_position($6, $4)
                 THEN consultations.urgency ELSE $4
             END,
             assessment = $5, updated_at = now(), completed_at = now()
         FROM transition
         WHERE consultations.tenant_id = $1 AND consultations.id = transition.consultation_id
           AND consultations.job_id = $2"
    ));

    let written = completion
        .bind(&lease.tenant)
        .bind(lease.job_id)
        .bind(lease.token)
        .bind(assessment.urgency)
        .bind(Json(assessment))
        .bind(Urgency::ALL.map(Urgency::as_str))
        .execute(connection)
        .await?;

    Ok(written.rows_affected() == 1)
}

/// Writes where the report lies and completes the job. Returns whether the lease held; if not,
/// nothing was written.
pub async fn write_report(
    connection: &mut PgConnection,
    lease: &Lease,
    report: &StoredReport,
) -> Result<bool, Error> {
    let completion = sqlx::query(completion_sql!(
        "UPDATE consultations
         SET report = $4, updated_at = now()
         FROM transition
         WHERE consultations.tenant_id = $1 AND consultations.id = transition.consultation_id"
    ));

    let written = completion
        .bind(&lease.tenant)
        .bind(lease.job_id)
        .bind(lease.token)
        .bind(Json(report))
        .execute(connection)
        .await?;

    Ok(written.rows_affected() == 1)
}
