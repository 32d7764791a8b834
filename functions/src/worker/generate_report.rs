//! The `generate_report` job: writes a consultation's report to the bucket.

use time::OffsetDateTime;
use wenzhen::consultations::{self, Consultation, GenerateReport, outcome};
use wenzhen::error::{Error, ErrorKind, error_chain};
use wenzhen::jobs::Lease;
use wenzhen::jobs::worker::{Failure, JobError, JobHandler, Run};
use wenzhen::reports::{ReportKey, render};

use super::Worker;

impl JobHandler<GenerateReport> for Worker {
    async fn handle(&self, run: &Run<'_>, payload: GenerateReport) -> Result<(), JobError> {
        let lease = run.lease;
        let consultation = match self.read_consultation(run, payload.consultation_id).await {
            // It was erased meanwhile, and the job with it.
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(JobError::LeaseLost),
            found => found?,
        };

        run.report_progress(30, "rendering");
        let now = OffsetDateTime::now_utc();
        let rendered = render(&consultation, now)?
            .ok_or(JobError::Permanent(GenerateReport::NO_ASSESSMENT))?;

        run.report_progress(60, "storing");
        let key = report_key(lease, &payload);
        let storing = self.reports.store(key, rendered, now);
        let stored = Box::pin(storing).await.map_err(not_stored)?;

        run.report_progress(90, "writing_link");
        let completed = run
            .complete(async |connection| outcome::write_report(connection, lease, &stored).await)
            .await;
        // Also after a failure: the statement may have been written, and only its answer lost.
        self.forget_cached(run, &consultation).await;
        completed?;

        if consultation.report.is_some() {
            let removed = self.reports.remove_replaced(key, &stored, now).await;
            if let Err(error) = removed {
                let causes = error_chain(&error);
                tracing::warn!(causes, "old reports stay in the bucket until the next one");
            }
        }
        tracing::info!(consultation = %consultation.id, attempt = lease.attempt, "reported");
        Ok(())
    }

    async fn cleanup(&self, lease: &Lease, payload: GenerateReport) -> Result<(), JobError> {
        let left = report_key(lease, &payload).location(OffsetDateTime::now_utc());
        self.reports.remove(&left).await.map_err(not_stored)
    }
}

impl Worker {
    /// Makes the cached consultation, which has no report yet, a miss.
    async fn forget_cached(&self, run: &Run<'_>, consultation: &Consultation) {
        let tag = consultations::cache_tag(&run.lease.tenant, consultation.id);
        if let Err(error) = self.cache.invalidate(&[tag], run.deadline).await {
            let causes = error_chain(&error);
            tracing::warn!(
                causes,
                "for some minutes, a cached consultation may lack its report"
            );
        }
    }
}

fn report_key<'a>(lease: &'a Lease, payload: &GenerateReport) -> ReportKey<'a> {
    ReportKey {
        tenant: &lease.tenant,
        consultation: payload.consultation_id,
        job: lease.job_id,
    }
}

/// A bucket that is gone is an outage, and spends no attempt.
fn not_stored(error: Error) -> JobError {
    if error.kind().is_retryable() {
        return error.into();
    }
    Failure::new(GenerateReport::REPORT_NOT_STORED)
        .with_source(error)
        .into()
}
