//! One user's calls do not keep a provider from the other users of its tenant.

use super::super::state::{Phase, ProbeResult};
use super::clients::Circuit;

/// Two users that fail, of one tenant.
fn failing_tenant() -> Circuit {
    let mut circuit = Circuit::new();
    circuit.fail("t/hostile", 5);
    circuit.fail("t/b", 3);
    circuit
}

#[test]
fn a_user_that_fails_alone_is_left_out_alone() {
    let mut circuit = Circuit::new();
    for _ in 0..30 {
        circuit.fail("t/hostile", 2);
        circuit.wait(2);
        circuit.serve("t/a");
    }
    assert!(circuit.is_barred("t/hostile"));
    assert!(!circuit.is_barred("t/a") && !circuit.is_barred("u/a"));
    assert_eq!(circuit.state.clients.barred_tenants(), 0);
    assert_eq!(circuit.state.phase, Phase::Closed);
}

#[test]
fn one_users_faults_and_a_stray_one_bar_no_tenant() {
    let mut circuit = Circuit::new();
    circuit.fail("t/hostile", 100);
    circuit.fail("t/a", 1);
    circuit.fail("t/b", 1);
    assert!(!circuit.is_barred("t/a") && !circuit.is_barred("t/c"));

    circuit.serve("t/c");
    circuit.fail("t/d", 2);
    assert!(!circuit.is_barred("t/c"), "a success ends the row");
}

/// Whether by consecutive faults or by shares. It opens no circuit: the bar protects the provider,
/// and a tenant that comes later finds it closed.
#[test]
fn faults_of_several_users_bar_their_tenant_alone() {
    let circuit = failing_tenant();
    assert!(circuit.is_barred("t/b") && circuit.is_barred("t/c"));
    assert!(!circuit.is_barred("u/a"));
    assert_eq!(circuit.state.clients.barred_tenants(), 1);
    assert_eq!(circuit.state.phase, Phase::Closed);
    assert!(!circuit.state.serves_any(circuit.now));

    let mut shares = Circuit::new();
    for _ in 0..9 {
        for user in ["t/a", "t/b", "t/c"] {
            shares.fail(user, 1);
            shares.serve(user);
        }
    }
    shares.fail("t/d", 2);
    assert!(shares.is_barred("t/e") && !shares.is_barred("u/a"));
    assert_eq!(shares.state.phase, Phase::Closed);
}

/// One with a single user: its bar is the protection, and trials go on.
#[test]
fn a_provider_that_is_dead_for_its_only_user_is_left_alone() {
    let mut circuit = Circuit::new();
    circuit.fail("t/a", 5);
    assert!(circuit.is_barred("t/a"));
    assert!(!circuit.state.serves_any(circuit.now));

    for _ in 0..3 {
        circuit.wait(16);
        let trial = circuit.probe("t/a").unwrap();
        circuit.end_probe(&trial, ProbeResult::Failed);
    }
    circuit.wait(16);
    let trial = circuit.probe("t/a").unwrap();
    circuit.end_probe(&trial, ProbeResult::Succeeded);
    assert!(!circuit.is_barred("t/a") && circuit.state.serves_any(circuit.now));
}

#[test]
fn faults_of_two_tenants_open_it_however_many_users() {
    let mut circuit = failing_tenant();
    for user in ["u/a", "u/b", "u/c"] {
        assert_eq!(circuit.state.phase, Phase::Closed);
        circuit.fail(user, 1);
    }
    assert_eq!(circuit.state.phase, Phase::Open);
}

/// A tenant's bar has one trial at a time, and a user whose trial failed lets others come first.
#[test]
fn a_hostile_user_does_not_keep_its_tenant_out() {
    let mut circuit = failing_tenant();
    circuit.wait(16);
    let first = circuit.probe("t/hostile").unwrap();
    assert_eq!(circuit.probe("t/a"), None, "one at a time");
    circuit.end_probe(&first, ProbeResult::Failed);

    circuit.wait(16);
    assert_eq!(circuit.probe("t/hostile"), None, "others come first");
    let second = circuit.probe("t/a").unwrap();
    circuit.end_probe(&second, ProbeResult::Succeeded);
    assert!(!circuit.is_barred("t/a") && !circuit.is_barred("t/b"));
    assert!(circuit.is_barred("t/hostile"), "it has a bar of its own");
}

#[test]
fn a_users_long_trial_keeps_no_other_user_out() {
    let mut circuit = failing_tenant();
    circuit.wait(16);
    let slow = circuit.probe("t/hostile").unwrap();
    circuit.wait(16);
    let token = circuit.probe("t/a").expect("another user's");
    circuit.end_probe(&slow, ProbeResult::Failed);
    circuit.end_probe(&token, ProbeResult::Succeeded);
    assert!(!circuit.is_barred("t/a"));
}

/// A tenant with many users, each failing, does not push out those of others.
#[test]
fn many_users_of_one_tenant_push_out_their_own() {
    let mut circuit = Circuit::new();
    circuit.fail("t/hostile", 5);
    for number in 0..100 {
        circuit.fail(&format!("u/{number}"), 1);
        circuit.serve("v/a");
    }
    assert!(circuit.is_barred("t/hostile"));
    assert_eq!(circuit.state.phase, Phase::Closed);
    assert_eq!(circuit.state.clients.users.len(), 16);
}
