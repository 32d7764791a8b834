//! Many patients of many tenants, and what became of their consultations.

use std::time::{SystemTime, UNIX_EPOCH};

use futures::StreamExt;
use futures::future::join_all;
use futures::stream;
use sqlx::Connection;
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use xtask::users::Role;

use super::functions::Function;
use super::{Duration, Instant, STACK, pause, provider, services};
use crate::support::{User, new_tenant};

/// Consultations of each scenario.
pub const SIZE: usize = 200;

/// Requests under way at once.
const CONCURRENCY: usize = 16;

/// The longest that a client tries.
const PATIENCE: Duration = Duration::from_mins(2);

/// The longest until all have ended.
const BOUND: Duration = Duration::from_mins(4);

pub struct Crowd {
    scenario: &'static str,
    /// Stands in every complaint, before its number and a blank.
    pub marker: String,
    tenants: Vec<String>,
    users: Vec<User>,
    began: Instant,
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
    /// Assessments that were written, by whatever run.
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
    /// Attempts, and what is no attempt: a last one that was repeated alone, and what an outage broke off.
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
        assert_eq!(self.accepted, expect.accepted, "{self:?}");
        assert_eq!(
            (self.completed, self.failed),
            (expect.accepted - expect.failed, expect.failed),
            "{self:?}"
        );
        assert_eq!(
            self.written, self.completed,
            "exactly one assessment each: {self:?}"
        );
        assert!(
            self.most_attempts <= 3 && self.most_runs <= expect.most_runs,
            "{self:?}"
        );
    }
}

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

