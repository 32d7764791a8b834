//! Uploads that are gone, whose files are to be removed, and what the CDN has cached of them.
//!
//! A file is removed twice, twenty minutes apart: a verification that was under way may write it
//! after the first time.

use std::time::Duration;

use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::key::UploadKey;
use super::upload::{Upload, UploadState};
use crate::error::Error;
use crate::identity::TenantId;

/// Uploads of one batch.
const BATCH_SIZE: i64 = 100;

/// Until the second time: more than a verification takes.
const SECOND_TIME: Duration = Duration::from_mins(20);

/// Until a batch that the CDN has not heard of is done again, and until the first further try of an
/// upload that failed. Others are done meanwhile.
const RETRY_DELAY: Duration = Duration::from_mins(2);

/// The delay doubles with each try of an upload, up to this.
const MAX_RETRY_DELAY: Duration = Duration::from_hours(6);

/// Notes that an upload's files are to be removed.
pub(super) async fn note(
    connection: &mut PgConnection,
    key: &UploadKey,
    upload: &Upload,
) -> Result<(), Error> {
    let served = upload.kept_object(&key.tenant);
    let served = served.filter(|_| upload.state == UploadState::Ready);
    let sql = "INSERT INTO removed_uploads (tenant_id, upload_id, served_object)
               VALUES ($1, $2, $3)";
    sqlx::query(sql)
        .bind(&key.tenant)
        .bind(key.id)
        .bind(served)
        .execute(connection)
        .await?;
    Ok(())
}

/// An upload whose files are to be removed now.
pub struct Removal {
    row: i64,
    /// The upload.
    pub key: UploadKey,
    /// What the CDN may have cached.
    served_object: Option<String>,
}

/// Uploads whose files are removed together.
pub struct RemovalBatch {
    /// The batch, which names it to the CDN: a name stands for one set of uploads.
    pub id: Uuid,
    /// The uploads.
    pub uploads: Vec<Removal>,
}

impl RemovalBatch {
    /// The objects that the CDN may have cached, in the same order each time.
    pub(super) fn served(&self) -> Vec<&str> {
        let served = self.uploads.iter();
        let mut served: Vec<_> = served
            .filter_map(|upload| upload.served_object.as_deref())
            .collect();
        served.sort_unstable();
        served
    }
}

/// What has become of a batch's uploads.
#[derive(Default)]
pub struct Attempt {
    /// Their files are gone.
    pub removed: Vec<Removal>,
    /// Their files could not be removed.
    pub failed: Vec<Removal>,
    /// There was no time to try.
    pub unreached: Vec<Removal>,
}

#[derive(FromRow)]
struct RemovalRow {
    id: i64,
    batch: Uuid,
    tenant_id: TenantId,
    upload_id: Uuid,
    served_object: Option<String>,
}

impl From<RemovalRow> for Removal {
    fn from(row: RemovalRow) -> Self {
        let key = UploadKey {
            tenant: row.tenant_id,
            id: row.upload_id,
        };
        Self {
            row: row.id,
            key,
            served_object: row.served_object,
        }
    }
}

/// A batch that is due: one that has failed, or a new one; none if there is nothing to remove.
pub async fn next(connection: &mut PgConnection) -> Result<Option<RemovalBatch>, Error> {
    let rows: Vec<RemovalRow> = sqlx::query_as(include_str!("sql/next_removals.sql"))
        .bind(Uuid::now_v7())
        .bind(BATCH_SIZE)
        .fetch_all(connection)
        .await?;
    let Some(id) = rows.first().map(|row| row.batch) else {
        return Ok(None);
    };

    let uploads = rows.into_iter().map(Removal::from).collect();
    Ok(Some(RemovalBatch { id, uploads }))
}

/// Lets uploads whose files remain leave a batch: the CDN is not to hear of them before they are
/// removed, else each try would cost an invalidation. What failed is tried later, each time after a
/// longer while; what was not reached is due. Returns what is left of the batch, under another name
/// if anything has left: the CDN takes a name for one set of paths only.
pub async fn leave(
    connection: &mut PgConnection,
    batch: Uuid,
    attempt: Attempt,
) -> Result<Option<RemovalBatch>, Error> {
    let rows_of = |uploads: &[Removal]| -> Vec<_> { uploads.iter().map(|it| it.row).collect() };
    let (failed, unreached) = (rows_of(&attempt.failed), rows_of(&attempt.unreached));
    let mut id = batch;
    if !failed.is_empty() || !unreached.is_empty() {
        id = Uuid::now_v7();
        sqlx::query(include_str!("sql/leave_removals.sql"))
            .bind(batch)
            .bind(id)
            .bind(failed)
            .bind(unreached)
            .bind(RETRY_DELAY.as_secs_f64())
            .bind(MAX_RETRY_DELAY.as_secs_f64())
            .execute(connection)
            .await?;
    }

    let uploads = attempt.removed;
    Ok((!uploads.is_empty()).then_some(RemovalBatch { id, uploads }))
}

/// Notes that a batch is done: for good, or until the second time.
pub async fn end(connection: &mut PgConnection, batch: Uuid) -> Result<(), Error> {
    sqlx::query(include_str!("sql/end_removals.sql"))
        .bind(batch)
        .bind(SECOND_TIME.as_secs_f64())
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes that the CDN has not heard of a batch: it is done again as a whole, under its name.
pub async fn postpone(connection: &mut PgConnection, batch: Uuid) -> Result<(), Error> {
    let sql = "UPDATE removed_uploads SET due_at = now() + make_interval(secs => $2)
               WHERE batch = $1";
    sqlx::query(sql)
        .bind(batch)
        .bind(RETRY_DELAY.as_secs_f64())
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether files that could not be removed still wait for a further try.
pub async fn has_failed(connection: &mut PgConnection) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT FROM removed_uploads WHERE tries > 0)";
    Ok(sqlx::query_scalar(sql).fetch_one(connection).await?)
}
