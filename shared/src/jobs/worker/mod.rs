//! The consumer's side: a batch of queue messages, each on its own, so that one bad record neither fails nor delays the
//! others.
//!
//! For a batch of ten there is one claim, one call that makes the messages' invisibility as short as a lease, and one heartbeat;
//! then each job runs by itself, isolated from the others' errors and panics. What comes of it:
//!
//! | the run | the job | its message |
//! |---|---|---|
//! | succeeds | as it wrote itself | deleted |
//! | fails | queued again, or failed after the third attempt | comes after 1 s · 2^n, or when the run says; goes to the dead-letter queue |
//! | cannot succeed | failed | goes to the dead-letter queue |
//! | has to wait for something outside | deferred: no attempt is spent | deleted; the outbox sends another one when it is time |
//! | meets an outage of our own | queued again: no attempt is spent | comes after 30 to 60 s |
//! | is called off | cancelled | deleted |
//! | is overtaken | the other run's | comes again, and finds the job done or held |
//! | is erased | gone | deleted, with all that the run has left elsewhere |
//! | is killed | its lease runs out | comes when the lease is over |
//!
//! Whoever kills a worker takes its neighbours along. So a job whose worker died, and which is down to its last attempt, is begun
//! when the rest of its batch is done, and by itself; and a last attempt that died in company is repeated like this. The one that
//! kills gets no company, and the others get their attempts.

mod delivery;
mod kind;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::FutureExt;
use futures::future::{self, Either, join_all};
use tracing::Instrument;

use super::JobMessage;
use super::claim::{Claim, Wanted, claim};
use super::heartbeat::Heartbeat;
use super::queue::Queue;
use crate::deadline::Deadline;
use crate::error::error_chain;
use crate::postgres::Database;
use delivery::{Delivery, Found};
pub use kind::{Failure, Kinds, Perform, Run, Stop};

/// Records worked on at once.
const CONCURRENCY: usize = 10;

/// Kept from the invocation's time for writing results.
const RESERVE: Duration = Duration::from_secs(10);

/// Kept for the answer to the invocation itself.
const LAST: Duration = Duration::from_secs(1);

/// When a message comes again whose kind this worker does not know.
const UNKNOWN_KIND: Duration = Duration::from_mins(1);

/// What a worker works with.
pub trait Environment {
    /// Where its jobs are.
    fn database(&self) -> &Database;
    /// Where their messages come from.
    fn queue(&self) -> &Queue;
    /// Where messages go that are given up.
    fn dead_letters(&self) -> &Queue;
}

/// Works on every record of a batch and reports those that have to come again. Deliveries are not attempts: those are counted
/// in the job's row, so that an outage does not use them up.
pub async fn process<App: Environment>(
    app: &App,
    kinds: &Kinds<App>,
    event: SqsEvent,
    invocation: Deadline,
) -> SqsBatchResponse {
    let mut failed = Vec::new();
    for records in event.records.chunks(CONCURRENCY) {
        let heartbeat = Heartbeat::new(
            records
                .iter()
                .filter_map(|record| record.receipt_handle.clone())
                .collect(),
        );
        let batch = Batch {
            app,
            kinds,
            heartbeat,
            records,
            invocation,
        };
        failed.extend(Box::pin(batch.work()).await);
    }
    let mut response = SqsBatchResponse::default();
    response.set_failures(failed);
    response
}

/// Up to [`CONCURRENCY`] records. What comes again is named by its message's id.
struct Batch<'a, App> {
    app: &'a App,
    kinds: &'a Kinds<App>,
    heartbeat: Heartbeat,
    records: &'a [SqsMessage],
    invocation: Deadline,
}

/// A record and its message, if it is a job's.
type Received<'a> = (&'a SqsMessage, Option<JobMessage>);

