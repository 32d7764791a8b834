//! The erasure of a consultation, killed at every step: whatever a crash leaves, the next run ends.

mod retention;

use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use uuid::Uuid;
use wenzhen::cache::Cache;
use wenzhen::consultations::outcome::write_report;
use wenzhen::consultations::transcript::Transcripts;
use wenzhen::consultations::{Consultation, StoredReport, store};
use wenzhen::identity::{Caller, Role, Scope, TenantId, UserId};
use wenzhen::jobs::JobMessage;
use wenzhen::privacy::{Erasure, begin_erasure};
use wenzhen::reports::{Bucket, Rendered, ReportKey};
use wenzhen_functions::Worker;

use super::worker::{NOTHING, body, deliver};
use super::{assessment, consultation_of, expire, granted, job, postpone_sweep, wait_out, worker};
use crate::support::aws_proxy::{AwsProxy, Mode};
use crate::support::{STACK, database, eventually, valkey};

/// A consultation with texts in the transcript and a report in the bucket.
struct Record {
    tenant: TenantId,
    consultation: Consultation,
}

/// What there is of a record outside the database.
#[derive(Debug, PartialEq, Eq)]
pub struct Left {
    pub texts: usize,
    pub objects: usize,
}

const ALL: Left = Left {
    texts: 2,
    objects: 2,
};

pub const NOTHING_LEFT: Left = Left {
    texts: 0,
    objects: 0,
};

impl Record {
    async fn new() -> Self {
        let message = job().await;
        let lease = granted(&message).await;
        let scope = Scope {
            tenant: &message.tenant_id,
            owner: None,
        };
        let id = consultation_of(&message).await;
        let found = store::get(&mut database().await, scope, id).await;
        let record = Self {
            tenant: message.tenant_id.clone(),
            consultation: found.unwrap(),
        };
        record.write_outside(lease.job_id).await;

        let report = StoredReport {
            html: String::new(),
            markdown: String::new(),
            generated_at: OffsetDateTime::now_utc(),
        };
        write_report(&mut database().await, &lease, &report)
            .await
            .unwrap();
        assert_eq!(record.left().await, ALL);
        record
    }

    /// What a run writes besides its rows.
    async fn write_outside(&self, job: Uuid) {
        let aws = &STACK.aws().await;
        let transcripts = Transcripts::new(aws, STACK.env("TRANSCRIPTS_TABLE").unwrap());
        let answer = assessment("It may be a cold.");
        let recorded = transcripts.record_answer(&self.tenant, &self.consultation, &answer);
        recorded.await.unwrap();

        let key = ReportKey {
            tenant: &self.tenant,
            consultation: self.consultation.id,
            job,
        };
        let report = Rendered {
            html: "<p>a cold</p>".to_owned(),
            markdown: "a cold".to_owned(),
        };
        let bucket = Bucket::new(aws, STACK.env("REPORTS_BUCKET").unwrap());
        let now = OffsetDateTime::now_utc();
        bucket.store(key, report, now).await.unwrap();
    }

    async fn left(&self) -> Left {
        left_of(self.tenant.as_str(), self.consultation.id).await
    }

    /// Erases the rows. The job's message is not sent, not even by the deployed sweep.
    async fn erase(&self) -> JobMessage {
        let admin = Caller {
            tenant: self.tenant.clone(),
            user: UserId::try_from("admin-1".to_owned()).unwrap(),
            role: Role::Admin,
        };
        let erasure = begin_erasure(&mut database().await, &admin, self.consultation.id).await;
        let message = match erasure.unwrap() {
            Erasure::Begun(message) => message,
            Erasure::Before(_) => panic!("it was there"),
        };
        postpone_sweep(&message).await;
        message
    }

