//! Uploads that are gone, whose files are to be removed, and what the CDN has cached of them.
//!
//! A file is removed twice, twenty minutes apart: a verification that was under way may write it
//! after the first time.

use std::time::Duration;

use sqlx::{Connection, FromRow, PgConnection};
use uuid::Uuid;

use super::key::UploadKey;
use super::upload::{Upload, UploadState};
use crate::error::Error;
use crate::identity::TenantId;

/// Uploads of one batch.
const BATCH_SIZE: i64 = 100;

/// Until the second time: more than a verification takes.
const SECOND_TIME: Duration = Duration::from_mins(20);

/// Until a batch, or an upload, that failed is tried again. Others are done meanwhile.
const RETRY_DELAY: Duration = Duration::from_mins(2);

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

/// Uploads whose files are to be removed now.
pub struct RemovalBatch {
    /// The batch, which names it to the CDN: the same one until it is done.
    pub id: Uuid,
    /// The uploads.
    pub uploads: Vec<UploadKey>,
    /// The objects that the CDN may have cached, in the same order each time.
    pub served: Vec<String>,
}

#[derive(FromRow)]
struct RemovalRow {
    batch: Uuid,
    tenant_id: TenantId,
    upload_id: Uuid,
    served_object: Option<String>,
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

    let served = rows.iter().filter_map(|row| row.served_object.clone());
    let mut served: Vec<_> = served.collect();
    served.sort_unstable();
    let uploads = rows.into_iter().map(|row| UploadKey {
        tenant: row.tenant_id,
        id: row.upload_id,
    });
    Ok(Some(RemovalBatch {
        id,
        uploads: uploads.collect(),
        served,
    }))
}

/// Notes that a batch is done: for good, or until the second time. Uploads whose files `remain`
/// leave it for a later one, which has another name: the CDN hears of them again, since it may
/// have cached them anew.
pub async fn end(
    connection: &mut PgConnection,
    batch: Uuid,
    remain: &[&UploadKey],
) -> Result<(), Error> {
    let tenants: Vec<_> = remain.iter().map(|key| key.tenant.as_str()).collect();
    let ids: Vec<_> = remain.iter().map(|key| key.id).collect();

    let mut transaction = connection.begin().await?;
    let postpone = "UPDATE removed_uploads
                    SET batch = NULL, due_at = now() + make_interval(secs => $4)
                    WHERE batch = $1
                      AND (tenant_id, upload_id) IN (SELECT * FROM unnest($2::text[], $3::uuid[]))";
    sqlx::query(postpone)
        .bind(batch)
        .bind(tenants)
        .bind(ids)
        .bind(RETRY_DELAY.as_secs_f64())
        .execute(&mut *transaction)
        .await?;
    sqlx::query(include_str!("sql/end_removals.sql"))
        .bind(batch)
        .bind(SECOND_TIME.as_secs_f64())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// Notes that a whole batch has failed: it is done again under its name.
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
