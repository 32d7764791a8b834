//! The sweep: what a crash, a gone queue or a deferral left to be sent.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use uuid::Uuid;
use wenzhen::config::RetentionSettings;
use wenzhen::deadline::Deadline;
use wenzhen::jobs::JobMessage;
use wenzhen::jobs::outbox::{SweepPosition, Swept, sweep};
use wenzhen::jobs::queue::Queue;
use wenzhen::lambda::Schedule;
use wenzhen_functions::PruneExpired;

use super::{NOWHERE, aws_nowhere, create_job, database_at, job};
use crate::support::own_database::OwnDatabase;
use crate::support::{STACK, database, own_database};

/// A queue that only the test reads.
struct OwnQueue {
    queue: Queue,
    url: String,
}

impl OwnQueue {
    async fn new() -> Self {
        let aws = STACK.aws().await;
        let client = aws_sdk_sqs::Client::new(&aws);
        let name = format!("outbox-{}", Uuid::new_v4());
        let created = client.create_queue().queue_name(name).send().await;
        let url = created.unwrap().queue_url.unwrap();
        Self {
            queue: Queue::new(&aws, url.clone()),
            url,
        }
    }

    /// All of its messages, in the order in which they were sent.
    async fn receive_all(&self) -> Vec<JobMessage> {
        let client = aws_sdk_sqs::Client::new(&STACK.aws().await);
        let mut sent = Vec::new();
        loop {
            let receive = client
                .receive_message()
                .queue_url(&self.url)
                .max_number_of_messages(10)
                .visibility_timeout(600);
            let received = receive.send().await.unwrap().messages.unwrap_or_default();
            if received.is_empty() {
                return sent;
            }

            let bodies = received.iter().map(|message| message.body().unwrap());
            sent.extend(bodies.map(|body| JobMessage::read(body).unwrap()));
        }
    }
}

/// A database in which no deployed sweep takes what the test wants to sweep.
struct OwnOutbox {
    url: String,
    connection: PgConnection,
    position: SweepPosition,
}

impl OwnOutbox {
    async fn new() -> Self {
        let OwnDatabase {
            url, connection, ..
        } = own_database().await;
        Self {
            url,
            connection,
            position: SweepPosition::default(),
        }
    }

    /// A job whose row is due now.
    async fn job(&mut self, tenant: &str) -> JobMessage {
        let request = json!({ "symptoms": "a cough" });
        let message = create_job(&mut self.connection, tenant, request).await;
        self.let_be_due(&message).await;
        message
    }

    async fn change(&mut self, message: &JobMessage, sql: &'static str) {
        let statement = sqlx::query(sql)
            .bind(&message.tenant_id)
            .bind(message.job_id);
        statement.execute(&mut self.connection).await.unwrap();
    }

    async fn let_be_due(&mut self, message: &JobMessage) {
        let sql = "UPDATE outbox SET due_at = now() WHERE tenant_id = $1 AND job_id = $2";
        self.change(message, sql).await;
    }

    /// Seconds until the sweep looks again, to the next ten.
    async fn due_in(&mut self, message: &JobMessage) -> i64 {
        let sql = "SELECT (ceil(extract(epoch FROM due_at - now()) / 10) * 10)::int8
                   FROM outbox WHERE tenant_id = $1 AND job_id = $2";
        sqlx::query_scalar(sql)
            .bind(&message.tenant_id)
            .bind(message.job_id)
            .fetch_one(&mut self.connection)
            .await
            .unwrap()
    }

    async fn sweep(&self, queue: &Queue) -> Swept {
        let database = database_at(&self.url).await;
        let deadline = Deadline::after(Duration::from_secs(40));
        sweep(&database, queue, &self.position, deadline)
            .await
            .unwrap()
    }
}

/// One row was due, and its message was sent.
const ONE_SENT: Swept = Swept {
    due: 1,
    sent: 1,
    refused: 0,
};

/// Hours later the row alone knows it.
#[tokio::test]
async fn a_message_that_the_sweep_sends_belongs_to_the_trace_that_its_job_was_made_in() {
    let mut own = OwnOutbox::new().await;
    let queue = OwnQueue::new().await;
    let message = own.job("traced").await;
    let sql = "UPDATE jobs SET traceparent = '00-trace' WHERE tenant_id = $1 AND id = $2";
    own.change(&message, sql).await;

    assert_eq!(own.sweep(&queue.queue).await, ONE_SENT);
    let sent = queue.receive_all().await;
    assert_eq!(sent[0].traceparent.as_deref(), Some("00-trace"));
}

