//! One client's calls do not keep a provider from others.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::client::ClientCounts;
use super::super::state::{CircuitReport, CircuitState, Phase, ProbeRequest, ProbeResult};
use super::super::{Admission, BreakerSettings, Breakers};
use super::{NOW, faults, probe_end, settings, successes};
use crate::deadline::Deadline;

const SECOND: u64 = 1_000;

/// A circuit whose calls are those of clients, on a clock of its own.
struct Circuit {
    state: CircuitState,
    settings: BreakerSettings,
    now: u64,
    tokens: u32,
}

impl Circuit {
    fn new() -> Self {
        Self {
            state: CircuitState::default(),
            settings: settings(),
            now: NOW,
            tokens: 0,
        }
    }

    fn apply(&mut self, report: &CircuitReport) -> bool {
        let applied = self.state.apply(&self.settings, "e", report, self.now);
        applied.is_probe_granted
    }

    fn wait(&mut self, seconds: u64) {
        self.now += seconds * SECOND;
    }

    fn serve(&mut self, client: &str) {
        self.now += 1;
        let counts = ClientCounts {
            successes: 1,
            ..ClientCounts::default()
        };
        let report = successes(self.state.epoch, 1);
        self.apply(&with_client(report, client, counts));
    }

    fn fail(&mut self, client: &str, calls: u64) {
        self.now += 1;
        let counts = ClientCounts {
            faults: calls,
            ..ClientCounts::default()
        };
        let report = faults(self.state.epoch, calls);
        self.apply(&with_client(report, client, counts));
    }

    /// Asks urgently for a probe or a trial of this client; its token, if it is let in.
    fn probe(&mut self, client: &str) -> Option<String> {
        self.tokens += 1;
        let token = format!("t{}", self.tokens);
        let report = CircuitReport {
            probe_request: Some(ProbeRequest {
                token: token.clone(),
                client: client.to_owned(),
            }),
            is_urgent: true,
            ..CircuitReport::default()
        };
        self.apply(&report).then_some(token)
    }

    fn end_probe(&mut self, token: &str, result: ProbeResult) {
        self.apply(&probe_end(token, result));
    }

    fn is_barred(&self, client: &str) -> bool {
        self.state.bar_of(client).is_some()
    }
}

fn with_client(report: CircuitReport, client: &str, counts: ClientCounts) -> CircuitReport {
    CircuitReport {
        clients: BTreeMap::from([(client.to_owned(), counts)]),
        ..report
    }
}

#[test]
fn a_client_that_fails_alone_is_left_out_alone() {
    let mut circuit = Circuit::new();
    circuit.fail("hostile", 5);
    assert!(circuit.is_barred("hostile"));
    assert!(!circuit.is_barred("a") && !circuit.is_barred(""));
    assert_eq!(circuit.state.phase, Phase::Closed);
    assert_eq!(circuit.state.barred_clients(), 1);
}

/// Stray faults of healthy clients do not add up with those of a hostile one.
#[test]
fn stray_faults_bar_and_open_nothing() {
    let mut circuit = Circuit::new();
    for number in 0..12 {
        let client = format!("a{number}");
        for _ in 0..16 {
            circuit.serve(&client);
        }
        circuit.fail(&client, u64::from(number < 4));
    }
    circuit.fail("hostile", 5);
    assert_eq!(circuit.state.phase, Phase::Closed);
    assert_eq!(circuit.state.barred_clients(), 1);

    let mut quiet = Circuit::new();
    quiet.fail("hostile", 4);
    quiet.fail("a", 1);
    assert_eq!(quiet.state.phase, Phase::Closed);
    quiet.wait(11);
    quiet.fail("a", 1);
    assert_eq!(quiet.state.barred_clients(), 0, "one fault each is no row");
}

#[test]
fn a_share_of_faults_bars_the_client_that_has_them() {
    let mut circuit = Circuit::new();
    for _ in 0..12 {
        circuit.fail("hostile", 1);
        circuit.serve("hostile");
        circuit.serve("a");
    }
    assert!(circuit.is_barred("hostile") && !circuit.is_barred("a"));
    assert_eq!(circuit.state.phase, Phase::Closed);
}

/// The hostile client's part does not count for others, nor hide theirs.
#[test]
fn faults_of_several_clients_open_it_for_all() {
    let mut circuit = Circuit::new();
    circuit.fail("a", 2);
    circuit.fail("b", 2);
    assert_eq!(circuit.state.phase, Phase::Closed);
    circuit.fail("c", 1);
    assert_eq!(circuit.state.phase, Phase::Open);

    let mut behind = Circuit::new();
    behind.fail("hostile", 5);
    behind.fail("another", 5);
    behind.fail("a", 2);
    behind.fail("b", 2);
    assert_eq!(
        behind.state.phase,
        Phase::Closed,
        "two are left out, two fail"
    );
    behind.fail("c", 1);
    assert_eq!(behind.state.phase, Phase::Open);
}

