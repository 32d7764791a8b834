//! Sending what the outbox announces.
//!
//! A row commits with its job and stays until the job has ended. The send follows the commit, and nothing is noted of it: that
//! would cost every request a statement. Instead the sweep looks after each row that is due, at first after ten seconds. If the
//! job has ended by then, as most have, there is no row; if it is being done, or waits for its own reasons, the row is due later;
//! else its message is sent, again if need be. That is safe, since a job is only ever claimed by one run.

use std::time::Duration;

use futures::future::join_all;
use serde::Serialize;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::JobMessage;
use super::queue::{BATCH, Queue};
use crate::deadline::Deadline;
use crate::error::{Error, error_chain};
use crate::identity::TenantId;
use crate::postgres::Database;

/// Time for sending a job within the request that made it.
const ANNOUNCE: Duration = Duration::from_secs(2);

/// Rows that the sweep takes at once.
const SWEEP: i64 = 100;

/// Calls of the queue under way at once.
const CALLS: usize = 10;

/// The longest that a statement of the sweep may take.
const STATEMENT: Duration = Duration::from_secs(8);

/// No round is begun with less time left than this: its messages would be marked, and not sent.
const ROUND: Duration = Duration::from_secs(25);

/// Sends jobs that have just been committed, within two seconds. Their outbox rows are committed with them, so a failure here
/// is no failure of the request: the sweep finds them.
pub async fn announce(queue: &Queue, messages: &[JobMessage], deadline: Deadline) {
    let deadline = deadline.less(Duration::from_secs(1)).at_most(ANNOUNCE);
    if let Err(elapsed) = deadline.run(send_all(queue, messages)).await {
        tracing::error!(jobs = messages.len(), error = %elapsed, "the queue is slow; jobs may stay in the outbox");
    }
}

/// Sends messages, ten in a call and some calls at once. Returns those that the queue has not taken.
async fn send_all(queue: &Queue, messages: &[JobMessage]) -> Vec<JobMessage> {
    let mut refused = Vec::new();
    for some in messages.chunks(BATCH * CALLS) {
        let sent = join_all(some.chunks(BATCH).map(|batch| send_batch(queue, batch))).await;
        refused.extend(sent.into_iter().flatten());
    }
    refused
}

async fn send_batch(queue: &Queue, batch: &[JobMessage]) -> Vec<JobMessage> {
    match queue.send_batch(batch).await {
        Ok(taken) => batch
            .iter()
            .zip(taken)
            .filter(|(_, is_taken)| !is_taken)
            .map(|(one, _)| one.clone())
            .collect(),
        Err(error) => {
            let (jobs, causes) = (batch.len(), error_chain(&*error));
            tracing::error!(jobs, error = %error, causes, "the queue takes no messages; the jobs stay in the outbox");
            batch.to_vec()
        }
    }
}

/// What a sweep did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Rows that were due.
    pub due: usize,
    /// Messages sent; the other rows' jobs are being done, or wait for their own reasons.
    pub sent: usize,
    /// Messages that the queue did not take; they are tried again 20 seconds later.
    pub refused: usize,
}

/// Looks after all that is due, until nothing is left or the deadline is near. Sweeps may run at the same time: none
/// sends what another has taken, and one that meets another may leave the rest to it. No row is locked while the queue is waited for.
pub async fn sweep(database: &Database, queue: &Queue, deadline: Deadline) -> Result<Swept, Error> {
    let mut swept = Swept::default();
    while deadline.remaining() > ROUND {
        let taken = database.within(STATEMENT, take_due).await?;
        let missing: Vec<_> = taken
            .iter()
            .filter(|row| row.is_missing)
            .filter_map(Taken::message)
            .collect();
        let refused = send_all(queue, &missing).await;
        if !refused.is_empty() {
            database
                .within(STATEMENT, async |connection| {
                    put_back(connection, &refused).await
                })
                .await?;
        }
        swept.due += taken.len();
        swept.sent += missing.len() - refused.len();
        swept.refused += refused.len();
        let is_queue_gone = !missing.is_empty() && refused.len() == missing.len();
        if taken.is_empty() || is_queue_gone {
            break;
        }
    }
    Ok(swept)
}

#[derive(FromRow)]
struct Taken {
    tenant_id: String,
    job_id: Uuid,
    kind: String,
    is_missing: bool,
}