/// Sweeps at the same time send each row once.
#[tokio::test]
async fn sweeps_at_the_same_time_send_each_row_once() {
    let mut own = OwnOutbox::new().await;
    let queue = OwnQueue::new().await;
    for _ in 0..300 {
        own.job("flood").await;
    }

    let swept = join_all((0..3).map(|_| own.sweep(&queue.queue))).await;
    let sent_count: usize = swept.iter().map(|swept| swept.sent).sum();
    assert_eq!(sent_count, 300, "{swept:?}");

    let sent = queue.receive_all().await;
    let ids: BTreeSet<_> = sent.iter().map(|message| message.job_id).collect();
    assert_eq!(sent.len(), 300);
    assert_eq!(ids.len(), 300);

    let swept = own.sweep(&queue.queue).await;
    assert_eq!(swept, Swept::default(), "nothing is left");
}

/// Tenants take turns: the last and single job of one does not wait for the flood of another.
#[tokio::test]
async fn a_single_job_does_not_wait_for_a_flood() {
    let mut own = OwnOutbox::new().await;
    let queue = OwnQueue::new().await;
    for _ in 0..299 {
        own.job("flood").await;
    }
    own.job("single").await;

    // One sweep: of several, another one may have sent its first hundred before.
    assert_eq!(own.sweep(&queue.queue).await.sent, 300);

    let sent = queue.receive_all().await;
    let is_single = |message: &JobMessage| message.tenant_id.as_str() == "single";
    let place = sent.iter().position(is_single);
    assert!(place.is_some_and(|place| place < 100), "{place:?}");
}

/// A hundred tenants have their turn with the first hundred messages, the others with the next.
#[tokio::test]
async fn each_tenant_has_its_turn_however_many_there_are() {
    let mut own = OwnOutbox::new().await;
    let queue = OwnQueue::new().await;
    for number in 0..250 {
        own.job(&format!("t-{:03}", number / 2)).await;
    }

    assert_eq!(own.sweep(&queue.queue).await.sent, 250);
    let sent = queue.receive_all().await;
    let served = sent[..150].iter().map(|message| message.tenant_id.as_str());
    assert_eq!(served.collect::<BTreeSet<_>>().len(), 125);
}

/// A sweep goes on where the last one left off, and comes to the first tenants afterwards.
#[tokio::test]
async fn a_sweep_that_begins_midway_leaves_no_tenant_out() {
    let mut own = OwnOutbox::new().await;
    let queue = OwnQueue::new().await;
    let gone = Queue::new(&aws_nowhere().await, format!("{NOWHERE}/000000000000/gone"));
    for number in 0..101 {
        own.job(&format!("t-{number:03}")).await;
    }

    // It stops after its first hundred tenants, since the queue takes nothing.
    let refused = own.sweep(&gone).await;
    assert_eq!((refused.due, refused.refused), (100, 100));
    let let_all_be_due = sqlx::query("UPDATE outbox SET due_at = now()");
    let_all_be_due.execute(&mut own.connection).await.unwrap();

    assert_eq!(own.sweep(&queue.queue).await.sent, 101);
    let sent = queue.receive_all().await;
    assert_eq!(sent[0].tenant_id.as_str(), "t-100");
}

/// No statement of ours leaves such a row; if there is one all the same, it is not sent for ever.
#[tokio::test]
async fn the_row_of_an_ended_job_is_removed() {
    let mut own = OwnOutbox::new().await;
    let queue = OwnQueue::new().await;
    for state in ["completed", "failed", "cancelled"] {
        let ended = own.job("t").await;
        sqlx::query("UPDATE jobs SET state = $2 WHERE id = $1")
            .bind(ended.job_id)
            .bind(state)
            .execute(&mut own.connection)
            .await
            .unwrap();
    }
    let waiting = own.job("t").await;

    let swept = own.sweep(&queue.queue).await;
    assert_eq!((swept.due, swept.sent), (4, 1));
    assert_eq!(queue.receive_all().await, [waiting]);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox")
        .fetch_one(&mut own.connection)
        .await
        .unwrap();
    assert_eq!(left, 1);
}

