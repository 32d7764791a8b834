//! The jobs queue's consumer: runs the jobs of a batch of messages. Each kind of job has a module
//! with its handler.

mod analyze;
mod erase_consultation;
mod generate_report;
mod ingest_document;

use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use wenzhen::Uuid;
use wenzhen::ai::Chains;
use wenzhen::cache::Cache;
use wenzhen::config::{self, ConfigError};
use wenzhen::consultations::transcript::Transcripts;
use wenzhen::consultations::{Analyze, AnswerMessage, Consultation, GenerateReport, store};
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::identity::Scope;
use wenzhen::jobs::ChangedJob;
use wenzhen::jobs::queue::Queue;
use wenzhen::jobs::worker::{JobRegistry, Run, WorkerContext, process_batch};
use wenzhen::knowledge::{IngestDocument, VectorIndex};
use wenzhen::lambda::QueueConsumer;
use wenzhen::postgres::{Database, Readers};
use wenzhen::privacy::EraseConsultation;
use wenzhen::realtime::Pusher;
use wenzhen::reports::Bucket;
use wenzhen::setup::Setup;
use wenzhen::uploads::UploadBucket;

/// The longest that reading a consultation may take.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest that those who follow a consultation are told of one change.
const PUSH_TIMEOUT: Duration = Duration::from_secs(4);

/// The consumer.
pub struct Worker {
    /// Holds the jobs and consultations.
    pub database: Database,
    /// Servers that follow it: what the agent looks up is read there.
    pub readers: Readers,
    /// The queue that the messages come from.
    pub queue: Queue,
    /// Takes the messages of jobs that have failed for good.
    pub dead_letters: Queue,
    /// Holds the models' answers before they are written to the database.
    pub transcripts: Transcripts,
    /// The models.
    pub chains: Chains,
    /// Makes vectors of passages and questions, if there is a model for it.
    pub index: Option<VectorIndex>,
    /// Holds the reports.
    pub reports: Bucket,
    /// Keeps completed consultations for a while.
    pub cache: Cache,
    /// Holds the files that came with complaints.
    pub uploads: UploadBucket,
    /// Tells those who follow consultations.
    pub pusher: Pusher,
}

impl QueueConsumer for Worker {
    const QUEUE: &'static str = "JobsQueue";

    const TIMEOUT: Duration = Duration::from_mins(5);

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        let aws = setup.aws().await;
        let models = setup.models().await?;

        Ok(Self {
            database: setup.database().await?,
            readers: setup.readers().await?,
            queue: setup.jobs_queue().await?,
            dead_letters: setup.dead_letter_queue().await?,
            transcripts: Transcripts::new(aws, config::transcripts_table()?),
            index: VectorIndex::from_setup(setup).await?,
            chains: Chains::new(&models, setup.valkey()?, &setup.secrets())?,
            reports: Bucket::new(aws, config::reports_bucket()?),
            cache: setup.cache()?,
            uploads: setup.upload_bucket().await?,
            pusher: setup.pusher().await?,
        })
    }

    /// Runs every job of the batch and names the records that have to come again.
    async fn handle(&self, event: SqsEvent, invocation: Deadline) -> SqsBatchResponse {
        process_batch(self, &job_registry(), event, invocation).await
    }
}

impl WorkerContext for Worker {
    fn database(&self) -> &Database {
        &self.database
    }

    fn queue(&self) -> &Queue {
        &self.queue
    }

    fn dead_letters(&self) -> &Queue {
        &self.dead_letters
    }

    async fn job_changed(&self, job: ChangedJob) {
        if let Some(consultation) = job.consultation {
            let deadline = Deadline::after(PUSH_TIMEOUT);
            let push = self
                .pusher
                .push(&self.database, &job.tenant, consultation, deadline);
            push.await;
        }
    }
}

/// Every kind of job.
fn job_registry() -> JobRegistry<Worker> {
    JobRegistry::default()
        .register::<Analyze>()
        .register::<AnswerMessage>()
        .register::<GenerateReport>()
        .register::<IngestDocument>()
        .register::<EraseConsultation>()
}

impl Worker {
    /// The consultation that a run works on. The session ends here: the run goes on for seconds,
    /// and the other records need the connection meanwhile.
    async fn read_consultation(&self, run: &Run<'_>, id: Uuid) -> Result<Consultation, Error> {
        let scope = Scope {
            tenant: &run.lease.tenant,
            owner: None,
        };
        self.database
            .within(READ_TIMEOUT, async |connection| {
                store::get(connection, scope, id).await
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use wenzhen::jobs::JobKind;

    use super::job_registry;
    use crate::JOB_KINDS;

    /// A kind that the routes do not know would run, and could neither be explained nor redriven.
    #[test]
    fn the_worker_handles_the_kinds_that_the_routes_know() {
        let registry = job_registry();
        assert_eq!(registry.kind_names().len(), JOB_KINDS.len());
        for kind in registry.kind_names() {
            assert!(JobKind::is_known(JOB_KINDS, kind), "{kind}");
        }
    }
}