impl Taken {
    fn message(&self) -> Option<JobMessage> {
        let tenant = TenantId::try_from(self.tenant_id.clone());
        if tenant.is_err() {
            tracing::error!(job = %self.job_id, "an outbox row of no tenant");
        }
        Some(JobMessage {
            tenant_id: tenant.ok()?,
            job_id: self.job_id,
            kind: self.kind.clone(),
        })
    }
}

/// Takes up to [`SWEEP`] rows that are due, from each tenant in turn, so that one with a thousand rows does not hold up one with a
/// single row. A row is due again
/// - when its job is deferred: when that is over;
/// - when its job is being done, or in its backoff: 15 seconds after the lease or the backoff is over, since its message comes then;
/// - else its message is missing. It is sent, and missed again a minute later, then two, four and so on, at most 17 hours: in a
///   backlog a message is not lost, but waits.
async fn take_due(connection: &mut PgConnection) -> Result<Vec<Taken>, Error> {
    sqlx::query_as(
        "WITH RECURSIVE tenant AS (
             (SELECT tenant_id FROM outbox WHERE due_at <= now() ORDER BY tenant_id LIMIT 1)
             UNION ALL
             SELECT (SELECT o.tenant_id FROM outbox o WHERE o.tenant_id > tenant.tenant_id AND o.due_at <= now()
                     ORDER BY o.tenant_id LIMIT 1)
             FROM tenant WHERE tenant.tenant_id IS NOT NULL
         ), candidate AS (
             SELECT oldest.* FROM tenant CROSS JOIN LATERAL (
                 SELECT tenant_id, job_id, row_number() OVER (ORDER BY due_at) AS turn FROM outbox
                 WHERE outbox.tenant_id = tenant.tenant_id AND due_at <= now() ORDER BY due_at LIMIT $1
             ) oldest
         ), taken AS MATERIALIZED (
             SELECT outbox.tenant_id, outbox.job_id, outbox.sends FROM outbox JOIN candidate USING (tenant_id, job_id)
             WHERE outbox.due_at <= now() ORDER BY candidate.turn LIMIT $1 FOR UPDATE OF outbox SKIP LOCKED
         ), looked_at AS (
             SELECT taken.*, j.kind, CASE WHEN j.state = 'deferred' THEN j.not_before
                 ELSE greatest(j.lease_expires_at, j.not_before) + interval '15 seconds' END AS expected_at
             FROM taken JOIN jobs j ON (j.tenant_id, j.id) = (taken.tenant_id, taken.job_id)
         )
         UPDATE outbox SET
             due_at = CASE WHEN expected_at > now() THEN expected_at
                           ELSE now() + interval '1 minute' * 2 ^ least(looked_at.sends, 10) END,
             sends = CASE WHEN expected_at > now() THEN looked_at.sends ELSE least(looked_at.sends + 1, 1000) END
         FROM looked_at WHERE (outbox.tenant_id, outbox.job_id) = (looked_at.tenant_id, looked_at.job_id)
         RETURNING outbox.tenant_id, outbox.job_id, looked_at.kind, coalesce(expected_at <= now(), true) AS is_missing",
    )
    .bind(SWEEP)
    .fetch_all(connection)
    .await
    .map_err(Error::from)
}

/// What the queue did not take is due in 20 seconds, behind all that is due now.
async fn put_back(connection: &mut PgConnection, refused: &[JobMessage]) -> Result<(), Error> {
    sqlx::query(
        "UPDATE outbox SET due_at = now() + interval '20 seconds', sends = sends - 1
         FROM unnest($1::text[], $2::uuid[]) AS refused (tenant_id, job_id)
         WHERE (outbox.tenant_id, outbox.job_id) = (refused.tenant_id, refused.job_id)",
    )
    .bind(
        refused
            .iter()
            .map(|message| message.tenant_id.as_str())
            .collect::<Vec<_>>(),
    )
    .bind(
        refused
            .iter()
            .map(|message| message.job_id)
            .collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes rows whose jobs ended in some way that did not remove them. Returns how many.
pub async fn prune(connection: &mut PgConnection) -> Result<u64, Error> {
    let pruned = sqlx::query(
        "DELETE FROM outbox USING jobs WHERE (jobs.tenant_id, jobs.id) = (outbox.tenant_id, outbox.job_id)
         AND jobs.state IN ('completed', 'failed', 'cancelled')",
    );
    Ok(pruned.execute(connection).await?.rows_affected())
}
