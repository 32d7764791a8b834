//! The dead-letter queue's side: every message that comes here ends as something that can be seen.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::FutureExt;
use wenzhen::deadline::Deadline;
use wenzhen::error::{Error, error_chain};
use wenzhen::jobs::JobMessage;
use wenzhen::jobs::burial::{Buried, bury, quarantine};
use wenzhen::jobs::queue::{Queue, original_id};
use wenzhen::postgres::Database;
use wenzhen::telemetry::metrics;

/// When a message comes again whose job cannot be seen to now.
const AGAIN: Duration = Duration::from_mins(1);

/// Kept from the invocation's time for saying which messages come again.
const RESERVE: Duration = Duration::from_secs(10);

/// The longest that a statement may take: a database that vanished must not keep the other messages waiting.
const STATEMENT: Duration = Duration::from_secs(4);

/// The function's time-out.
pub const TIMEOUT: Duration = Duration::from_mins(1);

/// What the burial needs, made once for each environment.
pub struct App {
    /// Where jobs are kept.
    pub database: Database,
    /// The dead-letter queue.
    pub queue: Queue,
}

/// Sees to every message of the batch; those that it cannot see to now come again after a minute.
pub async fn handle(app: &App, event: SqsEvent, invocation: Deadline) -> SqsBatchResponse {
    let deadline = invocation.less(RESERVE);
    let mut failed = Vec::new();
    for record in event.records {
        // A panic makes its record come again, and no other.
        let done = match deadline
            .run(AssertUnwindSafe(see_to(app, &record)).catch_unwind())
            .await
        {
            Ok(Ok(done)) => done,
            Ok(Err(_)) | Err(_) => Ok(false),
        };
        if let Err(error) = &done {
            tracing::error!(error = %error, causes = error_chain(error), "a dead letter cannot be seen to now");
        }
        if !matches!(done, Ok(true)) {
            failed.push(record);
        }
    }
    let receipts: Vec<_> = failed
        .iter()
        .filter_map(|record| record.receipt_handle.as_deref())
        .collect();
    if let Err(error) = app.queue.set_visibility(&receipts, AGAIN).await {
        tracing::warn!(
            causes = error_chain(&*error),
            "the visibility cannot be set; the records come when the queue says"
        );
    }
    let mut response = SqsBatchResponse::default();
    response.set_failures(failed.into_iter().filter_map(|record| record.message_id));
    response
}

/// `false` if it has to come again.
async fn see_to(app: &App, record: &SqsMessage) -> Result<bool, Error> {
    let body = record.body.as_deref().unwrap_or_default();
    let Some(message) = JobMessage::read(body) else {
        let id = original_id(record).unwrap_or_default(); // as the worker's log names it
        app.database
            .within(STATEMENT, async |connection| {
                quarantine(connection, id, "not_a_job", body).await
            })
            .await?;
        metrics::count("JobMessageQuarantined", &[]);
        tracing::error!(
            message_id = id,
            "a message that nobody understands is in quarantine"
        );
        return Ok(true);
    };
    let buried = app
        .database
        .within(STATEMENT, async |connection| {
            bury(connection, &message).await
        })
        .await?;
    let comes_again = buried == Buried::Held;
    tell(&message, buried);
    Ok(!comes_again)
}

fn tell(message: &JobMessage, buried: Buried) {
    let (job, tenant) = (message.job_id, message.tenant_id.as_str());
    match buried {
        Buried::Failed => {
            tracing::error!(%job, tenant, "a job has failed for good; an admin may bring it back")
        }
        Buried::Cancelled(kind) => {
            metrics::count("JobCancelled", &[("kind", &kind)]);
            tracing::info!(%job, tenant, "called off");
        }
        Buried::GivenUp(kind) => {
            metrics::count("JobFailed", &[("kind", &kind)]);
            tracing::error!(%job, tenant, "a job has failed for good, since its messages were not worked on; an admin may bring it back");
        }
        Buried::SentAgain => {
            tracing::warn!(%job, tenant, "a dead letter whose job has attempts left is sent again")
        }
        Buried::SentAgainBefore => {
            tracing::info!(%job, tenant, "another dead letter of a job that is sent again")
        }
        Buried::Finished => tracing::info!(%job, tenant, "a dead letter of a job that has ended"),
        Buried::Held => tracing::info!(%job, tenant, "a dead letter of a job that is being done"),
        Buried::Missing => {
            tracing::warn!(%job, tenant, "a dead letter without a job in its tenant; it was erased, or the message is wrong");
        }
    }
}
