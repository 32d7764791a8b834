//! The worker's own code on batches of messages: what becomes of each run, and of its message.

mod attachments;
mod followers;
mod hanging;
mod messages;

use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::consultations::outcome;
use wenzhen::consultations::transcript::Transcripts;
use wenzhen::deadline::Deadline;
use wenzhen::jobs::queue::Queue;
use wenzhen::jobs::transition::ReleaseReason;
use wenzhen::jobs::worker::{JobError, JobHandler, JobRegistry, Run, WorkerContext, process_batch};
use wenzhen::jobs::{JobMessage, JobPayload, JobView, Lease, ReasonText, store};
use wenzhen::lambda::QueueConsumer;
use wenzhen::postgres::Database;
use wenzhen::realtime::{Connections, Gateway, Pusher};
use wenzhen_functions::{JOB_KINDS, Worker};

use super::{
    NOWHERE, assessment, aws_nowhere, chains, change, consultation_of, erase, expected, expire,
    granted, is_due_soon, job, job_of, last_error, provider_url, release, scope_of, scripted,
    snapshot, wait_out, worker, worker_with,
};
use crate::provider;
use crate::support::{database, eventually, new_tenant};

/// The time of an invocation.
const INVOCATION_TIME: Duration = Duration::from_mins(5);

/// The worker's answer to one delivery of messages: the records that come again.
pub(super) async fn deliver(worker: &Worker, bodies: &[String]) -> Vec<String> {
    deliver_within(worker, bodies, INVOCATION_TIME).await
}

async fn deliver_within(worker: &Worker, bodies: &[String], left: Duration) -> Vec<String> {
    let records = bodies.iter().enumerate().map(|(index, body)| {
        let id = format!("m-{index}");
        json!({ "messageId": id, "body": body })
    });
    let event = event(&records.collect::<Vec<_>>());
    comes_again(consume(worker, event, left).await)
}

/// The worker's answer to an event, with this much of the invocation's time left.
async fn consume(worker: &Worker, event: SqsEvent, left: Duration) -> SqsBatchResponse {
    QueueConsumer::handle(worker, event, Deadline::after(left)).await
}