/// Whether it says that the database is gone, and not that the test is wrong.
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
    /// Sixteen patients of four tenants: with fewer, the limits of one person would be in the way. What an earlier test that
    /// failed has harmed is mended first.
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
        let names: Vec<_> = (0..16)
            .map(|number| (tenants[number % 4].clone(), format!("patient-{number}")))
            .collect();
        let users = join_all(
            names
                .iter()
                .map(|(tenant, name)| User::of(tenant, name, Role::Patient)),
        )
        .await;
        let began_at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis();
        let marker = uuid::Uuid::new_v4().to_string();
        Self {
            scenario,
            marker,
            tenants,
            users,
            began: Instant::now(),
            began_at: i64::try_from(began_at).unwrap(),
        }
    }

    /// All complain, and try again with the same key until they are accepted. Returns how many were.
    pub async fn complain(&self, symptoms: &str) -> usize {
        self.complain_from(0, SIZE, symptoms).await
    }

    pub async fn complain_from(&self, first: usize, count: usize, symptoms: &str) -> usize {
        let until = Instant::now() + PATIENCE;
        let insist = |number: usize| async move {
            while self.send(number, symptoms).await != 202 {
                assert!(
                    Instant::now() < until,
                    "{}: a client was not accepted in time",
                    self.scenario
                );
                pause(500).await;
            }
        };
        stream::iter((first..first + count).map(insist))
            .buffer_unordered(CONCURRENCY)
            .count()
            .await
    }

    /// All complain once. Returns the statuses; 0 for no answer.
    pub async fn complain_once(&self, symptoms: &str) -> Vec<u16> {
        stream::iter((0..SIZE).map(|number| self.send(number, symptoms)))
            .buffer_unordered(CONCURRENCY)
            .collect()
            .await
    }

    async fn send(&self, number: usize, symptoms: &str) -> u16 {
        let user = &self.users[number % self.users.len()];
        let body =
            serde_json::json!({ "symptoms": format!("{symptoms} {} {number} ", self.marker) });
        let request = user
            .post("/v1/consultations")
            .header("idempotency-key", format!("chaos-{number}"))
            .json(&body);
        request
            .send()
            .await
            .map_or(0, |answer| answer.status().as_u16())
    }

    async fn counts(&self) -> Option<Counts> {
        // The database may be what is harmed.
        let mut connection = PgConnection::connect(&STACK.env("DATABASE_URL").unwrap())
            .await
            .ok()?;
        sqlx::query_as(
            "SELECT count(*) AS accepted, count(*) FILTER (WHERE j.state IN ('completed', 'failed', 'cancelled')) AS ended,
                    count(*) FILTER (WHERE j.state = 'completed' AND c.assessment IS NOT NULL) AS completed,
                    count(*) FILTER (WHERE j.state = 'failed' AND c.assessment IS NULL) AS failed,
                    count(*) FILTER (WHERE (c.assessment->>'degraded')::bool) AS degraded,
                    coalesce(max(j.attempts), 0)::int2 AS most_attempts, coalesce(sum(greatest(j.runs - 1, 0)), 0)::int8 AS reruns,
                    coalesce(max(j.runs), 0) AS most_runs,
                    (SELECT count(*) FROM chaos_written w WHERE w.tenant_id = ANY ($1)) AS written
             FROM consultations c JOIN jobs j ON (j.tenant_id, j.id) = (c.tenant_id, c.job_id) WHERE c.tenant_id = ANY ($1)",
        )
        .bind(&self.tenants)
        .fetch_one(&mut connection)
        .await
        .map_err(|error| assert!(is_gone(&error), "{error}"))
        .ok()
    }

    async fn counted(&self) -> Counts {
        crate::support::eventually("the database answers", async || self.counts().await).await
    }

    pub async fn consultations(&self) -> usize {
        usize::try_from(self.counted().await.accepted).unwrap()
    }

    /// Jobs that are being done now.
    pub async fn active(&self) -> i64 {
        let Ok(mut connection) = PgConnection::connect(&STACK.env("DATABASE_URL").unwrap()).await
        else {
            return 0;
        };
        sqlx::query_scalar(
            "SELECT count(*) FROM jobs WHERE state = 'active' AND tenant_id = ANY ($1)",
        )
        .bind(&self.tenants)
        .fetch_one(&mut connection)
        .await
        .map_err(|error| assert!(is_gone(&error), "{error}"))
        .unwrap_or(0)
    }

    /// Makes the payloads of so many jobs unreadable, before anybody has begun them.
    pub async fn spoil_payloads(&self, count: i64) {
        let (mut spoiled, mut connection) = (0, crate::support::database().await);
        while spoiled < count {
            let some = sqlx::query(
                "UPDATE jobs SET payload = '{\"consultation_id\": 7}' WHERE (tenant_id, id) IN (
                     SELECT tenant_id, id FROM jobs
                     WHERE state = 'queued' AND payload->>'consultation_id' <> '7' AND tenant_id = ANY ($1)
                     LIMIT $2 FOR UPDATE SKIP LOCKED)",
            );
            let some = some
                .bind(&self.tenants)
                .bind(count - spoiled)
                .execute(&mut connection);
            spoiled += i64::try_from(some.await.unwrap().rows_affected()).unwrap();
            assert!(
                self.began.elapsed() < PATIENCE,
                "{}: only {spoiled} payloads",
                self.scenario
            );
            pause(10).await;
        }
    }

    /// Waits until all that were accepted so far have ended. Returns how many.
    pub async fn settle_some(&self) -> usize {
        let until = Instant::now() + BOUND;
        loop {
            let counts = self.counted().await;
            if counts.ended == counts.accepted {
                return usize::try_from(counts.ended).unwrap();
            }
            assert!(
                Instant::now() < until,
                "{}: {} of {} ended in time",
                self.scenario,
                counts.ended,
                counts.accepted
            );
            pause(250).await;
        }
    }

    /// Waits until all have ended, and says what became of them.
    pub async fn settle(&self) -> Tally {
        self.settle_some().await;
        let took = self.began.elapsed();
        let lines = xtask::logs::since(&STACK, "worker", self.began_at).await;
        let is_of_us = |line: &&String| self.tenants.iter().any(|tenant| line.contains(tenant));
        let turned_away =
            |line: &&String| line.contains("done before") || line.contains("held by another run");
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
            turned_away: lines.iter().filter(is_of_us).filter(turned_away).count(),
            model_calls: provider::calls(&self.marker).len(),
        };
        println!(
            "\n| {:<45} | accepted {:>3} | completed {:>3} | failed {:>2} | reruns {:>3} | most runs {} | duplicates turned away {:>3} | model calls {:>3} | most attempts {} | lost {} | {:>5.1} s |",
            self.scenario,
            tally.accepted,
            tally.completed,
            tally.failed,
            tally.reruns,
            tally.most_runs,
            tally.turned_away,
            tally.model_calls,
            tally.most_attempts,
            number(counts.accepted - counts.ended),
            took.as_secs_f64(),
        );
        tally
    }
}
