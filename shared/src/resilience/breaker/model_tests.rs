//! A model check over what environments may do to a circuit: the rules hold in every order of
//! events.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::admission::{AdmissionDecision, decide};
use super::client::ClientCounts;
use super::state::{AppliedReport, CircuitReport, CircuitState, Phase, ProbeResult, Tally};
use super::tests::{NOW, faults, probe_end, probe_request, settings, successes};

const ENVIRONMENTS: [&str; 3] = ["a", "b", "c"];

/// What may happen to a circuit: after some time, an environment does something.
#[derive(Debug, Clone)]
struct Event {
    environment: usize,
    elapsed_millis: u64,
    action: Action,
}

/// What an environment may do.
#[derive(Debug, Clone)]
enum Action {
    Call {
        succeeds: bool,
        is_slow: bool,
    },
    ReportLate(LateResult),
    RequestProbe,
    EndProbe {
        nth_last: usize,
        result: ProbeResult,
    },
    CoolDown {
        millis: u64,
    },
}

/// Results of calls of an earlier epoch.
#[derive(Debug, Clone)]
struct LateResult {
    epochs_ago: usize,
    succeeded: bool,
    calls: u64,
}

fn any_action() -> impl Strategy<Value = Action> {
    let result = prop_oneof![
        Just(ProbeResult::Succeeded),
        Just(ProbeResult::Failed),
        Just(ProbeResult::Abandoned)
    ];
    let call = (any::<bool>(), any::<bool>());
    let late = (0..4_usize, any::<bool>(), 1..9_u64);

    prop_oneof![
        4 => call.prop_map(|(succeeds, is_slow)| Action::Call { succeeds, is_slow }),
        2 => late.prop_map(|(epochs_ago, succeeded, calls)| {
            Action::ReportLate(LateResult { epochs_ago, succeeded, calls })
        }),
        3 => Just(Action::RequestProbe),
        3 => (0..3_usize, result)
            .prop_map(|(nth_last, result)| Action::EndProbe { nth_last, result }),
        1 => (0..20_000_u64).prop_map(|millis| Action::CoolDown { millis }),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    let elapsed = prop_oneof![4 => 0..400_u64, 2 => 0..9_000_u64, 1 => 0..70_000_u64];
    let event = (0..ENVIRONMENTS.len(), elapsed, any_action());

    event.prop_map(|(environment, elapsed_millis, action)| Event {
        environment,
        elapsed_millis,
        action,
    })
}

/// The state, and what an onlooker knows of it.
#[derive(Default)]
struct World {
    state: CircuitState,
    now: u64,
    /// Every epoch that there was.
    epochs: Vec<u64>,
    /// The tokens of all probes that were let in.
    granted: Vec<String>,
}

impl World {
    fn apply(&mut self, environment: usize, report: &CircuitReport) -> AppliedReport {
        let environment = ENVIRONMENTS[environment];
        self.state.apply(&settings(), environment, report, self.now)
    }

    fn take(&mut self, event: &Event) -> Result<(), TestCaseError> {
        self.now += event.elapsed_millis;
        let before = self.state.clone();
        let environment = event.environment;

        match &event.action {
            Action::Call { succeeds, is_slow } => self.call(environment, *succeeds, *is_slow)?,
            Action::ReportLate(late) => self.report_late(environment, late)?,
            Action::RequestProbe => self.request_probe(environment)?,
            Action::EndProbe { nth_last, result } => {
                self.end_probe(environment, *nth_last, *result)?;
            }
            Action::CoolDown { millis } => {
                let report = CircuitReport {
                    cooldowns: BTreeMap::from([(String::new(), Duration::from_millis(*millis))]),
                    ..CircuitReport::default()
                };
                self.apply(environment, &report);
            }
        }

        prop_assert!(self.state.epoch >= before.epoch, "epochs only grow");
        let longest = self.now + 600_000;
        prop_assert!(self.state.cooldown_until <= longest);
        prop_assert!(self.state.probe_until <= longest);
        if self.epochs.last() != Some(&self.state.epoch) {
            self.epochs.push(self.state.epoch);
        }

        Ok(())
    }

    /// A closed circuit refuses no call, but for a cooldown.
    fn call(
        &mut self,
        environment: usize,
        succeeds: bool,
        is_slow: bool,
    ) -> Result<(), TestCaseError> {
        let decision = decide(&self.state, &settings(), "", self.now, 0.0);
        let AdmissionDecision::Admit { epoch } = decision else {
            let is_cooling_down = self.now < self.state.cooldown_until;
            prop_assert!(self.state.phase != Phase::Closed || is_cooling_down);
            return Ok(());
        };

        let tally = Tally {
            epoch,
            calls: 1,
            slow: u64::from(succeeds && is_slow),
            age: Duration::ZERO,
        };
        let mut report = CircuitReport::default();
        if succeeds {
            report.successes = tally;
        } else {
            report.faults = tally;
        }
        self.apply(environment, &report);

        Ok(())
    }

    /// A result of an earlier epoch changes no phase by itself.
    fn report_late(&mut self, environment: usize, late: &LateResult) -> Result<(), TestCaseError> {
        let before = self.state.clone();
        let Some(at) = self.epochs.len().checked_sub(2 + late.epochs_ago) else {
            return Ok(());
        };

        let epoch = self.epochs[at];
        let report = if late.succeeded {
            successes(epoch, late.calls)
        } else {
            faults(epoch, late.calls)
        };
        self.apply(environment, &report);

        let moved = (before.phase, self.state.phase);
        let is_ramp_over = moved == (Phase::Ramp, Phase::Closed) && self.now >= before.until;
        let only_time_passed = moved.0 == moved.1 || is_ramp_over;
        prop_assert!(only_time_passed, "{before:?} became {:?}", self.state);

        Ok(())
    }

    /// One probe at a time, and none before its time.
    fn request_probe(&mut self, environment: usize) -> Result<(), TestCaseError> {
        let before = self.state.clone();
        let token = format!("probe-{}", self.granted.len());
        let applied = self.apply(environment, &probe_request(&token));
        if !applied.is_probe_granted {
            return Ok(());
        }

        let is_free = match before.phase {
            Phase::Open => self.now >= before.until,
            Phase::HalfOpen => self.now >= before.probe_until,
            Phase::Closed | Phase::Ramp => false,
        };
        prop_assert!(is_free, "let in beside {before:?} at {}", self.now);
        prop_assert!(self.now >= before.cooldown_until);
        self.granted.push(token);

        Ok(())
    }

    /// Only the probe that holds the lease decides, and only one that succeeded closes.
    fn end_probe(
        &mut self,
        environment: usize,
        nth_last: usize,
        result: ProbeResult,
    ) -> Result<(), TestCaseError> {
        let before = self.state.clone();
        let Some(token) = self.granted.iter().rev().nth(nth_last).cloned() else {
            return Ok(());
        };
        self.apply(environment, &probe_end(&token, result));

        let holds_lease = before.phase == Phase::HalfOpen && before.probe == token;
        let moved = (before.phase, self.state.phase);
        let is_expected = match (holds_lease, result) {
            (true, ProbeResult::Succeeded) => moved == (Phase::HalfOpen, Phase::Ramp),
            (true, ProbeResult::Failed) => moved == (Phase::HalfOpen, Phase::Open),
            (true, ProbeResult::Abandoned) => moved == (Phase::HalfOpen, Phase::HalfOpen),
            (false, _) => moved.0 == moved.1 || moved == (Phase::Ramp, Phase::Closed),
        };
        prop_assert!(is_expected, "{token} {result:?}: {moved:?}");

        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// In every order in which environments report, the rules hold.
    #[test]
    fn the_rules_hold_in_every_order_of_events(
        events in proptest::collection::vec(any_event(), 1..120),
    ) {
        let mut world = World { now: NOW, ..World::default() };
        for event in &events {
            world.take(event)?;
        }
    }
}

/// What a hostile client may do beside calls: it ends no trial but its own.
#[derive(Debug, Clone)]
enum HostileAction {
    Fail { calls: u64 },
    Succeed { slow: bool },
    CoolDown { millis: u64 },
    RequestProbe,
    EndProbe { result: ProbeResult },
}

#[derive(Debug, Clone)]
struct HostileEvent {
    elapsed_millis: u64,
    user: u8,
    action: HostileAction,
    /// Whether the others make a call, which succeeds, after it.
    is_others_turn: bool,
}

fn any_hostile_event() -> impl Strategy<Value = HostileEvent> {
    let result = prop_oneof![Just(ProbeResult::Succeeded), Just(ProbeResult::Failed)];
    let action = prop_oneof![
        4 => (1..9_u64).prop_map(|calls| HostileAction::Fail { calls }),
        2 => any::<bool>().prop_map(|slow| HostileAction::Succeed { slow }),
        1 => (1..900_000_u64).prop_map(|millis| HostileAction::CoolDown { millis }),
        2 => Just(HostileAction::RequestProbe),
        2 => result.prop_map(|result| HostileAction::EndProbe { result }),
    ];
    let elapsed = prop_oneof![4 => 0..400_u64, 2 => 0..9_000_u64, 1 => 0..70_000_u64];
    let event = (elapsed, 0..40_u8, action, any::<bool>());

    event.prop_map(
        |(elapsed_millis, user, action, is_others_turn)| HostileEvent {
            elapsed_millis,
            user,
            action,
            is_others_turn,
        },
    )
}

fn hostile_report(client: &str, epoch: u64, event: &HostileEvent, token: &str) -> CircuitReport {
    let counts = |successes, slow, faults| ClientCounts {
        successes,
        slow,
        faults,
    };
    let (report, counts) = match &event.action {
        HostileAction::Fail { calls } => (faults(epoch, *calls), counts(0, 0, *calls)),
        HostileAction::Succeed { slow } => {
            let slow = u64::from(*slow);
            let mut report = successes(epoch, 1);
            report.successes.slow = slow;
            (report, counts(1, slow, 0))
        }
        HostileAction::CoolDown { millis } => {
            let cooldowns = BTreeMap::from([(client.to_owned(), Duration::from_millis(*millis))]);
            let report = CircuitReport {
                cooldowns,
                ..CircuitReport::default()
            };
            (report, counts(0, 0, 0))
        }
        HostileAction::RequestProbe => {
            let mut report = probe_request(&format!("{token}+"));
            report.is_urgent = true;
            if let Some(request) = &mut report.probe_request {
                client.clone_into(&mut request.client);
            }
            (report, counts(0, 0, 0))
        }
        HostileAction::EndProbe { result } => (probe_end(token, *result), counts(0, 0, 0)),
    };

    CircuitReport {
        clients: BTreeMap::from([(client.to_owned(), counts)]),
        ..report
    }
}

/// Plays the events of one client, or of one tenant; others are let in all the time.
fn play_hostile(events: &[HostileEvent], is_one_user: bool) -> Result<(), TestCaseError> {
    let (mut state, mut now, mut token) = (CircuitState::default(), NOW, String::from("t"));
    let others = if is_one_user { "t/other" } else { "u/other" };
    for event in events {
        now += event.elapsed_millis;
        let client = format!("t/{}", if is_one_user { 0 } else { event.user });
        let report = hostile_report(&client, state.epoch, event, &token);
        if state.apply(&settings(), "a", &report, now).is_probe_granted {
            token.push('+');
        }

        for client in [others, "new/user"] {
            let decision = decide(&state, &settings(), client, now, 0.999);
            let is_let_in = matches!(decision, AdmissionDecision::Admit { .. });
            prop_assert!(is_let_in, "{client} beside {state:?}");
        }
        prop_assert!(state.phase == Phase::Closed);
        prop_assert!(state.clients.users.len() <= 16 && state.clients.tenants.len() <= 16);
        if event.is_others_turn {
            let report = CircuitReport {
                clients: BTreeMap::from([(
                    others.to_owned(),
                    ClientCounts {
                        successes: 1,
                        ..ClientCounts::default()
                    },
                )]),
                ..successes(state.epoch, 1)
            };
            state.apply(&settings(), "b", &report, now);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever one user does, the others of its tenant are let in.
    #[test]
    fn one_user_keeps_no_other_user_out(
        events in proptest::collection::vec(any_hostile_event(), 1..120),
    ) {
        play_hostile(&events, true)?;
    }

    /// Whatever the users of one tenant do, other tenants are let in.
    #[test]
    fn one_tenant_keeps_no_other_tenant_out(
        events in proptest::collection::vec(any_hostile_event(), 1..120),
    ) {
        play_hostile(&events, false)?;
    }
}
