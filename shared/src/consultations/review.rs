//! Reviews: a clinician marks a consultation as seen to, and may take that back.
//!
//! A further message, a greater urgency or a new danger sign withdraws a review: a trigger does so
//! with the statement that writes it (migration 0023).

use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::consultation::Consultation;
use super::store;
use crate::error::{Error, ErrorKind};
use crate::identity::{Caller, UserId};

/// The body of `POST /v1/consultations/{id}/review`.
#[derive(Deserialize, Validate, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReview {
    /// Whether the consultation is seen to; `false` takes an earlier review back.
    #[garde(skip)]
    pub reviewed: bool,
    /// The consultation's `updated_at` as the clinician has read it: if it has changed since, the
    /// review is refused.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[garde(skip)]
    #[schemars(with = "Option<crate::schema::Timestamp>")]
    pub updated_at: Option<OffsetDateTime>,
}

/// The answer to `POST /v1/consultations/{id}/review`.
#[derive(Serialize, schemars::JsonSchema)]
pub struct ReviewView {
    /// The consultation's id.
    pub id: Uuid,
    /// When it was reviewed; none if it is still to be.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schemars(with = "Option<crate::schema::Timestamp>")]
    pub reviewed_at: Option<OffsetDateTime>,
    /// Who has reviewed it.
    pub reviewed_by: Option<UserId>,
}

/// How a consultation stands after a call.
pub struct Reviewed {
    /// The person whose record it is.
    pub user_id: UserId,
    /// Whether the call changed anything.
    pub is_changed: bool,
    /// What the clinician is shown.
    pub view: ReviewView,
}

#[derive(FromRow)]
struct ReviewRow {
    reviewed_at: Option<OffsetDateTime>,
    reviewed_by: Option<UserId>,
}

/// Marks a consultation of the caller's tenant as reviewed, or takes that back. Of two calls with
/// the same wish the second changes nothing: the first reviewer stays. 409 if the consultation has
/// changed since the caller has read it. The caller's transaction has it all, and its lock.
pub async fn record(
    connection: &mut PgConnection,
    caller: &Caller,
    id: Uuid,
    new: &NewReview,
) -> Result<Reviewed, Error> {
    sqlx::query(include_str!("sql/lock_for_turn.sql"))
        .bind(&caller.tenant)
        .bind(id)
        .bind(caller.scope().owner)
        .execute(&mut *connection)
        .await?;
    let before = store::get(connection, caller.scope(), id).await?;
    if before.reviewed_at.is_some() == new.reviewed {
        return Ok(Reviewed::unchanged(before));
    }
    require_unchanged(&before, new)?;

    let row: ReviewRow = sqlx::query_as(include_str!("sql/review.sql"))
        .bind(&caller.tenant)
        .bind(id)
        .bind(new.reviewed)
        .bind(&caller.user)
        .fetch_one(&mut *connection)
        .await?;
    Ok(Reviewed {
        user_id: before.user_id,
        is_changed: true,
        view: ReviewView {
            id,
            reviewed_at: row.reviewed_at,
            reviewed_by: row.reviewed_by,
        },
    })
}

/// What is taken back may be taken back at any time: it hides nothing.
fn require_unchanged(consultation: &Consultation, new: &NewReview) -> Result<(), Error> {
    let is_stale = |read| new.reviewed && read != consultation.updated_at;
    if !new.updated_at.is_some_and(is_stale) {
        return Ok(());
    }

    let detail = "The consultation has changed since it was read. Read it again first.";
    Err(Error::new(ErrorKind::Conflict, detail))
}

impl Reviewed {
    fn unchanged(consultation: Consultation) -> Self {
        Self {
            user_id: consultation.user_id,
            is_changed: false,
            view: ReviewView {
                id: consultation.id,
                reviewed_at: consultation.reviewed_at,
                reviewed_by: consultation.reviewed_by,
            },
        }
    }
}
