//! How a run ends. Every ending is one statement, and is written only while the lease is still the run's own: a run that was
//! overtaken writes nothing.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::claim::Lease;
use super::{JobView, MAX_ATTEMPTS, State, store};
use crate::error::{Error, ErrorKind};
use crate::identity::{Scope, UserId};

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
             ), forgotten AS (
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
    /// Somebody has called it off meanwhile.
    Cancelled,
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

/// Gives a job back, whose message comes again after `wait`; nobody begins it before. `error` is a code of [`super::Reason`].
pub async fn give_back(
    connection: &mut PgConnection,
    lease: &Lease,
    release: Release,
    error: &str,
    wait: Duration,
) -> Result<Ended, Error> {
    let state: Option<String> = sqlx::query_scalar(
        "WITH mine AS MATERIALIZED (
             SELECT tenant_id, id, attempts - $6 AS attempts,
                    CASE WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
                         WHEN $5 OR attempts - $6 >= $7 THEN 'failed' ELSE 'queued' END AS state
             FROM jobs WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 FOR UPDATE
         ), released AS (
             UPDATE jobs SET state = mine.state, attempts = mine.attempts, last_error = $4, step = NULL, deferred_since = NULL,
                    finished_at = CASE WHEN mine.state <> 'queued' THEN now() END,
                    not_before = now() + make_interval(secs => $8), lease_token = NULL, lease_expires_at = NULL
             FROM mine WHERE (jobs.tenant_id, jobs.id) = (mine.tenant_id, mine.id)
             RETURNING jobs.tenant_id, jobs.id, jobs.state
         ), forgotten AS (
             DELETE FROM outbox USING released
             WHERE (outbox.tenant_id, outbox.job_id) = (released.tenant_id, released.id) AND released.state <> 'queued'
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
    .await?;
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
        "WITH mine AS MATERIALIZED (
             SELECT tenant_id, id,
                    CASE WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
                         WHEN deferred_since < now() - make_interval(secs => $5) THEN 'failed' ELSE 'deferred' END AS state
             FROM jobs WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 FOR UPDATE
         ), released AS (
             UPDATE jobs SET state = mine.state, attempts = jobs.attempts - 1, last_error = $4, step = NULL,
                    deferred_since = coalesce(jobs.deferred_since, now()),
                    finished_at = CASE WHEN mine.state <> 'deferred' THEN now() END,
                    not_before = now() + make_interval(secs => $6), lease_token = NULL, lease_expires_at = NULL
             FROM mine WHERE (jobs.tenant_id, jobs.id) = (mine.tenant_id, mine.id)
             RETURNING jobs.tenant_id, jobs.id, jobs.state, jobs.not_before
         ), forgotten AS (
             DELETE FROM outbox USING released
             WHERE (outbox.tenant_id, outbox.job_id) = (released.tenant_id, released.id) AND released.state <> 'deferred'
         ), again AS (
             INSERT INTO outbox (tenant_id, job_id, due_at) SELECT tenant_id, id, not_before FROM released WHERE state = 'deferred'
             ON CONFLICT (tenant_id, job_id) DO UPDATE SET due_at = excluded.due_at, sends = 0
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
    .await?;
    Ok(read(state.as_deref()))
}

fn read(state: Option<&str>) -> Ended {
    match state {
        None => Ended::Overtaken,
        Some("failed") => Ended::Failed,
        Some("cancelled") => Ended::Cancelled,
        Some(_) => Ended::Again,
    }
}

/// Calls a job off. One that nobody works on is cancelled at once; a worker that is at it learns of it with its next
/// heartbeat, and the job ends as completed if that comes too late. One that has ended otherwise is a 409.
pub async fn cancel(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    id: Uuid,
) -> Result<JobView, Error> {
    let state: Option<State> = sqlx::query_scalar(
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
         ), forgotten AS (
             DELETE FROM outbox USING changed
             WHERE (outbox.tenant_id, outbox.job_id) = (changed.tenant_id, changed.id) AND changed.state = 'cancelled'
         )
         SELECT state FROM job",
    )
    .bind(scope.tenant.as_str())
    .bind(id)
    .bind(scope.owner.map(UserId::as_str))
    .fetch_optional(&mut *connection)
    .await?;
    let before = state.ok_or_else(|| Error::not_found("job"))?;
    match before {
        State::Completed => Err(Error::new(
            ErrorKind::Conflict,
            "The job is completed; there is nothing to call off.",
        )),
        State::Failed => Err(Error::new(
            ErrorKind::Conflict,
            "The job has failed; there is nothing to call off.",
        )),
        _ => store::get(connection, scope, id).await,
    }
}
