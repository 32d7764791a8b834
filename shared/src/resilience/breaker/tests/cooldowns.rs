//! What a provider asks one client, to be left alone, is asked of all once two tenants were.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::admission::{AdmissionDecision, decide};
use super::super::state::CircuitReport;
use super::super::{Admission, BreakerSettings, Breakers};
use super::clients::Circuit;
use super::settings;
use crate::deadline::Deadline;

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
    assert!(circuit.state.cooldowns.may_concern_others());
    circuit.serve("v/a");
    assert!(!circuit.state.cooldowns.may_concern_others());
    throttle(&mut circuit, "u/a", TEN_MINUTES);
    assert!(is_served(&circuit, "v/a") && is_served(&circuit, "w/a"));

    circuit.serve("u/b");
    throttle(&mut circuit, "u/c", TEN_MINUTES);
    assert!(is_served(&circuit, "u/b"), "of the tenant, too");
    assert!(!is_served(&circuit, "u/a") && !is_served(&circuit, "u/c"));

    throttle(&mut circuit, "t/b", TEN_MINUTES);
    assert!(!is_served(&circuit, "v/a"), "two were asked since");
}

/// A tier that nobody calls, such as the second one, is not lost for ten minutes: one call of a
/// client that was not asked finds out.
#[test]
fn one_call_finds_out_whether_a_cooldown_is_for_all() {
    let mut circuit = Circuit::new();
    throttle(&mut circuit, "t/a", TEN_MINUTES);
    throttle(&mut circuit, "u/a", TEN_MINUTES);
    assert_eq!(circuit.probe("v/a"), None, "too soon");

    circuit.wait(16);
    assert_eq!(circuit.probe("t/a"), None, "it was asked");
    assert_eq!(circuit.probe(""), None, "it may have been asked");
    assert!(circuit.probe("v/a").is_some());
    assert_eq!(circuit.probe("w/a"), None, "one at a time");
    throttle(&mut circuit, "v/a", TEN_MINUTES);

    circuit.wait(16);
    assert!(circuit.probe("w/a").is_some());
    circuit.serve("w/a");
    assert!(is_served(&circuit, "w/a") && is_served(&circuit, "x/a"));
    assert!(!is_served(&circuit, "t/a") && !is_served(&circuit, "v/a"));
}

#[tokio::test]
async fn a_call_that_finds_out_counts_as_any_other() {
    let settings = BreakerSettings {
        reopen: 0.001,
        ..settings()
    };
    let breakers = Breakers::new(None, [("p", settings)]);
    let circuit = breakers.circuit("p").unwrap();
    let deadline = Deadline::after(Duration::from_secs(5));
    for client in ["t/a", "u/a"] {
        let Admission::Granted(permit) = circuit.admit(client, deadline).await else {
            panic!("refused")
        };
        permit.record_cooldown(TEN_MINUTES, deadline).await;
    }
    assert!(circuit.view().cooldown_seconds > 0);

    let permit = loop {
        if let Admission::Granted(permit) = circuit.admit("v/a", deadline).await {
            break permit;
        }
        tokio::task::yield_now().await;
    };
    assert!(!permit.is_probe());
    let answered_later = Deadline::after(Duration::from_millis(2));
    while !answered_later.remaining().is_zero() {
        tokio::task::yield_now().await;
    }
    permit.record_success(Duration::ZERO, deadline).await;
    let view = circuit.view();
    assert_eq!((view.cooldown_seconds, view.throttled_tenants), (0, 2));
    assert_eq!((view.window.calls, view.window.faults), (1, 0));
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
