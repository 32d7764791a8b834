//! Consultations in PostgreSQL. Every function takes the tenant, alone or within a [`Scope`].

use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Analyze, Assessment, Consultation, IdempotencyKey, NewConsultation, StoredReport, Summary,
};
use crate::error::{Error, ErrorKind};
use crate::identity::{Caller, Scope, UserId};
use crate::jobs::{JobMessage, JobPayload, NewJob};
use crate::page::Page;
use crate::postgres::parse;
use crate::triage::{Locale, Sex, Triage};

/// How a request to create a consultation ended.
#[derive(Debug)]
pub enum Created {
    /// It was created, and its job has to be sent.
    New {
        /// Its id.
        id: Uuid,
        /// What has to be sent.
        message: JobMessage,
    },
    /// The same request had been accepted before.
    Before {
        /// The consultation it created.
        id: Uuid,
        /// Its job.
        job_id: Uuid,
        /// What the rules said then.
        triage: Triage,
        /// The language it was answered in.
        locale: Locale,
    },
}

/// Writes the consultation, its job, the outbox row and the idempotency key in one statement, so in one round trip and
/// one transaction. Nothing is written when the key was used before: two requests that arrive together meet on the key's
/// row, where the later one waits for the earlier one's commit.
const CREATE: &str = "
WITH key AS (
    INSERT INTO idempotency_keys (tenant_id, user_id, operation, key, fingerprint, consultation_id, expires_at)
    SELECT $1, $2, 'create', $3, $4, $5, now() + interval '24 hours' WHERE $3::text IS NOT NULL
    ON CONFLICT (tenant_id, user_id, operation, key) DO UPDATE
        SET fingerprint = excluded.fingerprint, consultation_id = excluded.consultation_id,
            expires_at = excluded.expires_at
        WHERE idempotency_keys.expires_at < now()
    RETURNING 1
), admitted AS (
    SELECT 1 FROM key UNION ALL SELECT 1 WHERE $3::text IS NULL
), consultation AS (
    INSERT INTO consultations (tenant_id, user_id, id, job_id, urgency, locale, symptoms, age, sex, history, triage,
                               requires_model)
    SELECT $1, $2, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14 FROM admitted
), job AS (
    INSERT INTO jobs (tenant_id, user_id, locale, id, consultation_id, kind, payload)
    SELECT $1, $2, $8, $6, $5, $15, $16 FROM admitted
), message AS (
    INSERT INTO outbox (tenant_id, job_id) SELECT $1, $6 FROM admitted
)
SELECT count(*) > 0 FROM admitted";

/// Creates a consultation and its `analyze` job, or finds what the same key created before. A key that was used for
/// another request is a 422.
pub async fn create(
    connection: &mut PgConnection,
    caller: &Caller,
    key: Option<&IdempotencyKey>,
    request: &NewConsultation,
    triage: &Triage,
) -> Result<Created, Error> {
    let id = Uuid::now_v7();
    let job = NewJob::new(
        &caller.tenant,
        &caller.user,
        request.language(),
        &Analyze {
            consultation_id: id,
        },
    )?;
    let fingerprint = request.fingerprint()?;
    let message = job.message();
    let admitted: bool = sqlx::query_scalar(CREATE)
        .bind(caller.tenant.as_str())
        .bind(caller.user.as_str())
        .bind(key.map(IdempotencyKey::as_str))
        .bind(fingerprint.as_slice())
        .bind(id)
        .bind(job.id())
        .bind(triage.urgency.as_str())
        .bind(request.language().as_str())
        .bind(&request.symptoms)
        .bind(request.age().map(i16::from))
        .bind(request.sex.map(Sex::as_str))
        .bind(&request.history)
        .bind(Json(triage))
        .bind(request.require_model)
        .bind(Analyze::KIND)
        .bind(job.payload())
        .fetch_one(&mut *connection)
        .await?;
    match key {
        Some(key) if !admitted => created_before(connection, caller, key, &fingerprint).await,
        _ => Ok(Created::New { id, message }),
    }
}

#[derive(FromRow)]
struct Before {
    fingerprint: Vec<u8>,
    id: Uuid,
    job_id: Uuid,
    triage: Json<Triage>,
    locale: String,
}

async fn created_before(
    connection: &mut PgConnection,
    caller: &Caller,
    key: &IdempotencyKey,
    fingerprint: &[u8],
) -> Result<Created, Error> {
    let before: Option<Before> = sqlx::query_as(
        "SELECT k.fingerprint, c.id, c.job_id, c.triage, c.locale
         FROM idempotency_keys k
         JOIN consultations c ON c.tenant_id = k.tenant_id AND c.id = k.consultation_id
         WHERE k.tenant_id = $1 AND k.user_id = $2 AND k.operation = 'create' AND k.key = $3",
    )
    .bind(caller.tenant.as_str())
    .bind(caller.user.as_str())
    .bind(key.as_str())
    .fetch_optional(connection)
    .await?;
    // It was erased between the two statements, and the key with it: the next try creates it anew.
    let before = before.ok_or_else(|| {
        Error::new(
            ErrorKind::Unavailable,
            "The first request was just erased. Try again.",
        )
    })?;
    if before.fingerprint != fingerprint {
        let detail =
            "This Idempotency-Key was used for a request with another body. Choose a new key.";
        return Err(Error::new(ErrorKind::Unprocessable, detail));
    }
    Ok(Created::Before {
        id: before.id,
        job_id: before.job_id,
        triage: before.triage.0,
        locale: parse("locale", &before.locale)?,
    })
}

