//! Claims, leases and endings of jobs, on the real database; the queue has no part in them.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures::future::join_all;
use serde_json::json;
use sqlx::postgres::PgConnection;
use uuid::Uuid;
use wenzhen::ai::Chains;
use wenzhen::aws::Secrets;
use wenzhen::config::{DatabaseAuth, DatabaseSettings, Models, Tiers};
use wenzhen::consultations::store::{Created, create};
use wenzhen::consultations::transcript::Transcripts;
use wenzhen::consultations::{Assessment, NewConsultation, ServedBy, outcome};
use wenzhen::deadline::Deadline;
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen::jobs::JobMessage;
use wenzhen::jobs::outbox::Queue;
use wenzhen::jobs::store::{Claim, Lease, claim};
use wenzhen::postgres::Database;
use wenzhen::triage::{self, Urgency};
use worker::App;

use crate::provider;
use crate::support::{STACK, database, eventually, new_tenant};

const MINUTE: Duration = Duration::from_mins(1);

/// A consultation whose message nobody sends.
async fn job() -> JobMessage {
    let caller = Caller {
        tenant: TenantId::try_from(new_tenant()).unwrap(),
        user: UserId::try_from("user-1".to_owned()).unwrap(),
        role: Role::Patient,
    };
    let request: NewConsultation = serde_json::from_value(json!({ "symptoms": "a cough" })).unwrap();
    let verdict = triage::assess(&request.complaint());
    match create(&mut database().await, &caller, None, &request, &verdict).await.unwrap() {
        Created::New { message, .. } => message,
        Created::Before { .. } => panic!("nothing was there before"),
    }
}

async fn granted(message: &JobMessage, lease: Duration) -> Lease {
    match claim(&mut database().await, message, lease).await.unwrap() {
        Claim::Granted(lease) => lease,
        other => panic!("not granted: {other:?}"),
    }
}

async fn states(message: &JobMessage) -> (String, String, i16) {
    sqlx::query_as(
        "SELECT j.state, c.status, j.attempts FROM jobs j
         JOIN consultations c ON (c.tenant_id, c.id) = (j.tenant_id, j.consultation_id)
         WHERE j.tenant_id = $1 AND j.id = $2",
    )
    .bind(message.tenant_id.as_str())
    .bind(message.job_id)
    .fetch_one(&mut database().await)
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
        served_by: ServedBy { tier: "test".to_owned(), model: None },
        degraded: false,
        degraded_reason: None,
        disclaimer: String::new(),
    }
}

/// Lets a job's lease expire, as time would.
async fn expire(connection: &mut PgConnection, message: &JobMessage) {
    let expired = "UPDATE jobs SET lease_expires_at = now() - interval '1 second' WHERE tenant_id = $1 AND id = $2";
    let expired = sqlx::query(expired).bind(message.tenant_id.as_str()).bind(message.job_id);
    expired.execute(connection).await.unwrap();
}

#[tokio::test]
async fn of_many_claims_at_once_one_is_granted_and_the_others_learn_for_how_long() {
    let message = job().await;
    let claims =
        join_all((0..10).map(|_| async { claim(&mut database().await, &message, MINUTE).await.unwrap() })).await;
    let (granted, held): (Vec<_>, Vec<_>) = claims.iter().partition(|claim| matches!(claim, Claim::Granted(_)));
    assert_eq!(granted.len(), 1);
    for claim in held {
        let Claim::Held(rest) = claim else { panic!("{claim:?}") };
        assert!(*rest > MINUTE / 2 && *rest <= MINUTE, "{rest:?}");
    }
    assert_eq!(states(&message).await, ("active".into(), "processing".into(), 1));
}

