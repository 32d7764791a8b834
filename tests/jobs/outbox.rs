//! The sweep: what a crash, a gone queue or a deferral left to be sent.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use uuid::Uuid;
use wenzhen::config::{DatabaseAuth, DatabaseSettings};
use wenzhen::deadline::Deadline;
use wenzhen::jobs::JobMessage;
use wenzhen::jobs::outbox::{Swept, sweep};
use wenzhen::jobs::queue::Queue;
use wenzhen::postgres::Database;

use super::{announced, app, change, job};
use crate::support::{STACK, database};

/// A queue that only the test reads.
async fn own_queue() -> (Queue, String) {
    let aws = STACK.aws().await;
    let client = aws_sdk_sqs::Client::new(&aws);
    let name = format!("outbox-{}", Uuid::new_v4());
    let url = client
        .create_queue()
        .queue_name(name)
        .send()
        .await
        .unwrap()
        .queue_url
        .unwrap();
    (Queue::new(&aws, url.clone()), url)
}

/// All messages of a queue, in the order in which they were sent.
async fn sent_to(url: &str) -> Vec<JobMessage> {
    let client = aws_sdk_sqs::Client::new(&STACK.aws().await);
    let mut sent = Vec::new();
    loop {
        let receive = client
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10)
            .visibility_timeout(600);
        let received = receive.send().await.unwrap().messages.unwrap_or_default();
        if received.is_empty() {
            return sent;
        }
        sent.extend(
            received
                .iter()
                .map(|message| JobMessage::read(message.body().unwrap()).unwrap()),
        );
    }
}

/// A database of the test's own, in which no deployed sweep takes what the test wants to sweep.
struct Own {
    url: String,
    connection: PgConnection,
}

impl Own {
    async fn new() -> Self {
        let name = format!("outbox_{}", Uuid::new_v4().simple());
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(create)
            .execute(&mut database().await)
            .await
            .unwrap();
        let url = STACK.env("DATABASE_URL").unwrap();
        let url = format!("{}/{name}", url.rsplit_once('/').unwrap().0);
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let migrations = STACK.root.join("infra/migrations");
        sqlx::migrate::Migrator::new(migrations)
            .await
            .unwrap()
            .run(&mut connection)
            .await
            .unwrap();
        Self { url, connection }
    }

    /// A job whose row is due now.
    async fn job(&mut self, tenant: &str) -> JobMessage {
        let message = super::create_job(
            &mut self.connection,
            tenant,
            json!({ "symptoms": "a cough" }),
        )
        .await;
        self.let_be_due(&message).await;
        message
    }

    async fn change(&mut self, message: &JobMessage, sql: &'static str) {
        let change = sqlx::query(sql)
            .bind(message.tenant_id.as_str())
            .bind(message.job_id);
        change.execute(&mut self.connection).await.unwrap();
    }

    async fn let_be_due(&mut self, message: &JobMessage) {
        self.change(
            message,
            "UPDATE outbox SET due_at = now() WHERE tenant_id = $1 AND job_id = $2",
        )
        .await;
    }

    /// Seconds until the sweep looks again, to the next ten.
    async fn due_in(&mut self, message: &JobMessage) -> i64 {
        sqlx::query_scalar(
            "SELECT (ceil(extract(epoch FROM due_at - now()) / 10) * 10)::int8 FROM outbox WHERE tenant_id = $1 AND job_id = $2",
        )
        .bind(message.tenant_id.as_str())
        .bind(message.job_id)
        .fetch_one(&mut self.connection)
        .await
        .unwrap()
    }

