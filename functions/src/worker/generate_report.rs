//! The `generate_report` job: writes a consultation's report to the bucket.

use time::OffsetDateTime;
use wenzhen::consultations::{self, Consultation, GenerateReport, outcome};
use wenzhen::error::{Error, ErrorKind, error_chain};
use wenzhen::jobs::claim::Lease;
use wenzhen::jobs::worker::{Failure, Perform, Run, Stop};
use wenzhen::reports::render;

use super::Worker;

impl Perform<GenerateReport> for Worker {
    async fn perform(&self, run: &Run<'_>, task: GenerateReport) -> Result<(), Stop> {
        let lease = run.lease;
        let consultation = match self.read_consultation(run, task.consultation_id).await {
            // It was erased meanwhile, and the job with it.
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(Stop::Overtaken),
            found => found?,
        };

        run.step(30, "rendering");
        let now = OffsetDateTime::now_utc();
        let rendered = render(&consultation, now)?.ok_or(Stop::Hopeless("no_assessment"))?;

        run.step(60, "storing");
        let (tenant, id) = (&lease.tenant, consultation.id);
        let storing = self.reports.store(tenant, id, lease.job_id, rendered, now);
        let stored = Box::pin(storing).await.map_err(not_stored)?;

        run.step(90, "writing_link");
        let completed = run
            .complete(async |session| outcome::reported(session, lease, &stored).await)
            .await;
        // Also after a failure: the statement may have been written, and only its answer lost.
        self.forget_cached(run, &consultation).await;
        completed?;

        if let Some(before) = &consultation.report {
            let kept = [before, &stored];
            if let Err(error) = self.reports.tidy(tenant, id, kept, now).await {
                let causes = error_chain(&error);
                tracing::warn!(causes, "old reports stay in the bucket until the next one");
            }
        }
        tracing::info!(consultation = %id, attempt = lease.attempt, "reported");
        Ok(())
    }

    async fn forget(&self, lease: &Lease, task: GenerateReport) -> Result<(), Stop> {
        let now = OffsetDateTime::now_utc();
        let (tenant, id) = (&lease.tenant, task.consultation_id);
        let left = self.reports.place(tenant, id, lease.job_id, now);
        self.reports.remove(&left).await.map_err(not_stored)
    }
}

impl Worker {
    /// Makes the cached consultation, which has no report yet, a miss.
    async fn forget_cached(&self, run: &Run<'_>, consultation: &Consultation) {
        let tag = consultations::tag(&run.lease.tenant, consultation.id);
        if let Err(error) = self.cache.invalidate(&[tag], run.deadline).await {
            let causes = error_chain(&error);
            tracing::warn!(
                causes,
                "for some minutes, a cached consultation may lack its report"
            );
        }
    }
}

/// A bucket that is gone is an outage, and spends no attempt.
fn not_stored(error: Error) -> Stop {
    if error.kind().is_retryable() {
        return error.into();
    }
    Failure::new("report_not_stored").with_source(error).into()
}