#[tokio::test]
async fn a_run_that_was_overtaken_cannot_write() {
    let message = job().await;
    let mut connection = database().await;
    let first = granted(&message, MINUTE).await;
    expire(&mut connection, &message).await;
    let second = granted(&message, MINUTE).await;
    assert_eq!((first.attempt, second.attempt), (1, 2));
    assert!(!outcome::complete(&mut connection, &first, &assessment("late")).await.unwrap());
    outcome::give_back(&mut connection, &first, "late").await.unwrap();
    assert_eq!(states(&message).await, ("active".into(), "processing".into(), 2));
    assert!(outcome::complete(&mut connection, &second, &assessment("in time")).await.unwrap());
    assert!(!outcome::complete(&mut connection, &second, &assessment("twice")).await.unwrap());
    let summary: String = sqlx::query_scalar("SELECT assessment->>'summary' FROM consultations WHERE tenant_id = $1")
        .bind(message.tenant_id.as_str())
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(summary, "in time");
    assert_eq!(claim(&mut connection, &message, MINUTE).await.unwrap(), Claim::Finished);
}

#[tokio::test]
async fn the_third_failure_is_the_last() {
    let message = job().await;
    let mut connection = database().await;
    for attempt in 1..=3 {
        let lease = granted(&message, MINUTE).await;
        assert_eq!(lease.attempt, attempt);
        outcome::give_back(&mut connection, &lease, "as_the_test_wants").await.unwrap();
        let expected = if attempt < 3 { ("queued", "processing") } else { ("failed", "failed") };
        assert_eq!(states(&message).await, (expected.0.into(), expected.1.into(), attempt));
    }
    assert_eq!(claim(&mut connection, &message, MINUTE).await.unwrap(), Claim::Failed);
}

#[tokio::test]
async fn another_tenant_cannot_claim_and_does_not_disturb() {
    let message = job().await;
    let other = TenantId::try_from("another".to_owned()).unwrap();
    let foreign = JobMessage::new(&other, message.job_id, message.kind);
    assert_eq!(claim(&mut database().await, &foreign, MINUTE).await.unwrap(), Claim::Missing);
    assert_eq!(states(&message).await, ("queued".into(), "processing".into(), 0));
}

async fn app(database_url: &str) -> App {
    let aws = STACK.aws().await;
    let settings = DatabaseSettings { url: database_url.parse().unwrap(), auth: DatabaseAuth::Url };
    App {
        database: Database::new(&settings).await.unwrap(),
        transcripts: Transcripts::new(&aws, STACK.env("TRANSCRIPTS_TABLE").unwrap()),
        queue: Queue::new(&aws, STACK.env("JOBS_QUEUE_URL").unwrap()),
        chains: Chains::new(&Models::default(), None, &Arc::new(Secrets::new(&aws))).unwrap(),
    }
}

/// A tier of the scripted provider.
async fn scripted() -> Chains {
    provider::start();
    let port = STACK.env("PROVIDER_PORT").unwrap();
    let tier =
        json!([{ "name": "only", "base_url": format!("http://127.0.0.1:{port}/v1"), "model": "scripted-primary" }]);
    let aws = STACK.aws().await;
    let models = Models::new(Tiers::parse(&tier.to_string()).unwrap(), None).unwrap();
    Chains::new(&models, None, &Arc::new(Secrets::new(&aws))).unwrap()
}

#[tokio::test]
async fn an_answer_that_was_paid_for_is_not_asked_for_again() {
    let message = job().await;
    let mut app = app(&STACK.env("DATABASE_URL").unwrap()).await;
    app.chains = scripted().await;
    // The first run ends between its answer and the result: it is overtaken while the model speaks.
    let (marker, mut connection) = (Uuid::new_v4().to_string(), database().await);
    let symptoms = format!("a cough {marker} [primary:slow]");
    let asked = sqlx::query("UPDATE consultations SET symptoms = $2 WHERE tenant_id = $1");
    asked.bind(message.tenant_id.as_str()).bind(symptoms).execute(&mut connection).await.unwrap();
    let overtake = async {
        eventually("the model is asked", async || (!provider::calls(&marker).is_empty()).then_some(())).await;
        expire(&mut database().await, &message).await;
        granted(&message, MINUTE).await
    };
    let bodies = [body(&message)];
    let (first, overtaker) = futures::join!(deliver(&app, &bodies), overtake);
    assert_eq!(failed(first), ["m-0"]);
    outcome::give_back(&mut connection, &overtaker, "died").await.unwrap();
    assert_eq!(failed(deliver(&app, &bodies).await), Vec::<String>::new());
    assert_eq!(states(&message).await, ("completed".into(), "completed".into(), 3));
    assert_eq!(provider::calls(&marker).len(), 1);
}

