//! Jobs on the real database, with the worker's own code. The deployed functions have no part in
//! most of it.

mod claims;
mod dead_letters;
pub mod erasure;
mod growth;
mod lifecycle;
mod outbox;
mod reports;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use serde_json::{Value, json};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use uuid::Uuid;
use wenzhen::ai::Chains;
use wenzhen::aws::Secrets;
use wenzhen::cache::Cache;
use wenzhen::config::{DatabaseAuth, DatabaseSettings, Models, Tiers};
use wenzhen::consultations::store::{self, Created, create};
use wenzhen::consultations::transcript::Transcripts;
use wenzhen::consultations::{Assessment, NewConsultation, ServedBy};
use wenzhen::identity::{Caller, Role, Scope, TenantId, UserId};
use wenzhen::jobs::claim::{Claim, ClaimRequest, claim};
use wenzhen::jobs::queue::Queue;
use wenzhen::jobs::transition::{LeaseRelease, ReleaseReason, Transition, release_lease};
use wenzhen::jobs::{EndedJob, JobMessage, Lease};
use wenzhen::postgres::{Database, Readers};
use wenzhen::reports::Bucket;
use wenzhen::triage::{self, Urgency};
use wenzhen::uploads::UploadBucket;
use wenzhen_functions::Worker;
use xtask::users;

use crate::provider;
use crate::support::socket::{Socket, pusher};
use crate::support::{STACK, User, database, new_tenant};

const KINDS: &[&str] = &["analyze", "generate_report"];

/// An endpoint that refuses every connection.
const NOWHERE: &str = "http://127.0.0.1:9";

/// A job whose message is not sent, not even by the deployed sweep.
async fn job() -> JobMessage {
    job_of(&new_tenant(), json!({ "symptoms": "a cough" })).await
}

/// The same, of a tenant and with a request of the test's own.
pub async fn job_of(tenant: &str, request: Value) -> JobMessage {
    let message = create_job(&mut database().await, tenant, request).await;
    postpone_sweep(&message).await;
    message
}

pub async fn create_job(connection: &mut PgConnection, tenant: &str, request: Value) -> JobMessage {
    let caller = Caller {
        tenant: TenantId::try_from(tenant.to_owned()).unwrap(),
        user: UserId::try_from("user-1".to_owned()).unwrap(),
        role: Role::Patient,
    };
    let request: NewConsultation = serde_json::from_value(request).unwrap();
    let verdict = triage::assess(&request.complaint());

    let created = create(connection, &caller, None, &request, &verdict).await;
    match created.unwrap() {
        Created::New { message, .. } => message,
        Created::Existing(_) => panic!("nothing was there before"),
    }
}

/// Keeps the deployed sweep from sending the job's message, and the stack's health from counting its
/// age.
async fn postpone_sweep(message: &JobMessage) {
    let sql = "UPDATE outbox
               SET due_at = now() + interval '1 day', created_at = now() + interval '1 day'
               WHERE tenant_id = $1 AND job_id = $2";
    change(message, sql).await;
}

/// Runs a statement about one job, which is `$2` of the tenant `$1`.
async fn change(message: &JobMessage, sql: &'static str) {
    let statement = sqlx::query(sql)
        .bind(&message.tenant_id)
        .bind(message.job_id);
    statement.execute(&mut database().await).await.unwrap();
}

/// Erases the consultation of a job, and the job with it.
async fn erase(message: &JobMessage) {
    let sql = "DELETE FROM consultations c USING jobs j
               WHERE j.tenant_id = $1 AND j.id = $2
                 AND (c.tenant_id, c.id) = (j.tenant_id, j.consultation_id)";
    change(message, sql).await;
}

