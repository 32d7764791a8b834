//! The `generate_report` job: writes a consultation's report to the bucket.

use time::OffsetDateTime;
use wenzhen::consultations::{self, GenerateReport, outcome};
use wenzhen::error::{Error, ErrorKind, error_chain};
use wenzhen::jobs::claim::Lease;
use wenzhen::jobs::worker::{Failure, Perform, Run, Stop};
use wenzhen::reports::render;

use crate::App;

impl Perform<GenerateReport> for App {
    async fn perform(&self, run: &Run<'_>, task: GenerateReport) -> Result<(), Stop> {
        let lease = run.lease;
        let consultation = match crate::consultation(self, run, task.consultation_id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(Stop::Overtaken), // erased meanwhile, and the job with it
            found => found?,
        };
        run.step(30, "rendering");
        let now = OffsetDateTime::now_utc();
        let rendered = render(&consultation, now)?.ok_or(Stop::Hopeless("no_assessment"))?;
        run.step(60, "storing");
        let stored = Box::pin(self.reports.store(
            &lease.tenant,
            consultation.id,
            lease.job_id,
            rendered,
            now,
        ))
        .await;
        let stored = stored.map_err(not_stored)?;
        run.step(90, "writing_link");
        let completed = run
            .complete(async |session| outcome::reported(session, lease, &stored).await)
            .await;
        // Whoever is said to have been overtaken may only have lost the answer.
        let tag = consultations::tag(&lease.tenant, consultation.id);
        if let Err(error) = self.cache.invalidate(&[tag], run.deadline).await {
            tracing::warn!(
                causes = error_chain(&error),
                "for some minutes, the consultation may be shown without its report"
            );
        }
        completed?;
        if let Some(before) = consultation.report
            && let Err(error) = self
                .reports
                .tidy(&lease.tenant, consultation.id, [&before, &stored], now)
                .await
        {
            tracing::warn!(
                causes = error_chain(&error),
                "old reports are left in the bucket, until the next one is written"
            );
        }
        tracing::info!(consultation = %consultation.id, attempt = lease.attempt, "reported");
        Ok(())
    }

    async fn forget(&self, lease: &Lease, task: GenerateReport) -> Result<(), Stop> {
        let left = self.reports.place(
            &lease.tenant,
            task.consultation_id,
            lease.job_id,
            OffsetDateTime::now_utc(),
        );
        self.reports.remove(&left).await.map_err(not_stored)
    }
}

/// A bucket that is gone is an outage, and no attempt.
fn not_stored(error: Error) -> Stop {
    if error.kind().is_retryable() {
        error.into()
    } else {
        Failure::new("report_not_stored").with_source(error).into()
    }
}
