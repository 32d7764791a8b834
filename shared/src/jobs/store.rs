//! Jobs in PostgreSQL: making and showing them. Every function takes the tenant, alone or within a [`Scope`].

use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{JobMessage, JobView, NewJob, Reason, State};
use crate::error::{Error, ErrorKind};
use crate::identity::{Scope, UserId};
use crate::locale::Locale;

/// What became of a job that was to be made.
#[derive(Debug)]
pub enum Enqueued {
    /// It is there, and has to be sent.
    New(JobMessage),
    /// An unfinished one with the same key was there before.
    Before(Uuid),
}

/// Makes a job and the outbox row that announces it, in one statement. To commit it with other work, call it in that
/// work's transaction.
pub async fn enqueue(connection: &mut PgConnection, job: &NewJob<'_>) -> Result<Enqueued, Error> {
    let message = job.message();
    // The loser of two inserts at once waits for the winner's commit, which only a later statement sees.
    for _ in 0..3 {
        let made: Option<Uuid> = sqlx::query_scalar(
            "WITH job AS (
                 INSERT INTO jobs (tenant_id, id, user_id, locale, kind, payload, consultation_id, dedupe_key)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                 ON CONFLICT (tenant_id, kind, dedupe_key) WHERE state IN ('queued', 'active', 'deferred') DO NOTHING
                 RETURNING id
             ), message AS (
                 INSERT INTO outbox (tenant_id, job_id) SELECT $1, id FROM job
             )
             SELECT id FROM job",
        )
        .bind(job.tenant.as_str())
        .bind(job.id)
        .bind(job.user.as_str())
        .bind(job.locale.as_str())
        .bind(job.kind)
        .bind(&job.payload)
        .bind(job.consultation)
        .bind(&job.dedupe_key)
        .fetch_optional(&mut *connection)
        .await
        .map_err(unless_erased)?;
        if made.is_some() {
            return Ok(Enqueued::New(message));
        }
        if let Some(id) = unfinished(connection, job).await? {
            return Ok(Enqueued::Before(id));
        }
    }
    Err(Error::new(
        ErrorKind::Unavailable,
        "The same job began and ended several times just now. Try again.",
    ))
}

/// What the job is about may have been erased a moment ago.
fn unless_erased(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Database(cause) if cause.is_foreign_key_violation() => {
            Error::not_found("consultation")
        }
        _ => error.into(),
    }
}

async fn unfinished(
    connection: &mut PgConnection,
    job: &NewJob<'_>,
) -> Result<Option<Uuid>, Error> {
    sqlx::query_scalar(
        "SELECT id FROM jobs
         WHERE tenant_id = $1 AND kind = $2 AND dedupe_key = $3 AND state IN ('queued', 'active', 'deferred')",
    )
    .bind(job.tenant.as_str())
    .bind(job.kind)
    .bind(&job.dedupe_key)
    .fetch_optional(connection)
    .await
    .map_err(Error::from)
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    kind: String,
    state: State,
    consultation_id: Option<Uuid>,
    locale: Locale,
    progress: i16,
    step: Option<String>,
    attempts: i16,
    last_error: Option<String>,
    is_cancel_requested: bool,
    retry_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    started_at: Option<OffsetDateTime>,
    finished_at: Option<OffsetDateTime>,
}

impl From<Row> for JobView {
    fn from(row: Row) -> Self {
        let (state, locale) = (row.state, row.locale);
        Self {
            id: row.id,
            kind: row.kind,
            state,
            consultation_id: row.consultation_id,
            progress: row.progress,
            step: row.step,
            attempts: row.attempts,
            max_attempts: super::MAX_ATTEMPTS,
            cancel_requested: row.is_cancel_requested && !state.is_final(),
            // A job that is done, or called off, may have met errors on its way; they do not matter any more.
            error: row
                .last_error
                .filter(|_| !matches!(state, State::Completed | State::Cancelled))
                .map(|code| Reason::new(&code, locale)),
            retry_at: row
                .retry_at
                .filter(|_| matches!(state, State::Queued | State::Deferred)),
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        }
    }
}

/// One job that the scope may see.
pub async fn get(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    id: Uuid,
) -> Result<JobView, Error> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT j.id, j.kind, j.state, j.consultation_id, j.locale, j.progress, j.step, j.attempts, j.last_error,
                j.cancel_requested_at IS NOT NULL AS is_cancel_requested, j.not_before AS retry_at,
                j.created_at, j.started_at, j.finished_at
         FROM jobs j
         WHERE j.tenant_id = $1 AND j.id = $2 AND ($3::text IS NULL OR j.user_id = $3)",
    )
    .bind(scope.tenant.as_str())
    .bind(id)
    .bind(scope.owner.map(UserId::as_str))
    .fetch_optional(connection)
    .await?;
    row.map(JobView::from)
        .ok_or_else(|| Error::not_found("job"))
}
