//! Chaos: if anything is killed, gone or slow, every accepted consultation ends, once, with at most
//! three attempts.
//!
//! Each test sends [`crowd::SIZE`] consultations of many tenants through the real gateway while it
//! does harm, waits (with a bound) until all have ended, and counts. They harm the stack's own
//! servers, so `cargo xtask test` runs them last and one at a time. Each prints a row of the table
//! in docs/jobs.md.

mod crowd;
mod erasure;
mod followers;
mod functions;
mod hostile;
mod readers;
mod traces;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};
use xtask::process::{kill_environments, kill_environments_if};
use xtask::services;

use crate::provider;
use crate::support::aws_proxy::{AwsProxy, Mode};
use crate::support::{STACK, database, eventually};
use crowd::{Crowd, Expect, SIZE};
use functions::Function;

/// A short pause between two acts of harm.
async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[tokio::test]
async fn a_calm_day() {
    let crowd = Crowd::gather("calm").await;
    crowd.complain("a cough").await;
    let tally = crowd.settle().await;
    tally.check(&Expect::all_completed());
    assert_eq!(tally.most_attempts, 1);
    assert_eq!(tally.model_calls, SIZE);
}

#[tokio::test]
async fn killed_between_commit_and_send() {
    let crowd = Crowd::gather("killed between commit and send").await;
    let proxy = AwsProxy::start(Mode::Hold).await;
    let create = Function::of("CreateConsultation").await;
    create.set("AWS_ENDPOINT_URL_SQS", Some(&proxy.url)).await;

    let kill = async {
        loop {
            // An environment that waits for the queue has committed.
            if proxy.held() > 3 {
                kill_environments(&STACK, &create.name);
            }
            pause(300).await;
        }
    };
    let first = crowd.complain_once("a cough");
    let answers = tokio::select! { answers = first => answers, () = kill => unreachable!() };
    let refused = answers.iter().filter(|status| **status != 202).count();
    assert!(refused > 20, "the kills hit some calls: {refused}");
    proxy.set(Mode::Pass);
    create.set("AWS_ENDPOINT_URL_SQS", None).await;

    // What was committed ends without its client.
    let committed = crowd.consultations().await;
    assert!(committed > 20, "some had committed: {committed}");
    crowd.let_messages_be_due().await;
    Function::of("SweepOutbox").await.invoke().await;
    crowd.settle().await.check(&Expect {
        accepted: committed,
        ..Expect::all_completed()
    });

    // A client that comes back with its key finds its own.
    crowd.complain("a cough").await;
    let tally = crowd.settle().await;
    tally.check(&Expect::all_completed());
    assert_eq!(tally.model_calls, SIZE, "no answer is paid for twice");
}

#[tokio::test]
async fn worker_killed_in_the_middle_of_its_jobs() {
    let crowd = Crowd::gather("worker killed (SIGKILL) mid-job").await;
    let worker = Function::of("Worker").await;
    let kill = async {
        for _ in 0..2 {
            eventually("a worker is killed that does jobs", async || {
                let is_busy = crowd.active().await >= 4;
                (is_busy && kill_environments(&STACK, &worker.name) > 0).then_some(())
            })
            .await;
            pause(1_500).await;
        }
    };
    futures::join!(crowd.complain("a cough [primary:slow]"), kill);
    let tally = crowd.settle().await;
    tally.check(&Expect::all_completed());
    assert!(tally.most_attempts > 1, "the kills hit some runs");
}

/// Whether the process talks from this port of the loopback interface (proc_pid_net(5): local
/// address in hexadecimal, inode tenth). An ended connection may have had the same port: each
/// counts.
fn talks_from(pid: u32, port: u16) -> bool {
    let table = std::fs::read_to_string(format!("/proc/{pid}/net/tcp")).unwrap_or_default();
    let local_address = format!("0100007F:{port:04X}");
    let lines = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let sockets: Vec<String> = lines
        .filter(|columns| columns[1] == local_address)
        .map(|columns| format!("socket:[{}]", columns[9]))
        .collect();

    let files = std::fs::read_dir(format!("/proc/{pid}/fd"));
    let mut targets = files
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|file| std::fs::read_link(file.path()).ok());
    targets.any(|target| {
        let target = target.to_string_lossy();
        sockets.iter().any(|socket| *socket == target)
    })
}

