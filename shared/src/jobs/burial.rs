//! What the queue gave up.
//!
//! A message comes to the dead-letter queue because its job has failed, because nobody understands it, or because an outage
//! outlasted all its deliveries. In the last case the job has attempts left: it is sent again, a few times. In every case its
//! end can be seen: a failed job, or a row in `quarantine`.

use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{JobMessage, MAX_ATTEMPTS};
use crate::error::Error;
use crate::identity::TenantId;
use crate::postgres::fault;

/// How often a job is brought back from the dead-letter queue by itself.
const MOST_BURIALS: i16 = 3;

/// How long a message in quarantine is kept, in days: it may hold what nobody should have sent.
const QUARANTINE_DAYS: i32 = 30;

/// What was done about a message in the dead-letter queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Buried {
    /// Its job has failed, now or before.
    Failed,
    /// Its job had attempts left and is sent again.
    SentAgain,
    /// Its job is completed or cancelled: this was a duplicate.
    Finished,
    /// Somebody works on its job.
    Held,
    /// There is no such job in this tenant.
    Missing,
}

/// Sees to the job of a message that the queue gave up.
pub async fn bury(connection: &mut PgConnection, message: &JobMessage) -> Result<Buried, Error> {
    let verdict: Option<String> = sqlx::query_scalar(
        "WITH job AS MATERIALIZED (
             SELECT *, CASE WHEN state = 'failed' THEN 'failed'
                 WHEN state IN ('completed', 'cancelled') THEN 'finished'
                 WHEN lease_expires_at >= now() THEN 'held'
                 WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
                 WHEN attempts < $3 AND burials < $4 THEN 'again'
                 ELSE 'given_up' END AS verdict
             FROM jobs WHERE tenant_id = $1 AND id = $2 FOR UPDATE
         ), changed AS (
             UPDATE jobs SET state = CASE verdict WHEN 'again' THEN 'queued' WHEN 'cancelled' THEN 'cancelled' ELSE 'failed' END,
                    burials = jobs.burials + 1, deaths = jobs.deaths + (jobs.state = 'active')::int, finished_at = CASE WHEN verdict <> 'again' THEN now() END,
                    last_error = CASE WHEN verdict = 'given_up' AND jobs.attempts >= $3 THEN 'attempts_exhausted'
                                      ELSE 'undeliverable' END,
                    step = NULL, lease_token = NULL, lease_expires_at = NULL
             FROM job WHERE (jobs.tenant_id, jobs.id) = (job.tenant_id, job.id)
                        AND verdict IN ('again', 'cancelled', 'given_up')
             RETURNING jobs.tenant_id, jobs.id, jobs.kind, jobs.burials, verdict
         ), again AS (
             INSERT INTO outbox (tenant_id, job_id, body, due_at)
             SELECT tenant_id, id, jsonb_build_object('tenant_id', tenant_id, 'job_id', id, 'kind', kind),
                    now() + burials * interval '1 minute'
             FROM changed WHERE verdict = 'again'
             ON CONFLICT (tenant_id, job_id) DO UPDATE SET sent_at = NULL, due_at = excluded.due_at
         ), forgotten AS (
             DELETE FROM outbox USING changed
             WHERE (outbox.tenant_id, outbox.job_id) = (changed.tenant_id, changed.id) AND verdict <> 'again'
         )
         SELECT verdict FROM job",
    )
    .bind(message.tenant_id.as_str())
    .bind(message.job_id)
    .bind(MAX_ATTEMPTS)
    .bind(MOST_BURIALS)
    .fetch_optional(connection)
    .await
    .map_err(fault)?;
    Ok(match verdict.as_deref() {
        None => Buried::Missing,
        Some("failed" | "given_up") => Buried::Failed,
        Some("again") => Buried::SentAgain,
        Some("held") => Buried::Held,
        Some(_) => Buried::Finished,
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
        .await
        .map_err(fault)?;
    Ok(())
}

/// Removes what has been in quarantine for 30 days. Returns how many.
pub async fn prune_quarantine(connection: &mut PgConnection) -> Result<u64, Error> {
    let pruned = sqlx::query("DELETE FROM quarantine WHERE arrived_at < now() - make_interval(days => $1)");
    Ok(pruned.bind(QUARANTINE_DAYS).execute(connection).await.map_err(fault)?.rows_affected())
}

/// What an admin brought back.
#[derive(Debug)]
pub struct Redriven {
    /// What has to be sent.
    pub messages: Vec<JobMessage>,
    /// Failed jobs of the tenant that are left.
    pub remaining: i64,
}

#[derive(FromRow)]
struct Redrive {
    id: Option<Uuid>,
    kind: Option<String>,
    remaining: i64,
}

/// Brings up to `limit` failed jobs of a tenant back, of one kind or of all, the oldest first, with all their attempts. What
/// they were for waits again.
pub async fn redrive(
    connection: &mut PgConnection,
    tenant: &TenantId,
    kind: Option<&str>,
    limit: i64,
) -> Result<Redriven, Error> {
    let rows: Vec<Redrive> = sqlx::query_as(
        "WITH failed AS MATERIALIZED (
             -- Of several failed jobs with one key only one may be unfinished again, and none if there is one already.
             SELECT id FROM jobs j
             WHERE tenant_id = $1 AND state = 'failed' AND ($2::text IS NULL OR kind = $2)
               AND (dedupe_key IS NULL OR NOT EXISTS (
                   SELECT 1 FROM jobs other WHERE (other.tenant_id, other.kind, other.dedupe_key) = (j.tenant_id, j.kind, j.dedupe_key)
                   AND (other.state IN ('queued', 'active', 'deferred') OR other.state = 'failed' AND other.id > j.id)))
             ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
         ), changed AS (
             UPDATE jobs SET state = 'queued', attempts = 0, deaths = 0, burials = 0, progress = 0, step = NULL, finished_at = NULL,
                    cancel_requested_at = NULL, deferred_since = NULL
             FROM failed WHERE jobs.tenant_id = $1 AND jobs.id = failed.id
             RETURNING jobs.tenant_id, jobs.id, jobs.kind
         ), announced AS (
             INSERT INTO outbox (tenant_id, job_id, body)
             SELECT tenant_id, id, jsonb_build_object('tenant_id', tenant_id, 'job_id', id, 'kind', kind) FROM changed
             ON CONFLICT (tenant_id, job_id) DO UPDATE SET sent_at = NULL, due_at = now() + interval '5 seconds'
         )
         SELECT changed.id, changed.kind,
                (SELECT count(*) FROM jobs WHERE tenant_id = $1 AND state = 'failed' AND ($2::text IS NULL OR kind = $2))
                    - (SELECT count(*) FROM changed) AS remaining
         FROM (SELECT 1) one LEFT JOIN changed ON true",
    )
    .bind(tenant.as_str())
    .bind(kind)
    .bind(limit)
    .fetch_all(connection)
    .await
    .map_err(fault)?;
    let remaining = rows.first().map_or(0, |row| row.remaining);
    let message = |row: Redrive| Some(JobMessage { tenant_id: tenant.clone(), job_id: row.id?, kind: row.kind? });
    Ok(Redriven { messages: rows.into_iter().filter_map(message).collect(), remaining })
}
