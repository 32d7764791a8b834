//! Users in PostgreSQL. Every function takes the tenant.

use std::collections::HashSet;

use sqlx::PgConnection;

use super::new_user::NewUser;
use super::user::{ListedUser, User};
use crate::consultations::store::latest_of_users;
use crate::error::Error;
use crate::identity::{Role, TenantId, UserId};
use crate::page::Page;

/// Consultations shown with each person.
const MAX_CONSULTATIONS_SHOWN: i64 = 10;

/// One person, if there is one.
pub async fn get(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: &UserId,
) -> Result<Option<User>, Error> {
    let sql = "SELECT id, email, name, role, created_at, updated_at
               FROM users WHERE tenant_id = $1 AND id = $2";

    let found = sqlx::query_as(sql)
        .bind(tenant)
        .bind(id)
        .fetch_optional(connection)
        .await?;
    Ok(found)
}

/// People in the order of their ids: one more than the page holds, if there are more.
pub async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    page: &Page<UserId>,
) -> Result<Vec<User>, Error> {
    let sql = "SELECT id, email, name, role, created_at, updated_at
               FROM users WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    let after = page.after.as_ref().map(UserId::as_str).unwrap_or_default();

    let rows = sqlx::query_as(sql)
        .bind(tenant)
        .bind(after)
        .bind(i64::from(page.limit) + 1)
        .fetch_all(connection)
        .await?;
    Ok(rows)
}

/// Adds each person's latest consultations, in one statement for all of them.
pub async fn with_consultations(
    connection: &mut PgConnection,
    tenant: &TenantId,
    users: Vec<User>,
) -> Result<Vec<ListedUser>, Error> {
    let ids: Vec<_> = users.iter().map(|user| &user.id).collect();
    let mut latest = latest_of_users(connection, tenant, &ids, MAX_CONSULTATIONS_SHOWN).await?;

    let listed = users.into_iter().map(|user| {
        let consultations = latest.remove(&user.id).unwrap_or_default();
        ListedUser {
            user,
            consultations: Some(consultations),
        }
    });
    Ok(listed.collect())
}

/// Writes many people in one statement; those whose id or e-mail address is taken are left out.
/// Returns the ids of those that were written.
pub(super) async fn insert<'a>(
    connection: &mut PgConnection,
    tenant: &TenantId,
    users: impl Iterator<Item = &'a NewUser> + Clone,
) -> Result<HashSet<UserId>, Error> {
    let rows = UserColumns::of(users);
    let written: Vec<UserId> = sqlx::query_scalar(include_str!("sql/insert.sql"))
        .bind(tenant)
        .bind(rows.ids)
        .bind(rows.emails)
        .bind(rows.names)
        .bind(rows.roles)
        .fetch_all(connection)
        .await?;
    Ok(written.into_iter().collect())
}

/// Gives people who are there the addresses, names and roles of these rows, in one statement. Left
/// out are those who are not there, and those whose address is another person's. Returns whom it
/// has changed.
pub(super) async fn update<'a>(
    connection: &mut PgConnection,
    tenant: &TenantId,
    users: impl Iterator<Item = &'a NewUser> + Clone,
) -> Result<HashSet<UserId>, Error> {
    let rows = UserColumns::of(users);
    if rows.ids.is_empty() {
        return Ok(HashSet::new());
    }

    let updated: Vec<UserId> = sqlx::query_scalar(include_str!("sql/update.sql"))
        .bind(tenant)
        .bind(rows.ids)
        .bind(rows.emails)
        .bind(rows.names)
        .bind(rows.roles)
        .fetch_all(connection)
        .await?;
    Ok(updated.into_iter().collect())
}

/// Rows as one array for each column.
struct UserColumns<'a> {
    ids: Vec<&'a UserId>,
    emails: Vec<&'a str>,
    names: Vec<&'a str>,
    roles: Vec<Role>,
}

impl<'a> UserColumns<'a> {
    fn of(users: impl Iterator<Item = &'a NewUser> + Clone) -> Self {
        Self {
            ids: users.clone().map(|user| &user.id).collect(),
            emails: users.clone().map(|user| user.email.as_str()).collect(),
            names: users.clone().map(|user| user.name.as_str()).collect(),
            roles: users.map(|user| user.role).collect(),
        }
    }
}
