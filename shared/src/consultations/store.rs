//! Consultations in PostgreSQL. Every function takes the tenant, alone or within a [`Scope`]; only
//! [`prune_idempotency_keys`] goes over all of them.

use std::collections::HashMap;

use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::consultation::Consultation;
use super::listing::{Listing, Place, UrgencyFilter};
use super::request::{IdempotencyKey, NewConsultation};
use super::tasks::Analyze;
use super::view::ConsultationSummary;
use crate::error::{Error, ErrorKind};
use crate::identity::{Caller, Role, Scope, TenantId, UserId};
use crate::jobs::{JobMessage, JobPayload, NewJob};
use crate::locale::Locale;
use crate::page::Page;
use crate::triage::{Sex, Triage, Urgency};

/// Idempotency keys that one statement removes at most.
const PRUNE_BATCH_SIZE: i64 = 5_000;

const CREATE: &str = include_str!("sql/create.sql");
const FIND_CREATED: &str = include_str!("sql/find_created.sql");

const GET: &str = concat!(
    include_str!("sql/columns.sql"),
    include_str!("sql/progress_columns.sql"),
    "FROM consultations c",
    include_str!("sql/job_of_each.sql"),
    "WHERE c.tenant_id = $1 AND c.id = $2 AND ($3::text IS NULL OR c.user_id = $3)"
);

/// A page of a tenant's consultations.
const LIST_OF_TENANT: &str = concat!(
    include_str!("sql/summary_columns.sql"),
    include_str!("sql/staff_columns.sql"),
    include_str!("sql/progress_columns.sql"),
    "FROM (\n",
    include_str!("sql/newest_of_tenant.sql"),
    ") c",
    include_str!("sql/job_of_each.sql"),
    "WHERE $4::text[] IS NULL ORDER BY c.id DESC LIMIT $3"
);

/// A page of a tenant's consultations by urgency and time, or of those of one urgency: of those
/// that a statement chooses.
macro_rules! list_by_urgency {
    ($chosen:literal) => {
        concat!(
            include_str!("sql/summary_columns.sql"),
            include_str!("sql/staff_columns.sql"),
            include_str!("sql/progress_columns.sql"),
            "FROM (\n",
            include_str!($chosen),
            ") c",
            include_str!("sql/job_of_each.sql"),
            "ORDER BY c.rank DESC, c.id DESC LIMIT $3"
        )
    };
}

const LIST_BY_URGENCY: &str = list_by_urgency!("sql/most_urgent_of_tenant.sql");

const LIST_TO_REVIEW: &str = list_by_urgency!("sql/to_review_of_tenant.sql");

/// The newest consultations of each of the people `$4`, at most `$3` of each: a page of a patient's
/// own, or a few of many people, in one statement.
const LIST_OF_USERS: &str = concat!(
    "SELECT owner.id AS owner_id, newest.*\n",
    "FROM unnest($4::text[]) AS owner (id)\n",
    "CROSS JOIN LATERAL (\n",
    include_str!("sql/summary_columns.sql"),
    include_str!("sql/progress_columns.sql"),
    "FROM (\n",
    include_str!("sql/newest_of_user.sql"),
    ") c",
    include_str!("sql/job_of_each.sql"),
    "ORDER BY c.user_id DESC, c.id DESC LIMIT $3\n",
    ") newest ORDER BY newest.id DESC"
);

/// How a request to create a consultation ended.
#[derive(Debug)]
pub enum Created {
    /// The consultation was created, and its job has to be sent.
    New {
        /// The consultation's id.
        id: Uuid,
        /// The job's message for the queue.
        message: JobMessage,
    },
    /// The same request was accepted before.
    Existing(ExistingConsultation),
}

/// The consultation that an earlier request with the same idempotency key created.
#[derive(Debug, FromRow)]
pub struct ExistingConsultation {
    /// The consultation's id.
    pub id: Uuid,
    /// The job that makes its assessment.
    pub job_id: Uuid,
    /// The rules' verdict then.
    #[sqlx(json)]
    pub triage: Triage,
    /// The language in which it was answered.
    pub locale: Locale,
    fingerprint: Vec<u8>,
}

