//! The records of a queue's batch, each by itself.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::FutureExt;
use tracing::Instrument;

use crate::deadline::Deadline;
use crate::error::{Error, error_chain};
use crate::jobs::queue::Queue;
use crate::jobs::{JobMessage, record_span};
use crate::telemetry::trace;

/// Works on one record after the other. One that fails, panics, or is not done comes again after
/// `retry_delay`; it holds up no other. `process` returns whether the record is done with.
pub async fn process_each(
    event: SqsEvent,
    queue: &Queue,
    retry_delay: Duration,
    deadline: Deadline,
    process: impl AsyncFn(&SqsMessage) -> Result<bool, Error>,
) -> SqsBatchResponse {
    let mut failed = Vec::new();
    for record in event.records {
        let message = record.body.as_deref().and_then(JobMessage::read);
        let span = record_span(&record, message.as_ref());
        let work = AssertUnwindSafe(process(&record)).catch_unwind();
        let work = work.instrument(span.clone());
        let is_done = match deadline.run(work).await {
            Ok(Ok(Ok(is_done))) => is_done,
            Ok(Ok(Err(error))) => {
                let causes = error_chain(&error);
                span.in_scope(|| {
                    tracing::error!(error = %error, causes, "a message cannot be processed now");
                    trace::fail(error.kind().slug());
                });
                false
            }
            Ok(Err(_)) | Err(_) => false, // it panicked, or there was no time left
        };
        if !is_done {
            failed.push(record);
        }
    }

    delay(queue, &failed, retry_delay).await;
    let mut response = SqsBatchResponse::default();
    response.set_failures(failed.into_iter().filter_map(|record| record.message_id));
    response
}

/// Without it they would come when the longest run would have ended.
async fn delay(queue: &Queue, failed: &[SqsMessage], retry_delay: Duration) {
    let receipts = failed.iter().filter_map(|it| it.receipt_handle.as_deref());
    let receipts: Vec<_> = receipts.collect();
    if let Err(error) = queue.set_visibility(&receipts, retry_delay).await {
        let causes = error_chain(&*error);
        tracing::warn!(
            causes,
            "the visibility cannot be set; the queue decides when they come"
        );
    }
}
