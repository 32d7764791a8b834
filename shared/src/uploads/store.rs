//! Uploads in PostgreSQL.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::key::UploadKey;
use super::parts::MAX_FORM_BYTES;
use super::removal;
use super::upload::{NewUpload, RejectionReason, Upload, UploadState};
use crate::error::Error;
use crate::identity::{Caller, Scope};
use crate::page::Page;

/// Uploads of one person whose bytes have not come.
const MAX_PENDING: i64 = 20;

/// Uploads of one person that are looked at at the same time.
pub const MAX_VERIFICATIONS_OF_PERSON: i64 = 3;

/// Uploads of one tenant that are looked at at the same time. Both are less than the verifiers that
/// run at once: `MaximumConcurrency` in the template.
pub const MAX_VERIFICATIONS_OF_TENANT: i64 = 8;

/// No verification takes longer: it is more than the function's time-out.
const VERIFICATION_TTL: Duration = Duration::from_mins(16);

/// Rows that are removed at a time.
const PRUNE_BATCH: i64 = 1_000;

const COLUMNS: &str =
    "id, user_id, file_name, content_type, size, sha256, state, reason, created_at";

/// Accepts an upload. Returns whether it may be accepted: not if too many of the same person are
/// awaited.
pub async fn create(
    connection: &mut PgConnection,
    caller: &Caller,
    upload: &NewUpload,
) -> Result<bool, Error> {
    let mut transaction = connection.begin().await?;
    // Else two at one time would both count before either is there.
    let lock =
        "SELECT pg_advisory_xact_lock(hashtextextended('uploads of ' || $1 || '/' || $2, 0))";
    let lock = sqlx::query(lock).bind(&caller.tenant).bind(&caller.user);
    lock.execute(&mut *transaction).await?;
    let created = sqlx::query(include_str!("sql/create.sql"))
        .bind(&caller.tenant)
        .bind(upload.id)
        .bind(&caller.user)
        .bind(&upload.file_name)
        .bind(upload.content_type.as_str())
        .bind(i64::try_from(upload.size).map_err(Error::internal)?)
        .bind(&upload.sha256)
        .bind(MAX_PENDING)
        .bind(i64::try_from(MAX_FORM_BYTES).map_err(Error::internal)?)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(created.rows_affected() == 1)
}

/// An upload that the scope may see; 404 if there is none.
pub async fn get(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    id: Uuid,
) -> Result<Upload, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM uploads
         WHERE tenant_id = $1 AND id = $2 AND ($3::text IS NULL OR user_id = $3)"
    );
    let found = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(scope.tenant)
        .bind(id)
        .bind(scope.owner)
        .fetch_optional(connection)
        .await?;
    found.ok_or_else(|| Error::not_found("upload"))
}

/// The caller's own uploads, newest first: one more than the page holds, if there are more.
pub async fn list(
    connection: &mut PgConnection,
    caller: &Caller,
    page: Page,
) -> Result<Vec<Upload>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM uploads
         WHERE tenant_id = $1 AND user_id = $2 AND id < $3
         ORDER BY id DESC
         LIMIT $4"
    );
    let listed = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(&caller.tenant)
        .bind(&caller.user)
        .bind(page.after.unwrap_or(Uuid::max()))
        .bind(i64::from(page.limit) + 1)
        .fetch_all(connection)
        .await?;
    Ok(listed)
}

/// Those of these uploads that the scope may see and that are ready, in their order.
pub async fn ready(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    ids: &[Uuid],
) -> Result<Vec<Upload>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM uploads
         WHERE tenant_id = $1 AND id = ANY ($2) AND ($3::text IS NULL OR user_id = $3)
           AND state = 'ready'
         ORDER BY array_position($2, id)"
    );
    let ready = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(scope.tenant)
        .bind(ids)
        .bind(scope.owner)
        .fetch_all(connection)
        .await?;
    Ok(ready)
}

/// The upload that a client has sent; none if it was removed.
pub async fn find(connection: &mut PgConnection, key: &UploadKey) -> Result<Option<Upload>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM uploads WHERE tenant_id = $1 AND id = $2");
    let found = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(&key.tenant)
        .bind(key.id)
        .fetch_optional(connection)
        .await?;
    Ok(found)
}

/// Lets a verifier look at an upload that is awaited. Returns whether it may: not while another one
/// looks at the same upload, or others at as many of its person, or its tenant, as may be at once.
/// So nobody's files occupy all verifiers.
pub async fn begin_verification(
    connection: &mut PgConnection,
    key: &UploadKey,
) -> Result<bool, Error> {
    let mut transaction = connection.begin().await?;
    // Else two at one time would both count before either is there.
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('verifications of ' || $1, 0))";
    let lock = sqlx::query(lock).bind(&key.tenant);
    lock.execute(&mut *transaction).await?;
    let begun = sqlx::query(include_str!("sql/begin_verification.sql"))
        .bind(&key.tenant)
        .bind(key.id)
        .bind(VERIFICATION_TTL.as_secs_f64())
        .bind(MAX_VERIFICATIONS_OF_PERSON)
        .bind(MAX_VERIFICATIONS_OF_TENANT)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(begun.rows_affected() == 1)
}

