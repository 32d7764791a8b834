//! A batch of records: claimed together, kept alive by one heartbeat, run at the same time.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::slice;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::FutureExt;
use futures::future::{self, Either, join_all};
use sqlx::PgConnection;
use tracing::Instrument;

use super::context::WorkerContext;
use super::record::{RecordClaim, RecordRun, SETTLE_RESERVE, return_records};
use super::registry::JobRegistry;
use super::write::write_insistently;
use crate::deadline::Deadline;
use crate::error::error_chain;
use crate::jobs::changes::ChangeFeed;
use crate::jobs::claim::{Claim, ClaimRequest, claim};
use crate::jobs::heartbeat::Heartbeat;
use crate::jobs::message::{JobMessage, record_span};

/// The most jobs that run at the same time.
const MAX_CONCURRENT_RECORDS: usize = 10;

/// Kept from the invocation's time for its response.
const RESPONSE_RESERVE: Duration = Duration::from_secs(1);

/// Seconds after which records come again that there was no time for. Not at once: this environment
/// may be the one whose clock is wrong.
const NO_TIME_DELAY_SECONDS: std::ops::RangeInclusive<u64> = 1..=5;

/// Processes every record of an event, and answers with those that have to come again. Deliveries
/// are not attempts: those are counted in the job's row, so that an outage does not use them up.
pub async fn process_batch<Context: WorkerContext>(
    context: &Context,
    registry: &JobRegistry<Context>,
    event: SqsEvent,
    invocation: Deadline,
) -> SqsBatchResponse {
    let mut failed = Vec::new();
    for records in event.records.chunks(MAX_CONCURRENT_RECORDS) {
        let receipts = records.iter().filter_map(|one| one.receipt_handle.clone());
        let batch = Batch {
            context,
            registry,
            heartbeat: Heartbeat::new(receipts.collect()),
            changes: ChangeFeed::new(),
            records,
            invocation,
        };
        let process = Box::pin(batch.process());
        let tell = async |job| context.job_changed(job).await;
        let end = invocation.less(RESPONSE_RESERVE);
        failed.extend(batch.changes.tell_beside(end, tell, process).await);
    }

    let mut response = SqsBatchResponse::default();
    response.set_failures(failed);

    response
}

/// A record with its message, if a parser understands it.
struct ReceivedRecord<'a> {
    record: &'a SqsMessage,
    message: Option<JobMessage>,
}

impl<'a> ReceivedRecord<'a> {
    fn read(record: &'a SqsMessage) -> Self {
        let message = record.body.as_deref().and_then(JobMessage::read);
        Self { record, message }
    }

    fn message_id(&self) -> Option<String> {
        self.record.message_id.clone()
    }

    /// The span of all that is logged about the record.
    fn span(&self) -> tracing::Span {
        record_span(self.record, self.message.as_ref())
    }
}

/// Up to [`MAX_CONCURRENT_RECORDS`] records. Their messages' ids name those that come again.
struct Batch<'a, Context> {
    context: &'a Context,
    registry: &'a JobRegistry<Context>,
    heartbeat: Heartbeat,
    changes: ChangeFeed,
    records: &'a [SqsMessage],
    invocation: Deadline,
}

