//! The events in PostgreSQL. Triggers write them (`infra/migrations/0015_events.sql`).

use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::event::{Event, EventRow};
use crate::error::Error;
use crate::identity::{Scope, TenantId, UserId};
use crate::jobs::Lease;
use crate::triage::Urgency;

/// Events that are read, and posted in one frame, at a time. A frame with as many is smaller than
/// the 32 KB by which the gateway counts.
pub const PAGE_SIZE: usize = 100;

/// Where the events of a consultation stand.
#[derive(FromRow)]
pub struct LastEvent {
    /// The number of the last one, 0 if there is none.
    pub id: i64,
    /// The person whose consultation it is.
    pub user_id: UserId,
}

/// What can be read of a summary that a model still writes. It is medical, so it has no `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SummaryPart {
    /// Whole sentences; an empty text takes the one before back.
    pub text: String,
    /// What the model has named; none with an empty text.
    pub urgency: Option<Urgency>,
}

/// The last event of a consultation that the scope may see. 404 for any other consultation, whether
/// it exists or not.
pub async fn last_event(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    consultation: Uuid,
) -> Result<LastEvent, Error> {
    let last: Option<LastEvent> = sqlx::query_as(include_str!("sql/last_event.sql"))
        .bind(scope.tenant)
        .bind(consultation)
        .bind(scope.owner)
        .fetch_optional(connection)
        .await?;

    last.ok_or_else(|| Error::not_found("consultation"))
}

/// Appends what a run's model has written of the assessment's summary, in the place of what it had
/// before. Returns whether it may be read: the run still had its lease, and the patient's answers
/// have raised the urgency above the model's no more than to it.
pub async fn append_summary(
    connection: &mut PgConnection,
    lease: &Lease,
    summary: &SummaryPart,
) -> Result<bool, Error> {
    let appended = sqlx::query(include_str!("sql/append_summary.sql"))
        .bind(&lease.tenant)
        .bind(lease.job_id)
        .bind(lease.token)
        .bind(&summary.text)
        .bind(summary.urgency.map(Urgency::as_str))
        .bind(Urgency::ALL.map(Urgency::as_str).as_slice())
        .execute(connection)
        .await?;

    Ok(appended.rows_affected() == 1)
}

/// The events behind `position` in their order, at most [`PAGE_SIZE`]. Who may see them was decided
/// when the consultation was subscribed to.
pub async fn after(
    connection: &mut PgConnection,
    tenant: &TenantId,
    consultation: Uuid,
    position: i64,
) -> Result<Vec<Event>, Error> {
    let limit = i64::try_from(PAGE_SIZE).map_err(Error::internal)?;
    let rows: Vec<EventRow> = sqlx::query_as(include_str!("sql/events_after.sql"))
        .bind(tenant)
        .bind(consultation)
        .bind(position)
        .bind(limit)
        .fetch_all(connection)
        .await?;

    Ok(rows.into_iter().map(Event::from).collect())
}
