//! The worker's own code on batches of messages: what becomes of each run, and of its message.

use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use aws_sdk_sqs::types::QueueAttributeName::{
    ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible,
};
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::consultations::outcome;
use wenzhen::consultations::transcript::Transcripts;
use wenzhen::deadline::Deadline;
use wenzhen::identity::Scope;
use wenzhen::jobs::claim::Lease;
use wenzhen::jobs::ending::{self, Release};
use wenzhen::jobs::queue::Queue;
use wenzhen::jobs::worker::{Environment, Kinds, Perform, Run, Stop, process};
use wenzhen::jobs::{JobMessage, Task, store};
use wenzhen::postgres::Database;
use worker::App;

use super::{
    announced, app, app_with, chains, change, consultation, expected, expire, granted, job, job_of,
    last_error, provider_url, scripted, states, wait_out,
};
use crate::provider;
use crate::support::aws_proxy::{AwsProxy, Mode};
use crate::support::{STACK, database, eventually, new_tenant};

/// What the worker answers to one delivery of messages.
pub(super) async fn deliver(app: &App, bodies: &[String]) -> Vec<String> {
    deliver_within(app, bodies, Duration::from_mins(5)).await
}

async fn deliver_within(app: &App, bodies: &[String], left: Duration) -> Vec<String> {
    let record = |(index, body)| json!({ "messageId": format!("m-{index}"), "body": body });
    let records: Vec<_> = bodies.iter().enumerate().map(record).collect();
    failed(::worker::handle(app, event(&records), Deadline::after(left)).await)
}

