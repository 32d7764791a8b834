//! The audit trail in PostgreSQL.

use sqlx::PgConnection;
use uuid::Uuid;

use super::event::{Actor, AuditAction, AuditEvent, AuditFilter, AuditedRecord};
use crate::error::Error;
use crate::identity::{Caller, Role, TenantId};
use crate::page::Page;
use crate::postgres::Database;

const COLUMNS: &str = "id, actor_id, actor_role, action, subject_id AS user_id,
    consultation_id, upload_id, created_at AS at";

/// Writes what was done with records, in one statement.
pub async fn record(
    connection: &mut PgConnection,
    tenant: &TenantId,
    actor: Actor<'_>,
    action: AuditAction,
    records: &[AuditedRecord<'_>],
) -> Result<(), Error> {
    let ids: Vec<_> = records.iter().map(|_| Uuid::now_v7()).collect();
    let subjects: Vec<_> = records.iter().map(|it| it.subject).collect();
    let consultations: Vec<_> = records.iter().map(|it| it.consultation).collect();
    let uploads: Vec<_> = records.iter().map(|it| it.upload).collect();

    let insert = sqlx::query(
        "INSERT INTO audit_events (tenant_id, id, actor_id, actor_role, action,
                                   subject_id, consultation_id, upload_id)
         SELECT $1, record.id, $2, $3, $4, subject, consultation, upload
         FROM unnest($5::uuid[], $6::text[], $7::uuid[], $8::uuid[])
              AS record (id, subject, consultation, upload)",
    );
    insert
        .bind(tenant)
        .bind(actor.id())
        .bind(actor.role())
        .bind(action)
        .bind(ids)
        .bind(subjects)
        .bind(consultations)
        .bind(uploads)
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes that a clinician or an admin reads records. A patient reads their own, which is not
/// written.
pub async fn record_reads(
    connection: &mut PgConnection,
    caller: &Caller,
    action: AuditAction,
    records: &[AuditedRecord<'_>],
) -> Result<(), Error> {
    if caller.role == Role::Patient || records.is_empty() {
        return Ok(());
    }
    let actor = Actor::Caller(caller);
    record(connection, &caller.tenant, actor, action, records).await
}

/// The same for one record, in a session of its own; without one for a patient.
pub async fn record_read(
    database: &Database,
    caller: &Caller,
    action: AuditAction,
    read: AuditedRecord<'_>,
) -> Result<(), Error> {
    if caller.role == Role::Patient {
        return Ok(());
    }
    database
        .run(async |connection| record_reads(connection, caller, action, &[read]).await)
        .await
}

/// The tenant's acts, the latest first: one more than the page holds, if there are more.
pub async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    filter: &AuditFilter,
    page: Page,
) -> Result<Vec<AuditEvent>, Error> {
    // A statement for each index: for one with `OR` the planner may read all of a tenant's rows.
    let condition = match (&filter.consultation, &filter.user) {
        (Some(_), Some(_)) => "consultation_id = $4 AND subject_id = $5",
        (Some(_), None) => "consultation_id = $4 AND $5::text IS NULL",
        (None, Some(_)) => "$4::uuid IS NULL AND subject_id = $5",
        (None, None) => "$4::uuid IS NULL AND $5::text IS NULL",
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM audit_events
         WHERE tenant_id = $1 AND id < $2 AND {condition}
         ORDER BY id DESC LIMIT $3"
    );

    let events = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(tenant)
        .bind(page.after.unwrap_or(Uuid::max()))
        .bind(i64::from(page.limit) + 1)
        .bind(filter.consultation)
        .bind(&filter.user)
        .fetch_all(connection)
        .await?;
    Ok(events)
}

/// Removes a tenant's acts from before the one with this id, at most `limit`. Returns how many.
pub async fn prune_before(
    connection: &mut PgConnection,
    tenant: &TenantId,
    before: Uuid,
    limit: i64,
) -> Result<u64, Error> {
    let pruned = sqlx::query(
        "DELETE FROM audit_events
         WHERE tenant_id = $1 AND id IN (
             SELECT id FROM audit_events WHERE tenant_id = $1 AND id < $2 ORDER BY id LIMIT $3
         )",
    );
    let pruned = pruned.bind(tenant).bind(before).bind(limit);
    Ok(pruned.execute(connection).await?.rows_affected())
}
