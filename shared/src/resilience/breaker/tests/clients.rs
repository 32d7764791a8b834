//! One client's calls do not open a circuit for others.

use std::time::Duration;

use super::super::state::{CircuitReport, CircuitState, Phase, ProbeResult};
use super::super::{Admission, BreakerSettings, Breakers};
use super::{NOW, faults, probe_end, probe_request, settings, slow_successes, successes};
use crate::deadline::Deadline;

const SECOND: u64 = 1_000;

/// A circuit whose calls are those of clients, on a clock of its own.
struct Circuit {
    state: CircuitState,
    settings: BreakerSettings,
    now: u64,
}

impl Circuit {
    fn new() -> Self {
        Self {
            state: CircuitState::default(),
            settings: settings(),
            now: NOW,
        }
    }

    fn apply(&mut self, report: &CircuitReport) -> bool {
        let applied = self.state.apply(&self.settings, "e", report, self.now);
        applied.is_probe_granted
    }

    fn serve(&mut self, client: &str) {
        let served = vec![client.to_owned()];
        let report = successes(self.state.epoch, 1);
        self.apply(&CircuitReport { served, ..report });
    }

    fn fail(&mut self, client: &str, calls: u64) {
        let accused = vec![client.to_owned()];
        let report = faults(self.state.epoch, calls);
        self.apply(&CircuitReport { accused, ..report });
    }

    /// Whether the circuit is open for each of these clients.
    fn is_open_for(&self, clients: &[&str]) -> Vec<bool> {
        let is_open = self.state.phase == Phase::Open;
        let clients = clients.iter();
        clients
            .map(|client| is_open && self.state.concerns(client))
            .collect()
    }
}

#[test]
fn a_client_that_fails_alone_is_left_out_alone() {
    let mut circuit = Circuit::new();
    circuit.serve("a");
    circuit.fail("hostile", 5);
    assert_eq!(
        circuit.is_open_for(&["hostile", "a", "b", ""]),
        [true, false, false, false]
    );

    // Also where nobody else is seen: whoever comes next is served.
    let mut alone = Circuit::new();
    alone.fail("hostile", 5);
    assert_eq!(alone.is_open_for(&["hostile", "a"]), [true, false]);
}

#[test]
fn a_share_of_faults_by_one_client_leaves_out_that_one() {
    let mut circuit = Circuit::new();
    for _ in 0..12 {
        circuit.fail("hostile", 1);
        circuit.serve("a");
    }
    assert_eq!(circuit.is_open_for(&["hostile", "a"]), [true, false]);
}

#[test]
fn slow_calls_of_one_client_leave_out_that_one() {
    let mut circuit = Circuit::new();
    circuit.serve("a");
    let slow = CircuitReport {
        served: vec!["slow".to_owned()],
        accused: vec!["slow".to_owned()],
        ..slow_successes(circuit.state.epoch, 40, 40)
    };
    circuit.apply(&slow);
    assert_eq!(circuit.is_open_for(&["slow", "a"]), [true, false]);
}

#[test]
fn faults_of_several_clients_open_it_for_all() {
    let mut circuit = Circuit::new();
    circuit.fail("a", 3);
    circuit.fail("b", 2);
    assert_eq!(circuit.is_open_for(&["a", "b", "c"]), [true; 3]);
}

/// A few are left out while others are served; many cannot all be at fault.
#[test]
fn a_few_clients_are_left_out_while_others_are_served() {
    let mut circuit = Circuit::new();
    circuit.serve("c");
    circuit.fail("a", 3);
    circuit.fail("b", 2);
    assert_eq!(circuit.is_open_for(&["a", "b", "c"]), [true, true, false]);

    let mut circuit = Circuit::new();
    circuit.serve("z");
    for client in ["a", "b", "c", "d", "e"] {
        circuit.fail(client, 1);
    }
    assert_eq!(circuit.is_open_for(&["a", "z"]), [true, true]);
}

/// Others are counted while one is left out: an outage is seen all the same.
#[test]
fn an_outage_behind_a_hostile_client_is_seen() {
    let mut circuit = Circuit::new();
    circuit.fail("hostile", 5);
    circuit.fail("a", 4);
    assert_eq!(circuit.is_open_for(&["a", "b"]), [false, false]);

    circuit.fail("a", 1);
    assert_eq!(circuit.is_open_for(&["a", "b"]), [true, true]);
}

/// What the client's probes say does not touch the others' counts.
#[test]
fn a_suspects_probes_are_its_own() {
    let mut circuit = Circuit::new();
    circuit.fail("hostile", 5);
    let epoch = circuit.state.epoch;
    circuit.serve("a");

    circuit.now += 61 * SECOND;
    assert!(circuit.apply(&probe_request("t1")));
    circuit.apply(&probe_end("t1", ProbeResult::Failed));
    assert_eq!(circuit.is_open_for(&["hostile", "a"]), [true, false]);
    assert_eq!(circuit.state.epoch, epoch);

    circuit.now += 16 * SECOND;
    assert!(circuit.apply(&probe_request("t2")));
    circuit.apply(&probe_end("t2", ProbeResult::Succeeded));
    assert_eq!(circuit.state.phase, Phase::Ramp);
    circuit.now += 11 * SECOND;
    circuit.apply(&CircuitReport::default());
    assert_eq!(circuit.state.phase, Phase::Closed);
    assert!(circuit.state.suspects.is_empty());
}

#[test]
fn a_suspect_that_does_not_come_back_is_forgotten() {
    let mut circuit = Circuit::new();
    circuit.fail("hostile", 5);
    circuit.now += 71 * SECOND;
    circuit.serve("a");
    assert_eq!(circuit.state.phase, Phase::Closed);
    assert!(circuit.state.suspects.is_empty());
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
    assert!(circuit.state.served.len() <= 16);
    assert!(circuit.state.accused.len() <= 16);
    assert!(circuit.state.suspects.len() <= 4);
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
    assert!(!circuit.may_admit("hostile"));

    for _ in 0..3 {
        let Admission::Granted(permit) = circuit.admit("a", deadline).await else {
            panic!("refused")
        };
        assert!(!permit.is_probe());
        permit.record_success(Duration::ZERO, deadline).await;
    }
    assert!(circuit.may_admit("a"));
    assert_eq!(circuit.urgent_admission_in("a"), None);
    assert_eq!(circuit.view().suspects, 1);
}