/// Removes the keys of requests that may not be repeated any more. Returns how many.
pub async fn prune_idempotency_keys(connection: &mut PgConnection) -> Result<u64, Error> {
    let pruned = sqlx::query("DELETE FROM idempotency_keys WHERE expires_at < now()");
    Ok(pruned.execute(connection).await?.rows_affected())
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    user_id: String,
    job_id: Uuid,
    status: String,
    urgency: String,
    locale: String,
    symptoms: String,
    age: Option<i16>,
    sex: Option<String>,
    history: Option<String>,
    triage: Json<Triage>,
    assessment: Option<Json<Assessment>>,
    requires_model: bool,
    failure: Option<String>,
    report: Option<Json<StoredReport>>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl TryFrom<Row> for Consultation {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            user_id: UserId::try_from(row.user_id).map_err(Error::internal)?,
            job_id: row.job_id,
            status: parse("status", &row.status)?,
            urgency: parse("urgency", &row.urgency)?,
            locale: parse("locale", &row.locale)?,
            symptoms: row.symptoms,
            age: row.age.and_then(|years| u8::try_from(years).ok()),
            sex: row.sex.map(|sex| parse("sex", &sex)).transpose()?,
            history: row.history,
            triage: row.triage.0,
            assessment: row.assessment.map(|json| json.0),
            requires_model: row.requires_model,
            failure: row.failure,
            report: row.report.map(|json| json.0),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A consultation `c` is as far as its job `j`: status and time of the last change.
macro_rules! progress {
    () => {
        "CASE WHEN c.assessment IS NOT NULL THEN 'completed' WHEN j.state IN ('failed', 'cancelled') THEN j.state
         ELSE 'processing' END AS status, greatest(c.updated_at, j.finished_at) AS updated_at"
    };
}
pub(crate) use progress;

/// One consultation that the scope may see.
pub async fn get(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    id: Uuid,
) -> Result<Consultation, Error> {
    let row: Option<Row> = sqlx::query_as(concat!(
        "SELECT c.id, c.user_id, c.job_id, c.urgency, c.locale, c.symptoms, c.age, c.sex, c.history, c.triage, c.assessment,
                c.requires_model, c.report, c.created_at, CASE WHEN j.state = 'failed' THEN j.last_error END AS failure, ",
        progress!(),
        " FROM consultations c JOIN jobs j ON (j.tenant_id, j.id) = (c.tenant_id, c.job_id)
         WHERE c.tenant_id = $1 AND c.id = $2 AND ($3::text IS NULL OR c.user_id = $3)"
    ))
    .bind(scope.tenant.as_str())
    .bind(id)
    .bind(scope.owner.map(UserId::as_str))
    .fetch_optional(connection)
    .await?;
    row.ok_or_else(|| Error::not_found("consultation"))?
        .try_into()
}

#[derive(FromRow)]
struct SummaryRow {
    id: Uuid,
    status: String,
    urgency: String,
    symptoms: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

/// The consultations that the scope may see, newest first: one more than the page holds, if there are more.
pub async fn list(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    page: Page,
) -> Result<Vec<Summary>, Error> {
    // Two statements, since each is answered by another index.
    let sql = match scope.owner {
        Some(_) => {
            concat!(
                "SELECT c.id, c.urgency, left(c.symptoms, 120) AS symptoms, c.created_at, ",
                progress!(),
                " FROM consultations c JOIN jobs j ON (j.tenant_id, j.id) = (c.tenant_id, c.job_id)
                 WHERE c.tenant_id = $1 AND c.user_id = $4 AND c.id < $2 ORDER BY c.id DESC LIMIT $3"
            )
        }
        None => {
            concat!(
                "SELECT c.id, c.urgency, left(c.symptoms, 120) AS symptoms, c.created_at, ",
                progress!(),
                " FROM consultations c JOIN jobs j ON (j.tenant_id, j.id) = (c.tenant_id, c.job_id)
                 WHERE c.tenant_id = $1 AND $4::text IS NULL AND c.id < $2 ORDER BY c.id DESC LIMIT $3"
            )
        }
    };
    let rows: Vec<SummaryRow> = sqlx::query_as(sql)
        .bind(scope.tenant.as_str())
        .bind(page.after.unwrap_or(Uuid::max()))
        .bind(i64::from(page.limit) + 1)
        .bind(scope.owner.map(UserId::as_str))
        .fetch_all(connection)
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Summary {
                id: row.id,
                status: parse("status", &row.status)?,
                urgency: parse("urgency", &row.urgency)?,
                symptoms: row.symptoms,
                created_at: row.created_at,
                updated_at: row.updated_at,
            })
        })
        .collect()
}
