//! Erasures whose worker is killed (SIGKILL) at each step, of a consultation that has left
//! something in every place; and the removal of its file, killed likewise.

use reqwest::{StatusCode, Url};
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::cache::{Cache, LoadRequest};
use wenzhen::consultations::{CACHE_POLICY, Consultation, cache_key};
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use xtask::process::kill_environments;

use super::functions::Function;
use super::{STACK, database, eventually};
use crate::jobs::erasure::left_of;
use crate::realtime::Table;
use crate::routes::uploads::removal::invalidated_paths;
use crate::routes::uploads::{objects_of, upload};
use crate::support::aws_proxy::{AwsProxy, Mode};
use crate::support::socket::Socket;
use crate::support::{User, problem, read, valkey};

/// An address at which no Valkey answers.
const VALKEY_NOWHERE: &str = "redis://127.0.0.1:9";

const DYNAMODB: &str = "AWS_ENDPOINT_URL_DYNAMODB";
const S3: &str = "AWS_ENDPOINT_URL_S3";
const CLOUDFRONT: &str = "AWS_ENDPOINT_URL_CLOUDFRONT";

/// Where a function is killed: the service that it calls, and the call.
struct Step {
    name: &'static str,
    variable: &'static str,
    call: Mode,
}

/// What there is of a consultation besides its rows.
#[derive(Debug, PartialEq, Eq)]
struct Places {
    texts: usize,
    reports: usize,
    followers: usize,
    /// Connections that know that they follow it.
    followed: usize,
    is_cached: bool,
    files: usize,
}

const EMPTY: Places = Places {
    texts: 0,
    reports: 0,
    followers: 0,
    followed: 0,
    is_cached: false,
    files: 0,
};

/// A consultation with an answer in the transcript, a report, a file, a cached copy, and somebody
/// who follows it.
struct Record {
    user: User,
    id: Uuid,
    upload: Value,
    socket: Socket,
}

impl Record {
    async fn new() -> Self {
        let user = User::new().await;
        let upload = upload(&user, "x.txt", "text/plain", b"a rash").await;
        let complaint = json!({ "symptoms": "a headache", "attachments": [upload["id"]] });
        let created = user.post("/v1/consultations").json(&complaint);
        let accepted = read(created.send().await.unwrap(), StatusCode::ACCEPTED).await;
        user.outcome(&accepted).await;

        let mut socket = Socket::open(&user).await;
        socket.subscribe(&accepted["id"], 0).await;
        let record = Self {
            id: accepted["id"].as_str().unwrap().parse().unwrap(),
            user,
            upload,
            socket,
        };
        record.report().await;
        record
    }

    async fn report(&self) {
        let report = self.user.post(&format!("{}/report", self.path()));
        read(report.send().await.unwrap(), StatusCode::ACCEPTED).await;
        eventually("the report is there", async || {
            let sql = "SELECT count(*) FROM consultations
                       WHERE tenant_id = $1 AND report IS NOT NULL";
            (count(sql, &self.user.tenant).await == 1).then_some(())
        })
        .await;
        eventually("it is cached", async || {
            let read = self.user.get(&self.path()).send().await.unwrap();
            assert_eq!(read.status(), StatusCode::OK);
            self.is_cached().await.then_some(())
        })
        .await;
    }

    fn path(&self) -> String {
        format!("/v1/consultations/{}", self.id)
    }

    async fn places(&self) -> Places {
        let (tenant, table) = (&self.user.tenant, Table::of_stack().await);
        let left = left_of(tenant, self.id).await;
        let connections = table.connections(tenant).await;
        let id = self.id.to_string();
        let knows = |item: &&crate::realtime::Item| {
            let follows = item.get("follows").and_then(|it| it.as_ss().ok());
            follows.is_some_and(|follows| follows.contains(&id))
        };
        Places {
            texts: left.texts,
            reports: left.objects,
            followers: table.subscriptions(tenant, &json!(id)).await.len(),
            followed: connections.iter().filter(knows).count(),
            is_cached: self.is_cached().await,
            files: objects_of(&self.upload["id"]).await.len(),
        }
    }

