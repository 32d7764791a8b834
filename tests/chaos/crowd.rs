//! Many patients of many tenants, and what became of their consultations.

use std::time::{SystemTime, UNIX_EPOCH};

use futures::StreamExt;
use futures::future::join_all;
use futures::stream;
use sqlx::Connection;
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use wenzhen::identity::TenantId;
use xtask::users::Role;

use super::functions::Function;
use super::{Duration, Instant, STACK, pause, provider, services};
use crate::support::{User, new_tenant};

/// Consultations of each scenario.
pub const SIZE: usize = 200;

/// Requests under way at once.
const MAX_CONCURRENT_REQUESTS: usize = 16;

/// The longest that a client tries to be accepted.
const ACCEPT_TIMEOUT: Duration = Duration::from_mins(2);

/// The longest until all have ended.
const SETTLE_TIMEOUT: Duration = Duration::from_mins(4);

pub struct Crowd {
    scenario: &'static str,
    /// Stands in every complaint, before its number and a blank.
    pub marker: String,
    tenants: Vec<String>,
    users: Vec<User>,
    began: Instant,
    /// The same by the wall clock, in milliseconds since 1970.
    began_at: i64,
}

/// What became of a crowd's consultations.
#[derive(Debug)]
pub struct Tally {
    pub accepted: usize,
    pub completed: usize,
    pub failed: usize,
    pub degraded: usize,
    pub most_attempts: i16,
    /// Runs beyond the first of each job.
    pub reruns: usize,
    /// Runs of the job that had most of them.
    pub most_runs: i32,
    /// Assessments that were written, by any run.
    pub written: usize,
    /// Deliveries of messages whose job was done, or being done.
    pub turned_away: usize,
    /// Calls that the models got.
    pub model_calls: usize,
}

/// What must have become of them.
pub struct Expect {
    pub accepted: usize,
    pub failed: usize,
    /// Attempts, and runs that are none: a last one that was repeated isolated, and those that an
    /// outage broke off.
    pub most_runs: i32,
}

impl Expect {
    pub const fn all_completed() -> Self {
        Self {
            accepted: SIZE,
            failed: 0,
            most_runs: 4,
        }
    }
}

impl Tally {
    pub fn check(&self, expect: &Expect) {
        let completed = expect.accepted - expect.failed;
        assert_eq!(self.accepted, expect.accepted, "{self:?}");
        assert_eq!(self.completed, completed, "{self:?}");
        assert_eq!(self.failed, expect.failed, "{self:?}");

        let why = "exactly one assessment each";
        assert_eq!(self.written, self.completed, "{why}: {self:?}");
        assert!(self.most_attempts <= 3, "{self:?}");
        assert!(self.most_runs <= expect.most_runs, "{self:?}");
    }
}

impl Tally {
    /// Prints the scenario's row of the table in docs/jobs.md.
    fn print_row(&self, scenario: &str, lost: usize, took: Duration) {
        let columns = [
            format!("{scenario:<45}"),
            format!("accepted {:>3}", self.accepted),
            format!("completed {:>3}", self.completed),
            format!("failed {:>2}", self.failed),
            format!("reruns {:>3}", self.reruns),
            format!("most runs {}", self.most_runs),
            format!("duplicates turned away {:>3}", self.turned_away),
            format!("model calls {:>3}", self.model_calls),
            format!("most attempts {}", self.most_attempts),
            format!("lost {lost}"),
            format!("{:>5.1} s", took.as_secs_f64()),
        ];
        println!("\n| {} |", columns.join(" | "));
    }
}

/// What the database says about a crowd's consultations.
#[derive(FromRow)]
struct Counts {
    accepted: i64,
    ended: i64,
    completed: i64,
    failed: i64,
    degraded: i64,
    most_attempts: i16,
    reruns: i64,
    most_runs: i32,
    written: i64,
}

/// Whether the error says that the database is gone, and not that the test is wrong.
fn is_gone(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57")),
        _ => false,
    }
}

/// From now on the database itself notes each assessment that is written.
async fn count_assessments() {
    let note = "
        CREATE TABLE IF NOT EXISTS chaos_written (tenant_id text NOT NULL, id uuid NOT NULL);
        CREATE OR REPLACE FUNCTION chaos_note() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO chaos_written VALUES (NEW.tenant_id, NEW.id); RETURN NULL; END $$;
        CREATE OR REPLACE TRIGGER chaos_note AFTER UPDATE OF assessment ON consultations
            FOR EACH ROW EXECUTE FUNCTION chaos_note()";
    sqlx::raw_sql(note)
        .execute(&mut crate::support::database().await)
        .await
        .unwrap();
}

