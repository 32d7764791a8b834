//! What the queue gave up.
//!
//! A message comes to the dead-letter queue because its job has failed, because nobody understands it, or because an outage
//! outlasted all its deliveries. In the last case the job has attempts left: it is sent again, a few times. In every case its
//! end can be seen: a failed job, or a row in `quarantine`.

use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{JobMessage, MAX_ATTEMPTS};
use crate::error::{Error, ErrorKind};
use crate::identity::TenantId;

/// How often a job is brought back from the dead-letter queue by itself.
const MOST_BURIALS: i16 = 3;

/// A job may have several messages, sent minutes apart. Those that come to the dead-letter queue within this many minutes of the
/// first are one burial.
const ONE_BURIAL: i32 = 30;

/// How long a message in quarantine is kept, in days: it may hold what nobody should have sent.
const QUARANTINE_DAYS: i32 = 30;

/// What was done about a message in the dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Buried {
    /// Its job has failed before.
    Failed,
    /// Its job, of this kind, has failed just now.
    GivenUp(String),
    /// Its job, of this kind, was called off, and has ended as such just now.
    Cancelled(String),
    /// Its job had attempts left and is sent again.
    SentAgain,
    /// Another message of its job was here a short time ago: the job is sent again already.
    SentAgainBefore,
    /// Its job is completed or cancelled: this was a duplicate.
    Finished,
    /// Somebody works on its job.
    Held,
    /// There is no such job in this tenant.
    Missing,
}

/// Sees to the job of a message that the queue gave up.
pub async fn bury(connection: &mut PgConnection, message: &JobMessage) -> Result<Buried, Error> {
    let found: Option<(String, String)> = sqlx::query_as(
        "WITH job AS MATERIALIZED (
             SELECT tenant_id, id, kind, attempts, CASE WHEN state = 'failed' THEN 'failed'
                 WHEN state IN ('completed', 'cancelled') THEN 'finished'
                 WHEN lease_expires_at >= now() THEN 'held'
                 WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
                 WHEN attempts >= $3 AND (state <> 'active' OR ran_alone) THEN 'given_up'
                 WHEN buried_at > now() - make_interval(mins => $5) THEN 'again_before'
                 WHEN burials < $4 THEN 'again'
                 ELSE 'given_up' END AS verdict
             FROM jobs WHERE tenant_id = $1 AND id = $2 FOR UPDATE
         ), brought_back AS (
             UPDATE jobs SET burials = burials + 1, buried_at = now(), last_error = 'undeliverable'
             FROM job WHERE (jobs.tenant_id, jobs.id) = (job.tenant_id, job.id) AND verdict = 'again'
             RETURNING jobs.tenant_id, jobs.id, jobs.burials
         ), again AS (
             INSERT INTO outbox (tenant_id, job_id, due_at)
             SELECT tenant_id, id, now() + burials * interval '1 minute' FROM brought_back
             ON CONFLICT (tenant_id, job_id) DO UPDATE SET due_at = excluded.due_at, sends = 0
         ), ended AS (
             UPDATE jobs SET state = CASE verdict WHEN 'cancelled' THEN 'cancelled' ELSE 'failed' END, finished_at = now(),
                    last_error = CASE WHEN job.attempts >= $3 THEN 'attempts_exhausted' ELSE 'undeliverable' END,
                    step = NULL, lease_token = NULL, lease_expires_at = NULL
             FROM job WHERE (jobs.tenant_id, jobs.id) = (job.tenant_id, job.id) AND verdict IN ('cancelled', 'given_up')
             RETURNING jobs.tenant_id, jobs.id
         ), forgotten AS (
             DELETE FROM outbox USING ended WHERE (outbox.tenant_id, outbox.job_id) = (ended.tenant_id, ended.id)
         )
         SELECT verdict, kind FROM job",
    )
    .bind(message.tenant_id.as_str())
    .bind(message.job_id)
    .bind(MAX_ATTEMPTS)
    .bind(MOST_BURIALS)
    .bind(ONE_BURIAL)
    .fetch_optional(connection)
    .await?;
    let Some((verdict, kind)) = found else {
        return Ok(Buried::Missing);
    };
    Ok(match verdict.as_str() {
        "failed" => Buried::Failed,
        "given_up" => Buried::GivenUp(kind),
        "cancelled" => Buried::Cancelled(kind),
        "again" => Buried::SentAgain,
        "again_before" => Buried::SentAgainBefore,
        "held" => Buried::Held,
        _ => Buried::Finished,
    })
}