/// The tiers, each of which may take so long that a slow machine finds whom to kill.
fn wait_longer(tiers: &str) -> String {
    let mut tiers: Value = serde_json::from_str(tiers).unwrap();
    for tier in tiers.as_array_mut().unwrap() {
        tier["total_timeout"] = json!(20);
    }
    tiers.to_string()
}

#[tokio::test]
async fn a_job_that_kills_every_worker_that_tries_it() {
    let crowd = Crowd::gather("a job that kills its worker, each time").await;
    let worker = Function::of("Worker").await;
    let sweep = Function::of("SweepOutbox").await;
    let poison = format!("{} 100 ", crowd.marker);
    let killed = AtomicUsize::new(0);
    let tiers = worker.variable("AI_TIERS").await;
    worker.set("AI_TIERS", Some(&wait_longer(&tiers))).await;

    let kill = async {
        loop {
            // It kills as long as it is asked about: its model never answers.
            let calls = provider::calls(&poison);
            for call in calls.iter().filter(|call| call.ended.is_none()) {
                let asks = |pid| talks_from(pid, call.client);
                let hit = kill_environments_if(&STACK, &worker.name, asks);
                killed.fetch_add(hit, Ordering::SeqCst);
                if hit > 0 {
                    crowd.end_lease_of(&poison).await;
                    sweep.invoke().await;
                }
            }
            pause(50).await;
        }
    };
    let run = async {
        futures::join!(
            crowd.complain_from(0, 100, "a cough"),
            crowd.complain_from(100, 1, "a cough [primary:silent]"),
            crowd.complain_from(101, SIZE - 101, "a cough"),
        );
        crowd.settle().await
    };
    let tally = tokio::select! { tally = run => tally, () = kill => unreachable!() };
    worker.set("AI_TIERS", Some(&tiers)).await;

    let kills = killed.into_inner();
    assert_eq!(kills, 3, "it has three attempts, like every other");
    tally.check(&Expect {
        failed: 1,
        ..Expect::all_completed()
    });
}

#[tokio::test]
async fn every_message_delivered_twice() {
    let crowd = Crowd::gather("every message delivered twice").await;
    let proxy = AwsProxy::start(Mode::Twice).await;
    let create = Function::of("CreateConsultation").await;
    create.set("AWS_ENDPOINT_URL_SQS", Some(&proxy.url)).await;
    crowd.complain("a cough").await;
    let tally = crowd.settle().await;
    create.set("AWS_ENDPOINT_URL_SQS", None).await;
    tally.check(&Expect::all_completed());
    // Those that a busy machine was too slow to send were sent by a sweep, once.
    let taken = proxy.taken();
    assert!(taken > SIZE + SIZE / 2, "they were sent twice: {taken}");
    assert_eq!(tally.model_calls, SIZE, "no answer is paid for twice");
    assert!(tally.turned_away > 0);
}

#[tokio::test]
async fn postgresql_restarted_under_load() {
    let crowd = Crowd::gather("PostgreSQL restarted under load").await;
    let restart = async {
        for _ in 0..2 {
            eventually("jobs are being done", async || {
                (crowd.active().await >= 4).then_some(())
            })
            .await;
            services::stop_postgres(&STACK).unwrap();
            pause(1_000).await;
            services::start_postgres(&STACK).await.unwrap();
        }
    };
    futures::join!(crowd.complain("a cough [primary:slow]"), restart);
    crowd.settle().await.check(&Expect {
        most_runs: 6,
        ..Expect::all_completed()
    });
}

#[tokio::test]
async fn valkey_gone_for_the_whole_run() {
    let crowd = Crowd::gather("Valkey gone for the whole run").await;
    services::stop_valkey(&STACK).unwrap();
    crowd.complain("a cough").await;
    let tally = crowd.settle().await;
    services::start_valkey(&STACK).await.unwrap();
    tally.check(&Expect::all_completed());
}

#[tokio::test]
async fn sqs_answering_errors_for_ten_seconds() {
    let crowd = Crowd::gather("SQS answering errors for 10 s").await;
    let proxy = AwsProxy::start(Mode::Fail).await;
    let users = [
        Function::of("CreateConsultation").await,
        Function::of("Worker").await,
        Function::of("SweepOutbox").await,
    ];
    for function in &users {
        function.set("AWS_ENDPOINT_URL_SQS", Some(&proxy.url)).await;
    }
    let recover = async {
        pause(10_000).await;
        proxy.set(Mode::Pass);
        proxy.refused()
    };
    let (accepted, refused) = futures::join!(crowd.complain("a cough"), recover);
    assert!(refused > 0, "some sends were refused");
    assert_eq!(accepted, SIZE, "callers are served all the same");

    // The schedule's sweep finds the rest within a minute.
    let tally = crowd.settle().await;
    for function in &users {
        function.set("AWS_ENDPOINT_URL_SQS", None).await;
    }
    tally.check(&Expect::all_completed());
}

