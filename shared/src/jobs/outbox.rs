//! Sends the messages of jobs.
//!
//! An outbox row commits with its job and stays until the job has ended. The send follows the
//! commit, and nothing is noted of it: that would cost every request a statement. Instead the sweep
//! looks at each row that is due, at first after ten seconds.
//!
//! | the job | the sweep |
//! |---|---|
//! | has ended, as most have | finds no row, or removes it |
//! | is deferred | looks again when the deferral is over |
//! | has a lease or a backoff | looks again 15 seconds after it is over: the message comes then |
//! | waits, and its message is missing | sends it, and looks again after 1, 2, 4 … minutes |
//!
//! The last wait doubles up to 17 hours: in a backlog a message is not lost, but waits. To send a
//! message twice is safe, since of a job's claims only one is granted.

use std::time::Duration;

use futures::future::join_all;
use parking_lot::Mutex;
use serde::Serialize;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::message::JobMessage;
use super::queue::{MAX_BATCH_SIZE, Queue};
use super::sql::transition_sql;
use crate::deadline::Deadline;
use crate::error::{Error, error_chain};
use crate::identity::TenantId;
use crate::postgres::Database;
use crate::telemetry::{catalogue, metrics};

/// The longest that a request waits for the queue to take the message of its job.
const DISPATCH_TIMEOUT: Duration = Duration::from_secs(2);

/// Kept from a request's time for its response.
const RESPONSE_RESERVE: Duration = Duration::from_secs(1);

/// Rows that the sweep takes in one statement.
const SWEEP_BATCH_SIZE: i64 = 100;

/// Tenants that the sweep looks at in one statement: most of them may have no row that is due.
const MAX_TENANT_LOOKS: i32 = 1_000;

/// Calls to the queue that are under way at the same time.
const MAX_CONCURRENT_SENDS: usize = 10;

/// The longest that a statement of the sweep may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(8);

/// A sweep takes no more rows with less time left than this: it would mark their messages as sent,
/// and not send them.
const MIN_ROUND_TIME: Duration = Duration::from_secs(25);

/// Sends the messages of jobs that have just been committed, within two seconds. Their outbox rows
/// are committed with them, so a failure here is no failure of the request: the sweep sends them.
pub async fn dispatch(queue: &Queue, messages: &[JobMessage], deadline: Deadline) {
    let deadline = deadline.less(RESPONSE_RESERVE).at_most(DISPATCH_TIMEOUT);

    if let Err(elapsed) = deadline.run(send_all(queue, messages)).await {
        let jobs = messages.len();
        metrics::add("OutboxFailed", &[], u64::try_from(jobs).unwrap_or(u64::MAX));
        tracing::error!(jobs, error = %elapsed, "the queue is slow; jobs may stay in the outbox");
    }
}

/// Sends messages in batches, some batches at once. Returns those that the queue has not taken.
async fn send_all(queue: &Queue, messages: &[JobMessage]) -> Vec<JobMessage> {
    let mut refused = Vec::new();
    for round in messages.chunks(MAX_BATCH_SIZE * MAX_CONCURRENT_SENDS) {
        let sends = round
            .chunks(MAX_BATCH_SIZE)
            .map(|batch| send_batch(queue, batch));
        refused.extend(join_all(sends).await.into_iter().flatten());
    }

    let taken = messages.len() - refused.len();
    let taken = u64::try_from(taken).unwrap_or(u64::MAX);
    metrics::increase(&catalogue::OUTBOX_SENT, &[], taken);
    let left = u64::try_from(refused.len()).unwrap_or(u64::MAX);
    metrics::add("OutboxFailed", &[], left);
    refused
}

/// Sends one batch. Returns the messages that the queue has not taken.
async fn send_batch(queue: &Queue, batch: &[JobMessage]) -> Vec<JobMessage> {
    match queue.send_batch(batch).await {
        Ok(taken) => {
            let sent = batch.iter().zip(taken);
            let refused = sent.filter(|(_, is_taken)| !is_taken);
            refused.map(|(message, _)| message.clone()).collect()
        }
        Err(error) => {
            let (jobs, causes) = (batch.len(), error_chain(&*error));
            tracing::error!(
                jobs,
                error = %error,
                causes,
                "the queue takes no messages; the jobs stay in the outbox"
            );
            batch.to_vec()
        }
    }
}

/// The result of a sweep.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Rows that were due.
    pub due: usize,
    /// Messages sent. The other rows' jobs have a lease, or wait for their own reasons.
    pub sent: usize,
    /// Messages that the queue did not take; they are due again 20 seconds later.
    pub refused: usize,
}

/// The tenant behind which the next sweep of this environment begins. A sweep that has no time for
/// all tenants so leaves the others to the next one, and each has its turn.
#[derive(Default)]
pub struct SweepPosition(Mutex<String>);

/// One way through the tenants, in the order of their ids.
struct Pass {
    /// The last tenant that was looked at; empty at the beginning.
    after: String,
    /// Whether it has begun with the first tenant.
    is_whole: bool,
    /// Whether it has taken no row so far.
    is_idle: bool,
}

