//! The dead-letter queue's side: every message that comes there ends as something visible.

use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use serde_json::json;
use wenzhen::deadline::Deadline;
use wenzhen::identity::TenantId;
use wenzhen::jobs::JobMessage;
use wenzhen::jobs::claim::Claim;
use wenzhen::jobs::dead_letters::{self, DeadLetterOutcome, RedriveRequest, Redriven};
use wenzhen::jobs::queue::Queue;
use wenzhen::jobs::transition::ReleaseReason;
use wenzhen::lambda::QueueConsumer;
use wenzhen_functions::ProcessDeadLetters;

use super::{
    change, claim_one, database_at, ended, erase, expected, expire, follower, granted, is_due_soon,
    job, job_of, last_error, release, snapshot,
};
use crate::support::socket::{Received, pusher};
use crate::support::{STACK, database, new_tenant};

async fn process(message: &JobMessage) -> DeadLetterOutcome {
    let processed = dead_letters::process(&mut database().await, message).await;
    processed.unwrap()
}

async fn redrive(tenant: &TenantId, kind: Option<&str>, limit: i64) -> Redriven {
    let request = RedriveRequest {
        tenant,
        kind,
        limit,
    };
    let redriven = dead_letters::redrive(&mut database().await, request).await;
    redriven.unwrap()
}

async fn just_failed(message: &JobMessage) -> DeadLetterOutcome {
    DeadLetterOutcome::JustFailed(ended(message, "analyze").await)
}

async fn fail(message: &JobMessage) {
    let lease = granted(message).await;
    release(&lease, ReleaseReason::Permanent, "models_failed").await;
}

/// Lets the time be over in which dead letters of one job count as one.
async fn wait_out_window(message: &JobMessage) {
    let sql = "UPDATE jobs SET buried_at = now() - interval '31 minutes'
               WHERE tenant_id = $1 AND id = $2";
    change(message, sql).await;
}

/// A job whose messages an outage made dead letters is sent again three times; then it fails.
#[tokio::test]
async fn a_dead_letter_is_sent_again_three_times() {
    let message = job().await;
    for _ in 0..3 {
        assert_eq!(process(&message).await, DeadLetterOutcome::Resent);
        assert_eq!(
            process(&message).await,
            DeadLetterOutcome::AlreadyResent,
            "several messages of one job count as one"
        );
        assert_eq!(
            snapshot(&message).await,
            expected("queued", "processing", 0)
        );
        assert_eq!(is_due_soon(&message).await, Some(true));
        wait_out_window(&message).await;
    }

    assert_eq!(process(&message).await, just_failed(&message).await);
    assert_eq!(snapshot(&message).await, expected("failed", "failed", 0));
    assert_eq!(last_error(&message).await.as_deref(), Some("undeliverable"));

    let again = process(&message).await;
    assert_eq!(again, DeadLetterOutcome::AlreadyFailed, "twice is as once");
    assert_eq!(is_due_soon(&message).await, None);
}

#[tokio::test]
async fn a_dead_letter_ends_a_job_without_attempts_left() {
    let exhausted = job().await;
    for _ in 0..3 {
        granted(&exhausted).await;
        expire(&exhausted).await;
    }

    assert_eq!(process(&exhausted).await, just_failed(&exhausted).await);
    let code = last_error(&exhausted).await;
    assert_eq!(code.as_deref(), Some("attempts_exhausted"));
}

/// A dead letter changes nothing about a job that has a lease, has ended, or was erased.
#[tokio::test]
async fn a_dead_letter_leaves_other_jobs_as_they_are() {
    let (active, done, gone) = (job().await, job().await, job().await);
    granted(&active).await;
    assert_eq!(process(&active).await, DeadLetterOutcome::LeasedElsewhere);
    assert_eq!(snapshot(&active).await, expected("active", "processing", 1));

    let cancel = "UPDATE jobs SET state = 'cancelled', finished_at = now()
                  WHERE tenant_id = $1 AND id = $2";
    change(&done, cancel).await;
    assert_eq!(process(&done).await, DeadLetterOutcome::AlreadyEnded);

    erase(&gone).await;
    assert_eq!(process(&gone).await, DeadLetterOutcome::NotFound);
}