/// Claims jobs as a batch would.
async fn claim_all(requests: &[ClaimRequest<'_>]) -> Vec<Claim> {
    let mut connection = database().await;
    claim(&mut connection, requests, KINDS).await.unwrap()
}

/// Claims a job that would run beside others.
async fn claim_one(message: &JobMessage) -> Claim {
    let mut claims = claim_all(&[ClaimRequest::from(message)]).await;
    claims.remove(0)
}

/// Claims a job to run isolated, so that it is granted also after runs that died.
async fn granted(message: &JobMessage) -> Lease {
    let request = ClaimRequest::from(message).isolated();
    match claim_all(&[request]).await.remove(0) {
        Claim::Granted(lease) => *lease,
        other => panic!("not granted: {other:?}"),
    }
}

/// Releases a lease; the job may be claimed again at once.
async fn release(lease: &Lease, reason: ReleaseReason, code: &str) -> Transition {
    let release = LeaseRelease {
        reason,
        code,
        retry_in: Duration::ZERO,
    };
    let released = release_lease(&mut database().await, lease, release).await;
    released.unwrap()
}

/// Everything of the tenant of a job.
fn scope_of(message: &JobMessage) -> Scope<'_> {
    Scope {
        tenant: &message.tenant_id,
        owner: None,
    }
}

/// How far a job and its consultation are.
#[derive(Debug, PartialEq, Eq)]
struct Snapshot {
    state: String,
    status: String,
    attempts: i16,
}

#[derive(FromRow)]
struct JobRow {
    state: String,
    consultation_id: Uuid,
    attempts: i16,
}

async fn snapshot(message: &JobMessage) -> Snapshot {
    let mut connection = database().await;
    let sql = "SELECT state, consultation_id, attempts FROM jobs
               WHERE tenant_id = $1 AND id = $2";
    let row: JobRow = sqlx::query_as(sql)
        .bind(&message.tenant_id)
        .bind(message.job_id)
        .fetch_one(&mut connection)
        .await
        .unwrap();

    let scope = scope_of(message);
    let consultation = store::get(&mut connection, scope, row.consultation_id).await;
    let status = serde_json::to_value(consultation.unwrap().status).unwrap();
    Snapshot {
        state: row.state,
        status: status.as_str().unwrap().to_owned(),
        attempts: row.attempts,
    }
}

/// The snapshot of a job in `state`, whose consultation has this `status`.
fn expected(state: &str, status: &str, attempts: i16) -> Snapshot {
    Snapshot {
        state: state.to_owned(),
        status: status.to_owned(),
        attempts,
    }
}

async fn last_error(message: &JobMessage) -> Option<String> {
    sqlx::query_scalar("SELECT last_error FROM jobs WHERE tenant_id = $1 AND id = $2")
        .bind(&message.tenant_id)
        .bind(message.job_id)
        .fetch_one(&mut database().await)
        .await
        .unwrap()
}

/// Whether the outbox has a row of the job, and if so, whether it is due within twelve hours.
async fn is_due_soon(message: &JobMessage) -> Option<bool> {
    let sql = "SELECT due_at < now() + interval '12 hours' FROM outbox
               WHERE tenant_id = $1 AND job_id = $2";
    sqlx::query_scalar(sql)
        .bind(&message.tenant_id)
        .bind(message.job_id)
        .fetch_optional(&mut database().await)
        .await
        .unwrap()
}

fn assessment(summary: &str) -> Assessment {
    Assessment {
        summary: summary.to_owned(),
        possible_causes: Vec::new(),
        urgency: Urgency::Urgent,
        red_flags: Vec::new(),
        recommended_actions: Vec::new(),
        questions: Vec::new(),
        awaits_answer: false,
        recommended_department: "General practice".to_owned(),
        doctor_note: None,
        trace: None,
        citations: Vec::new(),
        served_by: ServedBy {
            tier: "test".to_owned(),
            model: None,
        },
        degraded: false,
        degraded_reason: None,
        disclaimer: String::new(),
    }
}

