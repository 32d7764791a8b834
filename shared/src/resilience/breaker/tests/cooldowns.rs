//! What a provider asks one client, to be left alone, is asked of all once two tenants were.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::admission::{AdmissionDecision, decide};
use super::super::state::CircuitReport;
use super::clients::Circuit;

const TEN_MINUTES: Duration = Duration::from_mins(10);

fn throttle(circuit: &mut Circuit, client: &str, wait: Duration) {
    circuit.now += 1;
    circuit.apply(&CircuitReport {
        cooldowns: BTreeMap::from([(client.to_owned(), wait)]),
        ..CircuitReport::default()
    });
}

fn is_served(circuit: &Circuit, client: &str) -> bool {
    let decision = decide(&circuit.state, &circuit.settings, client, circuit.now, 0.0);
    matches!(decision, AdmissionDecision::Admit { .. })
}

#[test]
fn a_cooldown_is_its_clients_own_until_two_agree() {
    let mut circuit = Circuit::new();
    throttle(&mut circuit, "t/a", TEN_MINUTES);
    assert!(!is_served(&circuit, "t/a"));
    assert!(is_served(&circuit, "t/b") && is_served(&circuit, "u/a"));
    assert!(circuit.state.serves_any(circuit.now));

    throttle(&mut circuit, "t/b", TEN_MINUTES);
    assert!(!is_served(&circuit, "t/c"), "two users of the tenant");
    assert!(is_served(&circuit, "u/a"));
    assert_eq!(circuit.state.cooldown_end_for_all(), 0);
    assert!(!circuit.state.serves_any(circuit.now), "all that are known");

    throttle(&mut circuit, "u/a", TEN_MINUTES);
    assert!(!is_served(&circuit, "v/a"), "two tenants");
    assert!(circuit.state.cooldown_end_for_all() > circuit.now);
    assert!(!circuit.state.serves_any(circuit.now));
}

/// A client that asks for ten minutes does not prolong the second that a provider asks another.
#[test]
fn all_wait_only_as_long_as_two_were_asked() {
    let mut circuit = Circuit::new();
    throttle(&mut circuit, "t/hostile", TEN_MINUTES);
    throttle(&mut circuit, "u/a", Duration::from_secs(1));
    assert!(!is_served(&circuit, "v/a"));

    circuit.wait(1);
    assert!(is_served(&circuit, "u/a") && is_served(&circuit, "v/a"));
    assert!(!is_served(&circuit, "t/hostile"));
    circuit.wait(600);
    assert!(is_served(&circuit, "t/hostile"));
}

/// Two clients with requests that are too large do not keep those away who are served.
#[test]
fn a_client_that_is_served_contradicts_cooldowns() {
    let mut circuit = Circuit::new();
    throttle(&mut circuit, "t/a", TEN_MINUTES);
    circuit.serve("v/a");
    throttle(&mut circuit, "u/a", TEN_MINUTES);
    assert!(is_served(&circuit, "v/a") && is_served(&circuit, "w/a"));

    circuit.serve("u/b");
    throttle(&mut circuit, "u/c", TEN_MINUTES);
    assert!(is_served(&circuit, "u/b"), "of the tenant, too");
    assert!(!is_served(&circuit, "u/a") && !is_served(&circuit, "u/c"));

    throttle(&mut circuit, "t/b", TEN_MINUTES);
    assert!(!is_served(&circuit, "v/a"), "two were asked since");
}

#[test]
fn a_cooldown_outlasts_an_opening() {
    let mut circuit = Circuit::new();
    throttle(&mut circuit, "t/a", TEN_MINUTES);
    for client in ["u", "v", "w", "x", "y"] {
        circuit.fail(client, 1);
    }
    circuit.wait(61);
    assert_eq!(circuit.probe("t/a"), None);
    assert!(circuit.probe("t/b").is_some());
}

#[test]
fn the_state_remembers_a_bounded_number_of_cooldowns() {
    let mut circuit = Circuit::new();
    throttle(&mut circuit, "t/a", Duration::from_secs(1));
    throttle(&mut circuit, "u/a", Duration::from_secs(2));
    for number in 0..100 {
        throttle(&mut circuit, &format!("v/{number}"), TEN_MINUTES);
    }
    let text = serde_json::to_value(&circuit.state.cooldowns).unwrap();
    assert_eq!(text.as_object().unwrap().len(), 32);
    assert!(text.get("t/a").is_some(), "others' are not pushed out");
    assert!(!is_served(&circuit, "w/a"), "two tenants still agree");
}