    /// A file of the same person, sent at this time.
    async fn add_upload(&self, at: OffsetDateTime) -> Uuid {
        let milliseconds = u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap();
        let random = Uuid::new_v4().as_u64_pair().1.to_be_bytes();
        let random = [&random[..], &[0, 0]].concat().try_into().unwrap();
        let id = uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid();
        let insert = "INSERT INTO uploads (tenant_id, id, user_id, file_name, content_type, size,
                                           sha256, state)
                      VALUES ($1, $2, 'user-1', 'x.txt', 'text/plain', 1,
                              repeat('0', 64), 'ready')";
        let insert = sqlx::query(insert).bind(&self.tenant).bind(id);
        insert.execute(&mut database().await).await.unwrap();
        id
    }

    async fn uploads(&self) -> Vec<Uuid> {
        let sql = "SELECT id FROM uploads WHERE tenant_id = $1 ORDER BY id";
        let ids = sqlx::query_scalar(sql).bind(&self.tenant);
        ids.fetch_all(&mut database().await).await.unwrap()
    }

    /// Uploads whose files are to be removed, in the order in which they went.
    async fn removed_uploads(&self) -> Vec<Uuid> {
        let sql = "SELECT upload_id FROM removed_uploads WHERE tenant_id = $1 ORDER BY id";
        let ids = sqlx::query_scalar(sql).bind(&self.tenant);
        ids.fetch_all(&mut database().await).await.unwrap()
    }

    /// Rows of the tables that have held something of it.
    async fn rows(&self) -> i64 {
        let sql = "SELECT (SELECT count(*) FROM consultations WHERE (tenant_id, id) = ($1, $2))
                        + (SELECT count(*) FROM jobs
                           WHERE (tenant_id, consultation_id) = ($1, $2))
                        + (SELECT count(*) FROM idempotency_keys
                           WHERE (tenant_id, consultation_id) = ($1, $2))";
        let rows = sqlx::query_scalar(sql)
            .bind(&self.tenant)
            .bind(self.consultation.id);
        rows.fetch_one(&mut database().await).await.unwrap()
    }

    /// The jobs of its erasure, in order: their states, and whether they are due within a minute.
    async fn erasures(&self) -> Vec<(String, bool)> {
        let sql = "SELECT state, coalesce(due_at < now() + interval '1 minute', false)
                   FROM jobs LEFT JOIN outbox
                     ON (outbox.tenant_id, outbox.job_id) = (jobs.tenant_id, jobs.id)
                   WHERE jobs.tenant_id = $1 AND kind = 'erase_consultation'
                   ORDER BY jobs.id";
        let rows = sqlx::query_as(sql).bind(&self.tenant);
        rows.fetch_all(&mut database().await).await.unwrap()
    }

    /// The second job, which the sweep would send in ten minutes.
    async fn second(&self) -> JobMessage {
        let sql = "SELECT id FROM jobs WHERE tenant_id = $1 AND kind = 'erase_consultation'
                   ORDER BY id DESC LIMIT 1";
        let id = sqlx::query_scalar(sql).bind(&self.tenant);
        JobMessage {
            tenant_id: self.tenant.clone(),
            job_id: id.fetch_one(&mut database().await).await.unwrap(),
            kind: "erase_consultation".to_owned(),
            traceparent: None,
        }
    }
}

/// What there is of a tenant's consultation outside the database.
pub async fn left_of(tenant: &str, consultation: Uuid) -> Left {
    let aws = &STACK.aws().await;
    let table = STACK.env("TRANSCRIPTS_TABLE").unwrap();
    let key = AttributeValue::S(format!("{tenant}#{consultation}"));
    let texts = aws_sdk_dynamodb::Client::new(aws)
        .query()
        .table_name(table)
        .key_condition_expression("consultation = :c")
        .expression_attribute_values(":c", key)
        .send()
        .await
        .unwrap();
    let objects = wenzhen::aws::s3(aws)
        .list_objects_v2()
        .bucket(STACK.env("REPORTS_BUCKET").unwrap())
        .prefix(format!("{tenant}/{consultation}/"))
        .send()
        .await
        .unwrap();
    Left {
        texts: texts.items().len(),
        objects: objects.contents().len(),
    }
}

