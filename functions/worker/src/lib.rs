//! The queue side: does the jobs of a batch of messages.

use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use wenzhen::agent;
use wenzhen::ai::Chain;
use wenzhen::consultations::{outcome, store};
use wenzhen::deadline::Deadline;
use wenzhen::error::{Error, Kind};
use wenzhen::identity::Scope;
use wenzhen::jobs::batch::{self, Failure};
use wenzhen::jobs::outbox::Queue;
use wenzhen::jobs::store::{Claim, Lease, MAX_ATTEMPTS, claim};
use wenzhen::jobs::{JobKind, JobMessage};
use wenzhen::postgres::Database;

/// Kept from the invocation's time for writing results.
const RESERVE: Duration = Duration::from_secs(10);

/// The longest one analysis may ask models.
const LONGEST_ANALYSIS: Duration = Duration::from_mins(2);

/// What the worker needs, made once for each environment.
pub struct App {
    /// Where jobs and consultations are kept.
    pub database: Database,
    /// Where the messages come from.
    pub queue: Queue,
    /// Who is asked.
    pub chain: Chain,
}

/// Does every job of the batch and reports those that have to come again.
pub async fn handle(app: &App, event: SqsEvent, invocation: Deadline) -> SqsBatchResponse {
    let deadline = invocation.less(RESERVE);
    batch::process(&app.queue, event, |message| run(app, message, deadline)).await
}

async fn run(app: &App, message: JobMessage, deadline: Deadline) -> Result<(), Failure> {
    let lease = deadline.remaining() + RESERVE;
    let mut connection = app.database.connection().await.map_err(database)?;
    let claimed = claim(&mut connection, &message, lease).await.map_err(database)?;
    drop(connection);
    match claimed {
        Claim::Granted(lease) => work(app, &message, &lease, deadline).await,
        Claim::Finished => {
            tracing::info!(job = %message.job_id, "done before");
            Ok(())
        }
        Claim::Held(rest) => Err(Failure { retry_in: Some(rest), ..Failure::new("held_by_another_run") }),
        Claim::Missing => {
            tracing::warn!(job = %message.job_id, "no such job; it was erased or never existed");
            Ok(())
        }
    }
}

async fn work(app: &App, message: &JobMessage, lease: &Lease, deadline: Deadline) -> Result<(), Failure> {
    if lease.attempt > MAX_ATTEMPTS {
        return give_back(app, lease, Failure::new("attempts_exhausted")).await;
    }
    let done = match message.kind {
        JobKind::Analyze => batch::isolated(analyze(app, lease, deadline.at_most(LONGEST_ANALYSIS))).await,
    };
    match done {
        Ok(()) => Ok(()),
        Err(failure) => give_back(app, lease, failure).await,
    }
}

async fn analyze(app: &App, lease: &Lease, deadline: Deadline) -> Result<(), Failure> {
    let scope = Scope { tenant: &lease.tenant, owner: None };
    let mut connection = app.database.connection().await.map_err(database)?;
    let consultation = match store::get(&mut connection, scope, lease.consultation_id).await {
        Err(error) if error.kind() == Kind::NotFound => return Ok(()), // erased meanwhile
        found => found.map_err(database)?,
    };
    drop(connection); // the models take seconds; the other records need it meanwhile
    let assessment = agent::analyze(&app.chain, &consultation, deadline).await;
    let mut connection = app.database.connection().await.map_err(database)?;
    let written = outcome::complete(&mut connection, lease, &assessment).await.map_err(database)?;
    tracing::info!(
        job = %lease.job_id,
        consultation = %lease.consultation_id,
        attempt = lease.attempt,
        served_by = assessment.served_by.tier,
        degraded = assessment.degraded,
        written,
        "analysed"
    );
    Ok(())
}

/// Notes the failure on the job, and passes it on, so that the message comes again.
async fn give_back(app: &App, lease: &Lease, failure: Failure) -> Result<(), Failure> {
    let mut connection = app.database.connection().await.map_err(database)?;
    outcome::give_back(&mut connection, lease, failure.code).await.map_err(database)?;
    Err(failure)
}

fn database(error: Error) -> Failure {
    Failure::new("database").because(error)
}
