//! Sends the messages of jobs.
//!
//! An outbox row commits with its job and stays until the job has ended. The send follows the
//! commit, and nothing is noted of it: that would cost every request a statement. Instead the sweep
//! looks at each row that is due, at first after ten seconds.
//!
//! | the job | the sweep |
//! |---|---|
//! | has ended, as most have | finds no row |
//! | is deferred | looks again when the deferral is over |
//! | has a lease or a backoff | looks again 15 seconds after it is over: the message comes then |
//! | waits, and its message is missing | sends it, and looks again after 1, 2, 4 … minutes |
//!
//! The last wait doubles up to 17 hours: in a backlog a message is not lost, but waits. To send a
//! message twice is safe, since of a job's claims only one is granted.

use std::time::Duration;

use futures::future::join_all;
use serde::Serialize;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::message::JobMessage;
use super::queue::{MAX_BATCH_SIZE, Queue};
use super::sql::sql_file;
use crate::deadline::Deadline;
use crate::error::{Error, error_chain};
use crate::identity::TenantId;
use crate::postgres::Database;

/// The longest that a request waits for the queue to take the message of its job.
const DISPATCH_TIMEOUT: Duration = Duration::from_secs(2);

/// Kept from a request's time for its response.
const RESPONSE_RESERVE: Duration = Duration::from_secs(1);

/// Rows that the sweep takes in one statement.
const SWEEP_BATCH_SIZE: i64 = 100;

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

/// Sends the messages that are missing, until no row is due or the deadline is near. Sweeps may run
/// at the same time: none sends what another one has taken. No row is locked while the queue is
/// called.
pub async fn sweep(database: &Database, queue: &Queue, deadline: Deadline) -> Result<Swept, Error> {
    let mut swept = Swept::default();
    while deadline.remaining() > MIN_ROUND_TIME {
        let rows = database.within(STATEMENT_TIMEOUT, take_due_rows).await?;
        let missing: Vec<_> = rows
            .iter()
            .filter(|row| row.is_missing)
            .filter_map(DueRow::message)
            .collect();

        let refused = send_all(queue, &missing).await;
        if !refused.is_empty() {
            let put_back =
                async |connection: &mut PgConnection| put_back_rows(connection, &refused).await;
            database.within(STATEMENT_TIMEOUT, put_back).await?;
        }

        swept.due += rows.len();
        swept.sent += missing.len() - refused.len();
        swept.refused += refused.len();
        let is_queue_down = !missing.is_empty() && refused.len() == missing.len();
        if rows.is_empty() || is_queue_down {
            break;
        }
    }

    Ok(swept)
}

/// A row that was due. It is due again later, as `take_due_rows.sql` says.
#[derive(FromRow)]
struct DueRow {
    /// Not a [`TenantId`]: one row that has none must not keep the others from being sent.
    tenant_id: String,
    job_id: Uuid,
    kind: String,
    is_missing: bool,
}

impl DueRow {
    fn message(&self) -> Option<JobMessage> {
        let Ok(tenant_id) = TenantId::try_from(self.tenant_id.clone()) else {
            tracing::error!(job = %self.job_id, "an outbox row has no valid tenant");
            return None;
        };

        Some(JobMessage {
            tenant_id,
            job_id: self.job_id,
            kind: self.kind.clone(),
        })
    }
}

/// Takes up to [`SWEEP_BATCH_SIZE`] rows that are due, from each tenant in turn.
async fn take_due_rows(connection: &mut PgConnection) -> Result<Vec<DueRow>, Error> {
    sqlx::query_as(sql_file!("take_due_rows.sql"))
        .bind(SWEEP_BATCH_SIZE)
        .fetch_all(connection)
        .await
        .map_err(Error::from)
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

/// Removes rows whose jobs have ended without removing them, which no statement here does. Returns
/// how many.
pub async fn prune(connection: &mut PgConnection) -> Result<u64, Error> {
    let deletion = sqlx::query(
        "DELETE FROM outbox
         USING jobs
         WHERE (jobs.tenant_id, jobs.id) = (outbox.tenant_id, outbox.job_id)
           AND jobs.state IN ('completed', 'failed', 'cancelled')",
    );

    Ok(deletion.execute(connection).await?.rows_affected())
}