impl Crowd {
    /// Sixteen patients of four tenants: with fewer, the limits of one person would be in the way.
    /// What an earlier test that failed has harmed is mended first.
    pub async fn gather(scenario: &'static str) -> Self {
        services::start_postgres(&STACK).await.unwrap();
        services::start_valkey(&STACK).await.unwrap();
        count_assessments().await;

        for logical in ["CreateConsultation", "Worker", "SweepOutbox"] {
            Function::of(logical)
                .await
                .set("AWS_ENDPOINT_URL_SQS", None)
                .await;
        }

        let tenants: Vec<_> = (0..4).map(|_| new_tenant()).collect();
        let users = (0..16).map(async |number: usize| {
            let name = format!("patient-{number}");
            User::of(&tenants[number % 4], &name, Role::Patient).await
        });
        let users = join_all(users).await;

        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self {
            scenario,
            marker: uuid::Uuid::new_v4().to_string(),
            tenants,
            users,
            began: Instant::now(),
            began_at: i64::try_from(since_epoch.as_millis()).unwrap(),
        }
    }

    /// Spares a test the wait until messages are due: a sweep looks at all of its rows, and sends
    /// those that are missing.
    pub async fn let_messages_be_due(&self) {
        sqlx::query("UPDATE outbox SET due_at = now() WHERE tenant_id = ANY ($1)")
            .bind(&self.tenants)
            .execute(&mut crate::support::database().await)
            .await
            .unwrap();
    }