async fn function_at(database_url: &str) -> ProcessDeadLetters {
    let queue_url = STACK.env("DEAD_LETTER_QUEUE_URL").unwrap();
    ProcessDeadLetters {
        database: database_at(database_url).await,
        queue: Queue::new(&STACK.aws().await, queue_url),
        pusher: pusher().await,
    }
}

/// The ids of the records that come again.
async fn comes_again(function: &ProcessDeadLetters, event: SqsEvent) -> Vec<String> {
    let minute = Deadline::after(Duration::from_mins(1));
    let response: SqsBatchResponse = function.handle(event, minute).await;
    let failures = response.batch_item_failures.into_iter();
    failures.map(|item| item.item_identifier).collect()
}

/// The function processes each record, and returns those that it cannot process now.
#[tokio::test]
async fn the_function_processes_each_record_by_itself() {
    let (leased, failed) = (job().await, job().await);
    granted(&leased).await;
    fail(&failed).await;

    let id = uuid::Uuid::new_v4().to_string();
    let body = |message: &JobMessage| serde_json::to_string(message).unwrap();
    let original_id = json!({ "dataType": "String", "stringValue": id });
    let passed_on = json!({
        "messageId": "passed-on",
        "body": "nothing\u{0}that we know",
        "messageAttributes": { "original_id": original_id },
    });
    let records = json!([
        { "messageId": "leased", "body": body(&leased) },
        { "messageId": "failed", "body": body(&failed) },
        passed_on,
    ]);
    let event = || serde_json::from_value(json!({ "Records": records })).unwrap();

    let without_database = function_at("postgres://wenzhen:x@127.0.0.1:9/wenzhen").await;
    let all = ["leased", "failed", "passed-on"];
    assert_eq!(comes_again(&without_database, event()).await, all);

    let function = function_at(&STACK.env("DATABASE_URL").unwrap()).await;
    assert_eq!(comes_again(&function, event()).await, ["leased"]);

    let kept: String = sqlx::query_scalar("SELECT body FROM quarantine WHERE message_id = $1")
        .bind(&id)
        .fetch_one(&mut database().await)
        .await
        .unwrap();
    assert_eq!(kept, "nothing\u{fffd}that we know");
}

/// Those who follow are told: the job's own worker, which would tell them, never came to it.
#[tokio::test]
async fn a_job_that_a_dead_letter_ends_is_told_to_those_who_follow() {
    let message = job().await;
    let used_up = "UPDATE jobs SET burials = 3, buried_at = now() - interval '31 minutes'
                   WHERE tenant_id = $1 AND id = $2";
    change(&message, used_up).await;
    let mut socket = follower(&message).await;

    let function = function_at(&STACK.env("DATABASE_URL").unwrap()).await;
    let body = serde_json::to_string(&message).unwrap();
    let record = json!({ "messageId": "undeliverable", "body": body });
    let event = serde_json::from_value(json!({ "Records": [record] })).unwrap();
    assert!(comes_again(&function, event).await.is_empty());

    let mut received = Received::default();
    received.until(&mut socket, "failed").await;
    assert_eq!(received.find("failed")["job"], "analyze");
}

/// Failed jobs come back with all their attempts, the oldest first, and only those of the tenant.
#[tokio::test]
async fn failed_jobs_are_redriven_the_oldest_first() {
    let tenant = new_tenant();
    let complaint = || json!({ "symptoms": "a cough" });
    let jobs = [
        job_of(&tenant, complaint()).await,
        job_of(&tenant, complaint()).await,
        job_of(&tenant, complaint()).await,
    ];
    let waiting = job_of(&tenant, complaint()).await;
    let foreign = job().await;
    for message in jobs.iter().chain([&foreign]) {
        fail(message).await;
    }

    let sql = "UPDATE jobs SET traceparent = '00-' || id WHERE tenant_id = $1";
    let traced = sqlx::query(sql).bind(&waiting.tenant_id);
    traced.execute(&mut database().await).await.unwrap();
    let jobs = jobs.map(|message| JobMessage {
        traceparent: Some(format!("00-{}", message.job_id)),
        ..message
    });

    let tenant = &waiting.tenant_id;
    let none = redrive(tenant, Some("generate_report"), 10).await;
    assert!(none.messages.is_empty());
    assert_eq!(none.remaining, 0);

    let first = redrive(tenant, Some("analyze"), 2).await;
    assert_eq!(first.messages, jobs[..2]);
    assert_eq!(first.remaining, 1);

    let second = redrive(tenant, None, 10).await;
    assert_eq!(second.messages, jobs[2..]);
    assert_eq!(second.remaining, 0);

    for message in &jobs {
        assert_eq!(snapshot(message).await, expected("queued", "processing", 0));
        assert_eq!(is_due_soon(message).await, Some(true));
    }
    assert_eq!(snapshot(&foreign).await, expected("failed", "failed", 1));

    let Claim::Granted(lease) = claim_one(&jobs[0]).await else {
        panic!("it may be claimed again")
    };
    assert_eq!(lease.attempt, 1);
    assert_eq!(lease.run, 2, "a run that was paid for is remembered");
}