/// Keeps a message that nobody understands where an operator can read it. Doing it twice changes nothing.
pub async fn quarantine(
    connection: &mut PgConnection,
    message_id: &str,
    reason: &'static str,
    body: &str,
) -> Result<(), Error> {
    // PostgreSQL's text has no U+0000.
    let body = body.replace('\0', "\u{fffd}");
    sqlx::query("INSERT INTO quarantine (message_id, reason, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(message_id)
        .bind(reason)
        .bind(body)
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes what has been in quarantine for 30 days. Returns how many.
pub async fn prune_quarantine(connection: &mut PgConnection) -> Result<u64, Error> {
    let pruned =
        sqlx::query("DELETE FROM quarantine WHERE arrived_at < now() - make_interval(days => $1)");
    Ok(pruned
        .bind(QUARANTINE_DAYS)
        .execute(connection)
        .await?
        .rows_affected())
}

/// What an admin brought back.
#[derive(Debug)]
pub struct Redriven {
    /// What has to be sent.
    pub messages: Vec<JobMessage>,
    /// Failed jobs of the tenant that are left and could be brought back.
    pub remaining: i64,
}

#[derive(FromRow)]
struct Redrive {
    id: Option<Uuid>,
    kind: Option<String>,
    remaining: i64,
}

/// Brings up to `limit` failed jobs of a tenant back, of one kind or of all, the oldest first, with all their attempts. What
/// they were for waits again. A job whose work a later one with the same key does, or has done, stays as it is.
pub async fn redrive(
    connection: &mut PgConnection,
    tenant: &TenantId,
    kind: Option<&str>,
    limit: i64,
) -> Result<Redriven, Error> {
    // A job with the same key that is made in this moment is seen by the next try.
    for _ in 0..3 {
        let rows: Result<Vec<Redrive>, _> = sqlx::query_as(REDRIVE)
            .bind(tenant.as_str())
            .bind(kind)
            .bind(limit)
            .fetch_all(&mut *connection)
            .await;
        let rows = match rows {
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => continue,
            rows => rows?,
        };
        let remaining = rows.first().map_or(0, |row| row.remaining);
        let message = |row: Redrive| {
            Some(JobMessage {
                tenant_id: tenant.clone(),
                job_id: row.id?,
                kind: row.kind?,
            })
        };
        return Ok(Redriven {
            messages: rows.into_iter().filter_map(message).collect(),
            remaining,
        });
    }
    Err(Error::new(
        ErrorKind::Unavailable,
        "The same jobs were asked for several times just now. Try again.",
    ))
}

const REDRIVE: &str = "
WITH eligible AS MATERIALIZED (
    SELECT id FROM jobs j
    WHERE tenant_id = $1 AND state = 'failed' AND ($2::text IS NULL OR kind = $2)
      AND (dedupe_key IS NULL OR NOT EXISTS (
          SELECT 1 FROM jobs other WHERE (other.tenant_id, other.kind, other.dedupe_key) = (j.tenant_id, j.kind, j.dedupe_key)
          AND (other.id > j.id OR other.state IN ('queued', 'active', 'deferred'))))
), failed AS MATERIALIZED (
    SELECT jobs.id FROM jobs JOIN eligible USING (id) WHERE jobs.tenant_id = $1 AND jobs.state = 'failed'
    ORDER BY jobs.id LIMIT $3 FOR UPDATE OF jobs SKIP LOCKED
), changed AS (
    UPDATE jobs SET state = 'queued', attempts = 0, burials = 0, buried_at = NULL, ran_alone = false, not_before = NULL,
           progress = 0, step = NULL, last_error = NULL, started_at = NULL, finished_at = NULL, unknown_since = NULL, cancel_requested_at = NULL, deferred_since = NULL
    FROM failed WHERE jobs.tenant_id = $1 AND jobs.id = failed.id
    RETURNING jobs.tenant_id, jobs.id, jobs.kind
), announced AS (
    -- The request that brings them back sends them, too; many of them take a while.
    INSERT INTO outbox (tenant_id, job_id, due_at) SELECT tenant_id, id, now() + interval '1 minute' FROM changed
    ON CONFLICT (tenant_id, job_id) DO UPDATE SET due_at = excluded.due_at, sends = 0
)
SELECT changed.id, changed.kind, (SELECT count(*) FROM eligible) - (SELECT count(*) FROM changed) AS remaining
FROM (SELECT 1) one LEFT JOIN changed ON true";
