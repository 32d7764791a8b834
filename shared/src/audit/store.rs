//! The audit trail in PostgreSQL.

use sha2::{Digest, Sha256};
use sqlx::{PgConnection, QueryBuilder};
use time::OffsetDateTime;
use uuid::Uuid;

use super::event::{Actor, AuditAction, AuditEvent, AuditFilter, AuditedRecord};
use crate::error::Error;
use crate::identity::{Caller, Role, TenantId};
use crate::page::Page;
use crate::postgres::Database;

const COLUMNS: &str = "SELECT id, actor_id, actor_role, action, subject_id AS user_id,
    consultation_id, upload_id, created_at AS at";

/// The same read again within this time is the same event: apps look again and again.
const REPEAT_SECONDS: u64 = 5 * 60;

/// Writes what was done with records, in one statement. Doing it twice writes it twice.
pub async fn record(
    connection: &mut PgConnection,
    tenant: &TenantId,
    actor: Actor<'_>,
    action: AuditAction,
    records: &[AuditedRecord<'_>],
) -> Result<(), Error> {
    let ids = records.iter().map(|_| Uuid::now_v7()).collect();
    insert(connection, tenant, actor, action, records, ids).await
}

/// Writes that a clinician or an admin reads records: for each record once in five minutes. A
/// patient reads their own, which is not written.
pub async fn record_reads(
    connection: &mut PgConnection,
    caller: &Caller,
    action: AuditAction,
    records: &[AuditedRecord<'_>],
) -> Result<(), Error> {
    if caller.role == Role::Patient || records.is_empty() {
        return Ok(());
    }
    let now = OffsetDateTime::now_utc();
    let ids = records.iter().map(|it| read_id(caller, action, it, now));
    let ids = ids.collect();
    let actor = Actor::Caller(caller);
    insert(connection, &caller.tenant, actor, action, records, ids).await
}

/// Writes what a clinician or an admin does with a record, each time that they do it. What patients
/// do with their own is not written.
pub async fn record_act(
    connection: &mut PgConnection,
    caller: &Caller,
    action: AuditAction,
    record: AuditedRecord<'_>,
) -> Result<(), Error> {
    if caller.role == Role::Patient {
        return Ok(());
    }
    let actor = Actor::Caller(caller);
    self::record(connection, &caller.tenant, actor, action, &[record]).await
}

/// The id of a read, the same for all of the same five minutes: so the table's key finds repeats.
fn read_id(
    caller: &Caller,
    action: AuditAction,
    read: &AuditedRecord<'_>,
    now: OffsetDateTime,
) -> Uuid {
    let names = format!(
        "{}\n{action:?}\n{}\n{:?}\n{:?}",
        caller.user.as_str(),
        read.subject.as_str(),
        read.consultation,
        read.upload
    );
    let mut digits = [0; 10];
    let digest = Sha256::digest(names);
    digits
        .iter_mut()
        .zip(digest)
        .for_each(|(to, from)| *to = from);

    let seconds = u64::try_from(now.unix_timestamp()).unwrap_or_default();
    let period = seconds - seconds % REPEAT_SECONDS;
    uuid::Builder::from_unix_timestamp_millis(period * 1_000, &digits).into_uuid()
}

async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    actor: Actor<'_>,
    action: AuditAction,
    records: &[AuditedRecord<'_>],
    ids: Vec<Uuid>,
) -> Result<(), Error> {
    let subjects: Vec<_> = records.iter().map(|it| it.subject).collect();
    let consultations: Vec<_> = records.iter().map(|it| it.consultation).collect();
    let uploads: Vec<_> = records.iter().map(|it| it.upload).collect();

    // In one order, so that two lists at once do not wait for each other.
    let insert = sqlx::query(
        "INSERT INTO audit_events (tenant_id, id, actor_id, actor_role, action,
                                   subject_id, consultation_id, upload_id)
         SELECT $1, record.id, $2, $3, $4, subject, consultation, upload
         FROM unnest($5::uuid[], $6::text[], $7::uuid[], $8::uuid[])
              AS record (id, subject, consultation, upload)
         ORDER BY record.id
         ON CONFLICT (tenant_id, id) DO NOTHING",
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
    // Only what is asked for stands in the statement: for one with `OR` the planner may read all of
    // a tenant's rows.
    let mut query = QueryBuilder::new(COLUMNS);
    query.push(" FROM audit_events WHERE tenant_id = ");
    query.push_bind(tenant);
    query.push(" AND id < ");
    query.push_bind(page.after.unwrap_or(Uuid::max()));
    if let Some(consultation) = filter.consultation {
        query
            .push(" AND consultation_id = ")
            .push_bind(consultation);
    }
    if let Some(user) = &filter.user {
        query.push(" AND subject_id = ").push_bind(user);
    }
    if let Some(actor) = &filter.actor {
        query.push(" AND actor_id = ").push_bind(actor);
    }
    query.push(" ORDER BY id DESC LIMIT ");
    query.push_bind(i64::from(page.limit) + 1);
    Ok(query.build_query_as().fetch_all(connection).await?)
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
