//! The dead-letter queue's consumer: every message that comes here ends as something that an
//! operator can see.

use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use wenzhen::config::ConfigError;
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::jobs::JobMessage;
use wenzhen::jobs::dead_letters::{self, DeadLetterOutcome};
use wenzhen::jobs::queue::{Queue, original_id};
use wenzhen::lambda::{ProcessedRecord, QueueConsumer, process_each};
use wenzhen::postgres::Database;
use wenzhen::realtime::Pusher;
use wenzhen::setup::Setup;
use wenzhen::telemetry::metrics;

/// When a message comes again that cannot be processed now.
const RETRY_DELAY: Duration = Duration::from_mins(1);

/// Kept from the invocation's time for naming the messages that come again.
const ANSWER_RESERVE: Duration = Duration::from_secs(10);

/// The longest that a statement may take: a database that vanished must not hold up the other
/// messages.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(4);

/// The consumer.
pub struct ProcessDeadLetters {
    /// Holds the jobs.
    pub database: Database,
    /// The dead-letter queue.
    pub queue: Queue,
    /// Tells those who follow the job's consultation.
    pub pusher: Pusher,
}

impl QueueConsumer for ProcessDeadLetters {
    const QUEUE: &'static str = "DeadLetterQueue";

    const TIMEOUT: Duration = Duration::from_mins(1);

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            queue: setup.dead_letter_queue().await?,
            pusher: setup.pusher().await?,
        })
    }

    /// Processes every message of the batch. Those that it cannot process now come again after a
    /// minute.
    async fn handle(&self, event: SqsEvent, invocation: Deadline) -> SqsBatchResponse {
        let deadline = invocation.less(ANSWER_RESERVE);
        let process = async |record: &SqsMessage| self.process(record, deadline).await;
        let processed = process_each(event, &self.queue, RETRY_DELAY, deadline, process);
        Box::pin(processed).await
    }
}

impl ProcessDeadLetters {
    async fn process(
        &self,
        record: &SqsMessage,
        deadline: Deadline,
    ) -> Result<ProcessedRecord, Error> {
        let body = record.body.as_deref().unwrap_or_default();
        let Some(message) = JobMessage::read(body) else {
            self.quarantine(record, body).await?;
            return Ok(ProcessedRecord::Done);
        };

        let outcome = self
            .database
            .within(STATEMENT_TIMEOUT, async |connection| {
                dead_letters::process(connection, &message).await
            })
            .await?;
        log_outcome(&message, &outcome);
        if let DeadLetterOutcome::JustFailed(job) | DeadLetterOutcome::JustCancelled(job) = &outcome
            && let Some(consultation) = job.consultation
        {
            let push = self
                .pusher
                .push(&self.database, &job.tenant, consultation, deadline);
            push.await;
        }
        Ok(match outcome {
            DeadLetterOutcome::LeasedElsewhere => ProcessedRecord::ComesAgain(RETRY_DELAY),
            _ => ProcessedRecord::Done,
        })
    }

    /// Keeps a message that no parser understands, under the id that the worker's log names.
    async fn quarantine(&self, record: &SqsMessage, body: &str) -> Result<(), Error> {
        let message_id = original_id(record).unwrap_or_default();
        self.database
            .within(STATEMENT_TIMEOUT, async |connection| {
                dead_letters::quarantine(connection, message_id, "not_a_job", body).await
            })
            .await?;

        metrics::count("JobMessageQuarantined", &[]);
        tracing::error!(
            message_id,
            "a message that no parser understands is in quarantine"
        );
        Ok(())
    }
}

fn log_outcome(message: &JobMessage, outcome: &DeadLetterOutcome) {
    let (job, tenant) = (message.job_id, message.tenant_id.pseudonym());
    match outcome {
        DeadLetterOutcome::AlreadyFailed => {
            tracing::error!(%job, tenant, "a job has failed for good; an admin may bring it back");
        }
        DeadLetterOutcome::JustCancelled(ended) => {
            metrics::count("JobCancelled", &[("kind", &ended.kind)]);
            tracing::info!(%job, tenant, "cancelled");
        }
        DeadLetterOutcome::JustFailed(ended) => {
            metrics::count("JobFailed", &[("kind", &ended.kind)]);
            tracing::error!(
                %job,
                tenant,
                "a job has failed for good, since its messages were not worked on; an admin may \
                 bring it back"
            );
        }
        DeadLetterOutcome::Resent => {
            tracing::warn!(%job, tenant, "a dead letter whose job has attempts left is sent again");
        }
        DeadLetterOutcome::AlreadyResent => {
            tracing::info!(%job, tenant, "another dead letter of a job that is sent again");
        }
        DeadLetterOutcome::AlreadyEnded => {
            tracing::info!(%job, tenant, "a dead letter of a job that has ended");
        }
        DeadLetterOutcome::LeasedElsewhere => {
            tracing::info!(%job, tenant, "a dead letter of a job that is running");
        }
        DeadLetterOutcome::NotFound => tracing::warn!(
            %job,
            tenant,
            "a dead letter without a job in its tenant; it was erased, or the message is wrong"
        ),
    }
}
