//! Jobs on the real database, with the worker's own code; the deployed functions have no part in most of it.

mod burial;
mod claims;
mod outbox;
mod reports;
mod worker;

use std::sync::Arc;

use ::worker::App;
use aws_config::SdkConfig;
use serde_json::json;
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
use wenzhen::jobs::JobMessage;
use wenzhen::jobs::claim::{Claim, Lease, Wanted, claim};
use wenzhen::jobs::queue::Queue;
use wenzhen::postgres::Database;
use wenzhen::reports::Bucket;
use wenzhen::triage::{self, Urgency};

use crate::provider;
use crate::support::{STACK, database, new_tenant};

const KINDS: &[&str] = &["analyze", "generate_report"];

/// A consultation whose message nobody sends, not even the deployed sweep.
async fn job() -> JobMessage {
    job_of(&new_tenant(), json!({ "symptoms": "a cough" })).await
}

async fn job_of(tenant: &str, request: serde_json::Value) -> JobMessage {
    let message = create_job(&mut database().await, tenant, request).await;
    change(
        &message,
        "UPDATE outbox SET due_at = now() + interval '1 day' WHERE tenant_id = $1 AND job_id = $2",
    )
    .await;
    message
}

async fn create_job(
    connection: &mut PgConnection,
    tenant: &str,
    request: serde_json::Value,
) -> JobMessage {
    let caller = Caller {
        tenant: TenantId::try_from(tenant.to_owned()).unwrap(),
        user: UserId::try_from("user-1".to_owned()).unwrap(),
        role: Role::Patient,
    };
    let request: NewConsultation = serde_json::from_value(request).unwrap();
    let verdict = triage::assess(&request.complaint());
    match create(connection, &caller, None, &request, &verdict)
        .await
        .unwrap()
    {
        Created::New { message, .. } => message,
        Created::Existing(_) => panic!("nothing was there before"),
    }
}

/// Runs a statement about one job, which is `$2` of the tenant `$1`.
async fn change(message: &JobMessage, sql: &'static str) {
    let change = sqlx::query(sql)
        .bind(message.tenant_id.as_str())
        .bind(message.job_id);
    change.execute(&mut database().await).await.unwrap();
}

async fn claim_one(message: &JobMessage) -> Claim {
    let wanted = [Wanted::from(message)];
    claim(&mut database().await, &wanted, KINDS)
        .await
        .unwrap()
        .remove(0)
}

/// Claims it, whatever its earlier runs did.
async fn granted(message: &JobMessage) -> Lease {
    let wanted = [Wanted::from(message).alone()];
    match claim(&mut database().await, &wanted, KINDS)
        .await
        .unwrap()
        .remove(0)
    {
        Claim::Granted(lease) => *lease,
        other => panic!("not granted: {other:?}"),
    }
}

/// The job's state, its consultation's status, and the attempts.
async fn states(message: &JobMessage) -> (String, String, i16) {
    let mut connection = database().await;
    let (state, consultation, attempts): (String, Uuid, i16) = sqlx::query_as(
        "SELECT state, consultation_id, attempts FROM jobs WHERE tenant_id = $1 AND id = $2",
    )
    .bind(message.tenant_id.as_str())
    .bind(message.job_id)
    .fetch_one(&mut connection)
    .await
    .unwrap();
    let scope = Scope {
        tenant: &message.tenant_id,
        owner: None,
    };
    let consultation = store::get(&mut connection, scope, consultation)
        .await
        .unwrap();
    let status = serde_json::to_value(consultation.status).unwrap();
    (state, status.as_str().unwrap().to_owned(), attempts)
}

fn expected(state: &str, status: &str, attempts: i16) -> (String, String, i16) {
    (state.to_owned(), status.to_owned(), attempts)
}

async fn last_error(message: &JobMessage) -> Option<String> {
    sqlx::query_scalar("SELECT last_error FROM jobs WHERE tenant_id = $1 AND id = $2")
        .bind(message.tenant_id.as_str())
        .bind(message.job_id)
        .fetch_one(&mut database().await)
        .await
        .unwrap()
}

/// Whether the outbox has a row of the job, and if so, whether the sweep looks after it within twelve hours.
async fn announced(message: &JobMessage) -> Option<bool> {
    sqlx::query_scalar("SELECT due_at < now() + interval '12 hours' FROM outbox WHERE tenant_id = $1 AND job_id = $2")
        .bind(message.tenant_id.as_str())
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
    change(message, "UPDATE jobs SET lease_expires_at = now() - interval '1 second' WHERE tenant_id = $1 AND id = $2")
        .await;
}

/// Lets a job's backoff or deferral be over, as time would.
async fn wait_out(message: &JobMessage) {
    change(
        message,
        "UPDATE jobs SET not_before = NULL WHERE tenant_id = $1 AND id = $2",
    )
    .await;
}

/// The consultation of a job.
async fn consultation(message: &JobMessage) -> Uuid {
    sqlx::query_scalar("SELECT consultation_id FROM jobs WHERE tenant_id = $1 AND id = $2")
        .bind(message.tenant_id.as_str())
        .bind(message.job_id)
        .fetch_one(&mut database().await)
        .await
        .unwrap()
}

async fn app() -> App {
    app_with(&STACK.env("DATABASE_URL").unwrap(), &STACK.aws().await).await
}

async fn app_with(database_url: &str, aws: &SdkConfig) -> App {
    let settings = DatabaseSettings {
        url: database_url.parse().unwrap(),
        auth: DatabaseAuth::Url,
    };
    App {
        database: Database::new(&settings).await.unwrap(),
        queue: Queue::new(aws, STACK.env("JOBS_QUEUE_URL").unwrap()),
        dead_letters: Queue::new(aws, STACK.env("DEAD_LETTER_QUEUE_URL").unwrap()),
        transcripts: Transcripts::new(aws, STACK.env("TRANSCRIPTS_TABLE").unwrap()),
        chains: Chains::new(&Models::default(), None, &Arc::new(Secrets::new(aws))).unwrap(),
        reports: Bucket::new(aws, STACK.env("REPORTS_BUCKET").unwrap()),
        cache: Cache::new(None),
    }
}

/// The scripted provider where the deployed functions' tiers point; what it plays stands in the complaint.
fn provider_url() -> String {
    provider::start();
    format!(
        "http://127.0.0.1:{}/v1",
        STACK.env("PROVIDER_PORT").unwrap()
    )
}

/// A chain of these tiers, with circuits of its own.
async fn chains(tiers: serde_json::Value) -> Chains {
    let aws = STACK.aws().await;
    let models = Models::new(Tiers::parse(&tiers.to_string()).unwrap(), None).unwrap();
    Chains::new(&models, None, &Arc::new(Secrets::new(&aws))).unwrap()
}

/// A tier of the scripted provider.
async fn scripted() -> Chains {
    chains(json!([{ "name": "only", "base_url": provider_url(), "model": "scripted-primary" }]))
        .await
}
