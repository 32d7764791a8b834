//! The state machine by itself, on a clock that the tests set, and circuits of one environment.

mod clients;
mod cooldowns;
mod hedging;
mod pending;
mod users;

use std::collections::BTreeMap;
use std::time::Duration;

use super::admission::{AdmissionDecision, decide};
use super::state::{
    CircuitReport, CircuitState, Phase, ProbeEnd, ProbeRequest, ProbeResult, Tally,
};
use super::*;
use crate::deadline::Deadline;

pub(super) const NOW: u64 = 1_790_000_000_000;

pub(super) fn settings() -> BreakerSettings {
    BreakerSettings {
        window: 10.0,
        open: 60.0,
        reopen: 15.0,
        probe_lease: 30.0,
        ramp: 10.0,
        ..BreakerSettings::default()
    }
}

/// `BreakerSettings` that only the rates of the window can open.
fn settings_for_rates() -> BreakerSettings {
    BreakerSettings {
        failures: 1_000,
        ..settings()
    }
}

pub(super) fn faults(epoch: u64, calls: u64) -> CircuitReport {
    CircuitReport {
        faults: Tally {
            epoch,
            calls,
            ..Tally::default()
        },
        ..CircuitReport::default()
    }
}

pub(super) fn successes(epoch: u64, calls: u64) -> CircuitReport {
    slow_successes(epoch, calls, 0)
}

fn slow_successes(epoch: u64, calls: u64, slow: u64) -> CircuitReport {
    CircuitReport {
        successes: Tally {
            epoch,
            calls,
            slow,
            age: Duration::ZERO,
        },
        ..CircuitReport::default()
    }
}

pub(super) fn probe_request(token: &str) -> CircuitReport {
    CircuitReport {
        probe_request: Some(ProbeRequest {
            token: token.to_owned(),
            client: String::new(),
        }),
        ..CircuitReport::default()
    }
}

pub(super) fn probe_end(token: &str, result: ProbeResult) -> CircuitReport {
    let token = token.to_owned();
    CircuitReport {
        probe: Some(ProbeEnd { token, result }),
        ..CircuitReport::default()
    }
}

/// A circuit with the usual settings, and the environment that reports.
#[derive(Default)]
struct Machine {
    state: CircuitState,
}

impl Machine {
    /// A circuit that opened at [`NOW`].
    fn opened() -> Self {
        let mut machine = Self::default();
        machine.report("a", &faults(0, 5), NOW);
        assert_eq!(machine.state.phase, Phase::Open);
        machine
    }

    /// Takes in a report; whether the probe that it asks for was let in.
    fn report(&mut self, environment: &str, report: &CircuitReport, now: u64) -> bool {
        let applied = self.state.apply(&settings(), environment, report, now);
        applied.is_probe_granted
    }
}

#[test]
fn the_fifth_fault_in_a_row_opens_it_a_success_ends_the_row() {
    let mut machine = Machine::default();
    for at in 0..4 {
        machine.report("a", &faults(0, 1), NOW + at);
    }
    machine.report("a", &successes(0, 1), NOW + 5);
    assert_eq!(machine.state.phase, Phase::Closed);
    assert_eq!(machine.state.consecutive(), 0);

    for at in 6..11 {
        assert_eq!(machine.state.phase, Phase::Closed);
        machine.report("a", &faults(0, 1), NOW + at);
    }
    assert_eq!(machine.state.phase, Phase::Open);
    assert_eq!(machine.state.reason, "consecutive_faults");
}

/// A success that is older than a fault does not end the row of faults.
#[test]
fn an_older_success_does_not_end_the_row() {
    let mut machine = Machine::default();
    machine.report("a", &faults(0, 4), NOW);

    let mut late = successes(0, 9);
    late.successes.age = Duration::from_millis(200);
    machine.report("b", &late, NOW + 100);
    assert_eq!(machine.state.consecutive(), 4);
}

#[test]
fn too_many_faults_among_enough_calls_open_it() {
    let settings = settings_for_rates();
    let mut state = CircuitState::default();
    for _ in 0..9 {
        state.apply(&settings, "a", &faults(0, 1), NOW);
        state.apply(&settings, "a", &successes(0, 1), NOW);
    }
    assert_eq!(state.phase, Phase::Closed, "18 calls say nothing yet");

    state.apply(&settings, "a", &faults(0, 2), NOW);
    assert_eq!(state.phase, Phase::Open);
    assert_eq!(state.reason, "failure_rate");
}

