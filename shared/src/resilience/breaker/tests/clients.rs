//! One tenant's calls do not keep a provider from others. In these tests a client is a tenant with
//! one user, unless it has a slash.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::client::ClientCounts;
use super::super::state::{CircuitReport, CircuitState, Phase, ProbeRequest, ProbeResult};
use super::super::window::WindowSlot;
use super::super::{Admission, BreakerSettings, Breakers};
use super::{NOW, faults, probe_end, settings, slow_successes, successes};
use crate::deadline::Deadline;

const SECOND: u64 = 1_000;

/// A circuit whose calls are those of clients, on a clock of its own.
pub(super) struct Circuit {
    pub(super) state: CircuitState,
    pub(super) settings: BreakerSettings,
    pub(super) now: u64,
    tokens: u32,
}

impl Circuit {
    pub(super) fn new() -> Self {
        Self {
            state: CircuitState::default(),
            settings: settings(),
            now: NOW,
            tokens: 0,
        }
    }

    pub(super) fn apply(&mut self, report: &CircuitReport) -> bool {
        let applied = self.state.apply(&self.settings, "e", report, self.now);
        applied.is_probe_granted
    }

    pub(super) fn wait(&mut self, seconds: u64) {
        self.now += seconds * SECOND;
    }

    pub(super) fn serve(&mut self, client: &str) {
        self.now += 1;
        let counts = ClientCounts {
            successes: 1,
            ..ClientCounts::default()
        };
        let report = successes(self.state.epoch, 1);
        self.apply(&with_client(report, client, counts));
    }

    fn serve_slowly(&mut self, client: &str) {
        self.now += 1;
        let counts = ClientCounts {
            successes: 1,
            slow: 1,
            faults: 0,
        };
        let report = slow_successes(self.state.epoch, 1, 1);
        self.apply(&with_client(report, client, counts));
    }

    pub(super) fn fail(&mut self, client: &str, calls: u64) {
        self.now += 1;
        let counts = ClientCounts {
            faults: calls,
            ..ClientCounts::default()
        };
        let report = faults(self.state.epoch, calls);
        self.apply(&with_client(report, client, counts));
    }

