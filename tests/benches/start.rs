//! What an execution environment costs: its init, the CPU of a call, and its memory, with the real
//! binary, a bare Runtime API, and PostgreSQL and Valkey as they are.
//! `cargo xtask bench start` runs it; with `--against DIR` older binaries are measured in turn.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads where its stack is, and serves its process"
)]
#![expect(clippy::cast_precision_loss, reason = "times of a benchmark")]

#[path = "../support/runtime_api.rs"]
mod runtime_api;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use runtime_api::RuntimeApi;
use scripted_provider::Provider;
use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use xtask::stack::Stack;
use xtask::users::{self, Person, Role};

/// Environments that are started of each function and binary.
const STARTS: usize = 15;

/// Calls of one environment before the measured ones.
const WARM_UP_CALLS: usize = 100;

/// Measured calls of one environment.
const CALLS: usize = 1_000;

/// Environments whose calls are measured; their median counts.
const ROUNDS: usize = 3;

/// A function and the sample event that it is called with.
const MEASURED: [(&str, &str); 4] = [
    ("create-consultation", "create-consultation.sprained-ankle"),
    ("get-user", "get-user.me"),
    ("get-consultation", "get-consultation.now"),
    ("create-chat-completion", "create-chat-completion.whole"),
];

/// A binary that is measured, by what the table calls it.
struct Candidate {
    label: &'static str,
    folder: Option<PathBuf>,
}

impl Candidate {
    /// Older binaries are one for each function.
    fn binary(&self, root: &Path, function: &str) -> PathBuf {
        match &self.folder {
            Some(folder) => folder.join(function),
            None => root.join("target/release/wenzhen"),
        }
    }
}

/// What one environment cost.
#[derive(Clone, Copy)]
struct Cost {
    init: Duration,
    cpu_per_call: Duration,
    peak_kilobytes: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let env_file = std::env::var("WENZHEN_STACK_ENV").expect("run `cargo xtask bench start`");
    let stack = Stack::running(Path::new(&env_file)).unwrap();
    let older = std::env::var("WENZHEN_BENCH_AGAINST")
        .ok()
        .map(PathBuf::from);
    let candidates: Vec<_> = [("before", older.clone()), ("now", None)]
        .into_iter()
        .filter(|(label, folder)| folder.is_some() || *label == "now")
        .map(|(label, folder)| Candidate { label, folder })
        .collect();

    let provider = Provider::anywhere();
    let environment = environment(&stack, &provider);
    let token = users::token(&stack, &Person::demo(Role::Patient))
        .await
        .unwrap();
    let consultation = completed_consultation(&stack, &environment, &token, &candidates).await;

    println!("\n| function | binary | init | CPU per call | peak memory |\n|---|---|---|---|---|");
    for (function, sample) in MEASURED {
        let event = event(&stack, sample, &token, &consultation);
        let mut costs: BTreeMap<&str, Vec<Cost>> = BTreeMap::new();
        for round in 0..STARTS {
            for candidate in &candidates {
                let binary = candidate.binary(&stack.root, function);
                let calls = if round < ROUNDS { CALLS } else { 0 };
                let cost = measure(&binary, function, &environment, &event, calls).await;
                costs.entry(candidate.label).or_default().push(cost);
            }
        }
        for (label, costs) in costs {
            print_row(function, label, &costs);
        }
    }
}

/// The variables of every function, so that any of them starts.
fn environment(stack: &Stack, provider: &Provider) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(stack.env_file()).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let mut environment: BTreeMap<_, _> = lines
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();

    let tiers = json!([{ "name": "instant", "base_url": provider.url(), "model": "good" }]);
    // So high that no measured call is refused.
    let limits = json!({
        "address": { "limit": 10_000, "burst": 100_000_000 },
        "user": { "limit": 100_000_000 },
        "tokens": { "limit": 600_000, "burst": 100_000_000 },
    });
    environment.insert("AI_TIERS".to_owned(), tiers.to_string());
    environment.insert("LIMITS".to_owned(), limits.to_string());
    environment
}