#[tokio::test]
async fn provider_hanging() {
    let crowd = Crowd::gather("provider hanging").await;
    crowd
        .complain("胸痛，放射到左臂，出冷汗 [primary:silent] [secondary:silent]")
        .await;
    let tally = crowd.settle().await;
    tally.check(&Expect::all_completed());
    assert_eq!(tally.degraded, SIZE, "the rules answer, and say so");
}

#[tokio::test]
async fn poison_among_the_messages() {
    let crowd = Crowd::gather("a poison message (60 of three kinds)").await;
    let client = aws_sdk_sqs::Client::new(&STACK.aws().await);
    let queue = STACK.env("JOBS_QUEUE_URL").unwrap();
    let marker = uuid::Uuid::new_v4().to_string();
    let poison = async {
        for number in 0..20 {
            let foreign =
                json!({ "tenant_id": "nobody", "job_id": uuid::Uuid::now_v7(), "kind": "analyze" });
            let bodies = [
                format!("{marker} {number} 不是任务"),
                format!("{{\"job_id\": {number}}} {marker}"),
                foreign.to_string(),
            ];
            for body in bodies {
                let message = client.send_message().queue_url(&queue).message_body(body);
                message.send().await.unwrap();
            }
        }
    };
    futures::join!(crowd.complain("a cough"), poison, crowd.spoil_payloads(20));
    let tally = crowd.settle().await;
    tally.check(&Expect {
        failed: 20,
        ..Expect::all_completed()
    });

    let sql = "SELECT count(*) FROM quarantine WHERE body LIKE '%' || $1 || '%'";
    eventually(
        "every message that is no job is in quarantine",
        async || {
            let kept = sqlx::query_scalar(sql).bind(&marker);
            let kept: i64 = kept.fetch_one(&mut database().await).await.unwrap();
            (kept == 40).then_some(())
        },
    )
    .await;
}

#[tokio::test]
async fn clock_wrong_by_five_minutes_in_one_environment() {
    let crowd = Crowd::gather("clock skew of 5 minutes in one environment").await;
    for (part, offset) in [300, 200, -300].into_iter().enumerate() {
        let skewed = Function::skewed_worker(offset).await;
        let (first, last) = (part * SIZE / 3, (part + 1) * SIZE / 3);
        crowd.complain_from(first, last - first, "a cough").await;
        let done = crowd.settle_some().await;
        let lines = skewed.count_logged("analysed").await;
        skewed.delete().await;
        assert!(
            lines > 0,
            "the environment whose clock is wrong did {lines} of {done}"
        );
    }
    crowd.settle().await.check(&Expect::all_completed());
}

#[tokio::test]
async fn two_sweeps_at_once() {
    let crowd = Crowd::gather("two sweeps at once").await;
    let proxy = AwsProxy::start(Mode::Fail).await;
    let (create, sweep) = (
        Function::of("CreateConsultation").await,
        Function::of("SweepOutbox").await,
    );
    for function in [&create, &sweep] {
        function.set("AWS_ENDPOINT_URL_SQS", Some(&proxy.url)).await;
    }
    crowd.complain("a cough").await;
    assert_eq!(proxy.taken(), 0);
    proxy.set(Mode::Pass);
    crowd.let_messages_be_due().await;
    eventually("the last row was due and is sent", async || {
        join_all((0..2).map(|_| sweep.invoke())).await;
        (proxy.taken_of(crowd.tenants()) >= SIZE).then_some(())
    })
    .await;
    let taken = proxy.taken_of(crowd.tenants());
    assert_eq!(taken, SIZE, "each row is sent once");
    let tally = crowd.settle().await;
    for function in [&create, &sweep] {
        function.set("AWS_ENDPOINT_URL_SQS", None).await;
    }
    tally.check(&Expect::all_completed());
    assert_eq!(tally.model_calls, SIZE);
}