/// A worker whose AWS is behind a proxy.
async fn worker_behind(proxy: &AwsProxy) -> Worker {
    let aws = STACK.aws().await.into_builder();
    let aws = &aws.endpoint_url(&proxy.url).build();
    let mut worker = worker().await;
    worker.transcripts = Transcripts::new(aws, STACK.env("TRANSCRIPTS_TABLE").unwrap());
    worker.reports = Bucket::new(aws, STACK.env("REPORTS_BUCKET").unwrap());
    worker
}

/// Runs a job until a call of its is held, and lets the worker die there: nothing of it goes on.
async fn kill_at(message: &JobMessage, action: &'static str) {
    let proxy = AwsProxy::start(Mode::HoldAction(action)).await;
    let worker = worker_behind(&proxy).await;
    let bodies = [body(message)];
    let held = eventually(action, async || (proxy.held() > 0).then_some(()));
    tokio::select! {
        _ = deliver(&worker, &bodies) => panic!("it ended before {action}"),
        () = held => {}
    }
}

/// Lets the worker die while the database writes that the job is done.
async fn kill_at_completion(message: &JobMessage) {
    let proxy = AwsProxy::start(Mode::HoldAction("DELETE")).await;
    let worker = worker_behind(&proxy).await;
    let bodies = [body(message)];
    let harm = async {
        eventually("the run is at it", async || {
            (proxy.held() > 0).then_some(())
        })
        .await;
        let mut lock = database().await;
        let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut lock)
            .await
            .unwrap();
        sqlx::query("BEGIN").execute(&mut lock).await.unwrap();
        sqlx::query("SELECT 1 FROM jobs WHERE tenant_id = $1 AND id = $2 FOR UPDATE")
            .bind(&message.tenant_id)
            .bind(message.job_id)
            .execute(&mut lock)
            .await
            .unwrap();
        proxy.set(Mode::Pass);
        eventually("the completion waits", async || {
            let sql = "SELECT count(*) FROM pg_stat_activity
                       WHERE $1 = ANY (pg_blocking_pids(pid)) AND query LIKE '%progress = 100%'";
            let waiting = sqlx::query_scalar(sql).bind(pid);
            let waiting: i64 = waiting.fetch_one(&mut database().await).await.unwrap();
            (waiting > 0).then_some(())
        })
        .await;
        lock
    };
    tokio::select! {
        _ = deliver(&worker, &bodies) => panic!("it ended"),
        _ = harm => {}
    }
}

#[tokio::test]
async fn an_erasure_that_is_killed_at_any_step_is_ended_by_the_next_run() {
    let steps = ["Query", "BatchWriteItem", "GET", "DELETE", "completion"];
    let rows = steps.map(|step| async move {
        let record = Record::new().await;
        let first = record.erase().await;
        assert_eq!(record.rows().await, 0, "{step}: nobody reads it any more");
        if step == "completion" {
            kill_at_completion(&first).await;
        } else {
            kill_at(&first, step).await;
            assert_ne!(record.left().await, NOTHING_LEFT, "killed at {step}");
        }

        // The lease runs out, as with time, and the message comes again.
        expire(&first).await;
        let again = deliver(&worker().await, &[body(&first)]).await;
        assert_eq!(again, NOTHING, "{step}");
        assert_eq!(record.left().await, NOTHING_LEFT, "killed at {step}");
        let states = record.erasures().await;
        let done = ("completed".to_owned(), false);
        assert_eq!(states[0], done, "{step}");
        assert_eq!(states[1], ("queued".to_owned(), false), "{step}");
        assert_eq!(states.len(), 2, "{step}: a second time, and no third");
    });
    futures::future::join_all(rows).await;
}

