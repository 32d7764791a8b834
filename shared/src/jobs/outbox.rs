//! Sending what the outbox announces.
//!
//! A row commits with its job; the send follows. A row that is due and not sent is the sweep's: a crash between the two, a
//! queue that was gone, a deferral whose time has come. The row stays until its job has ended, so that a message that was
//! lost on its way is sent again, too: doing so is safe, since a job is only ever claimed by one run.

use std::time::Duration;

use futures::future::join_all;
use serde::Serialize;
use sqlx::types::Json;
use sqlx::{Connection, FromRow, PgConnection};
use uuid::Uuid;

use super::JobMessage;
use super::queue::{BATCH, Queue};
use crate::deadline::Deadline;
use crate::error::{BoxError, Error, causes};
use crate::postgres::{Database, fault};

/// Time for announcing a job within the request that made it.
const ANNOUNCE: Duration = Duration::from_secs(2);

/// Rows that one transaction of the sweep locks and sends.
const SWEEP: i64 = 100;

/// Sends jobs that have just been committed, and notes which were sent, within two seconds. Their outbox rows are committed
/// with them, so a failure here is no failure of the request: the rows stay for the sweep. Returns how many were sent.
pub async fn announce(database: &Database, queue: &Queue, messages: &[JobMessage], deadline: Deadline) -> usize {
    let deadline = deadline.less(Duration::from_secs(1)).at_most(ANNOUNCE);
    let sent = match deadline.run(send_all(queue, messages)).await {
        Ok(sent) => sent,
        Err(elapsed) => {
            tracing::error!(jobs = messages.len(), error = %elapsed, "the jobs stay in the outbox");
            return 0;
        }
    };
    let marked = deadline.run(async {
        let mut session = database.session().await?;
        let marked = mark_sent(&mut session, &sent).await;
        session.finish(marked)
    });
    if let Err(error) = marked.await.map_err(BoxError::from).and_then(|marked| marked.map_err(BoxError::from)) {
        tracing::warn!(jobs = sent.len(), error = %error, "sent jobs may be sent again");
    }
    sent.len()
}

/// Sends messages, ten in a call, all calls at once. Returns those that the queue has taken.
async fn send_all(queue: &Queue, messages: &[JobMessage]) -> Vec<JobMessage> {
    let batches: Vec<_> = messages.chunks(BATCH).collect();
    let outcomes = join_all(batches.iter().map(|batch| queue.send_batch(batch))).await;
    let mut sent = Vec::new();
    for (batch, outcome) in batches.iter().zip(outcomes) {
        match outcome {
            Ok(taken) => {
                sent.extend(batch.iter().zip(taken).filter(|(_, is_taken)| *is_taken).map(|(one, _)| one.clone()));
            }
            Err(error) => {
                let (jobs, causes) = (batch.len(), causes(&*error));
                tracing::error!(jobs, error = %error, causes, "the queue takes no messages; the jobs stay in the outbox");
            }
        }
    }
    sent
}

/// Notes that messages were sent, so that they are not sent again.
pub async fn mark_sent(connection: &mut PgConnection, messages: &[JobMessage]) -> Result<(), Error> {
    sqlx::query(
        "UPDATE outbox SET sent_at = now(), sends = sends + 1 FROM unnest($1::text[], $2::uuid[]) AS sent (tenant_id, job_id)
         WHERE (outbox.tenant_id, outbox.job_id) = (sent.tenant_id, sent.job_id) AND sent_at IS NULL",
    )
    .bind(messages.iter().map(|message| message.tenant_id.as_str()).collect::<Vec<_>>())
    .bind(messages.iter().map(|message| message.job_id).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(())
}

/// What a sweep did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Jobs whose message seems lost, or whose worker died, and which were due again.
    pub revived: u64,
    /// Messages sent.
    pub sent: usize,
    /// Messages that the queue did not take; the next sweep tries them again.
    pub refused: usize,
}

