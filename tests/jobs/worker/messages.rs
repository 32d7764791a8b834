//! When a message comes again, on a queue of the test's own.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName::{
    ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible,
};
use serde_json::{Value, json};
use sqlx::FromRow;
use uuid::Uuid;
use wenzhen::jobs::JobMessage;
use wenzhen::jobs::queue::Queue;
use wenzhen_functions::Worker;

use super::super::{change, expected, snapshot};
use super::{
    INVOCATION_TIME, consume, event, job_about, job_requiring_model, new_marker, patient_worker,
    scripted_worker, wait_for_call,
};
use crate::support::aws_proxy::{AwsProxy, Mode};
use crate::support::{STACK, database, eventually};

/// How long the template's queue hides a message, in seconds.
const QUEUE_VISIBILITY: i32 = 1_830;

/// A message as the event source has received it, from a queue of the test's own.
struct Received {
    queue_url: String,
    record: Value,
}

/// Sends the message to a queue of its own, which becomes the worker's, and receives it once.
async fn receive_own(worker: &mut Worker, message: &JobMessage, visibility: i32) -> Received {
    let aws = STACK.aws().await;
    let client = aws_sdk_sqs::Client::new(&aws);
    let name = format!("worker-{}", Uuid::new_v4());
    let created = client.create_queue().queue_name(name).send().await;
    let queue_url = created.unwrap().queue_url.unwrap();

    worker.queue = Queue::new(&aws, queue_url.clone());
    let messages = std::slice::from_ref(message);
    worker.queue.send_batch(messages).await.unwrap();

    let receive = client
        .receive_message()
        .queue_url(&queue_url)
        .visibility_timeout(visibility)
        .wait_time_seconds(5);
    let received = receive.send().await.unwrap().messages.unwrap().remove(0);
    let record = json!({
        "messageId": received.message_id,
        "receiptHandle": received.receipt_handle,
        "body": received.body,
        "attributes": { "ApproximateReceiveCount": "1" },
    });
    Received { queue_url, record }
}

/// The messages of a queue.
#[derive(Debug, PartialEq, Eq)]
struct QueueCounts {
    visible: i32,
    hidden: i32,
}

const ONE_VISIBLE: QueueCounts = QueueCounts {
    visible: 1,
    hidden: 0,
};

const ONE_HIDDEN: QueueCounts = QueueCounts {
    visible: 0,
    hidden: 1,
};

async fn count_messages(url: &str) -> QueueCounts {
    let client = aws_sdk_sqs::Client::new(&STACK.aws().await);
    let request = client
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(ApproximateNumberOfMessages)
        .attribute_names(ApproximateNumberOfMessagesNotVisible);
    let attributes = request.send().await.unwrap().attributes.unwrap();

    let count = |name| attributes[&name].parse().unwrap();
    QueueCounts {
        visible: count(ApproximateNumberOfMessages),
        hidden: count(ApproximateNumberOfMessagesNotVisible),
    }
}

async fn wait_until_visible(queue_url: &str) {
    eventually("the message is visible", async || {
        (count_messages(queue_url).await == ONE_VISIBLE).then_some(())
    })
    .await;
}

/// A failed attempt's message is visible after its backoff, not after the queue's half hour.
#[tokio::test]
async fn a_failed_attempts_message_is_visible_after_its_backoff() {
    let mut worker = scripted_worker().await;
    let message = job_requiring_model("a cough [primary:prose]").await;
    let received = receive_own(&mut worker, &message, QUEUE_VISIBILITY);
    let Received { queue_url, record } = received.await;

    let event = event(&[record]);
    let response = consume(&worker, event, INVOCATION_TIME).await;
    assert_eq!(response.batch_item_failures.len(), 1);
    wait_until_visible(&queue_url).await;
}

/// The provider's `Retry-After` decides when a message comes again. There is no time to wait seven
/// seconds within the attempt.
#[tokio::test]
async fn the_providers_retry_after_delays_the_message() {
    let mut worker = scripted_worker().await;
    let message = job_requiring_model("a cough [primary:429-always-7]").await;
    let received = receive_own(&mut worker, &message, QUEUE_VISIBILITY);
    let Received { queue_url, record } = received.await;

    let started = Instant::now();
    let event = event(&[record]);
    let response = consume(&worker, event, INVOCATION_TIME).await;
    assert_eq!(response.batch_item_failures.len(), 1);
    let after = snapshot(&message).await;
    assert_eq!(after.state, "queued");
    assert_eq!(after.attempts, 1);

    assert_eq!(count_messages(&queue_url).await, ONE_HIDDEN);
    wait_until_visible(&queue_url).await;
    let waited = started.elapsed();
    assert!(waited >= Duration::from_secs(7), "{waited:?}");
}

/// What the heartbeat writes about a run.
#[derive(FromRow)]
struct Beat {
    is_extended: bool,
    step: String,
}

async fn read_beat(message: &JobMessage) -> Beat {
    let sql = "SELECT lease_expires_at > now() + interval '10 seconds' AS is_extended, step
               FROM jobs WHERE tenant_id = $1 AND id = $2";
    sqlx::query_as(sql)
        .bind(&message.tenant_id)
        .bind(message.job_id)
        .fetch_one(&mut database().await)
        .await
        .unwrap()
}

/// A long job keeps its lease and its message: without the heartbeat, both would be over here.
#[tokio::test]
async fn a_long_job_keeps_its_lease_and_its_message() {
    let mut worker = patient_worker().await;
    let marker = new_marker();
    let message = job_about(&format!("a cough {marker} [primary:late-6000]")).await;
    let Received { queue_url, record } = receive_own(&mut worker, &message, 1).await;
    // SQS as the worker reaches it, with a count of how often it hides its messages.
    let proxy = AwsProxy::start(Mode::Pass).await;
    let aws = STACK.aws().await.into_builder();
    let through_proxy = aws.endpoint_url(&proxy.url).build();
    worker.queue = Queue::new(&through_proxy, queue_url.clone());

    let watching = async {
        wait_for_call(&marker).await;
        let shorten = "UPDATE jobs SET lease_expires_at = now() + interval '3 seconds'
                       WHERE tenant_id = $1 AND id = $2";
        change(&message, shorten).await;

        eventually("the heartbeat extends the lease", async || {
            let beat = read_beat(&message).await;
            // Once before the work, and with each beat.
            let is_hidden_again = proxy.hidings() >= 2;
            let is_asking = beat.step == "asking_models";
            (beat.is_extended && is_asking && is_hidden_again).then_some(())
        })
        .await;
        count_messages(&queue_url).await
    };
    let event = event(&[record]);
    let work = consume(&worker, event, INVOCATION_TIME);
    let (response, counts) = futures::join!(work, watching);

    assert_eq!(counts, ONE_HIDDEN);
    assert!(response.batch_item_failures.is_empty());
    let done = expected("completed", "completed", 1);
    assert_eq!(snapshot(&message).await, done);
}