/// A message that the queue does not take is due again behind the others.
#[tokio::test]
async fn a_refused_message_is_due_again_soon() {
    let mut own = OwnOutbox::new().await;
    let queue = OwnQueue::new().await;
    let message = own.job("t").await;

    let gone = Queue::new(&aws_nowhere().await, format!("{NOWHERE}/000000000000/gone"));
    let refused = Swept {
        due: 1,
        sent: 0,
        refused: 1,
    };
    assert_eq!(own.sweep(&gone).await, refused);
    assert_eq!(own.due_in(&message).await, 20);

    own.let_be_due(&message).await;
    assert_eq!(own.sweep(&queue.queue).await, ONE_SENT);
    assert_eq!(queue.receive_all().await, [message]);
}

/// The sweep has no cursor that a later row could carry past an earlier one.
#[tokio::test]
async fn a_row_that_commits_after_a_later_one_is_sent() {
    let mut own = OwnOutbox::new().await;
    let queue = OwnQueue::new().await;
    let mut slow = PgConnection::connect(&own.url).await.unwrap();

    let mut transaction = slow.begin().await.unwrap();
    let request = json!({ "symptoms": "a cough" });
    let first = create_job(&mut transaction, "t", request).await;
    let let_be_due = sqlx::query("UPDATE outbox SET due_at = now() WHERE job_id = $1");
    let due = let_be_due.bind(first.job_id).execute(&mut *transaction);
    assert_eq!(due.await.unwrap().rows_affected(), 1);

    let second = own.job("t").await;
    assert_eq!(own.sweep(&queue.queue).await, ONE_SENT);
    assert_eq!(own.sweep(&queue.queue).await, Swept::default());
    transaction.commit().await.unwrap();
    assert_eq!(own.sweep(&queue.queue).await, ONE_SENT);
    assert_eq!(queue.receive_all().await, [second, first]);
}

/// A row that another transaction holds is left to a later sweep, and holds up no other one.
#[tokio::test]
async fn a_locked_row_is_sent_once_it_is_free() {
    let mut own = OwnOutbox::new().await;
    let queue = OwnQueue::new().await;
    let (locked, free) = (own.job("t").await, own.job("t").await);
    let mut holder = PgConnection::connect(&own.url).await.unwrap();

    let mut transaction = holder.begin().await.unwrap();
    let lock = sqlx::query("SELECT 1 FROM outbox WHERE job_id = $1 FOR UPDATE");
    let lock = lock.bind(locked.job_id).execute(&mut *transaction);
    assert_eq!(lock.await.unwrap().rows_affected(), 1);
    assert_eq!(own.sweep(&queue.queue).await, ONE_SENT);

    transaction.rollback().await.unwrap();
    assert_eq!(own.sweep(&queue.queue).await, ONE_SENT);
    assert_eq!(queue.receive_all().await, [free, locked]);
}

#[tokio::test]
async fn a_row_that_is_not_due_waits() {
    let mut own = OwnOutbox::new().await;
    let queue = OwnQueue::new().await;
    let message = own.job("t").await;
    let in_a_minute = "UPDATE outbox SET due_at = now() + interval '1 minute'
                       WHERE tenant_id = $1 AND job_id = $2";
    own.change(&message, in_a_minute).await;
    assert_eq!(own.sweep(&queue.queue).await, Swept::default());
}

#[tokio::test]
async fn a_message_is_missed_after_one_minute_then_two_then_four() {
    let mut own = OwnOutbox::new().await;
    let queue = OwnQueue::new().await;
    let message = own.job("t").await;
    for minutes in [1, 2, 4, 8] {
        assert_eq!(own.sweep(&queue.queue).await, ONE_SENT);
        assert_eq!(own.due_in(&message).await, minutes * 60);
        own.let_be_due(&message).await;
    }
    assert_eq!(queue.receive_all().await.len(), 4);
}

const LEASE: &str = "UPDATE jobs
    SET state = 'active', lease_token = gen_random_uuid(), lease_expires_at = now() + $3::interval
    WHERE tenant_id = $1 AND id = $2";

const BACK_OFF: &str = "UPDATE jobs SET not_before = now() + $3::interval
    WHERE tenant_id = $1 AND id = $2";

const DEFER: &str = "UPDATE jobs SET state = 'deferred', not_before = now() + $3::interval
    WHERE tenant_id = $1 AND id = $2";

/// A job whose row is due, and what the sweep does about it.
struct DueCase {
    /// What the job does, until `$3` from now.
    change: &'static str,
    until: &'static str,
    /// In how many seconds the sweep looks again; `None` if the message is missing.
    due_in: Option<i64>,
}

const fn due_case(change: &'static str, until: &'static str, due_in: Option<i64>) -> DueCase {
    DueCase {
        change,
        until,
        due_in,
    }
}