#[tokio::test]
async fn without_the_transcripts_an_answer_is_given_all_the_same() {
    let message = job().await;
    let mut app = app(&STACK.env("DATABASE_URL").unwrap()).await;
    app.chains = scripted().await;
    let nowhere = STACK.aws().await.into_builder().endpoint_url("http://127.0.0.1:9").build();
    app.transcripts = Transcripts::new(&nowhere, "gone".to_owned());
    let mut connection = database().await;
    granted(&message, MINUTE).await;
    expire(&mut connection, &message).await;
    assert_eq!(failed(deliver(&app, &[body(&message)]).await), Vec::<String>::new());
    assert_eq!(states(&message).await, ("completed".into(), "completed".into(), 2));
}

/// What the worker answers to one delivery of a message.
async fn deliver(app: &App, bodies: &[String]) -> SqsBatchResponse {
    let record = |(index, body)| json!({ "messageId": format!("m-{index}"), "body": body });
    let records: Vec<_> = bodies.iter().enumerate().map(record).collect();
    let event: SqsEvent = serde_json::from_value(json!({ "Records": records })).unwrap();
    worker::handle(app, event, Deadline::after(MINUTE)).await
}

fn body(message: &JobMessage) -> String {
    serde_json::to_string(message).unwrap()
}

fn failed(response: SqsBatchResponse) -> Vec<String> {
    let mut ids: Vec<_> = response.batch_item_failures.into_iter().map(|item| item.item_identifier).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn ten_records_share_one_connection_and_each_is_done_once() {
    let app = app(&STACK.env("DATABASE_URL").unwrap()).await;
    let messages = join_all((0..10).map(|_| job())).await;
    let bodies: Vec<_> = messages.iter().map(body).collect();
    assert_eq!(failed(deliver(&app, &bodies).await), Vec::<String>::new());
    assert_eq!(failed(deliver(&app, &bodies).await), Vec::<String>::new(), "delivered again, nothing is left to do");
    for message in &messages {
        assert_eq!(states(message).await, ("completed".into(), "completed".into(), 1));
    }
}

#[tokio::test]
async fn a_record_that_somebody_else_works_on_comes_again_and_a_bad_one_fails_alone() {
    let app = app(&STACK.env("DATABASE_URL").unwrap()).await;
    let (free, held) = (job().await, job().await);
    granted(&held, MINUTE).await;
    let response = deliver(&app, &[body(&free), body(&held), "not a job".to_owned()]).await;
    assert_eq!(failed(response), ["m-1", "m-2"]);
    assert_eq!(states(&free).await, ("completed".into(), "completed".into(), 1));
    assert_eq!(states(&held).await, ("active".into(), "processing".into(), 1));
}

#[tokio::test]
async fn runs_that_died_use_up_the_attempts_and_the_job_ends_as_failed() {
    let app = app(&STACK.env("DATABASE_URL").unwrap()).await;
    let message = job().await;
    let mut connection = database().await;
    for _ in 0..3 {
        granted(&message, MINUTE).await;
        expire(&mut connection, &message).await;
    }
    assert_eq!(failed(deliver(&app, &[body(&message)]).await), ["m-0"]);
    assert_eq!(states(&message).await, ("failed".into(), "failed".into(), 4));
}

#[tokio::test]
async fn without_the_database_a_record_comes_again_and_no_attempt_is_used_up() {
    let message = job().await;
    let app = app("postgres://wenzhen:x@127.0.0.1:9/wenzhen").await;
    assert_eq!(failed(deliver(&app, &[body(&message)]).await), ["m-0"]);
    assert_eq!(states(&message).await, ("queued".into(), "processing".into(), 0));
}
