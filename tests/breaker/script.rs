//! `lua/*.lua` and the state machine in Rust, driven through the same reports.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::Value;
use serde_json::json;
use wenzhen::resilience::breaker::client::ClientCounts;
use wenzhen::resilience::breaker::state::{
    AppliedReport, CircuitReport, CircuitState, ProbeEnd, ProbeRequest, ProbeResult, Tally,
};
use wenzhen::resilience::breaker::{BreakerSettings, script};

use super::{settings, valkey_url};
use crate::support::valkey::{prefix, raw};

const CIRCUITS: usize = 300;
const REPORTS_PER_CIRCUIT: usize = 100;

/// Of so many circuits, one has many clients, and rules that hardly anything breaks.
const CROWDED_EVERY: u32 = 5;

/// What the state machine made of one report.
struct Expected {
    now: u64,
    applied: AppliedReport,
    state: CircuitState,
}

/// One circuit that takes random reports, on a clock of its own.
struct RandomCircuit {
    settings: BreakerSettings,
    is_crowded: bool,
    state: CircuitState,
    now: u64,
    /// Every epoch that there was.
    epochs: Vec<u64>,
    /// The tokens of all probes that were asked for, and an empty one.
    tokens: Vec<String>,
}

/// One random report of one environment.
struct RandomReport {
    environment: &'static str,
    report: CircuitReport,
}

#[tokio::test]
async fn the_script_and_the_state_machine_agree_on_every_state() {
    let mut connection = raw(&valkey_url()).await;
    let text = format!("local now = tonumber(ARGV[26])\n{}", script::SOURCE);
    let mut load = redis::cmd("SCRIPT");
    load.arg("LOAD").arg(text);
    let sha: String = load.query_async(&mut connection).await.unwrap();

    let mut random = fastrand::Rng::with_seed(20_261_124);
    let mut visits = BTreeMap::<&str, u32>::new();
    let mut most = Most::default();
    let mut compared = 0;
    for _ in 0..CIRCUITS {
        let mut circuit = RandomCircuit::new(&mut random);
        let key = format!("{}:circuit2:{{p}}", prefix());
        let mut pipeline = redis::pipe();
        let mut all_expected = Vec::new();

        for _ in 0..REPORTS_PER_CIRCUIT {
            let RandomReport {
                environment,
                report,
            } = circuit.next_report(&mut random);
            let expected = circuit.apply(environment, &report);
            *visits.entry(expected.state.phase.as_str()).or_default() += 1;
            most.note(&expected.state);

            let arguments = script::arguments(&circuit.settings, environment, &report);
            let command = pipeline.cmd("EVALSHA").arg(&sha).arg(1).arg(&key);
            command.arg(arguments).arg(expected.now.to_string());
            all_expected.push(expected);
        }

        let answers: Vec<Value> = pipeline.query_async(&mut connection).await.unwrap();
        for (step, (expected, answer)) in all_expected.iter().zip(&answers).enumerate() {
            assert_same(step, expected, answer);
            compared += 1;
        }
    }

    assert_eq!(compared, 30_000);
    assert_eq!(visits.len(), 4, "every phase was visited: {visits:?}");
    // As many clients as are remembered were there, and of each kind some that are left out.
    assert_eq!((most.users, most.tenants), (16, 16), "{most:?}");
    assert!(most.barred_users > 3 && most.barred_tenants > 1, "{most:?}");
}

/// The most clients that one circuit remembered.
#[derive(Debug, Default)]
struct Most {
    users: usize,
    tenants: usize,
    barred_users: usize,
    barred_tenants: usize,
}

impl Most {
    fn note(&mut self, state: &CircuitState) {
        let clients = &state.clients;
        self.users = self.users.max(clients.users.len());
        self.tenants = self.tenants.max(clients.tenants.len());
        self.barred_users = self.barred_users.max(clients.barred_users());
        self.barred_tenants = self.barred_tenants.max(clients.barred_tenants());
    }
}

fn assert_same(step: usize, expected: &Expected, answer: &Value) {
    let Some(answer) = script::read_answer(answer) else {
        panic!("step {step}: {answer:?}")
    };

    let applied = AppliedReport {
        previous_phase: answer.previous_phase,
        is_probe_granted: answer.is_probe_granted,
        new_bars: answer.new_bars,
    };
    assert_eq!(answer.now, expected.now, "step {step}");
    assert_eq!(applied, expected.applied, "step {step}");
    assert_eq!(answer.state, expected.state, "step {step}");
}

impl RandomCircuit {
    fn new(random: &mut fastrand::Rng) -> Self {
        let is_crowded = random.u32(0..CROWDED_EVERY) == 0;
        Self {
            settings: random_settings(random, is_crowded),
            is_crowded,
            state: CircuitState::default(),
            now: 1_790_000_000_000,
            epochs: vec![0],
            tokens: vec![String::new()],
        }
    }

