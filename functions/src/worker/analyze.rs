//! The `analyze` job: makes a consultation's assessment.

use std::time::Duration;

use wenzhen::agent::{self, NoModel};
use wenzhen::consultations::{Analyze, Assessment, Consultation, outcome};
use wenzhen::deadline::Deadline;
use wenzhen::error::{BoxError, ErrorKind, error_chain};
use wenzhen::jobs::claim::Lease;
use wenzhen::jobs::worker::{Failure, Perform, Run, Stop};

use crate::App;

/// When to look again for a model, if nobody says when.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Kept from the attempt's time for recording the answer, and for the eight seconds for which writing it is tried.
const RESERVE: Duration = Duration::from_secs(12);

/// The longest that recording an answer may take: the patient waits for it to be written.
const RECORDING: Duration = Duration::from_secs(3);

impl Perform<Analyze> for App {
    async fn perform(&self, run: &Run<'_>, task: Analyze) -> Result<(), Stop> {
        let consultation = match crate::consultation(self, run, task.consultation_id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(Stop::Overtaken), // erased meanwhile, and the job with it
            found => found?,
        };
        let assessment = match recorded(self, run.lease, &consultation).await {
            Some(answer) => answer,
            None => answer(self, run, &consultation).await?,
        };
        run.step(90, "writing_assessment");
        run.complete(async |session| outcome::assessed(session, run.lease, &assessment).await)
            .await?;
        tracing::info!(
            consultation = %consultation.id,
            attempt = run.lease.attempt,
            served_by = assessment.served_by.tier,
            degraded = assessment.degraded,
            "analysed"
        );
        Ok(())
    }

    async fn forget(&self, lease: &Lease, task: Analyze) -> Result<(), Stop> {
        let forgotten = self
            .transcripts
            .forget(&lease.tenant, task.consultation_id)
            .await;
        forgotten.map_err(|error| Failure::new("transcript_left").with_source(error).into())
    }
}

/// The answer of an earlier run. Without DynamoDB the models are asked again: that costs money, but loses nothing.
async fn recorded(app: &App, lease: &Lease, consultation: &Consultation) -> Option<Assessment> {
    if lease.run == 1 {
        return None; // nobody was here before
    }
    app.transcripts
        .answer(&lease.tenant, consultation.id)
        .await
        .unwrap_or_else(|error| {
            tracing::warn!(
                causes = error_chain(&*error),
                "the transcript cannot be read"
            );
            None
        })
}

/// A new answer, recorded if a model gave it. The fixed text is not: the next run may find a model.
async fn answer(app: &App, run: &Run<'_>, consultation: &Consultation) -> Result<Assessment, Stop> {
    run.step(20, "asking_models");
    let deadline = run.deadline.less(RESERVE);
    let assessment = agent::analyze(app.chains.for_consultations(), consultation, deadline)
        .await
        .map_err(stop)?;
    run.step(80, "recording_answer");
    if assessment.served_by.model.is_some() {
        let recorded = app
            .transcripts
            .record(&run.lease.tenant, consultation, &assessment);
        if let Err(error) = Deadline::after(RECORDING)
            .run(recorded)
            .await
            .map_err(BoxError::from)
            .flatten()
        {
            tracing::warn!(
                causes = error_chain(&*error),
                "the transcript cannot be written"
            );
        }
    }
    Ok(assessment)
}

fn stop(none: NoModel) -> Stop {
    match none {
        NoModel::NotConfigured => Stop::Hopeless("no_model_configured"),
        NoModel::AllShut { retry_in } => Stop::Deferred {
            code: "models_unavailable",
            retry_in: retry_in.unwrap_or(LOOK_AGAIN),
        },
        NoModel::AllFailed { retry_in } => Stop::Failed(Failure {
            retry_in,
            ..Failure::new("models_failed")
        }),
    }
}
