//! The jobs `analyze` and `answer_message`: make a consultation's assessment, after the complaint
//! and after each further message.

use std::pin::pin;
use std::time::Duration;

use futures::future::{self, Either};
use tokio::sync::watch;
use wenzhen::Uuid;
use wenzhen::agent::{Agent, LiveSummary, NoModel};
use wenzhen::consultations::{Analyze, AnswerMessage, Assessment, Consultation, outcome};
use wenzhen::deadline::Deadline;
use wenzhen::error::{BoxError, ErrorKind, error_chain};
use wenzhen::jobs::Lease;
use wenzhen::jobs::transition::Deferral;
use wenzhen::jobs::worker::{Failure, JobError, JobHandler, Run};
use wenzhen::realtime::events::{self, SummaryPart};

use super::Worker;

/// When a deferred job looks for a model again, if no circuit says when.
const DEFERRAL_DELAY: Duration = Duration::from_secs(30);

/// Kept from the attempt's time for recording the answer, and for the eight seconds for which
/// writing the assessment is tried.
const WRITE_RESERVE: Duration = Duration::from_secs(12);

/// The longest that recording an answer may take: the patient waits meanwhile.
const RECORD_TIMEOUT: Duration = Duration::from_secs(3);

/// The longest that writing a part of a summary may take.
const SUMMARY_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a statement that writes one may still take when the answer is there.
const SUMMARY_GRACE: Duration = Duration::from_millis(500);

/// The most texts of a summary's beginning in one run.
const MAX_SUMMARY_TEXTS: usize = 20;

impl JobHandler<Analyze> for Worker {
    async fn handle(&self, run: &Run<'_>, payload: Analyze) -> Result<(), JobError> {
        self.answer_turn(run, payload.consultation_id, 1).await
    }

    async fn cleanup(&self, lease: &Lease, payload: Analyze) -> Result<(), JobError> {
        self.delete_transcript(lease, payload.consultation_id).await
    }
}

impl JobHandler<AnswerMessage> for Worker {
    async fn handle(&self, run: &Run<'_>, payload: AnswerMessage) -> Result<(), JobError> {
        self.answer_turn(run, payload.consultation_id, payload.turn)
            .await
    }

    async fn cleanup(&self, lease: &Lease, payload: AnswerMessage) -> Result<(), JobError> {
        self.delete_transcript(lease, payload.consultation_id).await
    }
}

impl Worker {
    /// Makes the assessment of a turn, if that is still the last one.
    async fn answer_turn(&self, run: &Run<'_>, id: Uuid, turn: i16) -> Result<(), JobError> {
        let consultation = match self.read_consultation(run, id).await {
            // It was erased meanwhile, and the job with it.
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(JobError::LeaseLost),
            found => found?,
        };

        // It failed, was sent again, and a later message has come meanwhile.
        if turn < consultation.turns {
            return Err(JobError::Permanent(Analyze::SUPERSEDED));
        }

        let assessment = match self.recorded_answer(run.lease, &consultation).await {
            Some(answer) => answer,
            None => Box::pin(self.ask_models(run, &consultation)).await?,
        };

        run.report_progress(90, "writing_assessment");
        run.complete(async |connection| {
            outcome::write_assessment(connection, run.lease, &assessment).await
        })
        .await?;
        let tier = assessment.served_by.tier.as_str();
        tracing::Span::current().record("tier", tier);
        tracing::info!(
            consultation = %consultation.id,
            attempt = run.lease.attempt,
            served_by = assessment.served_by.tier,
            degraded = assessment.degraded,
            "analysed"
        );
        Ok(())
    }

    async fn delete_transcript(&self, lease: &Lease, id: Uuid) -> Result<(), JobError> {
        let erased = self.transcripts.delete(&lease.tenant, id).await;
        erased.map_err(|error| Failure::new("transcript_left").with_source(error).into())
    }

    /// The answer of an earlier run. Without DynamoDB the models are asked again: that costs money,
    /// but loses nothing.
    async fn recorded_answer(
        &self,
        lease: &Lease,
        consultation: &Consultation,
    ) -> Option<Assessment> {
        if lease.run == 1 {
            return None; // there was no earlier run
        }

        let answer = self
            .transcripts
            .find_answer(&lease.tenant, consultation.id, consultation.turns)
            .await;
        answer.unwrap_or_else(|error| {
            tracing::warn!(
                causes = error_chain(&*error),
                "the transcript cannot be read"
            );
            None
        })
    }

