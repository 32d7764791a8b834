//! Jobs in PostgreSQL: enqueueing and reading them. Every function takes the tenant, alone or
//! within a [`Scope`].

use sqlx::PgConnection;
use uuid::Uuid;

use super::message::JobMessage;
use super::new_job::NewJob;
use super::sql::sql_file;
use super::view::Job;
use crate::error::{Error, ErrorKind};
use crate::identity::{Scope, TenantId};
use crate::page::Page;

/// How often a job is tried to be enqueued while others with its key come and go.
const MAX_ENQUEUE_ATTEMPTS: usize = 3;

/// Rows that one statement removes.
const PRUNE_BATCH: i64 = 1_000;

/// The result of enqueueing a job.
#[derive(Debug)]
pub enum Enqueued {
    /// The job's row is written, and its message has to be sent.
    New(JobMessage),
    /// An unfinished job with the same key has this id.
    Before(Uuid),
}

/// Writes a job's row, and the outbox row from which it is sent, in one statement. To commit them
/// with other work, call this in that work's transaction.
pub async fn enqueue(connection: &mut PgConnection, job: &NewJob<'_>) -> Result<Enqueued, Error> {
    // Of two inserts at once, the later one waits for the earlier one's commit, and only a later
    // statement sees its row.
    for _ in 0..MAX_ENQUEUE_ATTEMPTS {
        if insert_job(connection, job).await? {
            return Ok(Enqueued::New(job.message()));
        }
        if let Some(id) = find_unfinished(connection, job).await? {
            return Ok(Enqueued::Before(id));
        }
    }

    let detail = "The same job began and ended several times just now. Try again.";

    Err(Error::new(ErrorKind::Unavailable, detail))
}

/// Whether the job was inserted: not, if an unfinished one has the same key.
async fn insert_job(connection: &mut PgConnection, job: &NewJob<'_>) -> Result<bool, Error> {
    let inserted: Option<Uuid> = sqlx::query_scalar(sql_file!("enqueue.sql"))
        .bind(job.tenant)
        .bind(job.id)
        .bind(job.user)
        .bind(job.locale)
        .bind(job.kind)
        .bind(&job.payload)
        .bind(job.consultation)
        .bind(&job.dedupe_key)
        .bind(job.sweep_after.as_secs_f64())
        .bind(job.traceparent())
        .fetch_optional(connection)
        .await
        .map_err(not_found_if_erased)?;

    Ok(inserted.is_some())
}

/// The consultation that the job is for may have been erased a moment ago.
fn not_found_if_erased(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Database(cause) if cause.is_foreign_key_violation() => {
            Error::not_found("consultation")
        }
        _ => error.into(),
    }
}

async fn find_unfinished(
    connection: &mut PgConnection,
    job: &NewJob<'_>,
) -> Result<Option<Uuid>, Error> {
    let unfinished = sqlx::query_scalar(
        "SELECT id
         FROM jobs
         WHERE tenant_id = $1 AND kind = $2 AND dedupe_key = $3
           AND state IN ('queued', 'active', 'deferred')",
    );

    unfinished
        .bind(job.tenant)
        .bind(job.kind)
        .bind(&job.dedupe_key)
        .fetch_optional(connection)
        .await
        .map_err(Error::from)
}

/// The jobs of a consultation, the earliest first.
pub async fn of_consultation(
    connection: &mut PgConnection,
    tenant: &TenantId,
    consultation: Uuid,
) -> Result<Vec<Job>, Error> {
    let jobs = sqlx::query_as(concat!(
        sql_file!("job_columns.sql"),
        "WHERE tenant_id = $1 AND consultation_id = $2 ORDER BY id"
    ));
    let jobs = jobs.bind(tenant).bind(consultation);
    Ok(jobs.fetch_all(connection).await?)
}

/// Which jobs of a tenant are listed. Each choice has an index that holds them in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobFilter {
    /// All of them.
    All,
    /// Those that have failed for good and can be brought back.
    Failed,
}

/// One page of a tenant's jobs, the newest first, with one row more if another page follows.
pub async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    filter: JobFilter,
    page: Page,
) -> Result<Vec<Job>, Error> {
    let sql = match filter {
        JobFilter::All => concat!(
            sql_file!("job_columns.sql"),
            "WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
        ),
        JobFilter::Failed => concat!(
            sql_file!("job_columns.sql"),
            "WHERE tenant_id = $1 AND id < $2 AND state = 'failed' AND superseded_at IS NULL \
             ORDER BY id DESC LIMIT $3"
        ),
    };
    let jobs = sqlx::query_as(sql)
        .bind(tenant)
        .bind(page.after.unwrap_or(Uuid::max()))
        .bind(i64::from(page.limit) + 1);
    Ok(jobs.fetch_all(connection).await?)
}

/// Removes jobs that ended 30 days ago and work on no consultation, with which they would go, at
/// most 1,000. Failed ones stay: they can be brought back. Returns how many.
pub async fn prune_ended(connection: &mut PgConnection) -> Result<u64, Error> {
    let pruned = sqlx::query(sql_file!("prune_ended.sql")).bind(PRUNE_BATCH);
    Ok(pruned.execute(connection).await?.rows_affected())
}

/// One job that the scope may see.
pub async fn get(connection: &mut PgConnection, scope: Scope<'_>, id: Uuid) -> Result<Job, Error> {
    let job: Option<Job> = sqlx::query_as(concat!(
        sql_file!("job_columns.sql"),
        "WHERE tenant_id = $1 AND id = $2 AND ($3::text IS NULL OR user_id = $3)"
    ))
    .bind(scope.tenant)
    .bind(id)
    .bind(scope.owner)
    .fetch_optional(connection)
    .await?;

    job.ok_or_else(|| Error::not_found("job"))
}