    /// Some time later, some environment reports.
    fn next_report(&mut self, random: &mut fastrand::Rng) -> RandomReport {
        let pauses = [
            0,
            random.u64(0..300),
            random.u64(0..20_000),
            random.u64(0..90_000),
        ];
        self.now += pauses[random.usize(0..4)];

        let environment = ["a", "b", "c"][random.usize(0..3)];
        let report = self.random_report(random);
        if let Some(request) = &report.probe_request {
            self.tokens.push(request.token.clone());
        }
        RandomReport {
            environment,
            report,
        }
    }

    fn apply(&mut self, environment: &str, report: &CircuitReport) -> Expected {
        let now = self.now;
        let applied = self.state.apply(&self.settings, environment, report, now);
        self.epochs.push(self.state.epoch);
        Expected {
            now,
            applied,
            state: self.state.clone(),
        }
    }

    fn random_report(&self, random: &mut fastrand::Rng) -> CircuitReport {
        let successes = self.random_tally(random, true);
        let faults = self.random_tally(random, false);
        let results = [
            ProbeResult::Succeeded,
            ProbeResult::Failed,
            ProbeResult::Abandoned,
        ];
        let result = results[random.usize(0..3)];
        let token = self.tokens[recent_index(random, self.tokens.len())].clone();
        CircuitReport {
            successes: keep_sometimes(random, successes),
            faults: keep_sometimes(random, faults),
            probe: (random.bool() && !token.is_empty()).then_some(ProbeEnd { token, result }),
            cooldowns: random_cooldowns(random),
            probe_request: random.bool().then(|| ProbeRequest {
                token: format!("t{}", self.tokens.len()),
                client: random_client(random),
            }),
            is_urgent: random.u8(0..4) == 0,
            clients: random_clients(random, if self.is_crowded { 8 } else { 4 }),
        }
    }

    /// Calls of this epoch, or of one not long ago.
    fn random_tally(&self, random: &mut fastrand::Rng, can_be_slow: bool) -> Tally {
        let calls = random.u64(0..4);
        let epoch = if random.bool() {
            self.epochs.len() - 1
        } else {
            recent_index(random, self.epochs.len())
        };
        let age = if random.bool() {
            0
        } else {
            random.u64(0..40_000)
        };

        Tally {
            epoch: self.epochs[epoch],
            calls,
            slow: if can_be_slow {
                random.u64(0..=calls)
            } else {
                0
            },
            age: Duration::from_millis(age),
        }
    }
}

/// Fewer than `most` of a few clients, or of more than a circuit remembers.
fn random_clients(random: &mut fastrand::Rng, most: usize) -> BTreeMap<String, ClientCounts> {
    let count = random.usize(0..most);
    let clients = (0..count).map(|_| {
        let successes = random.u64(0..4);
        let counts = ClientCounts {
            successes,
            slow: random.u64(0..=successes),
            faults: random.u64(0..4),
        };
        (random_client(random), counts)
    });
    clients.filter(|(client, _)| !client.is_empty()).collect()
}

/// Mostly none; sometimes more than a circuit remembers.
fn random_cooldowns(random: &mut fastrand::Rng) -> BTreeMap<String, Duration> {
    let count = match random.u8(0..40) {
        0 => 40,
        1..4 => 1,
        4 => 2,
        _ => 0,
    };
    let cooldowns = (0..count).map(|_| {
        let millis = random.u64(0..30_000);
        (random_client(random), Duration::from_millis(millis))
    });
    cooldowns.collect()
}

/// One of a few, or of many; a tenant whose users are not told apart; or one that is not known.
fn random_client(random: &mut fastrand::Rng) -> String {
    let (tenant, user) = match random.u8(0..8) {
        0 => return String::new(),
        1 => return format!("t{}", random.u8(0..30)),
        2 => (random.u8(0..30), random.u8(0..20)),
        3 => (0, random.u8(0..50)),
        _ => (random.u8(0..3), random.u8(0..3)),
    };
    format!("t{tenant}/u{user}")
}

fn keep_sometimes(random: &mut fastrand::Rng, tally: Tally) -> Tally {
    if random.bool() {
        tally
    } else {
        Tally::default()
    }
}

/// The index of one of the last three elements.
fn recent_index(random: &mut fastrand::Rng, length: usize) -> usize {
    length - 1 - random.usize(0..length.min(3))
}

fn random_settings(random: &mut fastrand::Rng, is_crowded: bool) -> BreakerSettings {
    let leniency = if is_crowded { 40 } else { 1 };
    settings(json!({
        "failures": leniency * random.u32(1..6),
        "failure_rate": random.f64().max(0.01),
        "slow_rate": random.f64().max(0.01),
        "minimum_calls": leniency * random.u32(1..12),
        "window": 0.5 + f64::from(leniency) * 30.0 * random.f64(),
        "open": 30.0 * random.f64() + 0.01,
        "reopen": 15.0 * random.f64() + 0.01,
        "probe_lease": 20.0 * random.f64() + 0.01,
        "ramp": 10.0 * random.f64() + 0.01,
        "quorum": random.u32(1..4),
    }))
}
