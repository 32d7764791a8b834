//! A batch of queue messages: each on its own, so that one bad record neither fails nor delays the others.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::{FutureExt, StreamExt, stream};
use tracing::Instrument;

use super::JobMessage;
use super::outbox::Queue;
use crate::error::{BoxError, causes};

/// Records worked on at once.
const CONCURRENCY: usize = 10;

/// The first wait before another attempt; it doubles with each.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// Why a record has to come again.
#[derive(Debug, thiserror::Error)]
#[error("{code}")]
pub struct Failure {
    /// What is logged and stored; never content.
    pub code: &'static str,
    /// When to come again, if the work knows; else the backoff decides.
    pub retry_in: Option<Duration>,
    /// The internal cause.
    #[source]
    pub cause: Option<BoxError>,
}

impl Failure {
    /// A failure without a cause.
    pub const fn new(code: &'static str) -> Self {
        Self { code, retry_in: None, cause: None }
    }

    /// Adds the internal cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<BoxError>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

/// Runs `work` so that a panic in it is a failure like any other.
pub async fn isolated(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(Failure::new("panic")))
}

/// Works on every record of a batch and reports those that have to come again. Each of them becomes visible when its
/// failure says, or else after 1 s · 2^n with full jitter, n being the number of earlier deliveries. Deliveries are not
/// attempts: those are counted in the job's row, so that an outage does not use them up. A message that is delivered more
/// often than the queue's redrive policy allows is buried.
pub async fn process<Work, Outcome>(queue: &Queue, event: SqsEvent, work: Work) -> SqsBatchResponse
where
    Work: Fn(JobMessage) -> Outcome,
    Outcome: Future<Output = Result<(), Failure>>,
{
    let work = &work;
    let failed: Vec<_> = stream::iter(event.records)
        .map(|record| async move {
            let span = tracing::info_span!("record", message_id = record.message_id.as_deref());
            one(queue, &record, work).instrument(span).await.err().and(record.message_id)
        })
        .buffer_unordered(CONCURRENCY)
        .filter_map(std::future::ready)
        .collect()
        .await;
    let mut response = SqsBatchResponse::default();
    response.set_failures(failed);
    response
}

async fn one<Work, Outcome>(queue: &Queue, record: &SqsMessage, work: &Work) -> Result<(), Failure>
where
    Work: Fn(JobMessage) -> Outcome,
    Outcome: Future<Output = Result<(), Failure>>,
{
    let result = match serde_json::from_str::<JobMessage>(record.body.as_deref().unwrap_or_default()) {
        Ok(message) => isolated(work(message)).await,
        // It never will be one, so it goes to the dead-letter queue as fast as the queue lets it. The error's text may
        // repeat the body, so it is not kept as the cause.
        Err(_) => Err(Failure { retry_in: Some(Duration::ZERO), ..Failure::new("not_a_job") }),
    };
    if let Err(failure) = &result {
        tracing::error!(code = failure.code, causes = causes(failure), "the record has to come again");
        come_again(queue, record, failure.retry_in.unwrap_or_else(|| backoff(deliveries(record)))).await;
    }
    result
}

/// Sets when the record is delivered again. Should that fail, the queue's own visibility time-out applies.
async fn come_again(queue: &Queue, record: &SqsMessage, wait: Duration) {
    let Some(receipt) = record.receipt_handle.as_deref() else { return };
    if let Err(error) = queue.set_visibility(receipt, wait).await {
        tracing::warn!(error = %error, "the visibility cannot be set; the record comes when the queue says");
    }
}

fn deliveries(record: &SqsMessage) -> u32 {
    record.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// Full jitter ("Exponential backoff and jitter", AWS architecture blog): anything from nothing to 1 s · 2^n, whole
/// seconds, at most 15 minutes.
fn backoff(deliveries: u32) -> Duration {
    let ceiling = FIRST_BACKOFF.saturating_mul(1 << deliveries.saturating_sub(1).min(9)).as_secs();
    Duration::from_secs(fastrand::u64(0..=ceiling.min(900)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_with_each_delivery_and_is_bounded() {
        for (deliveries, ceiling) in [(0, 1), (1, 1), (2, 2), (3, 4), (40, 512)] {
            let longest = (0..2_000).map(|_| backoff(deliveries).as_secs()).max();
            assert!(longest.is_some_and(|longest| longest <= ceiling), "{deliveries}: {longest:?}");
        }
    }

    fn record(id: &str, body: &str) -> serde_json::Value {
        serde_json::json!({ "messageId": id, "body": body, "receiptHandle": null })
    }

    fn job(tenant: &str) -> String {
        format!(r#"{{"tenant_id":"{tenant}","job_id":"019a0000-0000-7000-8000-000000000000","kind":"analyze"}}"#)
    }

    #[tokio::test]
    async fn one_bad_record_does_not_fail_the_others() {
        let queue = Queue::new(&crate::aws::sdk_config().await, "http://127.0.0.1:9/q".to_owned());
        let records = vec![
            record("good", &job("a")),
            record("panics", &job("panics")),
            record("fails", &job("fails")),
            record("garbage", "{\"job_id\":"),
            record("no-tenant", &job("")),
        ];
        let event = serde_json::from_value(serde_json::json!({ "Records": records })).unwrap();
        let response = process(&queue, event, |message| async move {
            match message.tenant_id.as_str() {
                "panics" => panic!("as the test wants"),
                "fails" => Err(Failure::new("as_the_test_wants")),
                _ => Ok(()),
            }
        })
        .await;
        let mut failed: Vec<_> = response.batch_item_failures.into_iter().map(|item| item.item_identifier).collect();
        failed.sort();
        assert_eq!(failed, ["fails", "garbage", "no-tenant", "panics"]);
    }
}
