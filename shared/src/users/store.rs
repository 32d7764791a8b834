//! Users in PostgreSQL. Every function takes the tenant.

use std::collections::HashMap;

use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::import::Row as ImportRow;
use super::{Listed, User};
use crate::consultations::Summary;
use crate::consultations::store::progress;
use crate::error::Error;
use crate::identity::{TenantId, UserId};
use crate::page::Page;
use crate::postgres::parse;

/// Consultations shown with each person.
const LATEST: i64 = 10;

#[derive(FromRow)]
struct Row {
    id: String,
    email: String,
    name: String,
    role: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl TryFrom<Row> for User {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: UserId::try_from(row.id).map_err(Error::internal)?,
            email: row.email,
            name: row.name,
            role: parse("role", &row.role)?,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// One person, if there is one.
pub async fn get(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: &UserId,
) -> Result<Option<User>, Error> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, email, name, role, created_at, updated_at FROM users WHERE tenant_id = $1 AND id = $2",
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .fetch_optional(connection)
    .await?;
    row.map(TryInto::try_into).transpose()
}

/// People in the order of their ids: one more than the page holds, if there are more.
pub async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    page: &Page<UserId>,
) -> Result<Vec<User>, Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, email, name, role, created_at, updated_at FROM users
         WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3",
    )
    .bind(tenant.as_str())
    .bind(page.after.as_ref().map(UserId::as_str).unwrap_or_default())
    .bind(i64::from(page.limit) + 1)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

#[derive(FromRow)]
struct ConsultationRow {
    user_id: String,
    id: Uuid,
    status: String,
    urgency: String,
    symptoms: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

/// Adds each person's latest consultations, in one statement for all of them.
pub async fn with_consultations(
    connection: &mut PgConnection,
    tenant: &TenantId,
    users: Vec<User>,
) -> Result<Vec<Listed>, Error> {
    let ids: Vec<_> = users
        .iter()
        .map(|user| user.id.as_str().to_owned())
        .collect();
    let rows: Vec<ConsultationRow> = sqlx::query_as(concat!(
        "SELECT asked.user_id, c.id, c.urgency, left(c.symptoms, 120) AS symptoms, c.created_at, ",
        progress!(),
        " FROM unnest($2::text[]) AS asked (user_id)
         CROSS JOIN LATERAL (
             SELECT * FROM consultations WHERE tenant_id = $1 AND consultations.user_id = asked.user_id
             ORDER BY id DESC LIMIT $3
         ) c JOIN jobs j ON (j.tenant_id, j.id) = (c.tenant_id, c.job_id) ORDER BY c.id DESC"
    ))
    .bind(tenant.as_str())
    .bind(ids)
    .bind(LATEST)
    .fetch_all(connection)
    .await?;
    let mut by_user: HashMap<String, Vec<Summary>> = HashMap::new();
    for row in rows {
        let summary = Summary {
            id: row.id,
            status: parse("status", &row.status)?,
            urgency: parse("urgency", &row.urgency)?,
            symptoms: row.symptoms,
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        by_user.entry(row.user_id).or_default().push(summary);
    }
    let listed = users.into_iter().map(|user| {
        let consultations = Some(by_user.remove(user.id.as_str()).unwrap_or_default());
        Listed {
            user,
            consultations,
        }
    });
    Ok(listed.collect())
}

/// Writes many people in one statement; those whose id or address is taken are left out. The indices of those that were written.
pub(super) async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    rows: &[ImportRow],
) -> Result<Vec<usize>, Error> {
    let column = |of: fn(&ImportRow) -> String| rows.iter().map(of).collect::<Vec<_>>();
    let written: Vec<String> = sqlx::query_scalar(
        "INSERT INTO users (tenant_id, id, email, name, role)
         SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[])
         ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(tenant.as_str())
    .bind(column(|row| row.user.id.as_str().to_owned()))
    .bind(column(|row| row.user.email.clone()))
    .bind(column(|row| row.user.name.clone()))
    .bind(column(|row| row.user.role.as_str().to_owned()))
    .fetch_all(connection)
    .await?;
    let written: std::collections::HashSet<_> = written.into_iter().collect();
    Ok(rows
        .iter()
        .filter(|row| written.contains(row.user.id.as_str()))
        .map(|row| row.index)
        .collect())
}
