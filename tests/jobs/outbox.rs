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
use wenzhen::jobs::claim::{Claim, Wanted, claim};
use wenzhen::jobs::ending::{Ended, Release, give_back};
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
    let url = client.create_queue().queue_name(name).send().await.unwrap().queue_url.unwrap();
    (Queue::new(&aws, url.clone()), url)
}

/// All messages of a queue, in the order in which they were sent.
async fn sent_to(url: &str) -> Vec<JobMessage> {
    let client = aws_sdk_sqs::Client::new(&STACK.aws().await);
    let mut sent = Vec::new();
    loop {
        let receive = client.receive_message().queue_url(url).max_number_of_messages(10).visibility_timeout(600);
        let received = receive.send().await.unwrap().messages.unwrap_or_default();
        if received.is_empty() {
            return sent;
        }
        sent.extend(received.iter().map(|message| JobMessage::read(message.body().unwrap()).unwrap()));
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
        sqlx::raw_sql(create).execute(&mut database().await).await.unwrap();
        let url = STACK.env("DATABASE_URL").unwrap();
        let url = format!("{}/{name}", url.rsplit_once('/').unwrap().0);
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let migrations = STACK.root.join("infra/migrations");
        sqlx::migrate::Migrator::new(migrations).await.unwrap().run(&mut connection).await.unwrap();
        Self { url, connection }
    }

    /// A job whose row is due now.
    async fn job(&mut self, tenant: &str) -> JobMessage {
        let message = super::create_job(&mut self.connection, tenant, json!({ "symptoms": "a cough" })).await;
        self.change(&message, "UPDATE outbox SET due_at = now() WHERE tenant_id = $1 AND job_id = $2").await;
        message
    }

    async fn change(&mut self, message: &JobMessage, sql: &'static str) {
        let change = sqlx::query(sql).bind(message.tenant_id.as_str()).bind(message.job_id);
        change.execute(&mut self.connection).await.unwrap();
    }

    async fn sweep(&self, queue: &Queue) -> Swept {
        let settings = DatabaseSettings { url: self.url.parse().unwrap(), auth: DatabaseAuth::Url };
        let database = Database::new(&settings).await.unwrap();
        sweep(&database, queue, Deadline::after(Duration::from_secs(40))).await.unwrap()
    }
}

#[tokio::test]
async fn sweeps_at_the_same_time_send_each_row_once_and_tenants_take_turns() {
    let (mut own, (queue, url)) = (Own::new().await, own_queue().await);
    for _ in 0..199 {
        own.job("flood").await;
    }
    own.job("single").await;
    let swept = join_all((0..3).map(|_| own.sweep(&queue))).await;
    assert_eq!(swept.iter().map(|swept| swept.sent).sum::<usize>(), 200, "{swept:?}");
    let sent = sent_to(&url).await;
    let ids: BTreeSet<_> = sent.iter().map(|message| message.job_id).collect();
    assert_eq!((ids.len(), sent.len()), (200, 200));
    let place = sent.iter().position(|message| message.tenant_id.as_str() == "single");
    assert!(place.is_some_and(|place| place < 150), "the last and single job does not wait for the flood: {place:?}");
    assert_eq!(own.sweep(&queue).await, Swept::default(), "nothing is left");
}

