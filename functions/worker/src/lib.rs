//! The queue side: does the jobs of a batch of messages.

use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use wenzhen::agent;
use wenzhen::ai::Chains;
use wenzhen::consultations::transcript::Transcripts;
use wenzhen::consultations::{Assessment, Consultation, outcome, store};
use wenzhen::deadline::Deadline;
use wenzhen::error::{BoxError, Kind, causes};
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
    /// Where answers are recorded before they are written.
    pub transcripts: Transcripts,
    /// Where the messages come from.
    pub queue: Queue,
    /// Who is asked.
    pub chains: Chains,
}

/// Does every job of the batch and reports those that have to come again.
pub async fn handle(app: &App, event: SqsEvent, invocation: Deadline) -> SqsBatchResponse {
    let deadline = invocation.less(RESERVE);
    let last = invocation.less(Duration::from_secs(1));
    let bounded = |message| async move {
        last.run(Box::pin(run(app, message, deadline))).await.unwrap_or_else(|elapsed| Err(outage(elapsed)))
    };
    batch::process(&app.queue, event, bounded).await
}

async fn run(app: &App, message: JobMessage, deadline: Deadline) -> Result<(), Failure> {
    let lease = deadline.remaining() + RESERVE;
    let mut session = app.database.session().await.map_err(outage)?;
    let claimed = claim(&mut session, &message, lease).await;
    match session.finish(claimed).map_err(outage)? {
        Claim::Granted(lease) => work(app, &message, &lease, deadline).await,
        Claim::Finished => {
            tracing::info!(job = %message.job_id, "done before");
            Ok(())
        }
        Claim::Failed => Err(Failure { retry_in: Some(Duration::ZERO), ..Failure::new("failed_for_good") }),
        Claim::Held(rest) => Err(Failure { retry_in: Some(rest), ..Failure::new("held_by_another_run") }),
        Claim::Missing => {
            tracing::warn!(job = %message.job_id, "no such job; it was erased or never existed");
            Ok(())
        }
    }
}

async fn work(app: &App, message: &JobMessage, lease: &Lease, deadline: Deadline) -> Result<(), Failure> {
    // Earlier runs that died without a word used all attempts up.
    let done = if lease.attempt > MAX_ATTEMPTS {
        Err(Failure::new("attempts_exhausted"))
    } else {
        match message.kind {
            JobKind::Analyze => {
                batch::isolated(Box::pin(analyze(app, lease, deadline.at_most(LONGEST_ANALYSIS)))).await
            }
        }
    };
    match done {
        Ok(()) => Ok(()),
        Err(failure) => give_back(app, lease, failure).await,
    }
}

async fn analyze(app: &App, lease: &Lease, deadline: Deadline) -> Result<(), Failure> {
    let scope = Scope { tenant: &lease.tenant, owner: None };
    let mut session = app.database.session().await.map_err(outage)?;
    let found = store::get(&mut session, scope, lease.consultation_id).await;
    // The session ends here: the models take seconds, and the other records need the connection meanwhile.
    let consultation = match session.finish(found) {
        Err(error) if error.kind() == Kind::NotFound => return Ok(()), // erased meanwhile
        found => found.map_err(outage)?,
    };
    let assessment = match recorded(app, lease).await {
        Some(answer) => answer,
        None => answer(app, lease, &consultation, deadline).await,
    };
    let mut session = app.database.session().await.map_err(outage)?;
    let written = outcome::complete(&mut session, lease, &assessment).await;
    if !session.finish(written).map_err(outage)? {
        return Err(Failure::new("overtaken_by_another_run"));
    }
    tracing::info!(
        job = %lease.job_id,
        consultation = %lease.consultation_id,
        attempt = lease.attempt,
        served_by = assessment.served_by.tier,
        degraded = assessment.degraded,
        "analysed"
    );
    Ok(())
}

/// The answer of an earlier run. Without DynamoDB the models are asked again: that costs money, but loses nothing.
async fn recorded(app: &App, lease: &Lease) -> Option<Assessment> {
    if lease.attempt == 1 {
        return None; // nobody was here before
    }
    app.transcripts.answer(&lease.tenant, lease.consultation_id).await.unwrap_or_else(|error| {
        tracing::warn!(job = %lease.job_id, causes = causes(&*error), "the transcript cannot be read");
        None
    })
}

/// A new answer, recorded if a model gave it. The fixed text is not: the next run may find a model.
async fn answer(app: &App, lease: &Lease, consultation: &Consultation, deadline: Deadline) -> Assessment {
    let assessment = agent::analyze(app.chains.for_consultations(), consultation, deadline).await;
    if assessment.served_by.model.is_some()
        && let Err(error) = app.transcripts.record(&lease.tenant, consultation, &assessment).await
    {
        tracing::warn!(job = %lease.job_id, causes = causes(&*error), "the transcript cannot be written");
    }
    assessment
}

/// Notes the failure on the job, and passes it on, so that the message comes again.
async fn give_back(app: &App, lease: &Lease, failure: Failure) -> Result<(), Failure> {
    let mut session = app.database.session().await.map_err(outage)?;
    let noted = outcome::give_back(&mut session, lease, failure.code).await;
    session.finish(noted).map_err(outage)?;
    Err(failure)
}

/// A failure that says nothing about the job. It comes back after 30 to 60 s, to outlast a failover.
fn outage(cause: impl Into<BoxError>) -> Failure {
    let retry_in = Some(Duration::from_secs(fastrand::u64(30..=60)));
    Failure { retry_in, ..Failure::new("outage") }.because(cause)
}