/// A consultation of the demo patient that is completed, so that reads of it are cached.
async fn completed_consultation(
    stack: &Stack,
    environment: &BTreeMap<String, String>,
    token: &str,
    candidates: &[Candidate],
) -> String {
    let newest = candidates.last().unwrap();
    let binary = newest.binary(&stack.root, "create-consultation");
    let event = event(stack, "create-consultation.sprained-ankle", token, "");
    let mut api = RuntimeApi::start().await;
    let mut child = api.spawn(&binary, "create-consultation", environment);
    api.polled().await;
    let answer: Value = serde_json::from_slice(&api.invoke(&event).await).unwrap();
    stop(&mut child);
    let accepted: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    let id = accepted["id"].as_str().unwrap().to_owned();

    let url = stack.env("DATABASE_URL").unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let assessment = json!({
        "urgency": "routine", "summary": "s", "possible_causes": [], "recommended_actions": ["a"],
        "questions": [], "served_by": { "tier": "instant", "model": "good" }, "degraded": false,
        "degraded_reason": null, "citations": [], "disclaimer": "d",
    });
    sqlx::query("UPDATE consultations SET assessment = $2 WHERE id = $1::uuid")
        .bind(&id)
        .bind(assessment)
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::query("UPDATE jobs SET state = 'completed' WHERE consultation_id = $1::uuid")
        .bind(&id)
        .execute(&mut connection)
        .await
        .unwrap();
    id
}

/// A sample event with a real token, and the id of a consultation that exists.
fn event(stack: &Stack, sample: &str, token: &str, consultation: &str) -> String {
    let path = stack.root.join(format!("events/{sample}.json"));
    let mut event: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    event["headers"]["authorization"] = json!(format!("Bearer {token}"));
    if sample.starts_with("get-consultation") {
        let path = format!("/v1/consultations/{consultation}");
        event["pathParameters"]["id"] = json!(consultation);
        event["rawPath"] = json!(path);
        event["requestContext"]["http"]["path"] = json!(path);
    }
    event.to_string()
}

/// Starts one environment and calls it.
async fn measure(
    binary: &Path,
    function: &str,
    environment: &BTreeMap<String, String>,
    event: &str,
    calls: usize,
) -> Cost {
    let mut api = RuntimeApi::start().await;
    let started = Instant::now();
    let mut child = api.spawn(binary, function, environment);
    api.polled().await;
    let init = started.elapsed();

    let mut before = Duration::ZERO;
    for call in 0..WARM_UP_CALLS.min(calls) + calls {
        if call == WARM_UP_CALLS {
            before = cpu_time(&child);
        }
        let answer: Value = serde_json::from_slice(&api.invoke(event).await).unwrap();
        let status = answer["statusCode"].as_u64().unwrap_or_default();
        assert!((200..300).contains(&status), "{function}: {answer}");
        api.polled().await;
    }
    let cpu = cpu_time(&child).saturating_sub(before);
    let peak_kilobytes = peak_memory(&child);
    stop(&mut child);

    Cost {
        init,
        cpu_per_call: cpu / u32::try_from(calls.max(1)).unwrap(),
        peak_kilobytes,
    }
}

fn stop(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// CPU that all threads of the process have used. Source: proc_pid_schedstat(5), first field.
fn cpu_time(child: &Child) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
    let nanoseconds = tasks.map(|task| {
        let path = task.unwrap().path().join("schedstat");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let first = text
            .split_whitespace()
            .next()
            .and_then(|text| text.parse().ok());
        first.unwrap_or(0_u64)
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// The most memory that the process has had resident. Source: proc_pid_status(5), `VmHWM`.
fn peak_memory(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_default()
}

fn print_row(function: &str, label: &str, costs: &[Cost]) {
    let called = costs.get(..ROUNDS).unwrap();
    let init = median(
        costs
            .iter()
            .map(|cost| cost.init.as_secs_f64() * 1e3)
            .collect(),
    );
    let cpu = median(
        called
            .iter()
            .map(|cost| cost.cpu_per_call.as_secs_f64() * 1e3)
            .collect(),
    );
    let memory = median(
        called
            .iter()
            .map(|cost| cost.peak_kilobytes as f64 / 1e3)
            .collect(),
    );
    println!("| {function} | {label} | {init:.1} ms | {cpu:.3} ms | {memory:.1} MB |");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