const DUE_CASES: &[DueCase] = &[
    due_case(LEASE, "24 seconds", Some(40)),
    due_case(LEASE, "-6 seconds", Some(10)),
    due_case(LEASE, "-16 seconds", None),
    due_case(BACK_OFF, "604 seconds", Some(620)),
    due_case(BACK_OFF, "-16 seconds", None),
    due_case(DEFER, "30 seconds", Some(30)),
    due_case(DEFER, "-1 second", None),
];

/// A message is missing only when its job neither has a lease nor waits for its own reasons.
#[tokio::test]
async fn the_sweep_sends_only_messages_that_are_missing() {
    let mut own = OwnOutbox::new().await;
    let queue = OwnQueue::new().await;

    let mut missing = Vec::new();
    for (number, case) in DUE_CASES.iter().enumerate() {
        let message = own.job(&format!("t-{number}")).await;
        sqlx::query(case.change)
            .bind(&message.tenant_id)
            .bind(message.job_id)
            .bind(case.until)
            .execute(&mut own.connection)
            .await
            .unwrap();

        let name = format!("{} {}", case.change, case.until);
        let is_missing = case.due_in.is_none();
        let swept = own.sweep(&queue.queue).await;
        assert_eq!(swept.due, 1, "{name}");
        assert_eq!(swept.sent, usize::from(is_missing), "{name}");
        let due_in = own.due_in(&message).await;
        assert_eq!(due_in, case.due_in.unwrap_or(60), "{name}");
        // The sweeps of the cases behind it may come when it is due again.
        let later = "UPDATE outbox SET due_at = now() + interval '1 day'
                     WHERE tenant_id = $1 AND job_id = $2";
        own.change(&message, later).await;
        missing.extend(is_missing.then_some(message));
    }

    let mut sent = queue.receive_all().await;
    sent.sort_by_key(|message| message.job_id);
    assert_eq!(sent, missing);
}

/// Writes an idempotency key that expires at this time, from now.
async fn insert_key(message: &JobMessage, name: &str, expires: &str) {
    let sql = "INSERT INTO idempotency_keys (tenant_id, user_id, operation, key, fingerprint,
                                             consultation_id, expires_at)
               SELECT tenant_id, user_id, 'create', $2, '', id, now() + $3::interval
               FROM consultations
               WHERE tenant_id = $1";
    sqlx::query(sql)
        .bind(&message.tenant_id)
        .bind(name)
        .bind(expires)
        .execute(&mut database().await)
        .await
        .unwrap();
}

/// Writes a message into quarantine, as if so long ago.
async fn insert_quarantined(message_id: &str, age: &str) {
    let sql = "INSERT INTO quarantine (message_id, reason, body, arrived_at)
               VALUES ($1, 'not_a_job', '', now() - $2::interval)";
    sqlx::query(sql)
        .bind(message_id)
        .bind(age)
        .execute(&mut database().await)
        .await
        .unwrap();
}

/// The nightly pruning takes what has had its time, and nothing else.
#[tokio::test]
async fn the_nightly_pruning_takes_what_has_had_its_time() {
    let kept = job().await;
    insert_key(&kept, "old", "-1 second").await;
    insert_key(&kept, "new", "1 hour").await;
    let name = Uuid::new_v4().to_string();
    insert_quarantined(&format!("{name}-old"), "31 days").await;
    insert_quarantined(&format!("{name}-new"), "29 days").await;

    let pruning = PruneExpired {
        database: database_at(&STACK.env("DATABASE_URL").unwrap()).await,
        retention: RetentionSettings::default(),
    };
    let minute = Deadline::after(Duration::from_mins(1));
    let pruned = pruning.run(minute).await.unwrap();
    assert!(pruned.idempotency_keys >= 1, "{pruned:?}");
    assert!(pruned.quarantine >= 1, "{pruned:?}");

    let keys: Vec<String> =
        sqlx::query_scalar("SELECT key FROM idempotency_keys WHERE tenant_id = $1")
            .bind(&kept.tenant_id)
            .fetch_all(&mut database().await)
            .await
            .unwrap();
    assert_eq!(keys, ["new"]);

    let quarantined: Vec<String> =
        sqlx::query_scalar("SELECT message_id FROM quarantine WHERE message_id LIKE $1 || '%'")
            .bind(&name)
            .fetch_all(&mut database().await)
            .await
            .unwrap();
    assert_eq!(quarantined, [format!("{name}-new")]);
}