/// Creates a consultation and its `analyze` job, or finds the one that the same key created
/// before. A key that was used for another request is a 422.
pub async fn create(
    connection: &mut PgConnection,
    caller: &Caller,
    key: Option<&IdempotencyKey>,
    request: &NewConsultation,
    triage: &Triage,
) -> Result<Created, Error> {
    let id = Uuid::now_v7();
    let payload = Analyze {
        consultation_id: id,
    };
    let locale = request.language();
    let job = NewJob::new(&caller.tenant, &caller.user, locale, &payload)?;
    let fingerprint = request.fingerprint()?;

    let is_admitted: bool = sqlx::query_scalar(CREATE)
        .bind(&caller.tenant)
        .bind(&caller.user)
        .bind(key.map(IdempotencyKey::as_str))
        .bind(fingerprint.as_slice())
        .bind(id)
        .bind(job.id())
        .bind(triage.urgency)
        .bind(locale)
        .bind(&request.symptoms)
        .bind(request.age().map(i16::from))
        .bind(request.sex)
        .bind(&request.history)
        .bind(Json(triage))
        .bind(request.require_model)
        .bind(Analyze::KIND)
        .bind(job.payload())
        .bind(caller.role == Role::Patient)
        .bind(&request.attachments)
        .bind(job.traceparent())
        .fetch_one(&mut *connection)
        .await?;

    match key {
        Some(key) if !is_admitted => {
            let existing = find_created(connection, caller, key).await?;
            existing.require_same_request(&fingerprint)?;
            Ok(Created::Existing(existing))
        }
        _ => Ok(Created::New {
            id,
            message: job.message(),
        }),
    }
}

async fn find_created(
    connection: &mut PgConnection,
    caller: &Caller,
    key: &IdempotencyKey,
) -> Result<ExistingConsultation, Error> {
    let existing: Option<ExistingConsultation> = sqlx::query_as(FIND_CREATED)
        .bind(&caller.tenant)
        .bind(&caller.user)
        .bind(key.as_str())
        .fetch_optional(connection)
        .await?;

    // The consultation was erased between the two statements, and the key with it: the next try
    // creates it anew.
    let detail = "The first request was just erased. Try again.";
    existing.ok_or_else(|| Error::new(ErrorKind::Unavailable, detail))
}

impl ExistingConsultation {
    fn require_same_request(&self, fingerprint: &[u8]) -> Result<(), Error> {
        if self.fingerprint == fingerprint {
            return Ok(());
        }

        let detail =
            "This Idempotency-Key was used for a request with another body. Choose a new key.";
        Err(Error::new(ErrorKind::Unprocessable, detail))
    }
}

/// Removes the keys of requests that may not be repeated any more, at most 5,000. Returns how many.
pub async fn prune_idempotency_keys(connection: &mut PgConnection) -> Result<u64, Error> {
    let pruned = sqlx::query(include_str!("sql/prune_keys.sql"))
        .bind(PRUNE_BATCH_SIZE)
        .execute(connection)
        .await?;
    Ok(pruned.rows_affected())
}

/// One consultation that the scope may see.
pub async fn get(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    id: Uuid,
) -> Result<Consultation, Error> {
    let found: Option<Consultation> = sqlx::query_as(GET)
        .bind(scope.tenant)
        .bind(id)
        .bind(scope.owner)
        .fetch_optional(connection)
        .await?;

    found.ok_or_else(|| Error::not_found("consultation"))
}

/// The consultations that the scope may see, in the order of the list: one more than the page
/// holds, if there are more. By urgency, only the whole of a tenant is listed: a patient's own have
/// no index for it.
pub async fn list(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    listing: Listing,
) -> Result<Vec<ConsultationSummary>, Error> {
    match (listing, scope.owner) {
        (Listing::Newest(page), _) => newest(connection, scope, page).await,
        (_, Some(_)) => {
            let detail = "Only clinicians and admins may list by urgency.";
            Err(Error::new(ErrorKind::Forbidden, detail))
        }
        (Listing::ByUrgency(filter, page), None) => {
            most_urgent(connection, scope.tenant, filter, page).await
        }
    }
}

