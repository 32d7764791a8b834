//! Records whose time is over.

use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::erasure::{EraseConsultation, erase};
use crate::audit::{self, Actor};
use crate::config::RetentionSettings;
use crate::error::Error;
use crate::identity::{Scope, TenantId};
use crate::jobs::JobPayload;
use crate::jobs::dead_letters::{RedriveRequest, redrive};
use crate::uploads;

/// Records of one tenant that are erased at a time.
const BATCH: i64 = 50;

/// Rows of the audit trail that are removed at a time.
const AUDIT_BATCH: i64 = 5_000;

/// What one step has erased.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Expired {
    /// Consultations.
    pub consultations: u64,
    /// Uploads.
    pub uploads: u64,
    /// Rows of the audit trail.
    pub audit_events: u64,
    /// Erasures that had failed.
    pub redriven: u64,
}

impl Expired {
    /// Adds what another step has erased.
    pub const fn add(&mut self, other: Self) {
        self.consultations += other.consultations;
        self.uploads += other.uploads;
        self.audit_events += other.audit_events;
        self.redriven += other.redriven;
    }
}

/// The next tenant behind `after` that has records of any kind, in one look into each index.
pub async fn next_tenant(
    connection: &mut PgConnection,
    after: &str,
) -> Result<Option<TenantId>, Error> {
    let next = sqlx::query_scalar(include_str!("sql/next_tenant.sql"))
        .bind(after)
        .fetch_one(connection)
        .await?;
    Ok(next)
}

/// Erases some of a tenant's records that are older than its settings say at `now`. Erasures that
/// have failed are queued again.
pub async fn erase_expired(
    connection: &mut PgConnection,
    tenant: &TenantId,
    settings: &RetentionSettings,
    now: OffsetDateTime,
) -> Result<Expired, Error> {
    let mut expired = Expired::default();
    let scope = Scope {
        tenant,
        owner: None,
    };

    if let Some(days) = settings.record_days(tenant) {
        let before = first_id_after(now - time::Duration::days(days.into()));
        for id in expired_consultations(connection, tenant, before).await? {
            if erase(connection, scope, Actor::System, id).await?.is_some() {
                expired.consultations += 1;
            }
        }
        for id in expired_uploads(connection, tenant, before).await? {
            if uploads::store::delete_if_there(connection, scope, id).await? {
                expired.uploads += 1;
            }
        }
    }
    let before = first_id_after(now - time::Duration::days(settings.audit_days().into()));
    expired.audit_events =
        audit::store::prune_before(connection, tenant, before, AUDIT_BATCH).await?;

    let failed = RedriveRequest {
        tenant,
        kind: Some(EraseConsultation::KIND),
        limit: BATCH,
    };
    expired.redriven = redrive(connection, failed).await?.messages.len() as u64;
    Ok(expired)
}

async fn expired_consultations(
    connection: &mut PgConnection,
    tenant: &TenantId,
    before: Uuid,
) -> Result<Vec<Uuid>, Error> {
    let sql = "SELECT id FROM consultations WHERE tenant_id = $1 AND id < $2
               ORDER BY id LIMIT $3";
    let ids = sqlx::query_scalar(sql).bind(tenant).bind(before);
    Ok(ids.bind(BATCH).fetch_all(connection).await?)
}

/// Uploads whose time is over, and that no consultation has: the last one's erasure takes them
/// along.
async fn expired_uploads(
    connection: &mut PgConnection,
    tenant: &TenantId,
    before: Uuid,
) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar(include_str!("sql/expired_uploads.sql"))
        .bind(tenant)
        .bind(before)
        .bind(BATCH)
        .fetch_all(connection)
        .await?;
    Ok(ids)
}

/// The least `UUIDv7` of a time: what is older has a lesser one.
fn first_id_after(time: OffsetDateTime) -> Uuid {
    let milliseconds = time.unix_timestamp_nanos() / 1_000_000;
    let milliseconds = u64::try_from(milliseconds).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_whether_it_is_older() {
        let now = OffsetDateTime::now_utc();
        let id = Uuid::now_v7();
        assert!(first_id_after(now - time::Duration::SECOND) < id);
        assert!(first_id_after(now + time::Duration::SECOND) > id);
        assert_eq!(
            first_id_after(OffsetDateTime::UNIX_EPOCH).get_version_num(),
            7
        );
    }
}