/// Notes that no verifier looks at an upload any more.
pub async fn end_verification(connection: &mut PgConnection, key: &UploadKey) -> Result<(), Error> {
    let sql = "UPDATE uploads SET verified_until = NULL
               WHERE tenant_id = $1 AND id = $2 AND state = 'pending'";
    let end = sqlx::query(sql).bind(&key.tenant).bind(key.id);
    end.execute(connection).await?;
    Ok(())
}

/// What an upload was found to be.
pub struct VerifiedFile {
    /// Bytes that are kept.
    pub size: u64,
    /// Of these bytes, in hexadecimal digits.
    pub sha256: String,
    /// Ready, or first for a virus scanner.
    pub state: UploadState,
}

/// Notes that an upload was verified. Returns whether it was still awaited.
pub async fn accept(
    connection: &mut PgConnection,
    key: &UploadKey,
    file: &VerifiedFile,
) -> Result<bool, Error> {
    let sql = "UPDATE uploads SET state = $3, size = $4, sha256 = $5, updated_at = now()
               WHERE tenant_id = $1 AND id = $2 AND state = 'pending'";
    let accepted = sqlx::query(sql)
        .bind(&key.tenant)
        .bind(key.id)
        .bind(file.state)
        .bind(i64::try_from(file.size).map_err(Error::internal)?)
        .bind(&file.sha256)
        .execute(connection)
        .await?;
    Ok(accepted.rows_affected() == 1)
}

/// Notes that a scanner has nothing against an upload. Returns whether it was waited for, or is
/// ready already.
pub async fn release(connection: &mut PgConnection, key: &UploadKey) -> Result<bool, Error> {
    let sql = "UPDATE uploads SET state = 'ready', updated_at = now()
               WHERE tenant_id = $1 AND id = $2 AND state IN ('scanning', 'ready')";
    let released = sqlx::query(sql)
        .bind(&key.tenant)
        .bind(key.id)
        .execute(connection)
        .await?;
    Ok(released.rows_affected() == 1)
}

/// Notes that an upload which is in one of these states is refused, and that its files are to be
/// removed. Returns whether it was.
pub async fn reject(
    connection: &mut PgConnection,
    key: &UploadKey,
    states: &[UploadState],
    reason: RejectionReason,
) -> Result<bool, Error> {
    let mut transaction = connection.begin().await?;
    let sql = format!(
        "SELECT {COLUMNS} FROM uploads
         WHERE tenant_id = $1 AND id = $2 AND state = ANY ($3) FOR UPDATE"
    );
    let found: Option<Upload> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(&key.tenant)
        .bind(key.id)
        .bind(states)
        .fetch_optional(&mut *transaction)
        .await?;
    let Some(upload) = found else {
        return Ok(false);
    };

    removal::note(&mut transaction, key, &upload).await?;
    let sql = "UPDATE uploads SET state = 'rejected', reason = $3, updated_at = now()
               WHERE tenant_id = $1 AND id = $2";
    sqlx::query(sql)
        .bind(&key.tenant)
        .bind(key.id)
        .bind(reason)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(true)
}

/// Removes an upload that the scope may see, and notes that its files are to be removed. 404 if
/// there is none.
pub async fn delete(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    id: Uuid,
) -> Result<(), Error> {
    if delete_if_there(connection, scope, id).await? {
        Ok(())
    } else {
        Err(Error::not_found("upload"))
    }
}

/// The same. Returns whether there was one.
pub async fn delete_if_there(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    id: Uuid,
) -> Result<bool, Error> {
    let mut transaction = connection.begin().await?;
    let sql = format!(
        "DELETE FROM uploads
         WHERE tenant_id = $1 AND id = $2 AND ($3::text IS NULL OR user_id = $3)
         RETURNING {COLUMNS}"
    );
    let deleted: Option<Upload> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(scope.tenant)
        .bind(id)
        .bind(scope.owner)
        .fetch_optional(&mut *transaction)
        .await?;
    let Some(deleted) = deleted else {
        return Ok(false);
    };

    let key = UploadKey {
        tenant: scope.tenant.clone(),
        id,
    };
    removal::note(&mut transaction, &key, &deleted).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Removes uploads that were not finished within a day, a thousand at a time. Returns how many.
pub async fn prune_unfinished(connection: &mut PgConnection) -> Result<u64, Error> {
    let pruned = sqlx::query_scalar(include_str!("sql/prune.sql"))
        .bind(PRUNE_BATCH)
        .fetch_one(connection)
        .await;
    let pruned: i64 = pruned?;
    Ok(u64::try_from(pruned).unwrap_or_default())
}