/// Of failed jobs with one key only the last comes back, and none whose work a later one has done.
#[tokio::test]
async fn of_failed_jobs_with_one_key_the_last_is_redriven() {
    let tenant = new_tenant();
    let mut jobs = Vec::new();
    for key in ["twice", "twice", "done", "done"] {
        let message = job_of(&tenant, json!({ "symptoms": "a cough" })).await;
        fail(&message).await;
        sqlx::query("UPDATE jobs SET dedupe_key = $3 WHERE tenant_id = $1 AND id = $2")
            .bind(&tenant)
            .bind(message.job_id)
            .bind(key)
            .execute(&mut database().await)
            .await
            .unwrap();
        jobs.push(message);
    }
    let cancel = "UPDATE jobs SET state = 'cancelled' WHERE tenant_id = $1 AND id = $2";
    change(&jobs[3], cancel).await;

    let redriven = redrive(&jobs[0].tenant_id, None, 10).await;
    assert_eq!(redriven.messages, jobs[1..2]);
    assert_eq!(redriven.remaining, 0);

    let again = redrive(&jobs[0].tenant_id, None, 10).await;
    assert!(again.messages.is_empty());
    assert_eq!(again.remaining, 0);
}

/// More superseded jobs than one statement looks at stand before the job that can be redriven.
#[tokio::test]
async fn superseded_jobs_hide_no_other() {
    let tenant = new_tenant();
    let latest = job_of(&tenant, json!({ "symptoms": "a cough" })).await;
    fail(&latest).await;
    change(
        &latest,
        "UPDATE jobs SET dedupe_key = 'one' WHERE tenant_id = $1 AND id = $2",
    )
    .await;
    change(
        &latest,
        "INSERT INTO jobs (tenant_id, user_id, locale, id, consultation_id, kind, payload, state,
                           last_error, finished_at, dedupe_key)
         SELECT tenant_id, user_id, locale,
                ('00000000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid,
                consultation_id, kind, payload, state, last_error, finished_at, dedupe_key
         FROM jobs, generate_series(1, 2500) AS number
         WHERE tenant_id = $1 AND id = $2",
    )
    .await;

    let redriven = redrive(&latest.tenant_id, None, 10).await;
    assert_eq!(redriven.messages, [latest]);
    assert_eq!(redriven.remaining, 0);
}

/// A job whose work a later one has done is looked at by one redrive, and by no later one.
#[tokio::test]
async fn a_superseded_job_is_looked_at_once() {
    let tenant = new_tenant();
    let mut jobs = Vec::new();
    for _ in 0..2 {
        let message = job_of(&tenant, json!({ "symptoms": "a cough" })).await;
        fail(&message).await;
        let give_key = "UPDATE jobs SET dedupe_key = 'one' WHERE tenant_id = $1 AND id = $2";
        change(&message, give_key).await;
        jobs.push(message);
    }
    redrive(&jobs[0].tenant_id, None, 10).await;

    let superseded: Vec<uuid::Uuid> = sqlx::query_scalar(
        "SELECT id FROM jobs WHERE tenant_id = $1 AND superseded_at IS NOT NULL",
    )
    .bind(&tenant)
    .fetch_all(&mut database().await)
    .await
    .unwrap();
    assert_eq!(superseded, [jobs[0].job_id]);
}
