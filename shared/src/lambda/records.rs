//! The records of a queue's batch, each by itself.

use std::collections::BTreeMap;
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

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessedRecord {
    /// The queue may delete the message.
    Done,
    /// The message comes again after this time.
    ComesAgain(Duration),
}

/// Works on one record after the other. One that fails or panics comes again after `retry_delay`;
/// it holds up no other.
pub async fn process_each(
    event: SqsEvent,
    queue: &Queue,
    retry_delay: Duration,
    deadline: Deadline,
    process: impl AsyncFn(&SqsMessage) -> Result<ProcessedRecord, Error>,
) -> SqsBatchResponse {
    let mut returned: BTreeMap<Duration, Vec<SqsMessage>> = BTreeMap::new();
    for record in event.records {
        let message = record.body.as_deref().and_then(JobMessage::read);
        let span = record_span(&record, message.as_ref());
        let work = AssertUnwindSafe(process(&record)).catch_unwind();
        let work = work.instrument(span.clone());
        let processed = match deadline.run(work).await {
            Ok(Ok(Ok(processed))) => processed,
            Ok(Ok(Err(error))) => {
                let causes = error_chain(&error);
                span.in_scope(|| {
                    tracing::error!(error = %error, causes, "a message cannot be processed now");
                    trace::fail(error.kind().slug());
                });
                ProcessedRecord::ComesAgain(retry_delay)
            }
            // It panicked, or there was no time left.
            Ok(Err(_)) | Err(_) => ProcessedRecord::ComesAgain(retry_delay),
        };
        if let ProcessedRecord::ComesAgain(wait) = processed {
            returned.entry(wait).or_default().push(record);
        }
    }

    for (wait, records) in &returned {
        delay(queue, records, *wait).await;
    }
    let returned = returned.into_values().flatten();
    let mut response = SqsBatchResponse::default();
    response.set_failures(returned.filter_map(|record| record.message_id));
    response
}

/// Without it they would come when the longest run would have ended.
async fn delay(queue: &Queue, records: &[SqsMessage], wait: Duration) {
    let receipts = records.iter().filter_map(|it| it.receipt_handle.as_deref());
    let receipts: Vec<_> = receipts.collect();
    if let Err(error) = queue.set_visibility(&receipts, wait).await {
        let causes = error_chain(&*error);
        tracing::warn!(
            causes,
            "the visibility cannot be set; the queue decides when they come"
        );
    }
}
