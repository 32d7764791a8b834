//! The erasure of a consultation.
//!
//! Its rows go in the transaction that accepts the erasure: from then on nobody reads it, and a run
//! that works on it writes nothing. What lies elsewhere is removed by a job of that transaction,
//! which is done again ten minutes later: a run that was under way may write to the transcript or
//! the bucket until it finds its job gone.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::{Connection, FromRow, PgConnection};
use uuid::Uuid;

use crate::audit::{self, Actor, AuditAction, AuditedRecord};
use crate::error::{Error, ErrorKind};
use crate::identity::{Caller, Role, Scope, TenantId, UserId};
use crate::jobs::store::{Enqueued, enqueue};
use crate::jobs::{JobMessage, JobPayload, Lease, NewJob, ReasonText, completion_sql};
use crate::locale::Locale;
use crate::uploads;

/// Until the second time: more than a batch of jobs takes.
const SECOND_TIME: Duration = Duration::from_mins(10);

/// Over this time the jobs of a night's erasures are spread.
const SPREAD_SECONDS: u64 = 2 * 60 * 60;

/// Removes what lies outside the database of a consultation that is gone from it.
#[derive(Debug, Serialize, Deserialize)]
pub struct EraseConsultation {
    /// The consultation that is erased.
    pub consultation_id: Uuid,
    /// Whether it is done for the second time.
    #[serde(default)]
    pub is_second: bool,
}

impl EraseConsultation {
    /// Something cannot be removed.
    pub const NOT_REMOVED: &'static str = "not_removed";
}

impl JobPayload for EraseConsultation {
    const KIND: &'static str = "erase_consultation";
    const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(1);
    const IS_CANCELLABLE: bool = false;
    const REASONS: &'static [ReasonText] = &[ReasonText {
        code: Self::NOT_REMOVED,
        zh: "问诊记录已删除，无人可以再读取，但部分文件尚未清除。管理员可重新运行此任务。",
        en: "The consultation is gone and nobody can read it, but some of its files could not be \
             removed. An admin can run this job again.",
    }];
}

/// What became of a request to erase a consultation.
#[derive(Debug)]
pub enum Erasure {
    /// The consultation is gone, and the job's message has to be sent.
    Begun(JobMessage),
    /// It was erased before, by the job with this id.
    Before(Uuid),
}

#[derive(FromRow)]
struct ErasureJob {
    id: Uuid,
    user_id: UserId,
}

#[derive(FromRow)]
struct Owner {
    user_id: UserId,
    locale: Locale,
}

#[derive(FromRow)]
struct Erased {
    #[sqlx(flatten)]
    owner: Owner,
    attachments: Vec<Uuid>,
}

/// Erases a consultation that the caller may see. 403 for a clinician whose own it is not; 404 if
/// there is none, and there was none.
pub async fn begin_erasure(
    connection: &mut PgConnection,
    caller: &Caller,
    id: Uuid,
) -> Result<Erasure, Error> {
    let erased = erase(connection, caller.scope(), Actor::Caller(caller), id).await?;
    if let Some(message) = erased {
        return Ok(Erasure::Begun(message));
    }

    let before = find_erasure(connection, caller.scope(), id).await?;
    let before = before.ok_or_else(|| Error::not_found("consultation"))?;
    require_right(Actor::Caller(caller), &before.user_id)?;
    Ok(Erasure::Before(before.id))
}

/// Erases a consultation that the scope may see; none if there is none.
pub(super) async fn erase(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    actor: Actor<'_>,
    id: Uuid,
) -> Result<Option<JobMessage>, Error> {
    let tenant = scope.tenant;
    let mut transaction = connection.begin().await?;

    // The jobs that are there first, in the order in which a run that ends writes: so that neither
    // waits for the other.
    let jobs = "SELECT 1 FROM jobs
                WHERE tenant_id = $1 AND consultation_id = $2
                  AND ($3::text IS NULL OR user_id = $3)
                ORDER BY id FOR UPDATE";
    let jobs = sqlx::query(jobs).bind(tenant).bind(id).bind(scope.owner);
    jobs.execute(&mut *transaction).await?;
    let lock = "SELECT user_id, locale, attachments FROM consultations
                WHERE tenant_id = $1 AND id = $2 AND ($3::text IS NULL OR user_id = $3)
                FOR UPDATE";
    let found: Option<Erased> = sqlx::query_as(lock)
        .bind(tenant)
        .bind(id)
        .bind(scope.owner)
        .fetch_optional(&mut *transaction)
        .await?;
    let Some(Erased { owner, attachments }) = found else {
        transaction.rollback().await?;
        return Ok(None);
    };
    let Owner { user_id, locale } = owner;
    require_right(actor, &user_id)?;
    let delete = "DELETE FROM consultations WHERE tenant_id = $1 AND id = $2";
    let delete = sqlx::query(delete).bind(tenant).bind(id);
    delete.execute(&mut *transaction).await?;

    let record = AuditedRecord::consultation(&user_id, id);
    let action = AuditAction::EraseConsultation;
    audit::record(&mut transaction, tenant, actor, action, &[record]).await?;

    erase_attachments(&mut transaction, tenant, &user_id, &attachments).await?;
    let payload = EraseConsultation {
        consultation_id: id,
        is_second: false,
    };
    let job = NewJob::new(tenant, &user_id, locale, &payload)?.deduplicate_by(id.to_string());
    let job = match actor {
        Actor::Caller(_) => job,
        // Thousands at once would hold up the patients' jobs.
        Actor::System => job.begin_after(spread(id)),
    };
    enqueue(&mut transaction, &job).await?;
    transaction.commit().await?;
    Ok(Some(job.message()))
}