    /// Spares a test the wait for the lease of a job whose worker was killed, found by words of its
    /// complaint: its message is missing at once.
    pub async fn end_lease_of(&self, words: &str) {
        let sql = "WITH ended AS (
                       UPDATE jobs j
                       SET lease_expires_at = now() - interval '1 minute'
                       FROM consultations c
                       WHERE (c.tenant_id, c.id) = (j.tenant_id, j.consultation_id)
                         AND j.state = 'active'
                         AND j.tenant_id = ANY ($1)
                         AND strpos(c.symptoms, $2) > 0
                       RETURNING j.tenant_id, j.id
                   )
                   UPDATE outbox o
                   SET due_at = now()
                   FROM ended
                   WHERE (o.tenant_id, o.job_id) = (ended.tenant_id, ended.id)";
        sqlx::query(sql)
            .bind(&self.tenants)
            .bind(words)
            .execute(&mut crate::support::database().await)
            .await
            .unwrap();
    }

    /// Whose patients they are.
    pub fn tenants(&self) -> &[String] {
        &self.tenants
    }

    /// All complain, and try again with the same key until they are accepted. Returns how many are.
    pub async fn complain(&self, symptoms: &str) -> usize {
        self.complain_from(0, SIZE, symptoms).await
    }

    pub async fn complain_from(&self, first: usize, count: usize, symptoms: &str) -> usize {
        let until = Instant::now() + ACCEPT_TIMEOUT;
        let insist = |number: usize| async move {
            while self.send(number, symptoms).await != 202 {
                let is_in_time = Instant::now() < until;
                assert!(is_in_time, "{}: a client was not accepted", self.scenario);
                pause(500).await;
            }
        };

        stream::iter((first..first + count).map(insist))
            .buffer_unordered(MAX_CONCURRENT_REQUESTS)
            .count()
            .await
    }

    /// All complain once. Returns the statuses; 0 for no answer.
    pub async fn complain_once(&self, symptoms: &str) -> Vec<u16> {
        stream::iter((0..SIZE).map(|number| self.send(number, symptoms)))
            .buffer_unordered(MAX_CONCURRENT_REQUESTS)
            .collect()
            .await
    }

    async fn send(&self, number: usize, symptoms: &str) -> u16 {
        let user = &self.users[number % self.users.len()];
        let symptoms = format!("{symptoms} {} {number} ", self.marker);
        let request = user
            .post("/v1/consultations")
            .header("idempotency-key", format!("chaos-{number}"))
            .json(&serde_json::json!({ "symptoms": symptoms }));

        let answer = request.send().await;
        answer.map_or(0, |answer| answer.status().as_u16())
    }

    /// None while the database is gone: it may be what is harmed.
    async fn read_counts(&self) -> Option<Counts> {
        let url = STACK.env("DATABASE_URL").unwrap();
        let mut connection = PgConnection::connect(&url).await.ok()?;
        let counts = sqlx::query_as(include_str!("counts.sql"));
        counts
            .bind(&self.tenants)
            .fetch_one(&mut connection)
            .await
            .map_err(|error| assert!(is_gone(&error), "{error}"))
            .ok()
    }

    async fn counted(&self) -> Counts {
        crate::support::eventually("the database answers", async || self.read_counts().await).await
    }

    pub async fn consultations(&self) -> usize {
        usize::try_from(self.counted().await.accepted).unwrap()
    }

    /// Jobs that are being done now.
    pub async fn active(&self) -> i64 {
        let url = STACK.env("DATABASE_URL").unwrap();
        let Ok(mut connection) = PgConnection::connect(&url).await else {
            return 0;
        };

        let sql = "SELECT count(*) FROM jobs WHERE state = 'active' AND tenant_id = ANY ($1)";
        sqlx::query_scalar(sql)
            .bind(&self.tenants)
            .fetch_one(&mut connection)
            .await
            .map_err(|error| assert!(is_gone(&error), "{error}"))
            .unwrap_or(0)
    }

    /// Makes the payloads of so many jobs unreadable, before a worker has begun them.
    pub async fn spoil_payloads(&self, count: i64) {
        let (mut spoiled, mut connection) = (0, crate::support::database().await);
        while spoiled < count {
            let spoil = sqlx::query(
                r#"UPDATE jobs
                   SET payload = '{"consultation_id": 7}'
                   WHERE (tenant_id, id) IN (
                       SELECT tenant_id, id
                       FROM jobs
                       WHERE state = 'queued'
                         AND payload->>'consultation_id' <> '7'
                         AND tenant_id = ANY ($1)
                       LIMIT $2
                       FOR UPDATE SKIP LOCKED
                   )"#,
            );
            let spoil = spoil.bind(&self.tenants).bind(count - spoiled);
            let changed = spoil.execute(&mut connection).await.unwrap();
            spoiled += i64::try_from(changed.rows_affected()).unwrap();

            let is_in_time = self.began.elapsed() < ACCEPT_TIMEOUT;
            assert!(is_in_time, "{}: only {spoiled} payloads", self.scenario);
            pause(10).await;
        }
    }

    /// Waits until all that were accepted so far have ended. Returns how many.
    pub async fn settle_some(&self) -> usize {
        let until = Instant::now() + SETTLE_TIMEOUT;
        loop {
            let counts = self.counted().await;
            if counts.ended == counts.accepted {
                return usize::try_from(counts.ended).unwrap();
            }

            let progress = format!("{} of {} ended", counts.ended, counts.accepted);
            let is_in_time = Instant::now() < until;
            assert!(is_in_time, "{}: {progress} in time", self.scenario);
            pause(250).await;
        }
    }

    /// Waits until all have ended, and says what became of them.
    pub async fn settle(&self) -> Tally {
        self.settle_some().await;
        let took = self.began.elapsed();
        let turned_away = self.count_turned_away().await;
        let counts = self.counted().await;

        let number = |count: i64| usize::try_from(count).unwrap();
        let tally = Tally {
            accepted: number(counts.accepted),
            completed: number(counts.completed),
            failed: number(counts.failed),
            degraded: number(counts.degraded),
            most_attempts: counts.most_attempts,
            reruns: number(counts.reruns),
            most_runs: counts.most_runs,
            written: number(counts.written),
            turned_away,
            model_calls: provider::calls(&self.marker).len(),
        };

        let lost = number(counts.accepted - counts.ended);
        tally.print_row(self.scenario, lost, took);
        tally
    }

    /// Deliveries that found their job done or leased, as the worker has logged them.
    async fn count_turned_away(&self) -> usize {
        let lines = xtask::logs::since(&STACK, "worker", self.began_at).await;
        let tenants = self.tenants.iter().map(|tenant| {
            let tenant = TenantId::try_from(tenant.clone()).unwrap();
            tenant.pseudonym()
        });
        let tenants: Vec<_> = tenants.collect();
        let is_of_crowd = |line: &&String| tenants.iter().any(|tenant| line.contains(tenant));
        let is_turned_away =
            |line: &&String| line.contains("done before") || line.contains("leased by another run");
        let own = lines.iter().filter(is_of_crowd);
        own.filter(is_turned_away).count()
    }
}