impl<App: Environment> Batch<'_, App> {
    /// Works on all of them. Returns those that have to come again.
    async fn work(&self) -> Vec<String> {
        if self.is_too_late() {
            return self.put_back(self.records).await;
        }
        let read = |record: &SqsMessage| JobMessage::read(record.body.as_deref()?);
        let received: Vec<Received<'_>> = self
            .records
            .iter()
            .map(|record| (record, read(record)))
            .collect();
        let (found, hidden) = futures::join!(
            self.look_up(&received),
            self.heartbeat.hide(self.app.queue())
        );
        if let Err(error) = hidden {
            tracing::warn!(error = %error, "messages of a worker that is killed now would come late");
        }
        let done = std::pin::pin!(self.see_to_all(&received, found));
        let beat = std::pin::pin!(self.heartbeat.beat(self.app.database(), self.app.queue()));
        match self
            .invocation
            .less(LAST)
            .run(future::select(done, beat))
            .await
        {
            Ok(Either::Left((again, _))) => again,
            // The heartbeat never ends, and everything it waits for is bounded: so time is over, and nobody knows for what.
            Ok(Either::Right(_)) | Err(_) => {
                tracing::error!(
                    "the invocation ends before its records; they come when their leases are over"
                );
                self.records
                    .iter()
                    .filter_map(|record| record.message_id.clone())
                    .collect()
            }
        }
    }

    /// Whether the time left is less than a job needs.
    fn is_too_late(&self) -> bool {
        self.invocation.remaining() < self.kinds.longest() + RESERVE
    }

    /// Gives records back that there is no time for.
    async fn put_back(&self, records: &[SqsMessage]) -> Vec<String> {
        tracing::info!(
            records = records.len(),
            "returned: the time left is less than a job needs"
        );
        let receipts: Vec<_> = records
            .iter()
            .filter_map(|record| record.receipt_handle.as_deref())
            .collect();
        let soon = Duration::from_secs(fastrand::u64(1..=5)); // not at once: it might be this environment whose time is wrong
        delivery::let_come(self.app.queue(), &self.heartbeat, &receipts, soon).await;
        records
            .iter()
            .filter_map(|record| record.message_id.clone())
            .collect()
    }

    /// Claims the jobs of all records that are jobs'.
    async fn look_up(&self, received: &[Received<'_>]) -> Vec<Found> {
        let wanted: Vec<_> = received
            .iter()
            .filter_map(|(_, message)| message.as_ref())
            .map(Wanted::from)
            .collect();
        let mut claims = self.claim(&wanted).await.into_iter();
        let found = |(_, message): &Received<'_>| match message {
            None => Found::NotAJob,
            Some(_) => claims.next().unwrap_or(Found::OutOfReach),
        };
        received.iter().map(found).collect()
    }

    /// What stands where its wanted job stood; nothing, if the database cannot be asked.
    async fn claim(&self, wanted: &[Wanted<'_>]) -> Vec<Found> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let kinds = self.kinds.names();
        match delivery::write(self.app.database(), async |session| {
            claim(session, wanted, &kinds).await
        })
        .await
        {
            Ok(claims) => claims.into_iter().map(Found::Job).collect(),
            Err(error) => {
                let causes = error_chain(&error);
                tracing::error!(error = %error, causes, "no job can be claimed; the records come again");
                Vec::new()
            }
        }
    }

    /// Does all jobs at once; then, each by itself, those that had better be alone.
    async fn see_to_all(&self, received: &[Received<'_>], found: Vec<Found>) -> Vec<String> {
        let (mut together, mut alone) = (Vec::new(), Vec::new());
        for (received, found) in received.iter().zip(found) {
            match (received, found) {
                ((record, Some(message)), Found::Job(Claim::Alone)) => {
                    alone.push((*record, message))
                }
                (received, found) => together.push(self.see_to(received, found)),
            }
        }
        let mut again: Vec<_> = join_all(together).await.into_iter().flatten().collect();
        for (record, message) in alone {
            again.extend(self.see_to_alone(record, message).await);
        }
        again
    }

    async fn see_to_alone(&self, record: &SqsMessage, message: &JobMessage) -> Vec<String> {
        if self.is_too_late() {
            return self.put_back(std::slice::from_ref(record)).await;
        }
        let found = self.claim(&[Wanted::from(message).alone()]).await.pop();
        let received = (record, Some(message.clone()));
        self.see_to(&received, found.unwrap_or(Found::OutOfReach))
            .await
            .into_iter()
            .collect()
    }

    async fn see_to(&self, (record, message): &Received<'_>, found: Found) -> Option<String> {
        let span = tracing::info_span!(
            "record",
            message_id = record.message_id.as_deref(),
            job = message.as_ref().map(|message| message.job_id.to_string()),
            tenant = message.as_ref().map(|message| message.tenant_id.as_str())
        );
        let (app, kinds, heartbeat) = (self.app, self.kinds, &self.heartbeat);
        let delivery = Delivery {
            app,
            kinds,
            heartbeat,
            record,
            invocation: self.invocation,
        };
        let seen_to = AssertUnwindSafe(delivery.see_to(found))
            .catch_unwind()
            .instrument(span)
            .await;
        // A panic on the way, not only one in the job itself, makes its record come again, and no other.
        let comes_again = seen_to.unwrap_or(true);
        record.message_id.clone().filter(|_| comes_again)
    }
}
