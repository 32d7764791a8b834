//! The queue side: does the jobs of a batch of messages. Each kind has a module with its function.

mod analyze;
mod generate_report;

use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use wenzhen::Uuid;
use wenzhen::ai::Chains;
use wenzhen::cache::Cache;
use wenzhen::consultations::transcript::Transcripts;
use wenzhen::consultations::{Analyze, Consultation, GenerateReport, store};
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::identity::Scope;
use wenzhen::jobs::queue::Queue;
use wenzhen::jobs::worker::{Environment, Kinds, Run, process};
use wenzhen::postgres::Database;
use wenzhen::reports::Bucket;

/// The function's time-out.
pub const TIMEOUT: Duration = Duration::from_mins(5);

/// The longest that reading a consultation may take.
const READING: Duration = Duration::from_secs(5);

/// What the worker needs, made once for each environment.
pub struct App {
    /// Where jobs and consultations are kept.
    pub database: Database,
    /// Where the messages come from.
    pub queue: Queue,
    /// Where messages go that are given up.
    pub dead_letters: Queue,
    /// Where answers are recorded before they are written.
    pub transcripts: Transcripts,
    /// Who is asked.
    pub chains: Chains,
    /// Where reports are written.
    pub reports: Bucket,
    /// Where completed consultations are kept for a while.
    pub cache: Cache,
}

impl Environment for App {
    fn database(&self) -> &Database {
        &self.database
    }

    fn queue(&self) -> &Queue {
        &self.queue
    }

    fn dead_letters(&self) -> &Queue {
        &self.dead_letters
    }
}

/// Every kind of job that there is.
fn kinds() -> Kinds<App> {
    Kinds::default().with::<Analyze>().with::<GenerateReport>()
}

/// Does every job of the batch and reports the records that have to come again.
pub async fn handle(app: &App, event: SqsEvent, invocation: Deadline) -> SqsBatchResponse {
    process(app, &kinds(), event, invocation).await
}

/// The consultation that a run works on. The session ends here: what follows takes seconds, and the other records need the
/// connection meanwhile.
async fn consultation(app: &App, run: &Run<'_>, id: Uuid) -> Result<Consultation, Error> {
    let scope = Scope {
        tenant: &run.lease.tenant,
        owner: None,
    };
    app.database
        .within(READING, async |connection| {
            store::get(connection, scope, id).await
        })
        .await
}
