//! How a run ends. Every ending is one statement, and is written only while the lease is still the run's own: a run that was
//! overtaken writes nothing.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::claim::Lease;
use super::{JobView, MAX_ATTEMPTS, State, store};
use crate::error::{Error, Kind};
use crate::identity::{Scope, UserId};
use crate::postgres::{fault, parse};

/// The longest that a job is deferred, from the first time in a row. Then it fails.
pub const LONGEST_DEFERRAL: Duration = Duration::from_hours(1);

/// The beginning of a statement that completes the job of a lease, whose tenant, id and token are `$1`, `$2` and `$3`. What
/// the job was for is written in the same statement, from `finished`: nothing, if the lease had passed to somebody else.
macro_rules! completing {
    ($result:literal) => {
        concat!(
            "WITH finished AS (
                 UPDATE jobs SET state = 'completed', finished_at = now(), progress = 100, step = NULL, last_error = NULL,
                        deferred_since = NULL, lease_token = NULL, lease_expires_at = NULL
                 WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 RETURNING tenant_id, id, consultation_id
             ), announced AS (
                 DELETE FROM outbox USING finished
                 WHERE (outbox.tenant_id, outbox.job_id) = (finished.tenant_id, finished.id)
             ) ",
            $result
        )
    };
}
pub(crate) use completing;

/// What has become of a job that was not completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It is to be tried again.
    Again,
    /// It has failed for good.
    Failed,
    /// Somebody else holds it by now, or it was erased.
    Overtaken,
}

/// Why a run gives its job back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// The attempt failed; the last one makes the job `failed`.
    Failed,
    /// No attempt can succeed: it is `failed` at once.
    Hopeless,
    /// The run was broken off by something that says nothing of the job: it was no attempt.
    Uncounted,
}

/// Gives a job back, whose message comes again after `wait`. `error` is a code of [`super::Reason`].
pub async fn give_back(
    connection: &mut PgConnection,
    lease: &Lease,
    release: Release,
    error: &str,
    wait: Duration,
) -> Result<Ended, Error> {
    let state: Option<String> = sqlx::query_scalar(
        "WITH released AS (
             UPDATE jobs SET state = CASE WHEN $5 OR attempts - $6 >= $7 THEN 'failed' ELSE 'queued' END, last_error = $4,
                    attempts = attempts - $6, step = NULL,
                    finished_at = CASE WHEN $5 OR attempts - $6 >= $7 THEN now() END,
                    deferred_since = NULL, lease_token = NULL, lease_expires_at = NULL
             WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 RETURNING tenant_id, id, state
         ), announced AS (
             DELETE FROM outbox USING released
             WHERE (outbox.tenant_id, outbox.job_id) = (released.tenant_id, released.id) AND released.state = 'failed'
         ), expected AS (
             UPDATE outbox SET sent_at = now() + make_interval(secs => $8) FROM released
             WHERE (outbox.tenant_id, outbox.job_id) = (released.tenant_id, released.id) AND released.state = 'queued'
               AND sent_at IS NOT NULL
         )
         SELECT state FROM released",
    )
    .bind(lease.tenant.as_str())
    .bind(lease.job_id)
    .bind(lease.token)
    .bind(error)
    .bind(release == Release::Hopeless)
    .bind(i16::from(release == Release::Uncounted))
    .bind(MAX_ATTEMPTS)
    .bind(wait.as_secs_f64())
    .fetch_optional(connection)
    .await
    .map_err(fault)?;
    Ok(read(state.as_deref()))
}

