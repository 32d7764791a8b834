//! The `erase_consultation` job: removes what lies outside the database of a consultation whose
//! rows are gone.

use wenzhen::consultations::cache_tag;
use wenzhen::error::Error;
use wenzhen::jobs::Lease;
use wenzhen::jobs::worker::{Failure, JobError, JobHandler, Run};
use wenzhen::privacy::{EraseConsultation, complete_erasure};

use super::Worker;

impl JobHandler<EraseConsultation> for Worker {
    /// Each place is tried, also if another one is gone: what can be removed is removed now.
    async fn handle(&self, run: &Run<'_>, payload: EraseConsultation) -> Result<(), JobError> {
        let (tenant, id) = (&run.lease.tenant, payload.consultation_id);
        run.report_progress(20, "removing");
        let tags = [cache_tag(tenant, id)];
        let (transcript, reports, followers, cached) = futures::join!(
            self.transcripts.delete(tenant, id),
            self.reports.remove_all(tenant, id),
            self.pusher.end_subscriptions(tenant, id),
            self.cache.invalidate(&tags, run.deadline),
        );
        transcript
            .and(reports)
            .and(followers)
            .and(cached)
            .map_err(not_removed)?;

        run.complete(async |connection| complete_erasure(connection, run.lease, &payload).await)
            .await?;
        tracing::info!(consultation = %id, second = payload.is_second, "removed an erased record");
        Ok(())
    }

    /// The job goes with no consultation, so no run loses it.
    async fn cleanup(&self, _: &Lease, _: EraseConsultation) -> Result<(), JobError> {
        Ok(())
    }
}

/// A place that is gone is an outage, and spends no attempt.
fn not_removed(error: Error) -> JobError {
    if error.kind().is_retryable() {
        return error.into();
    }
    Failure::new(EraseConsultation::NOT_REMOVED)
        .with_source(error)
        .into()
}