/// Lets a job's lease expire, as time would.
async fn expire(message: &JobMessage) {
    let sql = "UPDATE jobs SET lease_expires_at = now() - interval '1 second'
               WHERE tenant_id = $1 AND id = $2";
    change(message, sql).await;
}

/// Lets a job's backoff or deferral be over, as time would.
async fn wait_out(message: &JobMessage) {
    let sql = "UPDATE jobs SET not_before = NULL WHERE tenant_id = $1 AND id = $2";
    change(message, sql).await;
}

/// The consultation of a job.
pub async fn consultation_of(message: &JobMessage) -> Uuid {
    sqlx::query_scalar("SELECT consultation_id FROM jobs WHERE tenant_id = $1 AND id = $2")
        .bind(&message.tenant_id)
        .bind(message.job_id)
        .fetch_one(&mut database().await)
        .await
        .unwrap()
}

/// A job that has ended without a run.
async fn ended(message: &JobMessage, kind: &str) -> EndedJob {
    EndedJob {
        tenant: message.tenant_id.clone(),
        kind: kind.to_owned(),
        consultation: Some(consultation_of(message).await),
    }
}

/// Somebody who follows a job's consultation, to whom nothing is pushed but what the test brings
/// about: the job's message is not sent.
pub async fn follower(message: &JobMessage) -> Socket {
    let tenant = message.tenant_id.as_str();
    let clinician = User::of(tenant, "clinician", users::Role::Clinician).await;
    let mut socket = Socket::open(&clinician).await;
    let consultation = json!(consultation_of(message).await);
    socket.subscribe(&consultation, 0).await;
    socket
}

pub async fn database_at(url: &str) -> Database {
    let settings = DatabaseSettings {
        url: url.parse().unwrap(),
        auth: DatabaseAuth::Url,
    };
    Database::new(&settings).await.unwrap()
}

/// AWS where no service answers.
pub async fn aws_nowhere() -> SdkConfig {
    let aws = STACK.aws().await.into_builder();
    aws.endpoint_url(NOWHERE).build()
}

pub async fn worker() -> Worker {
    worker_with(&STACK.env("DATABASE_URL").unwrap()).await
}

async fn worker_with(database_url: &str) -> Worker {
    let aws = &STACK.aws().await;
    let secrets = Arc::new(Secrets::new(aws));
    Worker {
        database: database_at(database_url).await,
        readers: Readers::default(),
        queue: Queue::new(aws, STACK.env("JOBS_QUEUE_URL").unwrap()),
        dead_letters: Queue::new(aws, STACK.env("DEAD_LETTER_QUEUE_URL").unwrap()),
        transcripts: Transcripts::new(aws, STACK.env("TRANSCRIPTS_TABLE").unwrap()),
        index: None,
        chains: Chains::new(&Models::default(), None, &secrets).unwrap(),
        reports: Bucket::new(aws, STACK.env("REPORTS_BUCKET").unwrap()),
        cache: Cache::new(None),
        uploads: UploadBucket::new(aws, STACK.env("UPLOADS_BUCKET").unwrap()),
        pusher: pusher().await,
    }
}

/// The scripted provider where the deployed functions' tiers point. The complaint says what it
/// plays.
fn provider_url() -> String {
    provider::start();
    let port = STACK.env("PROVIDER_PORT").unwrap();
    format!("http://127.0.0.1:{port}/v1")
}

/// A chain of these tiers, with circuits of its own.
async fn chains(tiers: Value) -> Chains {
    let secrets = Arc::new(Secrets::new(&STACK.aws().await));
    let tiers = Tiers::parse(&tiers.to_string()).unwrap();
    let models = Models::new(tiers, None).unwrap();
    Chains::new(&models, None, &secrets).unwrap()
}

/// A tier of the scripted provider.
async fn scripted() -> Chains {
    let tier = json!({
        "name": "only", "base_url": provider_url(), "model": "scripted-primary",
    });
    chains(json!([tier])).await
}