fn event(records: &[Value]) -> SqsEvent {
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

fn comes_again(response: SqsBatchResponse) -> Vec<String> {
    let failures = response.batch_item_failures.into_iter();
    let mut ids: Vec<_> = failures.map(|item| item.item_identifier).collect();
    ids.sort();
    ids
}

pub(super) fn body(message: &JobMessage) -> String {
    serde_json::to_string(message).unwrap()
}

pub(super) const NOTHING: [String; 0] = [];

/// A job of a complaint, which a marker finds among the provider's calls.
async fn job_about(symptoms: &str) -> JobMessage {
    job_of(&new_tenant(), json!({ "symptoms": symptoms })).await
}

/// A job of a complaint that is to be answered by a model or not at all.
async fn job_requiring_model(symptoms: &str) -> JobMessage {
    let request = json!({ "symptoms": symptoms, "require_model": true });
    job_of(&new_tenant(), request).await
}

fn new_marker() -> String {
    Uuid::new_v4().to_string()
}

/// Waits until a model is asked about a complaint with this marker.
async fn wait_for_call(marker: &str) {
    eventually("the model is asked", async || {
        (!provider::calls(marker).is_empty()).then_some(())
    })
    .await;
}

async fn scripted_worker() -> Worker {
    let mut worker = worker().await;
    worker.chains = scripted().await;
    worker
}

/// A worker whose only tier may take half a minute.
async fn patient_worker() -> Worker {
    let tier = json!({
        "name": "only", "base_url": provider_url(), "model": "scripted-primary",
        "first_token_timeout": 30, "total_timeout": 30,
    });
    let mut worker = worker().await;
    worker.chains = chains(json!([tier])).await;
    worker
}

#[tokio::test]
async fn ten_records_share_one_connection_and_each_is_done_once() {
    let worker = worker().await;
    let messages = join_all((0..10).map(|_| job())).await;
    let bodies: Vec<_> = messages.iter().map(body).collect();

    assert_eq!(deliver(&worker, &bodies).await, NOTHING);
    let again = deliver(&worker, &bodies).await;
    assert_eq!(again, NOTHING, "nothing is left to do");
    for message in &messages {
        let done = expected("completed", "completed", 1);
        assert_eq!(snapshot(message).await, done);
    }
}

/// Those who follow a consultation may be out of reach: its job is done all the same.
#[tokio::test]
async fn a_push_that_fails_fails_no_job() {
    let mut worker = worker().await;
    let connections = Connections::new(&aws_nowhere().await, "connections".to_owned());
    let gateway = Gateway::new(&aws_nowhere().await, &NOWHERE.parse().unwrap());
    worker.pusher = Pusher::new(connections, Some(gateway));

    let message = job().await;
    assert_eq!(deliver(&worker, &[body(&message)]).await, NOTHING);
    let done = expected("completed", "completed", 1);
    assert_eq!(snapshot(&message).await, done);
}

/// A record whose job another run has leased comes again, and a bad one is given up alone.
#[tokio::test]
async fn a_leased_record_comes_again_and_a_bad_one_is_given_up() {
    let worker = worker().await;
    let (free, leased) = (job().await, job().await);
    granted(&leased).await;
    let bad = [
        r#"{"job_id":"#,
        "",
        "not a job",
        r#"{"tenant_id":"","job_id":"0","kind":"analyze"}"#,
    ];

    let mut bodies = vec![body(&free), body(&leased)];
    bodies.extend(bad.map(str::to_owned));
    assert_eq!(deliver(&worker, &bodies).await, ["m-1"]);
    assert_eq!(snapshot(&free).await, expected("completed", "completed", 1));
    assert_eq!(snapshot(&leased).await, expected("active", "processing", 1));
}

#[tokio::test]
async fn two_messages_of_one_job_in_one_batch_do_its_work_once() {
    let worker = scripted_worker().await;
    let marker = new_marker();
    let message = job_about(&format!("a cough {marker}")).await;

    let bodies = [body(&message), body(&message)];
    assert_eq!(deliver(&worker, &bodies).await, ["m-1"]);
    assert_eq!(deliver(&worker, &bodies[..1]).await, NOTHING);
    assert_eq!(provider::calls(&marker).len(), 1);
}

/// Jobs whose workers died twice run after the others, and one after the other.
#[tokio::test]
async fn jobs_whose_workers_died_twice_run_isolated() {
    let worker = scripted_worker().await;
    let marker = new_marker();
    let mut messages = Vec::new();
    for name in ["suspect", "suspect", "fresh", "fresh"] {
        let symptoms = format!("a cough {marker} {name} [primary:slow]");
        messages.push(job_about(&symptoms).await);
    }
    for suspect in &messages[..2] {
        for _ in 0..2 {
            granted(suspect).await;
            expire(suspect).await;
        }
    }

    let bodies: Vec<_> = messages.iter().map(body).collect();
    assert_eq!(deliver(&worker, &bodies).await, NOTHING);
    for (message, attempts) in messages.iter().zip([3, 3, 1, 1]) {
        let done = expected("completed", "completed", attempts);
        assert_eq!(snapshot(message).await, done);
    }

    let calls = provider::calls(&marker);
    let bodies = calls.iter().map(|call| call.body.to_string());
    let is_suspect: Vec<_> = bodies.map(|body| body.contains("suspect")).collect();
    assert_eq!(is_suspect, [false, false, true, true]);

    let ends: Vec<_> = calls.iter().map(|call| call.ended.unwrap().1).collect();
    let fresh_end = ends[0].max(ends[1]);
    assert!(calls[2].at >= fresh_end, "the first suspect has company");
    assert!(calls[3].at >= ends[2], "the second suspect has company");
}

/// An answer that was paid for is not asked for again: the first run loses its lease between the
/// model's answer and the result, and a later run takes the answer from the transcript.
#[tokio::test]
async fn an_answer_that_was_paid_for_is_not_asked_for_again() {
    let worker = scripted_worker().await;
    let marker = new_marker();
    let message = job_about(&format!("a cough {marker} [primary:slow]")).await;

    let taking_over = async {
        wait_for_call(&marker).await;
        expire(&message).await;
        granted(&message).await
    };
    let bodies = [body(&message)];
    let (first, second_lease) = futures::join!(deliver(&worker, &bodies), taking_over);
    assert_eq!(first, ["m-0"]);
    release(&second_lease, ReleaseReason::AttemptFailed, "died").await;

    assert_eq!(deliver(&worker, &bodies).await, NOTHING);
    let done = expected("completed", "completed", 3);
    assert_eq!(snapshot(&message).await, done);
    assert_eq!(provider::calls(&marker).len(), 1);
}

#[tokio::test]
async fn without_the_transcripts_an_answer_is_given_all_the_same() {
    let message = job().await;
    let mut worker = scripted_worker().await;
    worker.transcripts = Transcripts::new(&aws_nowhere().await, "gone".to_owned());
    granted(&message).await;
    expire(&message).await;

    assert_eq!(deliver(&worker, &[body(&message)]).await, NOTHING);
    let done = expected("completed", "completed", 2);
    assert_eq!(snapshot(&message).await, done);
}

/// Without the database a record comes again, and no attempt is spent.
#[tokio::test]
async fn without_the_database_a_record_comes_again() {
    let message = job().await;
    let worker = worker_with("postgres://wenzhen:x@127.0.0.1:9/wenzhen").await;
    assert_eq!(deliver(&worker, &[body(&message)]).await, ["m-0"]);
    let untouched = expected("queued", "processing", 0);
    assert_eq!(snapshot(&message).await, untouched);
}

/// Without the dead-letter queue a message that is given up comes again.
#[tokio::test]
async fn without_the_dead_letter_queue_a_message_comes_again() {
    let mut worker = worker().await;
    let url = format!("{NOWHERE}/000000000000/gone");
    worker.dead_letters = Queue::new(&aws_nowhere().await, url);
    let bodies = ["not a job".to_owned()];
    assert_eq!(deliver(&worker, &bodies).await, ["m-0"]);
}

#[tokio::test]
async fn records_that_there_is_no_time_for_are_returned_untouched() {
    let (message, worker) = (job().await, worker().await);
    let minute = Duration::from_mins(1);
    let returned = deliver_within(&worker, &[body(&message)], minute).await;
    assert_eq!(returned, ["m-0"]);
    let untouched = expected("queued", "processing", 0);
    assert_eq!(snapshot(&message).await, untouched);
}

/// A worker whose only tier opens its circuit with the first failure.
async fn brittle_worker() -> Worker {
    let tier = json!({
        "name": "only", "base_url": provider_url(), "model": "scripted-primary",
        "breaker": { "failures": 3 },
        "total_timeout": 2, "first_token_timeout": 2, "connect_timeout": 1,
    });
    let mut worker = worker().await;
    worker.chains = chains(json!([tier])).await;
    worker
}

/// A job as `GET /v1/jobs/{id}` shows it.
async fn view(message: &JobMessage) -> Value {
    let job = store::get(&mut database().await, scope_of(message), message.job_id).await;
    serde_json::to_value(JobView::new(job.unwrap(), JOB_KINDS)).unwrap()
}

/// A job that requires a model waits for one without spending attempts.
#[tokio::test]
async fn a_job_that_requires_a_model_waits_for_one() {
    let mut worker = brittle_worker().await;
    let first = job_requiring_model("a cough [primary:500]").await;
    let second = job_requiring_model("a cough [primary:500]").await;
    let waits = job_requiring_model("a cough").await;
    let degraded = job().await;

    // The calls of two tenants: those of one would open the circuit for that tenant alone.
    for opens in [&first, &second] {
        let tried = deliver(&worker, &[body(opens)]).await;
        assert_eq!(tried, ["m-0"], "it failed, and is tried again later");
        assert_eq!(snapshot(opens).await, expected("queued", "processing", 1));
        assert_eq!(last_error(opens).await.as_deref(), Some("models_failed"));
    }

    // Now the circuit is open for all.
    for _ in 0..4 {
        wait_out(&waits).await;
        let deferred = deliver(&worker, &[body(&waits)]).await;
        assert_eq!(deferred, NOTHING, "the outbox will send another message");
        let after = expected("deferred", "processing", 0);
        assert_eq!(snapshot(&waits).await, after);
        assert_eq!(is_due_soon(&waits).await, Some(true));
    }

    let view = view(&waits).await;
    assert_eq!(view["state"], "deferred");
    assert_eq!(view["error"]["code"], "models_unavailable");
    assert!(view["retry_at"].is_string(), "{view}");

    let by_rules = deliver(&worker, &[body(&degraded)]).await;
    assert_eq!(by_rules, NOTHING, "the rules answer a job that allows it");
    let done = expected("completed", "completed", 1);
    assert_eq!(snapshot(&degraded).await, done);

    let early = deliver(&worker, &[body(&waits)]).await;
    assert_eq!(early, ["m-0"], "another message of it comes too early");
    worker.chains = scripted().await; // the provider is back
    wait_out(&waits).await;
    assert_eq!(deliver(&worker, &[body(&waits)]).await, NOTHING);
    assert_eq!(snapshot(&waits).await, done);
}

/// A job that requires a model where none is configured fails at once, and says why.
#[tokio::test]
async fn a_job_that_requires_a_model_fails_where_there_is_none() {
    let (message, worker) = (job_requiring_model("a cough").await, worker().await);
    let given_up = deliver(&worker, &[body(&message)]).await;
    assert_eq!(given_up, NOTHING, "its message is a dead letter");
    assert_eq!(snapshot(&message).await, expected("failed", "failed", 1));
    let code = last_error(&message).await;
    assert_eq!(code.as_deref(), Some("no_model_configured"));
}

#[tokio::test]
async fn three_failed_attempts_end_in_a_failed_job() {
    let worker = scripted_worker().await;
    let message = job_requiring_model("a cough [primary:prose]").await;
    for attempt in 1..=2 {
        assert_eq!(deliver(&worker, &[body(&message)]).await, ["m-0"]);
        let after = expected("queued", "processing", attempt);
        assert_eq!(snapshot(&message).await, after);
        wait_out(&message).await;
    }

    assert_eq!(deliver(&worker, &[body(&message)]).await, NOTHING);
    assert_eq!(snapshot(&message).await, expected("failed", "failed", 3));
}

#[tokio::test]
async fn a_payload_that_cannot_be_read_ends_in_a_failed_job() {
    let (message, worker) = (job().await, worker().await);
    let spoil = r#"UPDATE jobs SET payload = '{"consultation_id": "胸痛"}'
                   WHERE tenant_id = $1 AND id = $2"#;
    change(&message, spoil).await;

    assert_eq!(deliver(&worker, &[body(&message)]).await, NOTHING);
    assert_eq!(snapshot(&message).await, expected("failed", "failed", 1));
    let code = last_error(&message).await;
    assert_eq!(code.as_deref(), Some("payload_unreadable"));
}

/// A consultation that is erased while it is analysed leaves nothing behind.
#[tokio::test]
async fn an_erased_consultation_leaves_no_transcript() {
    let worker = scripted_worker().await;
    let marker = new_marker();
    let message = job_about(&format!("a cough {marker} [primary:slow]")).await;
    let consultation = consultation_of(&message).await;

    let erasing = async {
        wait_for_call(&marker).await;
        erase(&message).await;
    };
    let bodies = [body(&message)];
    let (first, ()) = futures::join!(deliver(&worker, &bodies), erasing);
    assert_eq!(first, NOTHING);
    assert_eq!(provider::calls(&marker).len(), 1, "there was an answer");

    let transcripts = &worker.transcripts;
    let answer = transcripts.find_answer(&message.tenant_id, consultation, 1);
    assert!(answer.await.unwrap().is_none(), "and it is not kept");
    let again = deliver(&worker, &bodies).await;
    assert_eq!(again, NOTHING, "there is no such job any more");
}

/// A worker with one kind of its own, which panics if its payload says so.
struct FragileWorker(Worker);

#[derive(Serialize, Deserialize)]
struct Fragile {
    with_care: bool,
}

impl JobPayload for Fragile {
    const KIND: &'static str = "handle";
    const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
    const REASONS: &'static [ReasonText] = &[];
}

impl WorkerContext for FragileWorker {
    fn database(&self) -> &Database {
        self.0.database()
    }

    fn queue(&self) -> &Queue {
        self.0.queue()
    }

    fn dead_letters(&self) -> &Queue {
        self.0.dead_letters()
    }
}

impl JobHandler<Fragile> for FragileWorker {
    async fn handle(&self, run: &Run<'_>, payload: Fragile) -> Result<(), JobError> {
        tokio::task::yield_now().await;
        assert!(payload.with_care, "this panic is part of a test");
        let result = assessment("handled");
        run.complete(async |connection| {
            outcome::write_assessment(connection, run.lease, &result).await
        })
        .await
    }

    async fn cleanup(&self, _: &Lease, _: Fragile) -> Result<(), JobError> {
        Ok(())
    }
}

/// A job of the fragile kind.
async fn fragile_job(with_care: bool) -> JobMessage {
    let message = job().await;
    let sql = "UPDATE jobs
               SET kind = 'handle', payload = jsonb_build_object('with_care', $3)
               WHERE tenant_id = $1 AND id = $2";
    sqlx::query(sql)
        .bind(&message.tenant_id)
        .bind(message.job_id)
        .bind(with_care)
        .execute(&mut database().await)
        .await
        .unwrap();
    message
}

#[tokio::test]
async fn a_panic_fails_its_own_job_and_no_other() {
    let worker = FragileWorker(worker().await);
    let registry = JobRegistry::default().register::<Fragile>();
    let messages = [
        fragile_job(true).await,
        fragile_job(false).await,
        fragile_job(true).await,
    ];
    let records = messages.iter().enumerate().map(|(index, message)| {
        let id = format!("m-{index}");
        json!({ "messageId": id, "body": body(message) })
    });
    let event = event(&records.collect::<Vec<_>>());

    let minute = Deadline::after(Duration::from_mins(1));
    let response = process_batch(&worker, &registry, event, minute).await;
    assert_eq!(comes_again(response), ["m-1"]);

    let done = expected("completed", "completed", 1);
    assert_eq!(snapshot(&messages[0]).await, done);
    assert_eq!(snapshot(&messages[2]).await, done);
    let failed = expected("queued", "processing", 1);
    assert_eq!(snapshot(&messages[1]).await, failed);
    assert_eq!(last_error(&messages[1]).await.as_deref(), Some("panic"));
}
