//! What an execution environment costs: its init, the CPU of a call, and its memory, with the real
//! binary, a bare Runtime API, and PostgreSQL and Valkey as they are.
//! `cargo xtask bench start` runs it; with `--against DIR` older binaries are measured in turn.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads where its stack is, and serves its process"
)]
#![expect(clippy::cast_precision_loss, reason = "times of a benchmark")]

mod processes;
#[path = "../support/runtime_api.rs"]
mod runtime_api;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use processes::{FunctionStack, check_status, stop_process};
use runtime_api::RuntimeApi;
use scripted_provider::Provider;
use serde_json::json;
use sqlx::Connection;
use sqlx::postgres::PgConnection;

/// Environments that are started of each function and binary.
const STARTS: usize = 40;

/// Calls of one environment before the measured ones.
const WARM_UP_CALLS: usize = 100;

/// Measured calls of one environment.
const MEASURED_CALLS: usize = 1_000;

/// Environments whose calls are measured; their median counts.
const CALLED_STARTS: usize = 3;

const COMPLETE_CONSULTATION: &str = "UPDATE consultations SET assessment = $2 WHERE id = $1::uuid";

const COMPLETE_JOB: &str = "UPDATE jobs SET state = 'completed' WHERE consultation_id = $1::uuid";

/// A function that is measured.
struct Subject {
    function: &'static str,
    /// The sample event that it is called with.
    sample: &'static str,
}

const SUBJECTS: [Subject; 4] = [
    Subject {
        function: "create-consultation",
        sample: "create-consultation.sprained-ankle",
    },
    Subject {
        function: "get-user",
        sample: "get-user.me",
    },
    Subject {
        function: "get-consultation",
        sample: "get-consultation.now",
    },
    Subject {
        function: "create-chat-completion",
        sample: "create-chat-completion.whole",
    },
];

/// A binary that is measured, by what the table calls it.
struct Candidate {
    label: &'static str,
    folder: Option<PathBuf>,
}

impl Candidate {
    /// The new binary, and before it the older ones, if a folder of them is given.
    fn from_env() -> Vec<Self> {
        let older = std::env::var("WENZHEN_BENCH_AGAINST").ok();
        let before = older.map(|folder| Self {
            label: "before",
            folder: Some(folder.into()),
        });

        let now = Self {
            label: "now",
            folder: None,
        };

        before.into_iter().chain([now]).collect()
    }

    /// Older binaries are one for each function.
    fn binary_of(&self, root: &Path, function: &str) -> PathBuf {
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
    let candidates = Candidate::from_env();
    let provider = Provider::anywhere();
    let bench = FunctionStack::new(&provider).await;
    let consultation = bench.create_completed_consultation(&candidates).await;

    println!("\n| function | binary | init | CPU per call | peak memory |\n|---|---|---|---|---|");
    for subject in SUBJECTS {
        let event = bench.sample_event(subject.sample, &consultation);
        let mut costs: BTreeMap<&str, Vec<Cost>> = BTreeMap::new();
        for start in 0..STARTS {
            let calls = if start < CALLED_STARTS {
                MEASURED_CALLS
            } else {
                0
            };
            for candidate in &candidates {
                let binary = candidate.binary_of(&bench.stack.root, subject.function);
                let cost = bench.measure_start(&binary, subject.function, &event, calls);
                let cost = cost.await;
                costs.entry(candidate.label).or_default().push(cost);
            }
        }

        for (label, costs) in costs {
            print_row(subject.function, label, &costs);
        }
    }
}

impl FunctionStack {
    /// A consultation of the demo patient that is completed, so that reads of it are cached.
    async fn create_completed_consultation(&self, candidates: &[Candidate]) -> String {
        let newest = candidates.last().unwrap();
        let binary = newest.binary_of(&self.stack.root, "create-consultation");
        let id = self.create_consultation(&binary).await;
        self.complete_consultation(&id).await;

        id
    }

    async fn complete_consultation(&self, id: &str) {
        let assessment = json!({
            "urgency": "routine",
            "summary": "s",
            "possible_causes": [],
            "red_flags": [],
            "recommended_actions": ["a"],
            "questions": [],
            "served_by": { "tier": "instant", "model": "good" },
            "degraded": false,
            "citations": [],
            "disclaimer": "d",
        });

        let url = self.stack.env("DATABASE_URL").unwrap();
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let complete = sqlx::query(COMPLETE_CONSULTATION).bind(id).bind(assessment);
        complete.execute(&mut connection).await.unwrap();
        let complete = sqlx::query(COMPLETE_JOB).bind(id);

        complete.execute(&mut connection).await.unwrap();
    }

    /// Starts one environment and calls it.
    async fn measure_start(
        &self,
        binary: &Path,
        function: &str,
        event: &str,
        calls: usize,
    ) -> Cost {
        let mut api = RuntimeApi::start().await;
        let started = Instant::now();
        let mut child = api.spawn_function(binary, function, &self.environment);
        api.wait_for_poll().await;
        let init = started.elapsed();

        let mut cpu_before = Duration::ZERO;
        for call in 0..WARM_UP_CALLS.min(calls) + calls {
            if call == WARM_UP_CALLS {
                cpu_before = read_cpu_time(&child);
            }
            let answer = api.invoke_function(event).await;
            check_status(function, &answer);
            api.wait_for_poll().await;
        }

        let cpu = read_cpu_time(&child).saturating_sub(cpu_before);
        let peak_kilobytes = read_peak_memory(&child);
        stop_process(&mut child);

        Cost {
            init,
            cpu_per_call: cpu / u32::try_from(calls.max(1)).unwrap(),
            peak_kilobytes,
        }
    }
}

/// CPU that all threads of the process have used. Source: proc_pid_schedstat(5), first field.
fn read_cpu_time(child: &Child) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
    let nanoseconds = tasks.map(|task| {
        let file = task.unwrap().path().join("schedstat");
        let text = fs::read_to_string(file).unwrap_or_default();
        let first = text.split_whitespace().next();
        first.and_then(|text| text.parse().ok()).unwrap_or(0_u64)
    });

    Duration::from_nanos(nanoseconds.sum())
}

/// The most memory that the process has had resident, in kB. Source: proc_pid_status(5), `VmHWM`.
fn read_peak_memory(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());

    number.unwrap_or_default()
}

fn print_row(function: &str, label: &str, costs: &[Cost]) {
    let called = costs.get(..CALLED_STARTS).unwrap();
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1e3;

    let init = median(costs, |cost| milliseconds(cost.init));
    let cpu = median(called, |cost| milliseconds(cost.cpu_per_call));
    let memory = median(called, |cost| cost.peak_kilobytes as f64 / 1e3);

    println!("| {function} | {label} | {init:.1} ms | {cpu:.3} ms | {memory:.1} MB |");
}

fn median(costs: &[Cost], value_of: impl Fn(&Cost) -> f64) -> f64 {
    let mut values: Vec<_> = costs.iter().map(value_of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