impl<Context: WorkerContext> Batch<'_, Context> {
    /// Processes all records. Returns those that have to come again.
    async fn process(&self) -> Vec<String> {
        if self.is_too_late() {
            return self.return_unprocessed(self.records).await;
        }

        let received: Vec<_> = self.records.iter().map(ReceivedRecord::read).collect();
        let (claims, extended) = futures::join!(
            self.claim_records(&received),
            self.heartbeat.extend_visibility(self.context.queue())
        );
        if let Err(error) = extended {
            tracing::warn!(
                error = %error,
                "the messages stay invisible for long; if this worker is killed now, they come late"
            );
        }

        let (database, queue) = (self.context.database(), self.context.queue());
        let done = pin!(self.process_claimed(&received, claims));
        let heartbeat = pin!(self.heartbeat.run(database, queue, &self.changes));
        let deadline = self.invocation.less(RESPONSE_RESERVE);

        match deadline.run(future::select(done, heartbeat)).await {
            Ok(Either::Left((comes_again, _))) => comes_again,
            // Neither happens: the heartbeat never ends, and all that a record waits for is
            // bounded within the invocation's time.
            Ok(Either::Right(_)) | Err(_) => {
                tracing::error!(
                    "the invocation ends before its records; they come when their leases are over"
                );
                message_ids(self.records)
            }
        }
    }

    /// Whether the time left is less than a job needs.
    fn is_too_late(&self) -> bool {
        let needed = self.registry.max_attempt_timeout() + SETTLE_RESERVE;
        self.invocation.remaining() < needed
    }

    /// Returns records that there is no time for.
    async fn return_unprocessed(&self, records: &[SqsMessage]) -> Vec<String> {
        let count = records.len();
        tracing::info!(
            records = count,
            "returned: the time left is less than a job needs"
        );

        let receipts = records
            .iter()
            .map(|record| record.receipt_handle.as_deref());
        let receipts: Vec<_> = receipts.flatten().collect();
        let wait = Duration::from_secs(fastrand::u64(NO_TIME_DELAY_SECONDS));
        return_records(self.context.queue(), &self.heartbeat, &receipts, wait).await;

        message_ids(records)
    }

    /// Claims the jobs of all records.
    async fn claim_records(&self, received: &[ReceivedRecord<'_>]) -> Vec<RecordClaim> {
        let messages = received.iter().filter_map(|one| one.message.as_ref());
        let requests: Vec<_> = messages.map(ClaimRequest::from).collect();
        let mut claims = self.claim_jobs(&requests).await.into_iter();

        let claim_of = |received: &ReceivedRecord<'_>| match received.message {
            None => RecordClaim::NotAJob,
            Some(_) => claims.next().unwrap_or(RecordClaim::DatabaseDown),
        };

        received.iter().map(claim_of).collect()
    }

    /// The claim of each request; none at all if the database cannot be asked.
    async fn claim_jobs(&self, requests: &[ClaimRequest<'_>]) -> Vec<RecordClaim> {
        if requests.is_empty() {
            return Vec::new();
        }

        let kinds = self.registry.kind_names();
        let write = async |connection: &mut PgConnection| claim(connection, requests, &kinds).await;

        match write_insistently(self.context.database(), write).await {
            Ok(claims) => claims.into_iter().map(RecordClaim::Claimed).collect(),
            Err(error) => {
                let causes = error_chain(&error);
                tracing::error!(
                    error = %error,
                    causes,
                    "no job can be claimed; the records come again"
                );
                Vec::new()
            }
        }
    }

    /// Processes all records at once; then, one after the other, those whose jobs need isolation.
    async fn process_claimed(
        &self,
        received: &[ReceivedRecord<'_>],
        claims: Vec<RecordClaim>,
    ) -> Vec<String> {
        let (mut together, mut isolated) = (Vec::new(), Vec::new());
        for (received, claim) in received.iter().zip(claims) {
            if matches!(claim, RecordClaim::Claimed(Claim::NeedsIsolation)) {
                isolated.push(received);
            } else {
                together.push(self.process_record(received, claim));
            }
        }

        let together = join_all(together).await;
        let mut comes_again: Vec<_> = together.into_iter().flatten().collect();
        for received in isolated {
            comes_again.extend(self.process_isolated(received).await);
        }

        comes_again
    }

    /// Claims and runs a job while no other one runs.
    async fn process_isolated(&self, received: &ReceivedRecord<'_>) -> Vec<String> {
        if self.is_too_late() {
            return self
                .return_unprocessed(slice::from_ref(received.record))
                .await;
        }

        let message = received.message.iter();
        let request: Vec<_> = message
            .map(|one| ClaimRequest::from(one).isolated())
            .collect();
        let claim = self.claim_jobs(&request).await.pop();
        let claim = claim.unwrap_or(RecordClaim::DatabaseDown);
        let comes_again = self.process_record(received, claim).await;

        comes_again.into_iter().collect()
    }

    /// Processes one record. Returns its message's id if it has to come again. A panic on the way,
    /// not only one in the job's handler, makes the record come again, and no other.
    async fn process_record(
        &self,
        received: &ReceivedRecord<'_>,
        claim: RecordClaim,
    ) -> Option<String> {
        let run = RecordRun {
            context: self.context,
            registry: self.registry,
            heartbeat: &self.heartbeat,
            changes: &self.changes,
            record: received.record,
            invocation: self.invocation,
        };

        let processed = AssertUnwindSafe(run.process(claim)).catch_unwind();
        let comes_again = processed.instrument(received.span()).await.unwrap_or(true);

        received.message_id().filter(|_| comes_again)
    }
}

fn message_ids(records: &[SqsMessage]) -> Vec<String> {
    let ids = records.iter().map(|record| record.message_id.clone());
    ids.flatten().collect()
}