#[tokio::test]
async fn what_a_late_run_writes_is_removed_the_second_time() {
    let record = Record::new().await;
    let first = record.erase().await;
    assert_eq!(deliver(&worker().await, &[body(&first)]).await, NOTHING);
    record.write_outside(Uuid::now_v7()).await;
    assert_ne!(record.left().await, NOTHING_LEFT);

    let second = record.second().await;
    assert_eq!(deliver(&worker().await, &[body(&second)]).await, NOTHING);
    assert_eq!(record.left().await, NOTHING_LEFT);
    let done = ("completed".to_owned(), false);
    assert_eq!(record.erasures().await, [done.clone(), done]);
}

/// A place that is gone holds up neither the others nor, for ever, the job.
#[tokio::test]
async fn a_place_that_is_gone_is_erased_when_it_is_back() {
    let record = Record::new().await;
    let message = record.erase().await;
    let proxy = AwsProxy::start(Mode::Fail).await;
    let mut broken = worker_behind(&proxy).await;
    broken.reports = worker().await.reports;
    assert_eq!(deliver(&broken, &[body(&message)]).await, ["m-0"]);
    let left = Left {
        texts: 2,
        objects: 0,
    };
    assert_eq!(record.left().await, left, "the reports are gone at once");

    wait_out(&message).await;
    assert_eq!(deliver(&worker().await, &[body(&message)]).await, NOTHING);
    assert_eq!(record.left().await, NOTHING_LEFT);
}

/// What AWS throttles is no fault of the job's: it waits, and no attempt is spent.
#[tokio::test]
async fn a_throttled_erasure_keeps_its_attempt() {
    let record = Record::new().await;
    let message = record.erase().await;
    let proxy = AwsProxy::start(Mode::Throttle).await;
    let mut throttled = worker_behind(&proxy).await;
    throttled.reports = worker().await.reports;
    assert_eq!(deliver(&throttled, &[body(&message)]).await, ["m-0"]);
    assert!(proxy.refused() > 0);
    let job = "SELECT state, attempts FROM jobs WHERE tenant_id = $1 AND id = $2";
    let job: (String, i16) = sqlx::query_as(job)
        .bind(&message.tenant_id)
        .bind(message.job_id)
        .fetch_one(&mut database().await)
        .await
        .unwrap();
    assert_eq!(job, ("queued".to_owned(), 0));

    wait_out(&message).await;
    assert_eq!(deliver(&worker().await, &[body(&message)]).await, NOTHING);
    assert_eq!(record.left().await, NOTHING_LEFT);
}

#[tokio::test]
async fn without_valkey_an_erasure_waits_until_the_cache_can_forget() {
    let record = Record::new().await;
    let message = record.erase().await;
    let mut broken = worker().await;
    broken.cache = Cache::new(Some(valkey::connect("redis://127.0.0.1:9", "test")));
    assert_eq!(deliver(&broken, &[body(&message)]).await, ["m-0"]);
    assert_eq!(record.left().await, NOTHING_LEFT, "the rest is gone");
    assert_eq!(record.erasures().await.len(), 1, "it is not done");

    wait_out(&message).await;
    assert_eq!(deliver(&worker().await, &[body(&message)]).await, NOTHING);
    assert_eq!(record.erasures().await.len(), 2);
}

#[tokio::test]
async fn two_erasures_at_once_are_one() {
    let record = Record::new().await;
    let admin = Caller {
        tenant: record.tenant.clone(),
        user: UserId::try_from("admin-1".to_owned()).unwrap(),
        role: Role::Admin,
    };
    let erasures = (0..8).map(|_| async {
        let connection = &mut database().await;
        let erasure = begin_erasure(connection, &admin, record.consultation.id).await;
        match erasure.unwrap() {
            Erasure::Begun(message) => (true, message.job_id),
            Erasure::Before(job) => (false, job),
        }
    });
    let erasures = futures::future::join_all(erasures).await;
    assert_eq!(
        erasures.iter().filter(|(has_begun, _)| *has_begun).count(),
        1
    );
    assert!(erasures.iter().all(|(_, job)| *job == erasures[0].1));
}
