//! Changes of access in PostgreSQL: one row for each person who has one. Every function that writes
//! takes the tenant.

use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;

use super::change::{AccessChange, PersonChange};
use crate::error::{Error, ErrorKind};
use crate::identity::{Caller, Role, TenantId, UserId};

#[derive(FromRow)]
struct ChangeRow {
    tenant_id: TenantId,
    user_id: UserId,
    role: Option<Role>,
    signed_out_at: Option<OffsetDateTime>,
    changed_at: OffsetDateTime,
}

impl From<ChangeRow> for PersonChange {
    fn from(row: ChangeRow) -> Self {
        Self {
            tenant: row.tenant_id,
            user: row.user_id,
            change: AccessChange {
                role: row.role,
                signed_out_at: row.signed_out_at,
                changed_at: row.changed_at,
            },
        }
    }
}

/// Lets changes of roles of the caller's tenant come one after another, and refuses a caller (403)
/// who has lost their role by one of them: else two admins could take each other's at once.
pub async fn lock_roles(connection: &mut PgConnection, caller: &Caller) -> Result<(), Error> {
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('roles of ' || $1, 0))";
    sqlx::query(lock)
        .bind(&caller.tenant)
        .execute(&mut *connection)
        .await?;

    let sql = "SELECT role FROM access_changes WHERE tenant_id = $1 AND user_id = $2";
    let query = sqlx::query_scalar(sql)
        .bind(&caller.tenant)
        .bind(&caller.user);
    let changed: Option<Option<Role>> = query.fetch_optional(connection).await?;
    match changed.flatten() {
        Some(role) if role < caller.role => {
            let detail = "You have another role by now, and may change nobody's.";
            Err(Error::new(ErrorKind::Forbidden, detail))
        }
        _ => Ok(()),
    }
}

/// Lets these roles count from now on, whatever their people's tokens say, in one statement.
/// Returns those that have not counted before.
pub async fn change_roles(
    connection: &mut PgConnection,
    tenant: &TenantId,
    people: &[(UserId, Role)],
) -> Result<Vec<PersonChange>, Error> {
    let (users, roles): (Vec<_>, Vec<_>) = people.iter().map(|(user, role)| (user, *role)).unzip();
    let sql = "INSERT INTO access_changes (tenant_id, user_id, role)
               SELECT $1, person.id, person.role
               FROM unnest($2::text[], $3::text[]) AS person (id, role)
               ORDER BY person.id
               ON CONFLICT (tenant_id, user_id) DO UPDATE
               SET role = excluded.role, changed_at = clock_timestamp()
               WHERE access_changes.role IS DISTINCT FROM excluded.role
               RETURNING tenant_id, user_id, role, signed_out_at, changed_at";

    let query = sqlx::query_as(sql).bind(tenant).bind(users).bind(roles);
    let rows: Vec<ChangeRow> = query.fetch_all(connection).await?;
    Ok(rows.into_iter().map(PersonChange::from).collect())
}

/// Ends all that a person is signed in with. Doing it twice ends what began between.
pub async fn sign_out(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user: &UserId,
) -> Result<PersonChange, Error> {
    let sql = "INSERT INTO access_changes (tenant_id, user_id, signed_out_at)
               VALUES ($1, $2, clock_timestamp())
               ON CONFLICT (tenant_id, user_id) DO UPDATE
               SET signed_out_at = excluded.signed_out_at, changed_at = clock_timestamp()
               RETURNING tenant_id, user_id, role, signed_out_at, changed_at";

    let query = sqlx::query_as(sql).bind(tenant).bind(user);
    let row: ChangeRow = query.fetch_one(connection).await?;
    Ok(row.into())
}

/// Where a reader of all changes stands.
pub(super) struct ChangePosition {
    pub(super) changed_at: OffsetDateTime,
    /// The last person of that very time that was read; none of them if there is none.
    pub(super) last: Option<(TenantId, UserId)>,
}

/// Changes of all tenants behind a position, the oldest first.
pub(super) async fn changed_after(
    connection: &mut PgConnection,
    position: &ChangePosition,
    limit: i64,
) -> Result<Vec<PersonChange>, Error> {
    let sql = "SELECT tenant_id, user_id, role, signed_out_at, changed_at
               FROM access_changes
               WHERE (changed_at, tenant_id, user_id) > ($1, $2, $3)
               ORDER BY changed_at, tenant_id, user_id LIMIT $4";
    let last = position.last.as_ref();
    let (tenant, user) = last.map_or(("", ""), |(tenant, user)| (tenant.as_str(), user.as_str()));

    let query = sqlx::query_as(sql)
        .bind(position.changed_at)
        .bind(tenant)
        .bind(user)
        .bind(limit);
    let rows: Vec<ChangeRow> = query.fetch_all(connection).await?;
    Ok(rows.into_iter().map(PersonChange::from).collect())
}