    async fn sweep(&self, queue: &Queue) -> Swept {
        let settings = DatabaseSettings {
            url: self.url.parse().unwrap(),
            auth: DatabaseAuth::Url,
        };
        let database = Database::new(&settings).await.unwrap();
        sweep(&database, queue, Deadline::after(Duration::from_secs(40)))
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn sweeps_at_the_same_time_send_each_row_once_and_tenants_take_turns() {
    let (mut own, (queue, url)) = (Own::new().await, own_queue().await);
    for _ in 0..299 {
        own.job("flood").await;
    }
    own.job("single").await;
    let swept = join_all((0..3).map(|_| own.sweep(&queue))).await;
    assert_eq!(
        swept.iter().map(|swept| swept.sent).sum::<usize>(),
        300,
        "{swept:?}"
    );
    let sent = sent_to(&url).await;
    let ids: BTreeSet<_> = sent.iter().map(|message| message.job_id).collect();
    assert_eq!((ids.len(), sent.len()), (300, 300));
    let place = sent
        .iter()
        .position(|message| message.tenant_id.as_str() == "single");
    assert!(
        place.is_some_and(|place| place < 100),
        "the last and single job does not wait for the flood: {place:?}"
    );
    assert_eq!(own.sweep(&queue).await, Swept::default(), "nothing is left");
}

#[tokio::test]
async fn what_the_queue_does_not_take_is_due_again_behind_the_others() {
    let (mut own, (queue, url)) = (Own::new().await, own_queue().await);
    let message = own.job("t").await;
    let nowhere = STACK
        .aws()
        .await
        .into_builder()
        .endpoint_url("http://127.0.0.1:9")
        .build();
    let gone = Queue::new(&nowhere, "http://127.0.0.1:9/000000000000/gone".to_owned());
    assert_eq!(
        own.sweep(&gone).await,
        Swept {
            due: 1,
            sent: 0,
            refused: 1
        }
    );
    assert_eq!(own.due_in(&message).await, 20);
    own.let_be_due(&message).await;
    assert_eq!(
        own.sweep(&queue).await,
        Swept {
            due: 1,
            sent: 1,
            refused: 0
        }
    );
    assert_eq!(sent_to(&url).await, [message]);
}

#[tokio::test]
async fn what_is_not_due_yet_waits() {
    let (mut own, (queue, _)) = (Own::new().await, own_queue().await);
    let message = own.job("t").await;
    own.change(&message, "UPDATE outbox SET due_at = now() + interval '1 minute' WHERE tenant_id = $1 AND job_id = $2")
        .await;
    assert_eq!(own.sweep(&queue).await, Swept::default());
}

#[tokio::test]
async fn a_message_is_missed_after_one_minute_then_two_then_four() {
    let (mut own, (queue, url)) = (Own::new().await, own_queue().await);
    let message = own.job("t").await;
    for minutes in [1, 2, 4, 8] {
        assert_eq!(
            own.sweep(&queue).await,
            Swept {
                due: 1,
                sent: 1,
                refused: 0
            }
        );
        assert_eq!(own.due_in(&message).await, minutes * 60);
        own.let_be_due(&message).await;
    }
    assert_eq!(sent_to(&url).await.len(), 4);
}

#[tokio::test]
async fn a_message_is_missing_only_when_its_job_is_neither_done_nor_waiting_for_its_own_reasons() {
    let (mut own, (queue, url)) = (Own::new().await, own_queue().await);
    let lease =
        "UPDATE jobs SET state = 'active', lease_token = gen_random_uuid(), lease_expires_at = now() + $3::interval
                 WHERE tenant_id = $1 AND id = $2";
    let wait = "UPDATE jobs SET not_before = now() + $3::interval WHERE tenant_id = $1 AND id = $2";
    let defer = "UPDATE jobs SET state = 'deferred', not_before = now() + $3::interval WHERE tenant_id = $1 AND id = $2";
    // What its job does, by when its message is expected, and whether it is missing.
    let cases = [
        (lease, "20 seconds", Some(40)),
        (lease, "-10 seconds", Some(10)),
        (lease, "-16 seconds", None),
        (wait, "10 minutes", Some(620)),
        (wait, "-16 seconds", None),
        (defer, "30 seconds", Some(30)),
        (defer, "-1 second", None),
    ];
    let mut missing = Vec::new();
    for (number, (change, interval, expected)) in cases.into_iter().enumerate() {
        let message = own.job(&format!("t-{number}")).await;
        let changed = sqlx::query(change)
            .bind(message.tenant_id.as_str())
            .bind(message.job_id)
            .bind(interval);
        changed.execute(&mut own.connection).await.unwrap();
        let swept = own.sweep(&queue).await;
        assert_eq!(
            (swept.due, swept.sent),
            (1, usize::from(expected.is_none())),
            "{change} {interval}"
        );
        assert_eq!(
            own.due_in(&message).await,
            expected.unwrap_or(60),
            "{change} {interval}"
        );
        missing.extend(expected.is_none().then_some(message));
    }
    let mut sent = sent_to(&url).await;
    sent.sort_by_key(|message| message.job_id);
    assert_eq!(sent, missing);
}

#[tokio::test]
async fn the_nightly_pruning_takes_what_has_had_its_time_and_nothing_else() {
    let (kept, ended) = (job().await, job().await);
    change(
        &ended,
        "UPDATE jobs SET state = 'completed', finished_at = now() WHERE tenant_id = $1 AND id = $2",
    )
    .await;
    let mut connection = database().await;
    let key = "INSERT INTO idempotency_keys (tenant_id, user_id, operation, key, fingerprint, consultation_id, expires_at)
               SELECT tenant_id, user_id, 'create', $2, '', id, now() + $3::interval FROM consultations WHERE tenant_id = $1";
    for (name, expires) in [("old", "-1 second"), ("new", "1 hour")] {
        sqlx::query(key)
            .bind(kept.tenant_id.as_str())
            .bind(name)
            .bind(expires)
            .execute(&mut connection)
            .await
            .unwrap();
    }
    let name = Uuid::new_v4().to_string();
    let letter = "INSERT INTO quarantine (message_id, reason, body, arrived_at) VALUES ($1, 'not_a_job', '', now() - $2::interval)";
    for (suffix, age) in [("old", "31 days"), ("new", "29 days")] {
        sqlx::query(letter)
            .bind(format!("{name}-{suffix}"))
            .bind(age)
            .execute(&mut connection)
            .await
            .unwrap();
    }
    let pruning = prune_expired::App {
        database: app().await.database,
    };
    let pruned = prune_expired::handle(
        std::sync::Arc::new(pruning),
        Deadline::after(Duration::from_mins(1)),
    )
    .await
    .unwrap();
    assert!(
        pruned.idempotency_keys >= 1 && pruned.outbox >= 1 && pruned.quarantine >= 1,
        "{pruned:?}"
    );
    assert_eq!(
        (announced(&kept).await.is_some(), announced(&ended).await),
        (true, None)
    );
    let keys: Vec<String> =
        sqlx::query_scalar("SELECT key FROM idempotency_keys WHERE tenant_id = $1")
            .bind(kept.tenant_id.as_str())
            .fetch_all(&mut connection)
            .await
            .unwrap();
    assert_eq!(keys, ["new"]);
    let letters: Vec<String> =
        sqlx::query_scalar("SELECT message_id FROM quarantine WHERE message_id LIKE $1 || '%'")
            .bind(&name)
            .fetch_all(&mut connection)
            .await
            .unwrap();
    assert_eq!(letters, [format!("{name}-new")]);
}