/// Sends all that is due, until nothing is left or the deadline is near. Sweeps may run at the same time: each locks what it
/// sends, and passes over what another has locked. Tenants take turns, so that one with a thousand rows does not hold up one
/// with a single row.
pub async fn sweep(database: &Database, queue: &Queue, deadline: Deadline) -> Result<Swept, Error> {
    let mut session = database.session().await?;
    let revived = revive(&mut session).await;
    let mut swept = Swept { revived: session.finish(revived)?, ..Swept::default() };
    while deadline.remaining() > Duration::from_secs(10) {
        let mut session = database.session().await?;
        let some = sweep_some(&mut session, queue).await;
        let (sent, refused) = session.finish(some)?;
        swept.sent += sent;
        swept.refused += refused;
        if sent == 0 {
            break;
        }
    }
    Ok(swept)
}

/// Makes due again what was sent, but is not on its way any more:
/// - jobs whose lease ran out a minute ago and more: the worker was killed, and its message may be invisible for half an hour;
/// - jobs that nobody has begun a minute after they were sent, two after the second send, four after the third, and so on: their
///   worker was killed before it began, or the message was lost. In a backlog that means a few duplicates of each, which
///   cost a tenth of a claim.
async fn revive(connection: &mut PgConnection) -> Result<u64, Error> {
    let revived = sqlx::query(
        "UPDATE outbox SET sent_at = NULL, due_at = now() WHERE (tenant_id, job_id) IN (
             SELECT o.tenant_id, o.job_id FROM outbox o JOIN jobs j ON (j.tenant_id, j.id) = (o.tenant_id, o.job_id)
             WHERE j.state = 'active' AND j.lease_expires_at < now() - interval '1 minute'
                   AND o.sent_at < now() - interval '2 minutes'
                OR j.state IN ('queued', 'deferred')
                   AND o.sent_at < now() - interval '1 minute' * 2 ^ least(o.sends - 1, 10)
             FOR UPDATE OF o SKIP LOCKED)",
    );
    Ok(revived.execute(connection).await.map_err(fault)?.rows_affected())
}

#[derive(FromRow)]
struct Due {
    tenant_id: String,
    job_id: Uuid,
    body: Json<serde_json::Value>,
}

/// Locks, sends and marks up to [`SWEEP`] rows in one transaction: how many the queue took, and how many it did not.
async fn sweep_some(connection: &mut PgConnection, queue: &Queue) -> Result<(usize, usize), Error> {
    let mut transaction = connection.begin().await.map_err(fault)?;
    let due: Vec<Due> = sqlx::query_as(
        "WITH due AS (
             SELECT tenant_id, job_id, due_at, row_number() OVER (PARTITION BY tenant_id ORDER BY due_at) AS turn
             FROM (SELECT * FROM outbox WHERE sent_at IS NULL AND due_at <= now() ORDER BY due_at LIMIT 10000) oldest
         )
         SELECT outbox.tenant_id, outbox.job_id, outbox.body FROM outbox JOIN due USING (tenant_id, job_id)
         WHERE outbox.sent_at IS NULL ORDER BY due.turn, due.due_at LIMIT $1 FOR UPDATE OF outbox SKIP LOCKED",
    )
    .bind(SWEEP)
    .fetch_all(&mut *transaction)
    .await
    .map_err(fault)?;
    let messages: Vec<JobMessage> = due.into_iter().filter_map(message).collect();
    let sent = send_all(queue, &messages).await;
    mark_sent(&mut transaction, &sent).await?;
    transaction.commit().await.map_err(fault)?;
    Ok((sent.len(), messages.len() - sent.len()))
}

fn message(due: Due) -> Option<JobMessage> {
    let read = serde_json::from_value(due.body.0);
    if read.is_err() {
        tracing::error!(tenant = due.tenant_id, job = %due.job_id, "an outbox row that is no message");
    }
    read.ok()
}

/// Removes rows whose jobs ended in some way that did not remove them. Returns how many.
pub async fn prune(connection: &mut PgConnection) -> Result<u64, Error> {
    let pruned = sqlx::query(
        "DELETE FROM outbox USING jobs WHERE (jobs.tenant_id, jobs.id) = (outbox.tenant_id, outbox.job_id)
         AND jobs.state IN ('completed', 'failed', 'cancelled')",
    );
    Ok(pruned.execute(connection).await.map_err(fault)?.rows_affected())
}