fn event(records: &[Value]) -> SqsEvent {
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

fn failed(response: SqsBatchResponse) -> Vec<String> {
    let mut ids: Vec<_> = response
        .batch_item_failures
        .into_iter()
        .map(|item| item.item_identifier)
        .collect();
    ids.sort();
    ids
}

pub(super) fn body(message: &JobMessage) -> String {
    serde_json::to_string(message).unwrap()
}

pub(super) const NOTHING: [String; 0] = [];

/// Asks for a model with this complaint.
async fn requiring_a_model(symptoms: &str) -> JobMessage {
    job_of(
        &new_tenant(),
        json!({ "symptoms": symptoms, "require_model": true }),
    )
    .await
}

#[tokio::test]
async fn ten_records_share_one_connection_and_each_is_done_once() {
    let app = app().await;
    let messages = join_all((0..10).map(|_| job())).await;
    let bodies: Vec<_> = messages.iter().map(body).collect();
    assert_eq!(deliver(&app, &bodies).await, NOTHING);
    assert_eq!(
        deliver(&app, &bodies).await,
        NOTHING,
        "delivered again, nothing is left to do"
    );
    for message in &messages {
        assert_eq!(states(message).await, expected("completed", "completed", 1));
    }
}

#[tokio::test]
async fn a_record_that_somebody_else_works_on_comes_again_and_a_bad_one_is_given_up_alone() {
    let app = app().await;
    let (free, held) = (job().await, job().await);
    granted(&held).await;
    let bad = [
        r#"{"job_id":"#,
        "",
        "not a job",
        r#"{"tenant_id":"","job_id":"0","kind":"analyze"}"#,
    ];
    let bodies: Vec<_> = [body(&free), body(&held)]
        .into_iter()
        .chain(bad.map(str::to_owned))
        .collect();
    assert_eq!(deliver(&app, &bodies).await, ["m-1"]);
    assert_eq!(states(&free).await, expected("completed", "completed", 1));
    assert_eq!(states(&held).await, expected("active", "processing", 1));
}

#[tokio::test]
async fn two_messages_of_one_job_in_one_batch_do_its_work_once() {
    let (mut app, marker) = (app().await, Uuid::new_v4().to_string());
    app.chains = scripted().await;
    let message = job_of(
        &new_tenant(),
        json!({ "symptoms": format!("a cough {marker}") }),
    )
    .await;
    assert_eq!(
        deliver(&app, &[body(&message), body(&message)]).await,
        ["m-1"]
    );
    assert_eq!(deliver(&app, &[body(&message)]).await, NOTHING);
    assert_eq!(provider::calls(&marker).len(), 1);
}

#[tokio::test]
async fn jobs_whose_workers_died_twice_are_done_after_the_others_and_one_by_one() {
    let (mut app, marker) = (app().await, Uuid::new_v4().to_string());
    app.chains = scripted().await;
    let complaint =
        |who: &str| json!({ "symptoms": format!("a cough {marker} {who} [primary:slow]") });
    let mut messages = Vec::new();
    for who in ["suspect", "suspect", "fresh", "fresh"] {
        messages.push(job_of(&new_tenant(), complaint(who)).await);
    }
    for suspect in &messages[..2] {
        for _ in 0..2 {
            granted(suspect).await;
            expire(suspect).await;
        }
    }
    let bodies: Vec<_> = messages.iter().map(body).collect();
    assert_eq!(deliver(&app, &bodies).await, NOTHING);
    for (message, attempts) in messages.iter().zip([3, 3, 1, 1]) {
        assert_eq!(
            states(message).await,
            expected("completed", "completed", attempts)
        );
    }
    let calls = provider::calls(&marker);
    let is_suspect: Vec<_> = calls
        .iter()
        .map(|call| call.body.to_string().contains("suspect"))
        .collect();
    assert_eq!(is_suspect, [false, false, true, true]);
    let ends: Vec<_> = calls.iter().map(|call| call.ended.unwrap().1).collect();
    assert!(
        calls[2].at >= ends[0].max(ends[1]) && calls[3].at >= ends[2],
        "no suspect has company"
    );
}

#[tokio::test]
async fn an_answer_that_was_paid_for_is_not_asked_for_again() {
    let (mut app, marker) = (app().await, Uuid::new_v4().to_string());
    app.chains = scripted().await;
    let message = job_of(
        &new_tenant(),
        json!({ "symptoms": format!("a cough {marker} [primary:slow]") }),
    )
    .await;
    // The first run ends between its answer and the result: it is overtaken while the model speaks.
    let overtake = async {
        eventually("the model is asked", async || {
            (!provider::calls(&marker).is_empty()).then_some(())
        })
        .await;
        expire(&message).await;
        granted(&message).await
    };
    let bodies = [body(&message)];
    let (first, overtaker) = futures::join!(deliver(&app, &bodies), overtake);
    assert_eq!(first, ["m-0"]);
    ending::give_back(
        &mut database().await,
        &overtaker,
        Release::Failed,
        "died",
        Duration::ZERO,
    )
    .await
    .unwrap();
    assert_eq!(deliver(&app, &bodies).await, NOTHING);
    assert_eq!(
        states(&message).await,
        expected("completed", "completed", 3)
    );
    assert_eq!(provider::calls(&marker).len(), 1);
}

#[tokio::test]
async fn without_the_transcripts_an_answer_is_given_all_the_same() {
    let (message, mut app) = (job().await, app().await);
    app.chains = scripted().await;
    let nowhere = STACK
        .aws()
        .await
        .into_builder()
        .endpoint_url("http://127.0.0.1:9")
        .build();
    app.transcripts = Transcripts::new(&nowhere, "gone".to_owned());
    granted(&message).await;
    expire(&message).await;
    assert_eq!(deliver(&app, &[body(&message)]).await, NOTHING);
    assert_eq!(
        states(&message).await,
        expected("completed", "completed", 2)
    );
}

#[tokio::test]
async fn without_the_database_a_record_comes_again_and_no_attempt_is_used_up() {
    let message = job().await;
    let app = app_with(
        "postgres://wenzhen:x@127.0.0.1:9/wenzhen",
        &STACK.aws().await,
    )
    .await;
    assert_eq!(deliver(&app, &[body(&message)]).await, ["m-0"]);
    assert_eq!(states(&message).await, expected("queued", "processing", 0));
}

#[tokio::test]
async fn without_the_dead_letter_queue_a_message_that_is_given_up_comes_again() {
    let mut app = app().await;
    let nowhere = STACK
        .aws()
        .await
        .into_builder()
        .endpoint_url("http://127.0.0.1:9")
        .build();
    app.dead_letters = Queue::new(&nowhere, "http://127.0.0.1:9/000000000000/gone".to_owned());
    assert_eq!(deliver(&app, &["not a job".to_owned()]).await, ["m-0"]);
}

#[tokio::test]
async fn records_that_there_is_no_time_for_are_returned_untouched() {
    let (message, app) = (job().await, app().await);
    assert_eq!(
        deliver_within(&app, &[body(&message)], Duration::from_mins(1)).await,
        ["m-0"]
    );
    assert_eq!(states(&message).await, expected("queued", "processing", 0));
}

#[tokio::test]
async fn what_requires_a_model_waits_for_one_without_spending_attempts() {
    let mut app = app().await;
    let breaker = json!({ "failures": 1 });
    app.chains = chains(
        json!([{ "name": "only", "base_url": provider_url(), "model": "scripted-primary",
        "breaker": breaker, "total_timeout": 2, "first_token_timeout": 2, "connect_timeout": 1 }]),
    )
    .await;
    let (opens, waits) = (
        requiring_a_model("a cough [primary:500]").await,
        requiring_a_model("a cough").await,
    );
    let degraded = job().await;
    assert_eq!(
        deliver(&app, &[body(&opens)]).await,
        ["m-0"],
        "tried, failed, and tried again later"
    );
    assert_eq!(states(&opens).await, expected("queued", "processing", 1));
    assert_eq!(last_error(&opens).await.as_deref(), Some("models_failed"));
    // Now the circuit is open.
    for _ in 0..4 {
        wait_out(&waits).await;
        assert_eq!(
            deliver(&app, &[body(&waits)]).await,
            NOTHING,
            "the outbox will send another message"
        );
        assert_eq!(states(&waits).await, expected("deferred", "processing", 0));
        assert_eq!(announced(&waits).await, Some(true));
    }
    let view = store::get(
        &mut database().await,
        Scope {
            tenant: &waits.tenant_id,
            owner: None,
        },
        waits.job_id,
    )
    .await;
    let view = serde_json::to_value(view.unwrap()).unwrap();
    assert_eq!(
        (&view["state"], &view["error"]["code"]),
        (&json!("deferred"), &json!("models_unavailable"))
    );
    assert!(view["retry_at"].is_string(), "{view}");
    assert_eq!(
        deliver(&app, &[body(&degraded)]).await,
        NOTHING,
        "who takes the rules' answer does not wait"
    );
    assert_eq!(
        states(&degraded).await,
        expected("completed", "completed", 1)
    );
    assert_eq!(
        deliver(&app, &[body(&waits)]).await,
        ["m-0"],
        "another message of it comes too early"
    );
    app.chains = scripted().await; // the provider is back
    wait_out(&waits).await;
    assert_eq!(deliver(&app, &[body(&waits)]).await, NOTHING);
    assert_eq!(states(&waits).await, expected("completed", "completed", 1));
}

#[tokio::test]
async fn what_requires_a_model_where_there_is_none_fails_at_once_and_says_why() {
    let (message, app) = (requiring_a_model("a cough").await, app().await);
    assert_eq!(
        deliver(&app, &[body(&message)]).await,
        NOTHING,
        "its message is in the dead-letter queue"
    );
    assert_eq!(states(&message).await, expected("failed", "failed", 1));
    assert_eq!(
        last_error(&message).await.as_deref(),
        Some("no_model_configured")
    );
}

#[tokio::test]
async fn three_failed_attempts_end_in_a_failed_job() {
    let mut app = app().await;
    app.chains = scripted().await;
    let message = requiring_a_model("a cough [primary:prose]").await;
    for attempt in 1..=2 {
        assert_eq!(deliver(&app, &[body(&message)]).await, ["m-0"]);
        assert_eq!(
            states(&message).await,
            expected("queued", "processing", attempt)
        );
        wait_out(&message).await;
    }
    assert_eq!(deliver(&app, &[body(&message)]).await, NOTHING);
    assert_eq!(states(&message).await, expected("failed", "failed", 3));
}

#[tokio::test]
async fn a_payload_that_cannot_be_read_ends_in_a_failed_job() {
    let (message, app) = (job().await, app().await);
    change(&message, r#"UPDATE jobs SET payload = '{"consultation_id": "胸痛"}' WHERE tenant_id = $1 AND id = $2"#)
        .await;
    assert_eq!(deliver(&app, &[body(&message)]).await, NOTHING);
    assert_eq!(states(&message).await, expected("failed", "failed", 1));
    assert_eq!(
        last_error(&message).await.as_deref(),
        Some("payload_unreadable")
    );
}

#[tokio::test]
async fn a_consultation_that_is_erased_while_it_is_analysed_leaves_nothing_behind() {
    let (mut app, marker) = (app().await, Uuid::new_v4().to_string());
    app.chains = scripted().await;
    let message = job_of(
        &new_tenant(),
        json!({ "symptoms": format!("a cough {marker} [primary:slow]") }),
    )
    .await;
    let consultation = consultation(&message).await;
    let erase = async {
        eventually("the model is asked", async || {
            (!provider::calls(&marker).is_empty()).then_some(())
        })
        .await;
        change(
            &message,
            "DELETE FROM consultations WHERE tenant_id = $1 AND job_id = $2",
        )
        .await;
    };
    let bodies = [body(&message)];
    let (first, ()) = futures::join!(deliver(&app, &bodies), erase);
    assert_eq!(first, NOTHING);
    assert_eq!(provider::calls(&marker).len(), 1, "there was an answer");
    assert!(
        app.transcripts
            .answer(&message.tenant_id, consultation)
            .await
            .unwrap()
            .is_none(),
        "and nobody keeps it"
    );
    assert_eq!(
        deliver(&app, &bodies).await,
        NOTHING,
        "there is no such job any more"
    );
}

/// A worker with one kind of its own, which panics if its payload says so.
struct Fragile(App);

#[derive(Serialize, Deserialize)]
struct Handle {
    with_care: bool,
}

impl Task for Handle {
    const KIND: &'static str = "handle";
    const LONGEST: Duration = Duration::from_secs(10);
}

impl Environment for Fragile {
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

impl Perform<Handle> for Fragile {
    async fn perform(&self, run: &Run<'_>, task: Handle) -> Result<(), Stop> {
        tokio::task::yield_now().await;
        assert!(task.with_care, "this panic is part of a test");
        run.complete(async |session| {
            outcome::assessed(session, run.lease, &super::assessment("handled")).await
        })
        .await
    }

    async fn forget(&self, _: &Lease, _: Handle) -> Result<(), Stop> {
        Ok(())
    }
}

#[tokio::test]
async fn a_panic_fails_its_own_job_and_no_other() {
    let app = Fragile(app().await);
    let kinds = Kinds::default().with::<Handle>();
    let messages = [job().await, job().await, job().await];
    for (message, with_care) in messages.iter().zip([true, false, true]) {
        sqlx::query("UPDATE jobs SET kind = 'handle', payload = jsonb_build_object('with_care', $3) WHERE tenant_id = $1 AND id = $2")
            .bind(message.tenant_id.as_str())
            .bind(message.job_id)
            .bind(with_care)
            .execute(&mut database().await)
            .await
            .unwrap();
    }
    let record =
        |(index, message)| json!({ "messageId": format!("m-{index}"), "body": body(message) });
    let records: Vec<_> = messages.iter().enumerate().map(record).collect();
    let response = process(
        &app,
        &kinds,
        event(&records),
        Deadline::after(Duration::from_mins(1)),
    )
    .await;
    assert_eq!(failed(response), ["m-1"]);
    assert_eq!(
        states(&messages[0]).await,
        expected("completed", "completed", 1)
    );
    assert_eq!(
        states(&messages[1]).await,
        expected("queued", "processing", 1)
    );
    assert_eq!(last_error(&messages[1]).await.as_deref(), Some("panic"));
    assert_eq!(
        states(&messages[2]).await,
        expected("completed", "completed", 1)
    );
}

#[tokio::test]
async fn a_job_that_is_called_off_while_it_runs_stops() {
    let (mut app, marker) = (app().await, Uuid::new_v4().to_string());
    let tier = json!([{ "name": "only", "base_url": provider_url(), "model": "scripted-primary",
        "first_token_timeout": 30, "total_timeout": 30 }]);
    app.chains = chains(tier).await;
    let message = job_of(
        &new_tenant(),
        json!({ "symptoms": format!("a cough {marker} [primary:late-20000]") }),
    )
    .await;
    let call_off = async {
        eventually("the model is asked", async || {
            (!provider::calls(&marker).is_empty()).then_some(())
        })
        .await;
        let scope = Scope {
            tenant: &message.tenant_id,
            owner: None,
        };
        ending::cancel(&mut database().await, scope, message.job_id)
            .await
            .unwrap()
    };
    let bodies = [body(&message)];
    let (first, view) = futures::join!(deliver(&app, &bodies), call_off);
    assert!(view.cancel_requested);
    assert_eq!(first, NOTHING);
    assert_eq!(
        states(&message).await,
        expected("cancelled", "cancelled", 1)
    );
    let ended = eventually("the model is not waited for", async || {
        provider::calls(&marker)[0].ended
    })
    .await;
    assert_eq!(ended.0, "hung up");
}

/// A queue of its own with a message in it, received once, as the event source would.
async fn received(app: &mut App, message: &JobMessage, visibility: i32) -> (String, Value) {
    let aws = STACK.aws().await;
    let client = aws_sdk_sqs::Client::new(&aws);
    let name = format!("worker-{}", Uuid::new_v4());
    let url = client
        .create_queue()
        .queue_name(name)
        .send()
        .await
        .unwrap()
        .queue_url
        .unwrap();
    app.queue = Queue::new(&aws, url.clone());
    app.queue
        .send_batch(std::slice::from_ref(message))
        .await
        .unwrap();
    let receive = client
        .receive_message()
        .queue_url(&url)
        .visibility_timeout(visibility)
        .wait_time_seconds(5);
    let got = receive.send().await.unwrap().messages.unwrap().remove(0);
    let record = json!({ "messageId": got.message_id, "receiptHandle": got.receipt_handle, "body": got.body,
                         "attributes": { "ApproximateReceiveCount": "1" } });
    (url, record)
}

/// Messages that can be received now, and those that cannot.
async fn counts(url: &str) -> (i32, i32) {
    let client = aws_sdk_sqs::Client::new(&STACK.aws().await);
    let asked = client.get_queue_attributes().queue_url(url);
    let asked = asked
        .attribute_names(ApproximateNumberOfMessages)
        .attribute_names(ApproximateNumberOfMessagesNotVisible);
    let attributes = asked.send().await.unwrap().attributes.unwrap();
    let count = |name| attributes[&name].parse().unwrap();
    (
        count(ApproximateNumberOfMessages),
        count(ApproximateNumberOfMessagesNotVisible),
    )
}

#[tokio::test]
async fn a_failed_attempt_is_visible_again_after_its_backoff_not_the_queues_half_hour() {
    let mut app = app().await;
    app.chains = scripted().await;
    let message = requiring_a_model("a cough [primary:prose]").await;
    let (url, record) = received(&mut app, &message, 1_830).await;
    let response = ::worker::handle(
        &app,
        event(&[record]),
        Deadline::after(Duration::from_mins(5)),
    )
    .await;
    assert_eq!(response.batch_item_failures.len(), 1);
    eventually("the message is visible", async || {
        (counts(&url).await == (1, 0)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_providers_retry_after_decides_when_a_message_comes_again() {
    let mut app = app().await;
    app.chains = scripted().await;
    let message = requiring_a_model("a cough [primary:429-always-7]").await;
    let (url, record) = received(&mut app, &message, 1_830).await;
    let started = std::time::Instant::now();
    // There is no time to wait the seven seconds out within the attempt.
    let response = ::worker::handle(
        &app,
        event(&[record]),
        Deadline::after(Duration::from_mins(5)),
    )
    .await;
    let (state, _, attempts) = states(&message).await;
    assert_eq!(
        (response.batch_item_failures.len(), state.as_str(), attempts),
        (1, "queued", 1)
    );
    assert_eq!(counts(&url).await, (0, 1));
    eventually("the message is visible", async || {
        (counts(&url).await == (1, 0)).then_some(())
    })
    .await;
    assert!(
        started.elapsed() >= Duration::from_secs(7),
        "not before the provider wants"
    );
}

#[tokio::test]
async fn a_long_job_keeps_its_lease_and_its_message() {
    let (mut app, marker) = (app().await, Uuid::new_v4().to_string());
    let tier = json!([{ "name": "only", "base_url": provider_url(), "model": "scripted-primary",
        "first_token_timeout": 30, "total_timeout": 30 }]);
    app.chains = chains(tier).await;
    let message = job_of(
        &new_tenant(),
        json!({ "symptoms": format!("a cough {marker} [primary:late-6000]") }),
    )
    .await;
    let (url, record) = received(&mut app, &message, 1).await;
    // SQS as the worker reaches it, with a count of how often it hides its messages.
    let proxy = AwsProxy::start(Mode::Pass).await;
    let through_proxy = STACK
        .aws()
        .await
        .into_builder()
        .endpoint_url(&proxy.url)
        .build();
    app.queue = Queue::new(&through_proxy, url.clone());
    let watch = async {
        eventually("the model is asked", async || {
            (!provider::calls(&marker).is_empty()).then_some(())
        })
        .await;
        // Without the heartbeat both would be over now; with it, the message stays away and the lease grows.
        change(
            &message,
            "UPDATE jobs SET lease_expires_at = now() + interval '3 seconds' WHERE tenant_id = $1 AND id = $2",
        )
        .await;
        eventually("the heartbeat extends the lease and says how far it is", async || {
            let (is_long, step): (bool, String) = sqlx::query_as(
                "SELECT lease_expires_at > now() + interval '10 seconds', step FROM jobs WHERE tenant_id = $1 AND id = $2",
            )
            .bind(message.tenant_id.as_str())
            .bind(message.job_id)
            .fetch_one(&mut database().await)
            .await
            .unwrap();
            // Once before the work, and with each beat.
            (is_long && step == "asking_models" && proxy.hidings() >= 2).then_some(())
        })
        .await;
        counts(&url).await
    };
    let work = ::worker::handle(
        &app,
        event(&[record]),
        Deadline::after(Duration::from_mins(5)),
    );
    let (response, counts) = futures::join!(work, watch);
    assert_eq!(counts, (0, 1));
    assert!(response.batch_item_failures.is_empty());
    assert_eq!(
        states(&message).await,
        expected("completed", "completed", 1)
    );
}
