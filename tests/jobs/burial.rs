//! The dead-letter queue's side: every message that comes there ends as something that can be seen.

use std::time::Duration;

use bury_jobs::App;
use serde_json::json;
use wenzhen::config::{DatabaseAuth, DatabaseSettings};
use wenzhen::deadline::Deadline;
use wenzhen::jobs::JobMessage;
use wenzhen::jobs::burial::{self, Buried, bury};
use wenzhen::jobs::claim::Claim;
use wenzhen::jobs::ending::{self, Release};
use wenzhen::jobs::queue::Queue;
use wenzhen::postgres::Database;

use super::{
    announced, change, claim_one, expected, expire, granted, job, job_of, last_error, states,
};
use crate::support::{STACK, database, new_tenant};

async fn buried(message: &JobMessage) -> Buried {
    bury(&mut database().await, message).await.unwrap()
}

async fn fail(message: &JobMessage) {
    let lease = granted(message).await;
    ending::give_back(
        &mut database().await,
        &lease,
        Release::Hopeless,
        "models_failed",
        Duration::ZERO,
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn a_job_that_an_outage_buried_is_sent_again_three_times_and_then_fails() {
    let message = job().await;
    for _ in 0..3 {
        assert_eq!(buried(&message).await, Buried::SentAgain);
        assert_eq!(
            buried(&message).await,
            Buried::SentAgainBefore,
            "several messages of one job are one burial"
        );
        assert_eq!(states(&message).await, expected("queued", "processing", 0));
        assert_eq!(announced(&message).await, Some(true));
        change(&message, "UPDATE jobs SET buried_at = now() - interval '31 minutes' WHERE tenant_id = $1 AND id = $2")
            .await;
    }
    assert_eq!(
        buried(&message).await,
        Buried::GivenUp("analyze".to_owned())
    );
    assert_eq!(states(&message).await, expected("failed", "failed", 0));
    assert_eq!(last_error(&message).await.as_deref(), Some("undeliverable"));
    assert_eq!(buried(&message).await, Buried::Failed, "twice is as once");
    assert_eq!(announced(&message).await, None);
}

#[tokio::test]
async fn a_buried_message_ends_what_has_no_attempts_left_and_nothing_that_is_done_or_being_done() {
    let (exhausted, active, done, gone) = (job().await, job().await, job().await, job().await);
    for _ in 0..3 {
        granted(&exhausted).await;
        expire(&exhausted).await;
    }
    assert_eq!(
        buried(&exhausted).await,
        Buried::GivenUp("analyze".to_owned())
    );
    assert_eq!(
        last_error(&exhausted).await.as_deref(),
        Some("attempts_exhausted")
    );
    granted(&active).await;
    assert_eq!(buried(&active).await, Buried::Held);
    assert_eq!(states(&active).await, expected("active", "processing", 1));
    change(
        &done,
        "UPDATE jobs SET state = 'cancelled', finished_at = now() WHERE tenant_id = $1 AND id = $2",
    )
    .await;
    assert_eq!(buried(&done).await, Buried::Finished);
    change(
        &gone,
        "DELETE FROM consultations WHERE tenant_id = $1 AND job_id = $2",
    )
    .await;
    assert_eq!(buried(&gone).await, Buried::Missing);
}

#[tokio::test]
async fn the_function_sees_to_each_record_and_returns_what_it_cannot_see_to_now() {
    let aws = STACK.aws().await;
    let app = async |url: String| {
        let settings = DatabaseSettings {
            url: url.parse().unwrap(),
            auth: DatabaseAuth::Url,
        };
        let queue = Queue::new(&aws, STACK.env("DEAD_LETTER_QUEUE_URL").unwrap());
        App {
            database: Database::new(&settings).await.unwrap(),
            queue,
        }
    };
    let (held, failed) = (job().await, job().await);
    granted(&held).await;
    fail(&failed).await;
    let id = uuid::Uuid::new_v4().to_string();
    let body = |message: &JobMessage| serde_json::to_string(message).unwrap();
    let event = || {
        serde_json::from_value(json!({ "Records": [
            { "messageId": "held", "body": body(&held) },
            { "messageId": "failed", "body": body(&failed) },
            { "messageId": "passed-on", "body": "nothing\u{0}that we know",
              "messageAttributes": { "original_id": { "dataType": "String", "stringValue": id } } },
        ] }))
        .unwrap()
    };
    let ids = |response: aws_lambda_events::sqs::SqsBatchResponse| -> Vec<String> {
        response
            .batch_item_failures
            .into_iter()
            .map(|item| item.item_identifier)
            .collect()
    };
    let minute = Deadline::after(Duration::from_mins(1));
    let gone = app("postgres://wenzhen:x@127.0.0.1:9/wenzhen".to_owned()).await;
    assert_eq!(
        ids(bury_jobs::handle(&gone, event(), minute).await),
        ["held", "failed", "passed-on"]
    );
    let app = app(STACK.env("DATABASE_URL").unwrap()).await;
    assert_eq!(
        ids(bury_jobs::handle(&app, event(), minute).await),
        ["held"]
    );
    let kept: String = sqlx::query_scalar("SELECT body FROM quarantine WHERE message_id = $1")
        .bind(&id)
        .fetch_one(&mut database().await)
        .await
        .unwrap();
    assert_eq!(kept, "nothing\u{fffd}that we know");
}

#[tokio::test]
async fn failed_jobs_come_back_with_all_their_attempts_the_oldest_first() {
    let tenant = new_tenant();
    let complaint = || json!({ "symptoms": "a cough" });
    let jobs = [
        job_of(&tenant, complaint()).await,
        job_of(&tenant, complaint()).await,
        job_of(&tenant, complaint()).await,
    ];
    let (waiting, foreign) = (job_of(&tenant, complaint()).await, job().await);
    for message in jobs.iter().chain([&foreign]) {
        fail(message).await;
    }
    let tenant = &waiting.tenant_id;
    let mut connection = database().await;
    let none = burial::redrive(&mut connection, tenant, Some("generate_report"), 10)
        .await
        .unwrap();
    assert_eq!((none.messages.len(), none.remaining), (0, 0));
    let first = burial::redrive(&mut connection, tenant, Some("analyze"), 2)
        .await
        .unwrap();
    assert_eq!(
        (first.messages.as_slice(), first.remaining),
        (&jobs[..2], 1)
    );
    let second = burial::redrive(&mut connection, tenant, None, 10)
        .await
        .unwrap();
    assert_eq!(
        (second.messages.as_slice(), second.remaining),
        (&jobs[2..], 0)
    );
    for message in &jobs {
        assert_eq!(states(message).await, expected("queued", "processing", 0));
        assert_eq!(announced(message).await, Some(true));
    }
    assert_eq!(states(&foreign).await, expected("failed", "failed", 1));
    let Claim::Granted(lease) = claim_one(&jobs[0]).await else {
        panic!("it may be claimed again")
    };
    assert_eq!(
        (lease.attempt, lease.run),
        (1, 2),
        "a run that was paid for is remembered"
    );
}

#[tokio::test]
async fn of_failed_jobs_with_one_key_only_the_last_comes_back_and_none_whose_work_is_done() {
    let tenant = new_tenant();
    let mut jobs = Vec::new();
    for key in ["twice", "twice", "done", "done"] {
        let message = job_of(&tenant, json!({ "symptoms": "a cough" })).await;
        fail(&message).await;
        let keyed = sqlx::query("UPDATE jobs SET dedupe_key = $3 WHERE tenant_id = $1 AND id = $2");
        let keyed = keyed.bind(&tenant).bind(message.job_id).bind(key);
        keyed.execute(&mut database().await).await.unwrap();
        jobs.push(message);
    }
    change(
        &jobs[3],
        "UPDATE jobs SET state = 'cancelled' WHERE tenant_id = $1 AND id = $2",
    )
    .await;
    let mut connection = database().await;
    let back = burial::redrive(&mut connection, &jobs[0].tenant_id, None, 10)
        .await
        .unwrap();
    assert_eq!((back.messages.as_slice(), back.remaining), (&jobs[1..2], 0));
    let again = burial::redrive(&mut connection, &jobs[0].tenant_id, None, 10)
        .await
        .unwrap();
    assert_eq!((again.messages.len(), again.remaining), (0, 0));
}