    /// Whether an environment that has nothing in its memory would serve a copy.
    async fn is_cached(&self) -> bool {
        let valkey = valkey::of_stack(&STACK.env("VALKEY_PREFIX").unwrap());
        let tenant = self.user.tenant.clone().try_into().unwrap();
        let request = LoadRequest {
            key: &cache_key(&tenant, self.id),
            policy: &CACHE_POLICY,
            deadline: Deadline::after(std::time::Duration::from_secs(5)),
        };
        let load = async || Err::<Option<Consultation>, _>(Error::not_found("consultation"));
        let cached = Cache::new(Some(valkey)).get_or_load(request, load).await;
        cached.is_ok_and(|cached| cached.value.is_some())
    }

    /// Erases it. Returns the job's path.
    async fn erase(&self) -> String {
        let erased = self.user.delete(&self.path()).send().await.unwrap();
        let erased = read(erased, StatusCode::ACCEPTED).await;
        format!("/v1/jobs/{}", erased["job_id"].as_str().unwrap())
    }

    /// Waits until the erasure's first job is done.
    async fn completed(&self, job: &str) {
        eventually("the erasure is done", async || {
            let sql = "SELECT count(*) FROM jobs WHERE tenant_id = $1 AND state = 'completed'";
            (count(sql, &self.user.tenant).await == 1).then_some(())
        })
        .await;
        let job = read(self.user.get(job).send().await.unwrap(), StatusCode::OK).await;
        assert_eq!(job["state"], "completed");
    }

    /// Lets the removal of files run, and checks that nothing is left anywhere.
    async fn check_that_all_is_gone(&mut self, remove: &Function, step: &str) {
        eventually("its file is gone", async || {
            remove.invoke().await;
            let sql = "SELECT count(*) FROM removed_uploads
                       WHERE tenant_id = $1 AND NOT is_second";
            (count(sql, &self.user.tenant).await == 0).then_some(())
        })
        .await;
        assert_eq!(self.places().await, EMPTY, "killed at {step}");

        let link: Url = self.upload["link"]["url"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!(invalidated_paths().await.contains(link.path()), "{step}");
        let read = self.user.get(&self.path()).send().await.unwrap();
        problem(read, StatusCode::NOT_FOUND).await;
        let erased = self.socket.next_of("erased").await;
        assert_eq!(erased["consultation_id"], self.id.to_string(), "{step}");
    }
}

/// Counts rows of a tenant: a person may call only so often.
async fn count(sql: &'static str, tenant: &str) -> i64 {
    let counted = sqlx::query_scalar(sql).bind(tenant);
    counted.fetch_one(&mut database().await).await.unwrap()
}

/// Lets the lease of the tenant's erasure run out, as time would, so that the next sweep misses its
/// message.
async fn wait_out(tenant: &str) {
    for sql in [
        "UPDATE jobs SET lease_expires_at = now() - interval '1 minute'
         WHERE tenant_id = $1 AND kind = 'erase_consultation' AND state = 'active'",
        "UPDATE outbox SET due_at = now() FROM jobs
         WHERE outbox.tenant_id = $1 AND (jobs.tenant_id, jobs.id) = (outbox.tenant_id, job_id)
           AND kind = 'erase_consultation' AND state = 'active'",
    ] {
        let change = sqlx::query(sql).bind(tenant);
        change.execute(&mut database().await).await.unwrap();
    }
}

fn table(variable: &str) -> &'static str {
    STACK.env(variable).unwrap().leak()
}

/// Each call of an erasure to AWS.
fn steps_of_worker() -> Vec<Step> {
    let (texts, followers) = (table("TRANSCRIPTS_TABLE"), table("CONNECTIONS_TABLE"));
    let step = |name, variable, call| Step {
        name,
        variable,
        call,
    };
    vec![
        step(
            "texts: list",
            DYNAMODB,
            Mode::HoldActionAbout("Query", texts),
        ),
        step(
            "texts: removal",
            DYNAMODB,
            Mode::HoldAction("BatchWriteItem"),
        ),
        step("reports: list", S3, Mode::HoldAction("GET")),
        step("reports: removal", S3, Mode::HoldAction("DELETE")),
        step(
            "followers: list",
            DYNAMODB,
            Mode::HoldActionAbout("Query", followers),
        ),
        step("followers: note", DYNAMODB, Mode::HoldAction("UpdateItem")),
        step(
            "followers: removal",
            DYNAMODB,
            Mode::HoldAction("DeleteItem"),
        ),
    ]
}