/// Also where each client calls seldom.
#[test]
fn an_outage_with_little_traffic_opens_it() {
    let mut circuit = Circuit::new();
    for number in 0..5 {
        circuit.fail(&format!("a{number}"), 1);
        circuit.wait(61);
    }
    assert_eq!(circuit.state.reason, "consecutive_faults");
}

#[test]
fn a_barred_client_has_one_trial_at_a_time() {
    let mut circuit = Circuit::new();
    circuit.fail("hostile", 5);
    assert_eq!(circuit.probe("hostile"), None, "too soon");

    circuit.wait(16);
    let first = circuit
        .probe("hostile")
        .expect("the only tier, after a while");
    assert_eq!(circuit.probe("hostile"), None, "one at a time");
    circuit.end_probe(&first, ProbeResult::Failed);
    assert!(circuit.is_barred("hostile"));

    circuit.wait(16);
    let second = circuit.probe("hostile").unwrap();
    circuit.end_probe(&second, ProbeResult::Succeeded);
    assert!(!circuit.is_barred("hostile"));
    assert_eq!(circuit.state.phase, Phase::Closed);
}

/// An open circuit that one client's calls would keep open is probed by others.
#[test]
fn a_client_whose_probe_failed_lets_others_come_first() {
    let mut circuit = Circuit::new();
    for client in ["a", "b", "c", "d", "e"] {
        circuit.fail(client, 1);
    }
    assert_eq!(circuit.state.phase, Phase::Open);

    circuit.wait(16);
    let token = circuit.probe("hostile").unwrap();
    circuit.end_probe(&token, ProbeResult::Failed);
    circuit.wait(16);
    assert_eq!(circuit.probe("hostile"), None, "others come first");
    let token = circuit.probe("a").unwrap();
    circuit.end_probe(&token, ProbeResult::Succeeded);
    assert_eq!(circuit.state.phase, Phase::Ramp);
}

#[test]
fn a_client_whose_probe_takes_long_keeps_nobody_out() {
    let mut circuit = Circuit::new();
    for client in ["a", "b", "c", "d", "e"] {
        circuit.fail(client, 1);
    }
    circuit.wait(16);
    let slow = circuit.probe("hostile").unwrap();
    assert_eq!(circuit.probe("a"), None);

    circuit.wait(16);
    let token = circuit.probe("a").expect("another client's");
    circuit.end_probe(&slow, ProbeResult::Failed);
    assert_eq!(circuit.state.phase, Phase::HalfOpen, "too late");
    circuit.end_probe(&token, ProbeResult::Succeeded);
    assert_eq!(circuit.state.phase, Phase::Ramp);
}

#[test]
fn a_client_that_is_not_heard_of_is_forgotten() {
    let mut circuit = Circuit::new();
    circuit.fail("hostile", 5);
    circuit.wait(71);
    circuit.serve("a");
    assert_eq!(circuit.state.barred_clients(), 0);
}

/// As many clients as there are: the state has a bounded size.
#[test]
fn the_state_remembers_a_bounded_number_of_clients() {
    let mut circuit = Circuit::new();
    for client in 0..1_000 {
        circuit.now += 1;
        circuit.serve(&format!("a{client}"));
        circuit.fail(&format!("b{client}"), 1);
    }
    assert_eq!(circuit.state.clients.len(), 16);
}

/// The calls themselves: refused to one client, let in for another, whatever is asked urgently.
#[tokio::test]
async fn calls_of_others_are_let_in() {
    let breakers = Breakers::new(None, [("p", settings())]);
    let circuit = breakers.circuit("p").unwrap();
    let deadline = Deadline::after(Duration::from_secs(5));

    for _ in 0..5 {
        let Admission::Granted(permit) = circuit.admit("hostile", deadline).await else {
            panic!("refused")
        };
        permit.record_failure(deadline).await;
    }
    let refused = circuit.admit("hostile", deadline).await;
    assert!(matches!(refused, Admission::Refused(_)));
    let refused = circuit.admit_urgently("hostile", deadline).await;
    assert!(matches!(refused, Admission::Refused(_)));
    assert!(!circuit.may_admit("hostile"));
    assert!(circuit.urgent_admission_in("hostile").is_some());

    for _ in 0..3 {
        let Admission::Granted(permit) = circuit.admit("a", deadline).await else {
            panic!("refused")
        };
        assert!(!permit.is_probe());
        permit.record_success(Duration::ZERO, deadline).await;
    }
    assert!(circuit.may_admit("a"));
    assert_eq!(circuit.urgent_admission_in("a"), None);
    let view = circuit.view();
    assert_eq!((view.barred_clients, view.serves_any), (1, true));
}