async fn newest(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    page: Page,
) -> Result<Vec<ConsultationSummary>, Error> {
    let owner = scope.owner.map(|owner| [owner]);
    let sql = match owner {
        Some(_) => LIST_OF_USERS,
        None => LIST_OF_TENANT,
    };

    let rows = sqlx::query_as(sql)
        .bind(scope.tenant)
        .bind(page.after.unwrap_or(Uuid::max()))
        .bind(i64::from(page.limit) + 1)
        .bind(owner.as_ref().map(|owner| &owner[..]))
        .fetch_all(connection)
        .await?;
    Ok(rows)
}

/// The tenant's consultations that the filter lets through, the most urgent first.
async fn most_urgent(
    connection: &mut PgConnection,
    tenant: &TenantId,
    filter: UrgencyFilter,
    page: Page<Place>,
) -> Result<Vec<ConsultationSummary>, Error> {
    let sql = if filter.is_to_review {
        LIST_TO_REVIEW
    } else {
        LIST_BY_URGENCY
    };
    let (first, id) = match page.after {
        Some(after) => (after.urgency, after.id),
        None => (filter.urgency.unwrap_or(Urgency::Emergency), Uuid::max()),
    };

    let rows = sqlx::query_as(sql)
        .bind(tenant)
        .bind(id)
        .bind(i64::from(page.limit) + 1)
        .bind(first)
        .bind(filter.urgency.unwrap_or(Urgency::SelfCare))
        .fetch_all(connection)
        .await?;
    Ok(rows)
}

#[derive(FromRow)]
struct SummaryOfUser {
    owner_id: UserId,
    #[sqlx(flatten)]
    summary: ConsultationSummary,
}

/// The latest consultations of each of `users`, newest first, at most `limit` of each, which is 100
/// at most.
pub async fn latest_of_users(
    connection: &mut PgConnection,
    tenant: &TenantId,
    users: &[&UserId],
    limit: i64,
) -> Result<HashMap<UserId, Vec<ConsultationSummary>>, Error> {
    let rows: Vec<SummaryOfUser> = sqlx::query_as(LIST_OF_USERS)
        .bind(tenant)
        .bind(Uuid::max())
        .bind(limit)
        .bind(users)
        .fetch_all(connection)
        .await?;

    let mut by_user: HashMap<UserId, Vec<ConsultationSummary>> = HashMap::new();
    for row in rows {
        by_user.entry(row.owner_id).or_default().push(row.summary);
    }
    Ok(by_user)
}

/// A consultation of before, as a model is told of it. It has no `Debug`: it holds a patient's
/// words.
#[derive(FromRow)]
pub struct PastConsultation {
    /// What the patient told, at most 500 characters.
    pub symptoms: String,
    /// How urgent it was.
    pub urgency: Urgency,
    /// The age then.
    pub age: Option<i16>,
    /// The sex that was told.
    pub sex: Option<Sex>,
    /// When it was.
    pub created_at: OffsetDateTime,
    /// What a model answered, at most 500 characters; none if none did.
    pub summary: Option<String>,
}

/// The latest consultations of the same account before this one that can be the same patient's, at
/// most five.
pub async fn earlier_of_same_patient(
    connection: &mut PgConnection,
    tenant: &TenantId,
    consultation: &Consultation,
) -> Result<Vec<PastConsultation>, Error> {
    let rows = sqlx::query_as(include_str!("sql/earlier_of_same_patient.sql"))
        .bind(tenant)
        .bind(&consultation.user_id)
        .bind(consultation.id)
        .bind(consultation.age.map(i16::from))
        .bind(consultation.sex)
        .fetch_all(connection)
        .await?;
    Ok(rows)
}