/// Kills a function's environments once one of them is at a step.
async fn kill_at(function: &Function, step: &Step, proxy: &AwsProxy) {
    eventually(step.name, async || (proxy.held() > 0).then_some(())).await;
    let killed = kill_environments(&STACK, &function.name);
    assert!(killed > 0, "{}", step.name);
}

async fn erase_with_a_killed_worker(worker: &Function, step: &Step) -> Record {
    let record = Record::new().await;
    let before = record.places().await;
    assert!(
        before.texts > 0 && before.reports > 0 && before.files > 0,
        "{before:?}"
    );
    assert_eq!((before.followers, before.followed), (1, 1), "{before:?}");
    let proxy = AwsProxy::start(step.call).await;
    worker.set(step.variable, Some(&proxy.url)).await;

    let job = record.erase().await;
    kill_at(worker, step, &proxy).await;
    let read = record.user.get(&record.path()).send().await.unwrap();
    problem(read, StatusCode::NOT_FOUND).await;
    let left = Places {
        files: 0, // they are not the worker's
        ..record.places().await
    };
    assert_ne!(left, EMPTY, "{}", step.name);

    worker.set(step.variable, None).await;
    next_run(&record, &job).await;
    record
}

/// The next run ends what the killed one has begun.
async fn next_run(record: &Record, job: &str) {
    wait_out(&record.user.tenant).await;
    Function::of("SweepOutbox").await.invoke().await;
    record.completed(job).await;
}

#[tokio::test]
async fn erasures_whose_worker_is_killed() {
    let worker = Function::of("Worker").await;
    let remove = Function::of("RemoveObjects").await;
    for step in steps_of_worker() {
        let mut record = erase_with_a_killed_worker(&worker, &step).await;
        record.check_that_all_is_gone(&remove, step.name).await;
    }
}

/// Valkey is away from the request on, and the worker dies before it is back: the copy can be read
/// until the next run.
#[tokio::test]
async fn an_erasure_whose_worker_is_killed_before_valkey_is_back() {
    let worker = Function::of("Worker").await;
    let delete = Function::of("DeleteConsultation").await;
    let valkey_url = worker.variable("VALKEY_URL").await;
    let step = Step {
        name: "cached copy",
        variable: DYNAMODB,
        call: Mode::HoldActionAbout("Query", table("TRANSCRIPTS_TABLE")),
    };
    let mut record = Record::new().await;
    let proxy = AwsProxy::start(step.call).await;
    worker.set(step.variable, Some(&proxy.url)).await;
    for function in [&worker, &delete] {
        function.set("VALKEY_URL", Some(VALKEY_NOWHERE)).await;
    }

    let job = record.erase().await;
    kill_at(&worker, &step, &proxy).await;
    assert!(record.is_cached().await, "nobody could say that it is gone");

    worker.set(step.variable, None).await;
    for function in [&worker, &delete] {
        function.set("VALKEY_URL", Some(&valkey_url)).await;
    }
    next_run(&record, &job).await;
    assert!(!record.is_cached().await);

    // An environment may have it in its memory, for a minute.
    eventually("no environment has it", async || {
        let read = record.user.get(&record.path()).send().await.unwrap();
        (read.status() == StatusCode::NOT_FOUND).then_some(())
    })
    .await;
    let remove = Function::of("RemoveObjects").await;
    record.check_that_all_is_gone(&remove, step.name).await;
}

/// The removal of files is killed at S3, and at the CDN.
#[tokio::test]
async fn a_removal_of_files_that_is_killed() {
    let remove = Function::of("RemoveObjects").await;
    for (step, files) in [
        ("files: removal", S3, 1),
        ("files: invalidation", CLOUDFRONT, 0),
    ]
    .map(|(name, variable, files)| {
        let call = Mode::HoldAction("POST");
        let step = Step {
            name,
            variable,
            call,
        };
        (step, files)
    }) {
        let mut record = Record::new().await;
        let proxy = AwsProxy::start(step.call).await;
        remove.set(step.variable, Some(&proxy.url)).await;
        let job = record.erase().await;
        record.completed(&job).await;

        remove.begin().await;
        kill_at(&remove, &step, &proxy).await;
        assert_eq!(record.places().await.files, files, "{}", step.name);
        let link: Url = record.upload["link"]["url"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let invalidated = invalidated_paths().await;
        assert!(!invalidated.contains(link.path()), "{}", step.name);

        remove.set(step.variable, None).await;
        record.check_that_all_is_gone(&remove, step.name).await;
    }
}