    /// A new answer, recorded if a model gave it. The fixed text is not: the next run may find a
    /// model.
    async fn ask_models(
        &self,
        run: &Run<'_>,
        consultation: &Consultation,
    ) -> Result<Assessment, JobError> {
        run.report_progress(20, "asking_models");
        let deadline = run.deadline.less(WRITE_RESERVE);
        let conversation = self
            .transcripts
            .read(&run.lease.tenant, consultation)
            .await?;
        let live = LiveSummary::default();
        let summaries = live.subscribe();
        let assess = async move {
            let agent = Agent {
                chain: self.chains.for_consultations(),
                database: &self.database,
                readers: &self.readers,
                index: self.index.as_ref(),
                uploads: Some(&self.uploads),
                live: &live,
            };
            let tenant = &run.lease.tenant;
            let assess = agent.analyze(tenant, consultation, &conversation, deadline);
            Box::pin(assess).await.map_err(without_answer)
        };
        let assess = pin!(assess);
        let publish = pin!(self.publish_summaries(run, summaries));
        let assessment = match future::select(assess, publish).await {
            Either::Left((assessment, publish)) => {
                // A statement on its way ends by itself; broken off, it would cost the connection.
                let published = Deadline::after(SUMMARY_GRACE).run(publish).await;
                published.unwrap_or_default();
                assessment?
            }
            Either::Right(((), assess)) => assess.await?,
        };

        run.report_progress(80, "recording_answer");
        if assessment.served_by.model.is_some() {
            self.record_answer(run.lease, consultation, &assessment)
                .await;
        }
        Ok(assessment)
    }

    /// Lets those who follow the consultation read the summary until its last text is there. One
    /// that cannot be written is left out: the whole one comes with the assessment.
    async fn publish_summaries(&self, run: &Run<'_>, mut summaries: watch::Receiver<SummaryPart>) {
        let (mut texts, mut is_shown) = (0, false);
        while summaries.changed().await.is_ok() {
            let part = summaries.borrow_and_update().clone();
            let is_text = !part.text.is_empty();
            // What is shown can always be taken back.
            if is_text && texts < MAX_SUMMARY_TEXTS || !is_text && is_shown {
                texts += usize::from(is_text);
                is_shown = is_text;
                self.append_summary(run, &part).await;
            }
        }
    }

    async fn append_summary(&self, run: &Run<'_>, part: &SummaryPart) {
        let write = self.database.within(SUMMARY_TIMEOUT, async |connection| {
            events::append_summary(connection, run.lease, part).await
        });
        match write.await {
            Ok(true) => run.report_change(),
            // The heartbeat tells the run of a lost lease, and the event of answers that have
            // raised the urgency has taken the text back.
            Ok(false) => {}
            Err(error) => {
                let causes = error_chain(&error);
                tracing::warn!(causes, "a live summary cannot be written");
            }
        }
    }

    async fn record_answer(
        &self,
        lease: &Lease,
        consultation: &Consultation,
        assessment: &Assessment,
    ) {
        let record = self
            .transcripts
            .record_answer(&lease.tenant, consultation, assessment);
        let recorded = Deadline::after(RECORD_TIMEOUT).run(record).await;
        if let Err(error) = recorded.map_err(BoxError::from).flatten() {
            tracing::warn!(
                causes = error_chain(&*error),
                "the transcript cannot be written"
            );
        }
    }
}

/// What becomes of the job when no model has answered.
fn without_answer(none: NoModel) -> JobError {
    match none {
        NoModel::NotConfigured => JobError::Permanent(Analyze::NO_MODEL_CONFIGURED),
        NoModel::AllUnavailable { retry_in } => JobError::Deferred(Deferral {
            code: Analyze::MODELS_UNAVAILABLE,
            retry_in: retry_in.unwrap_or(DEFERRAL_DELAY),
        }),
        NoModel::AllFailed { retry_in } => JobError::Failed(Failure {
            retry_in,
            ..Failure::new(Analyze::MODELS_FAILED)
        }),
    }
}