    /// Asks urgently for a probe or a trial of this client; its token, if it is let in.
    pub(super) fn probe(&mut self, client: &str) -> Option<String> {
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

    pub(super) fn end_probe(&mut self, token: &str, result: ProbeResult) {
        self.apply(&probe_end(token, result));
    }

    pub(super) fn is_barred(&self, client: &str) -> bool {
        self.state.bar_of(client).is_some()
    }

    pub(super) fn barred_users(&self) -> usize {
        self.state.clients.barred_users()
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
    assert_eq!(circuit.barred_users(), 1);
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
    assert_eq!(circuit.barred_users(), 1);

    let mut quiet = Circuit::new();
    quiet.fail("hostile", 4);
    quiet.fail("a", 1);
    assert_eq!(quiet.state.phase, Phase::Closed);
    quiet.wait(11);
    quiet.fail("a", 1);
    assert_eq!(quiet.barred_users(), 0, "one fault each is no row");
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

#[test]
fn slow_calls_bar_the_client_that_has_them() {
    let mut circuit = Circuit::new();
    for _ in 0..40 {
        circuit.serve_slowly("hostile");
    }
    circuit.serve("a");
    assert!(circuit.is_barred("hostile") && !circuit.is_barred("a"));
    assert_eq!(circuit.state.phase, Phase::Closed);
}

/// Also when each of two has failed so often that it is left out.
#[test]
fn faults_of_several_clients_open_it_for_all() {
    let mut circuit = Circuit::new();
    circuit.fail("a", 2);
    circuit.fail("b", 2);
    assert_eq!(circuit.state.phase, Phase::Closed);
    circuit.fail("c", 1);
    assert_eq!(circuit.state.phase, Phase::Open);

    let mut two = Circuit::new();
    two.fail("a", 9);
    two.fail("b", 2);
    assert_eq!(two.state.phase, Phase::Closed, "seven faults are one's");
    two.fail("b", 1);
    assert_eq!(two.state.phase, Phase::Open);
}

/// Any success says that the provider is there.
#[test]
fn faults_before_a_success_open_nothing() {
    let mut circuit = Circuit::new();
    circuit.fail("hostile", 9);
    for client in ["a", "b", "c", "d"] {
        circuit.fail(client, 2);
        circuit.serve("e");
    }
    assert_eq!(circuit.state.phase, Phase::Closed);
    assert_eq!(circuit.state.consecutive(), 0);
}

/// The faults of the row may be further apart than a window is long, but no two of them.
#[test]
fn an_outage_with_little_traffic_opens_it() {
    let mut circuit = Circuit::new();
    for number in 0..5 {
        circuit.fail(&format!("a{number}"), 1);
        circuit.wait(9);
    }
    assert_eq!(circuit.state.reason, "consecutive_faults");
}

/// Three consultations of one client, with a minute's pause, are one client's.
#[test]
fn old_faults_of_a_client_are_not_others() {
    let mut circuit = Circuit::new();
    for pause in [0, 9, 66, 9, 66] {
        circuit.wait(pause);
        circuit.fail("hostile", 4);
        circuit.fail("hostile", 2);
        assert_eq!(circuit.state.phase, Phase::Closed, "after {pause} s");
    }
    assert!(!circuit.is_barred("a"));
}

#[test]
fn a_row_ends_a_window_after_its_last_fault() {
    let mut circuit = Circuit::new();
    circuit.fail("a", 2);
    circuit.fail("b", 2);
    assert_eq!(circuit.state.consecutive(), 4);

    circuit.wait(11);
    circuit.fail("c", 1);
    assert_eq!(circuit.state.consecutive(), 1);
    assert_eq!(circuit.state.phase, Phase::Closed);
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

/// Forty faults, a trial that succeeds, and more faults: they stay one client's, or nobody's.
#[test]
fn a_trial_that_succeeds_makes_no_fault_anothers() {
    let mut circuit = Circuit::new();
    circuit.settings.window = 60.0;
    circuit.serve("a");
    circuit.fail("hostile", 40);
    circuit.wait(16);

    let trial = circuit.probe("hostile").unwrap();
    circuit.end_probe(&trial, ProbeResult::Succeeded);
    let success = WindowSlot {
        successes: 2,
        failures: 0,
        slow: 0,
    };
    assert_eq!(circuit.state.window_total(), success, "a trial is a call");
    assert_eq!(circuit.state.consecutive(), 0);

    circuit.serve("hostile");
    assert!(!circuit.is_barred("hostile"), "what is past is past");
    for _ in 0..9 {
        circuit.fail("hostile", 1);
    }
    assert_eq!(circuit.state.phase, Phase::Closed);
    assert!(circuit.is_barred("hostile") && !circuit.is_barred("a"));
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
    let token = circuit.probe("hostile/1").unwrap();
    circuit.end_probe(&token, ProbeResult::Failed);
    circuit.wait(16);
    assert_eq!(circuit.probe("hostile/2"), None, "other tenants come first");
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
    assert_eq!(circuit.barred_users(), 0);
    assert!(circuit.state.clients.users.is_empty());
    assert!(circuit.state.clients.tenants.is_empty());
}

/// As many clients as there are: the state has a bounded size.
#[test]
fn the_state_remembers_a_bounded_number_of_clients() {
    let mut circuit = Circuit::new();
    circuit.settings.failures = 1_000_000;
    circuit.settings.minimum_calls = 1_000_000;
    for client in 0..1_000 {
        circuit.serve(&format!("a{client}"));
        circuit.fail(&format!("b{client}"), 1);
    }
    assert_eq!(circuit.state.clients.tenants.len(), 16);

    for user in 0..1_000 {
        circuit.fail(&format!("b/{user}"), 1);
    }
    assert_eq!(circuit.state.clients.users.len(), 16);
    assert_eq!(circuit.state.clients.tenants.len(), 16);
}

/// Seventeen healthy tenants, or a hundred with a fault each, do not make an attacker's faults
/// theirs.
#[test]
fn many_clients_do_not_hide_one_that_is_left_out() {
    let mut circuit = Circuit::new();
    circuit.fail("hostile", 40);
    for number in 0..100 {
        let client = format!("a{number}");
        circuit.serve(&client);
        circuit.fail(&client, 1);
        circuit.serve(&client);
    }
    assert!(circuit.is_barred("hostile"));

    circuit.fail("hostile", 3);
    assert_eq!(circuit.state.phase, Phase::Closed);
    assert_eq!(circuit.barred_users(), 1);
}

/// What many clients saw once each is counted, though not all of them are remembered.
#[test]
fn slow_calls_of_many_clients_open_it() {
    let mut circuit = Circuit::new();
    for number in 0..100 {
        circuit.serve(&format!("a{number}"));
        circuit.fail(&format!("a{number}"), 1);
        circuit.serve(&format!("a{number}"));
    }
    let total = circuit.state.window_total();
    assert_eq!((total.successes, total.failures), (200, 100));
    assert_eq!(circuit.state.phase, Phase::Closed);

    circuit.wait(11);
    for number in 0..40 {
        circuit.serve_slowly(&format!("b{number}/{number}"));
    }
    assert_eq!(circuit.state.reason, "slow_calls");
}

/// The calls themselves: refused to one client, let in for another, whatever is asked urgently.
#[tokio::test]
async fn calls_of_others_are_let_in() {
    let breakers = Breakers::new(None, [("p", settings())]);
    let circuit = breakers.circuit("p").unwrap();
    let deadline = Deadline::after(Duration::from_secs(5));

    for _ in 0..5 {
        let Admission::Granted(permit) = circuit.admit("t/hostile", deadline).await else {
            panic!("refused")
        };
        permit.record_failure(deadline).await;
    }
    let refused = circuit.admit("t/hostile", deadline).await;
    assert!(matches!(refused, Admission::Refused(_)));
    let refused = circuit.admit_urgently("t/hostile", deadline).await;
    assert!(matches!(refused, Admission::Refused(_)));
    assert!(!circuit.may_admit("t/hostile"));
    assert!(circuit.urgent_admission_in("t/hostile").is_some());
    assert!(!circuit.view().serves_any, "nobody else is known");

    for client in ["t/a", "t/a", "u/a"] {
        let Admission::Granted(permit) = circuit.admit(client, deadline).await else {
            panic!("refused")
        };
        assert!(!permit.is_probe());
        permit.record_success(Duration::ZERO, deadline).await;
    }
    assert!(circuit.may_admit("t/a"));
    assert_eq!(circuit.urgent_admission_in("t/a"), None);
    let view = circuit.view();
    assert_eq!((view.barred_users, view.barred_tenants), (1, 0));
    assert!(view.serves_any);
}