#[tokio::test]
async fn what_the_queue_does_not_take_stays_due() {
    let (mut own, (queue, url)) = (Own::new().await, own_queue().await);
    let message = own.job("t").await;
    let nowhere = STACK.aws().await.into_builder().endpoint_url("http://127.0.0.1:9").build();
    let gone = Queue::new(&nowhere, "http://127.0.0.1:9/000000000000/gone".to_owned());
    assert_eq!(own.sweep(&gone).await, Swept { refused: 1, ..Swept::default() });
    assert_eq!(own.sweep(&queue).await, Swept { sent: 1, ..Swept::default() });
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
async fn a_job_whose_worker_died_or_whose_message_was_lost_is_sent_again() {
    let (mut own, (queue, url)) = (Own::new().await, own_queue().await);
    let (dead, held, lost, waiting) = (own.job("a").await, own.job("b").await, own.job("c").await, own.job("d").await);
    for (message, lease) in [(&dead, "-2 minutes"), (&held, "20 seconds")] {
        let active = "UPDATE jobs SET state = 'active', lease_token = gen_random_uuid(),
                      lease_expires_at = now() + $3::interval WHERE tenant_id = $1 AND id = $2";
        let active = sqlx::query(active).bind(message.tenant_id.as_str()).bind(message.job_id).bind(lease);
        active.execute(&mut own.connection).await.unwrap();
    }
    let sent =
        [(&dead, "3 minutes", 3_i16), (&held, "3 minutes", 1), (&lost, "5 minutes", 3), (&waiting, "3 minutes", 3)];
    for (message, ago, times) in sent {
        let update =
            "UPDATE outbox SET sent_at = now() - $3::interval, sends = $4 WHERE tenant_id = $1 AND job_id = $2";
        let update = sqlx::query(update).bind(message.tenant_id.as_str()).bind(message.job_id).bind(ago).bind(times);
        update.execute(&mut own.connection).await.unwrap();
    }
    assert_eq!(own.sweep(&queue).await, Swept { revived: 2, sent: 2, refused: 0 });
    let mut sent = sent_to(&url).await;
    sent.sort_by_key(|message| message.job_id);
    assert_eq!(sent, [dead, lost]);
    assert_eq!(own.sweep(&queue).await, Swept::default(), "once is enough for a while");
}

#[tokio::test]
async fn the_nightly_pruning_takes_what_has_had_its_time_and_nothing_else() {
    let (kept, ended) = (job().await, job().await);
    change(&ended, "UPDATE jobs SET state = 'completed', finished_at = now() WHERE tenant_id = $1 AND id = $2").await;
    let mut connection = database().await;
    let key = "INSERT INTO idempotency_keys (tenant_id, user_id, operation, key, fingerprint, consultation_id, expires_at)
               SELECT tenant_id, user_id, 'create', $2, '', id, now() + $3::interval FROM consultations WHERE tenant_id = $1";
    for (name, expires) in [("old", "-1 second"), ("new", "1 hour")] {
        sqlx::query(key).bind(kept.tenant_id.as_str()).bind(name).bind(expires).execute(&mut connection).await.unwrap();
    }
    let name = Uuid::new_v4().to_string();
    let letter = "INSERT INTO quarantine (message_id, reason, body, arrived_at) VALUES ($1, 'not_a_job', '', now() - $2::interval)";
    for (suffix, age) in [("old", "31 days"), ("new", "29 days")] {
        sqlx::query(letter).bind(format!("{name}-{suffix}")).bind(age).execute(&mut connection).await.unwrap();
    }
    let pruning = prune_expired::App { database: app().await.database };
    let pruned =
        prune_expired::handle(std::sync::Arc::new(pruning), Deadline::after(Duration::from_mins(1))).await.unwrap();
    assert!(pruned.idempotency_keys >= 1 && pruned.outbox >= 1 && pruned.quarantine >= 1, "{pruned:?}");
    assert_eq!((announced(&kept).await, announced(&ended).await), (Some(true), None));
    let keys: Vec<String> = sqlx::query_scalar("SELECT key FROM idempotency_keys WHERE tenant_id = $1")
        .bind(kept.tenant_id.as_str())
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(keys, ["new"]);
    let letters: Vec<String> = sqlx::query_scalar("SELECT message_id FROM quarantine WHERE message_id LIKE $1 || '%'")
        .bind(&name)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(letters, [format!("{name}-new")]);
}

#[tokio::test]
async fn a_failed_attempt_is_not_missed_before_its_message_comes_again() {
    let (mut own, (queue, url)) = (Own::new().await, own_queue().await);
    let message = own.job("t").await;
    assert_eq!(own.sweep(&queue).await.sent, 1);
    let wanted = [Wanted::from(&message)];
    let claims = claim(&mut own.connection, &wanted, super::KINDS).await.unwrap();
    let Claim::Granted(lease) = &claims[0] else { panic!("{claims:?}") };
    let wait = Duration::from_mins(10);
    let ended = give_back(&mut own.connection, lease, Release::Failed, "models_failed", wait).await.unwrap();
    assert_eq!(ended, Ended::Again);
    let later = "UPDATE outbox SET sent_at = sent_at - interval '9 minutes' WHERE tenant_id = $1 AND job_id = $2";
    own.change(&message, later).await;
    assert_eq!(own.sweep(&queue).await, Swept::default(), "the provider asked for ten minutes");
    let much_later = "UPDATE outbox SET sent_at = sent_at - interval '3 minutes' WHERE tenant_id = $1 AND job_id = $2";
    own.change(&message, much_later).await;
    assert_eq!(own.sweep(&queue).await, Swept { revived: 1, sent: 1, refused: 0 });
    assert_eq!(sent_to(&url).await.len(), 2);
}
