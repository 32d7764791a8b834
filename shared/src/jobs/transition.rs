//! How a run that does not complete its job gives it back, and how a caller cancels a job.
//!
//! A run's transition is one statement, and is written only while the run has the job's lease. A
//! run that has lost its lease writes nothing.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::lease::Lease;
use super::sql::transition_sql;
use super::state::{JobState, MAX_ATTEMPTS};
use super::store;
use super::view::Job;
use crate::error::{Error, ErrorKind};
use crate::identity::Scope;

/// The longest that a job is deferred, from the first deferral on. Then it fails.
pub const MAX_DEFERRAL_TIME: Duration = Duration::from_hours(1);

/// The new state of a job that its run did not complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The job will be tried again: it is queued or deferred.
    Rescheduled,
    /// The job has failed for good.
    Failed,
    /// A caller had cancelled the job.
    Cancelled,
    /// Another run has the lease by now, or the job was erased: nothing was written.
    LeaseLost,
}

impl Transition {
    /// From the job's new state; `None` if the run had lost its lease.
    const fn of_state(state: Option<JobState>) -> Self {
        match state {
            None => Self::LeaseLost,
            Some(JobState::Failed) => Self::Failed,
            Some(JobState::Cancelled) => Self::Cancelled,
            Some(_) => Self::Rescheduled,
        }
    }
}

/// Why a run releases its lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseReason {
    /// The attempt failed; the last one makes the job `failed`.
    AttemptFailed,
    /// No attempt can succeed: the job is `failed` at once.
    Permanent,
    /// An outage of ours broke the run off, which says nothing about the job: it was no attempt.
    Outage,
}

/// How a run releases its lease.
#[derive(Debug, Clone, Copy)]
pub struct LeaseRelease<'a> {
    /// Why, which decides the job's next state.
    pub reason: ReleaseReason,
    /// The code of a [`super::Reason`], which is stored.
    pub code: &'a str,
    /// When the job's message comes again; no worker begins the job before.
    pub retry_in: Duration,
}

/// How a run defers its job.
#[derive(Debug, Clone, Copy)]
pub struct Deferral<'a> {
    /// The code of a [`super::Reason`], which is stored.
    pub code: &'a str,
    /// When the outbox sends another message; no worker begins the job before.
    pub retry_in: Duration,
}

/// Releases a lease, so that the job waits for another run, or ends.
pub async fn release_lease(
    connection: &mut PgConnection,
    lease: &Lease,
    release: LeaseRelease<'_>,
) -> Result<Transition, Error> {
    let is_permanent = release.reason == ReleaseReason::Permanent;
    let refunded_attempts = i16::from(release.reason == ReleaseReason::Outage);

    let statement = transition_sql!("release_lease.sql", "SELECT state FROM transition");
    let state: Option<JobState> = sqlx::query_scalar(statement)
        .bind(&lease.tenant)
        .bind(lease.job_id)
        .bind(lease.token)
        .bind(release.code)
        .bind(is_permanent)
        .bind(refunded_attempts)
        .bind(MAX_ATTEMPTS)
        .bind(release.retry_in.as_secs_f64())
        .fetch_optional(connection)
        .await?;

    Ok(Transition::of_state(state))
}

/// Defers a job: it waits for a service outside, and this was no attempt. A job whose first
/// deferral in a row was longer than [`MAX_DEFERRAL_TIME`] ago fails.
pub async fn defer(
    connection: &mut PgConnection,
    lease: &Lease,
    deferral: Deferral<'_>,
) -> Result<Transition, Error> {
    let statement = transition_sql!("defer.sql", "SELECT state FROM transition");
    let state: Option<JobState> = sqlx::query_scalar(statement)
        .bind(&lease.tenant)
        .bind(lease.job_id)
        .bind(lease.token)
        .bind(deferral.code)
        .bind(MAX_DEFERRAL_TIME.as_secs_f64())
        .bind(deferral.retry_in.as_secs_f64())
        .fetch_optional(connection)
        .await?;

    Ok(Transition::of_state(state))
}

/// Cancels a job. Without a run it is cancelled at once. A run learns of the request from its next
/// heartbeat; if that comes too late, the job is completed. A job that is completed or has failed
/// is a 409.
pub async fn cancel(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    id: Uuid,
) -> Result<Job, Error> {
    let statement = transition_sql!("cancel.sql", "SELECT state FROM job");
    let state_before: Option<JobState> = sqlx::query_scalar(statement)
        .bind(scope.tenant)
        .bind(id)
        .bind(scope.owner)
        .fetch_optional(&mut *connection)
        .await?;

    let conflict = match state_before {
        None => return Err(Error::not_found("job")),
        Some(JobState::Completed) => "The job is completed; there is nothing to cancel.",
        Some(JobState::Failed) => "The job has failed; there is nothing to cancel.",
        Some(_) => return store::get(connection, scope, id).await,
    };

    Err(Error::new(ErrorKind::Conflict, conflict))
}
