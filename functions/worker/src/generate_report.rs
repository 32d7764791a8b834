//! The `generate_report` job: writes a consultation's report to the bucket.

use time::OffsetDateTime;
use wenzhen::consultations::{self, GenerateReport, outcome};
use wenzhen::error::{Kind, causes};
use wenzhen::jobs::worker::{Failure, Perform, Run, Stop, write};
use wenzhen::reports::render;

use crate::App;

impl Perform<GenerateReport> for App {
    async fn perform(&self, run: &Run<'_>, task: GenerateReport) -> Result<(), Stop> {
        let lease = run.lease;
        let consultation = match crate::consultation(self, run, task.consultation_id).await {
            Err(error) if error.kind() == Kind::NotFound => return Err(Stop::Overtaken), // erased meanwhile, and the job with it
            found => found?,
        };
        run.step(30, "rendering");
        let now = OffsetDateTime::now_utc();
        let rendered = render(&consultation, now)?.ok_or(Stop::Hopeless("no_assessment"))?;
        run.step(60, "storing");
        let stored = Box::pin(self.reports.store(&lease.tenant, consultation.id, lease.job_id, rendered, now)).await;
        let stored = stored.map_err(|error| Failure::new("report_not_stored").because(error))?;
        run.step(90, "writing_link");
        if !write(self, async |session| outcome::reported(session, lease, &stored).await).await? {
            return Err(Stop::Overtaken);
        }
        let tag = consultations::tag(&lease.tenant, consultation.id);
        if let Err(error) = self.cache.invalidate(&[tag], run.deadline).await {
            tracing::warn!(
                causes = causes(&error),
                "for some minutes, the consultation may be shown without its report"
            );
        }
        tracing::info!(consultation = %consultation.id, attempt = lease.attempt, "reported");
        Ok(())
    }
}