/// Some time within two hours, the same for the same id.
fn spread(id: Uuid) -> Duration {
    let number = u64::from(id.as_fields().1) ^ id.as_u64_pair().1;
    Duration::from_secs(number % SPREAD_SECONDS)
}

/// Removes the uploads of an erased consultation that no other one has. `remove-objects` removes
/// their files, and what the CDN has cached of them.
async fn erase_attachments(
    connection: &mut PgConnection,
    tenant: &TenantId,
    owner: &UserId,
    attachments: &[Uuid],
) -> Result<(), Error> {
    if attachments.is_empty() {
        return Ok(());
    }
    // Of two consultations that have the same one and are erased at once, the later one sees here
    // that the earlier one is gone.
    let lock = "SELECT 1 FROM uploads WHERE tenant_id = $1 AND id = ANY ($2)
                ORDER BY id FOR UPDATE";
    let lock = sqlx::query(lock).bind(tenant).bind(attachments);
    lock.execute(&mut *connection).await?;
    let sql = "SELECT id FROM unnest($3::uuid[]) AS attached (id)
               WHERE NOT EXISTS (
                   SELECT FROM consultations
                   WHERE tenant_id = $1 AND user_id = $2 AND attachments @> ARRAY[attached.id]
               )";
    let ids: Vec<Uuid> = sqlx::query_scalar(sql)
        .bind(tenant)
        .bind(owner)
        .bind(attachments)
        .fetch_all(&mut *connection)
        .await?;
    let scope = Scope {
        tenant,
        owner: Some(owner),
    };
    for id in ids {
        uploads::store::delete_if_there(connection, scope, id).await?;
    }
    Ok(())
}

/// A clinician reads the tenant's records, and erases none but their own.
fn require_right(actor: Actor<'_>, owner: &UserId) -> Result<(), Error> {
    match actor {
        Actor::Caller(caller) if caller.role == Role::Clinician && caller.user != *owner => {
            let detail = "Only the patient and admins may erase a consultation.";
            Err(Error::new(ErrorKind::Forbidden, detail))
        }
        _ => Ok(()),
    }
}

/// The job that has erased a consultation, or is at it; none if nothing was erased.
async fn find_erasure(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    id: Uuid,
) -> Result<Option<ErasureJob>, Error> {
    let sql = "SELECT id, user_id FROM jobs
               WHERE tenant_id = $1 AND kind = $2 AND dedupe_key = $3
                 AND ($4::text IS NULL OR user_id = $4)
               ORDER BY id LIMIT 1";
    let found = sqlx::query_as(sql)
        .bind(scope.tenant)
        .bind(EraseConsultation::KIND)
        .bind(id.to_string())
        .bind(scope.owner)
        .fetch_optional(connection)
        .await?;
    Ok(found)
}

/// Completes an erasure, and enqueues the second one after the first. Returns whether the lease
/// held; if not, nothing was written.
pub async fn complete_erasure(
    connection: &mut PgConnection,
    lease: &Lease,
    payload: &EraseConsultation,
) -> Result<bool, Error> {
    let mut transaction = connection.begin().await?;
    let completion = completion_sql!(
        "SELECT jobs.user_id, jobs.locale FROM transition
         JOIN jobs ON (jobs.tenant_id, jobs.id) = (transition.tenant_id, transition.id)"
    );
    let completed: Option<Owner> = sqlx::query_as(completion)
        .bind(&lease.tenant)
        .bind(lease.job_id)
        .bind(lease.token)
        .fetch_optional(&mut *transaction)
        .await?;
    let Some(owner) = completed else {
        transaction.rollback().await?;
        return Ok(false);
    };

    if !payload.is_second {
        enqueue_second(&mut transaction, &lease.tenant, &owner, payload).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

async fn enqueue_second(
    connection: &mut PgConnection,
    tenant: &TenantId,
    owner: &Owner,
    first: &EraseConsultation,
) -> Result<(), Error> {
    let payload = EraseConsultation {
        is_second: true,
        ..*first
    };
    let job = NewJob::new(tenant, &owner.user_id, owner.locale, &payload)?
        .deduplicate_by(first.consultation_id.to_string())
        .begin_after(SECOND_TIME);
    match enqueue(connection, &job).await? {
        Enqueued::New(_) | Enqueued::Before(_) => Ok(()),
    }
}