#[test]
fn too_many_slow_calls_among_enough_calls_open_it() {
    let mut state = CircuitState::default();
    let report = slow_successes(0, 25, 20);
    state.apply(&settings_for_rates(), "a", &report, NOW);
    assert_eq!(state.phase, Phase::Open);
    assert_eq!(state.reason, "slow_calls");
}

#[test]
fn what_left_the_window_counts_no_more() {
    let settings = settings_for_rates();
    let mut state = CircuitState::default();
    state.apply(&settings, "a", &faults(0, 19), NOW);
    state.apply(&settings, "a", &faults(0, 1), NOW + 11_000);
    assert_eq!(state.phase, Phase::Closed);
}

#[test]
fn a_quorum_needs_that_many_environments() {
    let settings = BreakerSettings {
        quorum: 3,
        ..settings()
    };
    let mut state = CircuitState::default();
    for environment in ["a", "a", "a", "a", "a", "a", "b"] {
        state.apply(&settings, environment, &faults(0, 1), NOW);
        assert_eq!(state.phase, Phase::Closed, "{environment}");
    }

    state.apply(&settings, "c", &faults(0, 1), NOW);
    assert_eq!(state.phase, Phase::Open);
}

#[test]
fn one_probe_is_let_in_and_its_success_begins_a_ramp() {
    let mut machine = Machine::opened();
    assert!(!machine.report("a", &probe_request("1"), NOW + 59_999));
    assert!(machine.report("a", &probe_request("1"), NOW + 60_000));
    assert!(!machine.report("b", &probe_request("2"), NOW + 60_001));

    let succeeded = probe_end("1", ProbeResult::Succeeded);
    machine.report("a", &succeeded, NOW + 61_000);
    assert_eq!(machine.state.phase, Phase::Ramp);
    assert_eq!(machine.state.until, NOW + 71_000);

    machine.report("a", &CircuitReport::default(), NOW + 71_000);
    assert_eq!(machine.state.phase, Phase::Closed);
    assert_eq!(machine.state.reason, "recovered");
}

#[test]
fn a_probe_that_fails_is_followed_by_another_sooner() {
    let mut machine = Machine::opened();
    machine.report("a", &probe_request("1"), NOW + 60_000);

    let failed = probe_end("1", ProbeResult::Failed);
    machine.report("a", &failed, NOW + 61_000);
    assert_eq!(machine.state.phase, Phase::Open);
    assert_eq!(machine.state.until, NOW + 76_000);
}

#[test]
fn a_probe_that_dies_lets_another_in_after_its_lease() {
    let mut machine = Machine::opened();
    machine.report("a", &probe_request("1"), NOW + 60_000);
    assert!(!machine.report("b", &probe_request("2"), NOW + 89_999));
    assert!(machine.report("b", &probe_request("2"), NOW + 90_000));

    let of_first = probe_end("1", ProbeResult::Succeeded);
    machine.report("a", &of_first, NOW + 90_001);
    let has_no_say = "the first one has lost its say";
    assert_eq!(machine.state.phase, Phase::HalfOpen, "{has_no_say}");

    let of_second = probe_end("2", ProbeResult::Succeeded);
    machine.report("b", &of_second, NOW + 90_002);
    assert_eq!(machine.state.phase, Phase::Ramp);
}

#[test]
fn a_probe_that_is_given_up_lets_another_in_at_once() {
    let mut machine = Machine::opened();
    machine.report("a", &probe_request("1"), NOW + 60_000);

    let abandoned = probe_end("1", ProbeResult::Abandoned);
    machine.report("a", &abandoned, NOW + 60_001);
    assert!(machine.report("b", &probe_request("2"), NOW + 60_001));
}

/// A late result can neither close a newer opening nor open a circuit that has recovered.
#[test]
fn a_late_result_changes_no_newer_phase() {
    let mut machine = Machine::opened();
    machine.report("a", &probe_request("1"), NOW + 60_000);
    machine.report("b", &probe_request("2"), NOW + 90_000);
    machine.report("b", &probe_end("2", ProbeResult::Failed), NOW + 90_001);

    let reopened = machine.state.clone();
    let late = probe_end("1", ProbeResult::Succeeded);
    machine.report("a", &late, NOW + 90_002);
    machine.report("c", &successes(0, 50), NOW + 90_003);
    assert_eq!(machine.state, reopened);

    machine.report("a", &probe_request("3"), NOW + 110_000);
    let succeeded = probe_end("3", ProbeResult::Succeeded);
    machine.report("a", &succeeded, NOW + 110_001);
    machine.report("c", &faults(0, 50), NOW + 110_002);
    assert_eq!(machine.state.phase, Phase::Ramp);
    assert_eq!(machine.state.consecutive(), 0);
}