/// Puts a job off: it was no attempt, and the outbox sends it again after `wait`. A job that was first put off longer than
/// [`LONGEST_DEFERRAL`] ago fails.
pub async fn defer(
    connection: &mut PgConnection,
    lease: &Lease,
    wait: Duration,
    error: &'static str,
) -> Result<Ended, Error> {
    let state: Option<String> = sqlx::query_scalar(
        "WITH released AS (
             UPDATE jobs SET state = CASE WHEN deferred_since < now() - make_interval(secs => $5) THEN 'failed' ELSE 'deferred' END,
                    finished_at = CASE WHEN deferred_since < now() - make_interval(secs => $5) THEN now() END,
                    deferred_since = coalesce(deferred_since, now()), last_error = $4, attempts = attempts - 1, step = NULL,
                    lease_token = NULL, lease_expires_at = NULL
             WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 RETURNING tenant_id, id, kind, state
         ), announced AS (
             DELETE FROM outbox USING released
             WHERE (outbox.tenant_id, outbox.job_id) = (released.tenant_id, released.id) AND released.state = 'failed'
         ), again AS (
             INSERT INTO outbox (tenant_id, job_id, body, due_at)
             SELECT tenant_id, id, jsonb_build_object('tenant_id', tenant_id, 'job_id', id, 'kind', kind),
                    now() + make_interval(secs => $6)
             FROM released WHERE state = 'deferred'
             ON CONFLICT (tenant_id, job_id) DO UPDATE SET sent_at = NULL, due_at = excluded.due_at
         )
         SELECT state FROM released",
    )
    .bind(lease.tenant.as_str())
    .bind(lease.job_id)
    .bind(lease.token)
    .bind(error)
    .bind(LONGEST_DEFERRAL.as_secs_f64())
    .bind(wait.as_secs_f64())
    .fetch_optional(connection)
    .await
    .map_err(fault)?;
    Ok(read(state.as_deref()))
}

fn read(state: Option<&str>) -> Ended {
    match state {
        None => Ended::Overtaken,
        Some("failed") => Ended::Failed,
        Some(_) => Ended::Again,
    }
}

/// Ends a job that somebody has called off while it was worked on.
pub(super) async fn cancelled(connection: &mut PgConnection, lease: &Lease) -> Result<(), Error> {
    sqlx::query(
        "WITH released AS (
             UPDATE jobs SET state = 'cancelled', finished_at = now(), step = NULL, lease_token = NULL, lease_expires_at = NULL
             WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 RETURNING tenant_id, id
         )
         DELETE FROM outbox USING released WHERE (outbox.tenant_id, outbox.job_id) = (released.tenant_id, released.id)",
    )
    .bind(lease.tenant.as_str())
    .bind(lease.job_id)
    .bind(lease.token)
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(())
}

/// Calls a job off. One that nobody works on is cancelled at once; a worker that is at it learns of it with its next
/// heartbeat, and the job ends as completed if that comes too late. One that has ended otherwise is a 409.
pub async fn cancel(connection: &mut PgConnection, scope: Scope<'_>, id: Uuid) -> Result<JobView, Error> {
    let state: Option<String> = sqlx::query_scalar(
        "WITH job AS MATERIALIZED (
             SELECT tenant_id, id, state, coalesce(lease_expires_at >= now(), false) AS is_held FROM jobs
             WHERE tenant_id = $1 AND id = $2 AND ($3::text IS NULL OR user_id = $3) FOR UPDATE
         ), changed AS (
             UPDATE jobs SET cancel_requested_at = coalesce(jobs.cancel_requested_at, now()),
                    state = CASE WHEN is_held THEN jobs.state ELSE 'cancelled' END,
                    step = CASE WHEN is_held THEN jobs.step END,
                    finished_at = CASE WHEN NOT is_held THEN now() END,
                    lease_token = CASE WHEN is_held THEN jobs.lease_token END,
                    lease_expires_at = CASE WHEN is_held THEN jobs.lease_expires_at END
             FROM job WHERE (jobs.tenant_id, jobs.id) = (job.tenant_id, job.id)
                        AND job.state IN ('queued', 'active', 'deferred')
             RETURNING jobs.tenant_id, jobs.id, jobs.state
         ), announced AS (
             DELETE FROM outbox USING changed
             WHERE (outbox.tenant_id, outbox.job_id) = (changed.tenant_id, changed.id) AND changed.state = 'cancelled'
         )
         SELECT state FROM job",
    )
    .bind(scope.tenant.as_str())
    .bind(id)
    .bind(scope.owner.map(UserId::as_str))
    .fetch_optional(&mut *connection)
    .await
    .map_err(fault)?;
    let before: State = parse("state", &state.ok_or_else(|| Error::not_found("job"))?)?;
    match before {
        State::Completed => Err(Error::new(Kind::Conflict, "The job is completed; there is nothing to call off.")),
        State::Failed => Err(Error::new(Kind::Conflict, "The job has failed; there is nothing to call off.")),
        _ => store::get(connection, scope, id).await,
    }
}