impl Pass {
    fn begin(after: String) -> Self {
        Self {
            is_whole: after.is_empty(),
            after,
            is_idle: true,
        }
    }

    /// Goes on behind the round. None when a whole pass has found nothing to do.
    fn next(self, round: &Round) -> Option<Self> {
        let is_idle = self.is_idle && round.due == 0;
        match &round.last_tenant {
            Some(tenant) => Some(Self {
                after: tenant.clone(),
                is_idle,
                ..self
            }),
            None if self.is_whole && is_idle => None,
            None => Some(Self::begin(String::new())),
        }
    }
}

/// Sends the messages that are missing, until no row is due or the deadline is near. Sweeps may run
/// at the same time: none sends what another one has taken. No row is locked while the queue is
/// called.
pub async fn sweep(
    database: &Database,
    queue: &Queue,
    position: &SweepPosition,
    deadline: Deadline,
) -> Result<Swept, Error> {
    let mut swept = Swept::default();
    let mut pass = Pass::begin(position.0.lock().clone());

    while deadline.remaining() > MIN_ROUND_TIME {
        let take =
            async |connection: &mut PgConnection| take_due_rows(connection, &pass.after).await;
        let round = database.within(STATEMENT_TIMEOUT, take).await?;

        let refused = send_all(queue, &round.missing).await;
        if !refused.is_empty() {
            let put_back =
                async |connection: &mut PgConnection| put_back_rows(connection, &refused).await;
            database.within(STATEMENT_TIMEOUT, put_back).await?;
        }

        swept.due += round.due;
        swept.sent += round.missing.len() - refused.len();
        swept.refused += refused.len();

        let next = pass.next(&round);
        let after = next.as_ref().map(|next| next.after.clone());
        *position.0.lock() = after.unwrap_or_default();

        let is_queue_down = !refused.is_empty() && refused.len() == round.missing.len();
        match next {
            Some(next) if !is_queue_down => pass = next,
            _ => break,
        }
    }

    Ok(swept)
}

/// The rows that one statement has taken. Each is due again later, as `take_due_rows.sql` says.
pub struct Round {
    /// How many rows.
    pub due: usize,
    /// The messages that have to be sent.
    pub missing: Vec<JobMessage>,
    /// The last tenant that was looked at; none when there is no further one.
    pub last_tenant: Option<String>,
}

/// A row that was due. The first columns are null in the row that only says how many were due.
#[derive(FromRow)]
struct DueRow {
    /// Not a [`TenantId`]: one row that has none must not keep the others from being sent.
    tenant_id: Option<String>,
    job_id: Option<Uuid>,
    kind: Option<String>,
    traceparent: Option<String>,
    is_missing: Option<bool>,
    due: i64,
    last_tenant: Option<String>,
}

impl DueRow {
    /// The message that is missing, if it is.
    fn missing_message(self) -> Option<JobMessage> {
        let job_id = self.job_id.filter(|_| self.is_missing == Some(true))?;
        let Ok(tenant_id) = TenantId::try_from(self.tenant_id?) else {
            tracing::error!(job = %job_id, "an outbox row has no valid tenant");
            return None;
        };

        Some(JobMessage {
            tenant_id,
            job_id,
            kind: self.kind?,
            traceparent: self.traceparent,
        })
    }
}

/// Takes up to 100 rows that are due: the same number from each of the tenants behind `after`, of
/// which it looks at no more than 1,000.
pub async fn take_due_rows(connection: &mut PgConnection, after: &str) -> Result<Round, Error> {
    let statement = transition_sql!(
        "take_due_rows.sql",
        "SELECT rescheduled.*, (SELECT count(*) FROM taken) AS due,
                (SELECT last_tenant FROM round) AS last_tenant
         FROM (SELECT 1) one
         LEFT JOIN rescheduled ON true"
    );
    let rows: Vec<DueRow> = sqlx::query_as(statement)
        .bind(SWEEP_BATCH_SIZE)
        .bind(after)
        .bind(MAX_TENANT_LOOKS)
        .fetch_all(connection)
        .await?;

    let first = rows.first();
    let due = first.and_then(|row| usize::try_from(row.due).ok());
    let last_tenant = first.and_then(|row| row.last_tenant.clone());
    Ok(Round {
        due: due.unwrap_or_default(),
        last_tenant,
        missing: rows
            .into_iter()
            .filter_map(DueRow::missing_message)
            .collect(),
    })
}

/// Makes the rows of refused messages due in 20 seconds, behind all that is due now.
async fn put_back_rows(connection: &mut PgConnection, refused: &[JobMessage]) -> Result<(), Error> {
    let tenants: Vec<_> = refused.iter().map(|one| one.tenant_id.as_str()).collect();
    let ids: Vec<_> = refused.iter().map(|one| one.job_id).collect();

    let update = sqlx::query(
        "UPDATE outbox
         SET due_at = now() + interval '20 seconds', sends = sends - 1
         FROM unnest($1::text[], $2::uuid[]) AS refused (tenant_id, job_id)
         WHERE (outbox.tenant_id, outbox.job_id) = (refused.tenant_id, refused.job_id)",
    );

    update.bind(tenants).bind(ids).execute(connection).await?;
    Ok(())
}