#[test]
fn a_provider_that_asks_to_be_left_alone_is_not_even_probed() {
    let mut machine = Machine::opened();
    let cooldown = CircuitReport {
        cooldowns: BTreeMap::from([(String::new(), Duration::from_mins(2))]),
        ..CircuitReport::default()
    };
    machine.report("a", &cooldown, NOW);
    assert!(!machine.report("a", &probe_request("1"), NOW + 60_000));
    assert!(machine.report("a", &probe_request("1"), NOW + 120_000));
}

/// It is let in `reopen` after the opening at the earliest.
#[test]
fn an_urgent_probe_is_let_in_before_its_time_but_not_at_once() {
    let mut machine = Machine::opened();
    let urgent = |token: &str| CircuitReport {
        is_urgent: true,
        ..probe_request(token)
    };
    assert!(!machine.report("a", &urgent("1"), NOW + 14_999));
    assert!(!machine.report("a", &probe_request("1"), NOW + 15_000));
    assert!(machine.report("a", &urgent("1"), NOW + 15_000));

    let is_second_granted = machine.report("b", &urgent("2"), NOW + 15_001);
    assert!(!is_second_granted, "one at a time");
}

#[test]
fn a_ramp_lets_a_growing_share_in() {
    let is_admitted = |now: u64, draw: f64| {
        let state = CircuitState {
            phase: Phase::Ramp,
            since: NOW,
            until: NOW + 10_000,
            ..CircuitState::default()
        };
        let decision = decide(&state, &settings(), "", now, draw);
        matches!(decision, AdmissionDecision::Admit { .. })
    };

    assert!(is_admitted(NOW, 0.09) && !is_admitted(NOW, 0.11));
    assert!(is_admitted(NOW + 5_000, 0.54) && !is_admitted(NOW + 5_000, 0.56));
    assert!(is_admitted(NOW + 10_000, 0.999));
}

#[tokio::test]
async fn a_circuit_of_one_environment_opens_and_refuses() {
    let settings = BreakerSettings {
        open: 0.05,
        ramp: 0.0,
        ..BreakerSettings::default()
    };
    let breakers = Breakers::new(None, [("p", settings)]);
    let circuit = breakers.circuit("p").unwrap();
    let deadline = Deadline::after(Duration::from_secs(5));
    let admit = async || match circuit.admit("", deadline).await {
        Admission::Granted(permit) => Ok(permit),
        Admission::Refused(refusal) => Err(refusal.reason),
    };

    for _ in 0..5 {
        admit().await.unwrap().record_failure(deadline).await;
    }
    assert_eq!(admit().await.err(), Some(RefusalReason::Open));
    assert_eq!(circuit.view().reason, "consecutive_faults");

    let probe = loop {
        if let Ok(probe) = admit().await {
            break probe;
        }
        tokio::task::yield_now().await;
    };
    assert!(probe.is_probe());
    assert_eq!(admit().await.err(), Some(RefusalReason::Probing));

    drop(probe); // given up: the next one is let in
    let probe = admit().await.unwrap();
    probe.record_success(Duration::ZERO, deadline).await;
    assert_eq!(circuit.view().phase, Phase::Closed);
    assert!(!admit().await.unwrap().is_probe());
}

#[tokio::test]
async fn slow_successes_open_it_too() {
    let settings = BreakerSettings {
        minimum_calls: 3,
        slow_after: 1.0,
        ..BreakerSettings::default()
    };
    let breakers = Breakers::new(None, [("p", settings)]);
    let circuit = breakers.circuit("p").unwrap();
    let deadline = Deadline::after(Duration::from_secs(5));

    for _ in 0..3 {
        let Admission::Granted(permit) = circuit.admit("", deadline).await else {
            panic!("refused")
        };
        let took = Duration::from_secs(2);
        permit.record_success(took, deadline).await;
    }

    let view = circuit.view();
    assert_eq!(view.phase, Phase::Open);
    assert_eq!(view.reason, "slow_calls");
    assert!(!view.is_shared);
}
