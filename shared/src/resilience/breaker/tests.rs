//! The state machine by itself, on a clock that the tests set, and a model check over what environments may do to it.

use proptest::prelude::*;

use super::machine::{Report, State, Tally, Verdict};
use super::*;

const NOW: u64 = 1_790_000_000_000;

fn settings() -> Settings {
    Settings {
        window: 10.0,
        open: 60.0,
        reopen: 15.0,
        probe_lease: 30.0,
        ramp: 10.0,
        ..Settings::default()
    }
}

fn faults(state: &State, calls: u64) -> Report {
    Report {
        faults: Tally {
            epoch: state.epoch,
            calls,
            ..Tally::default()
        },
        ..Report::default()
    }
}

fn successes(state: &State, calls: u64, slow: u64) -> Report {
    Report {
        successes: Tally {
            epoch: state.epoch,
            calls,
            slow,
            age: Duration::ZERO,
        },
        ..Report::default()
    }
}

fn acquire(token: &str) -> Report {
    Report {
        acquire: Some(token.to_owned()),
        ..Report::default()
    }
}

fn verdict(token: &str, verdict: Verdict) -> Report {
    Report {
        probe: Some((token.to_owned(), verdict)),
        ..Report::default()
    }
}

/// A circuit that has just opened.
fn opened() -> State {
    let mut state = State::default();
    state.apply(&settings(), "a", &faults(&State::default(), 5), NOW);
    assert_eq!(state.phase, Phase::Open);
    state
}

#[test]
fn the_fifth_fault_in_a_row_opens_it_and_a_success_ends_the_row() {
    let mut state = State::default();
    for at in 0..4 {
        let report = faults(&state, 1);
        state.apply(&settings(), "a", &report, NOW + at);
    }
    let report = successes(&state, 1, 0);
    state.apply(&settings(), "a", &report, NOW + 5);
    assert_eq!((state.phase, state.consecutive), (Phase::Closed, 0));
    for at in 6..11 {
        assert_eq!(state.phase, Phase::Closed);
        let report = faults(&state, 1);
        state.apply(&settings(), "a", &report, NOW + at);
    }
    assert_eq!(
        (state.phase, state.reason.as_str()),
        (Phase::Open, "consecutive_faults")
    );
}

#[test]
fn a_success_that_is_older_than_a_fault_does_not_end_the_row() {
    let mut state = State::default();
    let report = faults(&state, 4);
    state.apply(&settings(), "a", &report, NOW);
    let mut late = successes(&state, 9, 0);
    late.successes.age = Duration::from_millis(200);
    state.apply(&settings(), "b", &late, NOW + 100);
    assert_eq!(state.consecutive, 4);
}

#[test]
fn too_many_faults_or_slow_calls_among_enough_calls_open_it() {
    let many = Settings {
        failures: 1_000,
        ..settings()
    };
    let mut state = State::default();
    for _ in 0..9 {
        let (bad, good) = (faults(&state, 1), successes(&state, 1, 0));
        state.apply(&many, "a", &bad, NOW);
        state.apply(&many, "a", &good, NOW);
    }
    assert_eq!(state.phase, Phase::Closed, "18 calls say nothing yet");
    let bad = faults(&state, 2);
    state.apply(&many, "a", &bad, NOW);
    assert_eq!(
        (state.phase, state.reason.as_str()),
        (Phase::Open, "failure_rate")
    );

    let mut state = State::default();
    let report = successes(&state, 25, 20);
    state.apply(&many, "a", &report, NOW);
    assert_eq!(
        (state.phase, state.reason.as_str()),
        (Phase::Open, "slow_calls")
    );
}

#[test]
fn what_left_the_window_counts_no_more() {
    let many = Settings {
        failures: 1_000,
        ..settings()
    };
    let mut state = State::default();
    let report = faults(&state, 19);
    state.apply(&many, "a", &report, NOW);
    let report = faults(&state, 1);
    state.apply(&many, "a", &report, NOW + 11_000);
    assert_eq!(state.phase, Phase::Closed);
}

#[test]
fn a_quorum_needs_that_many_environments() {
    let quorum = Settings {
        quorum: 3,
        ..settings()
    };
    let mut state = State::default();
    for who in ["a", "a", "a", "a", "a", "a", "b"] {
        let report = faults(&state, 1);
        state.apply(&quorum, who, &report, NOW);
        assert_eq!(state.phase, Phase::Closed, "{who}");
    }
    let report = faults(&state, 1);
    state.apply(&quorum, "c", &report, NOW);
    assert_eq!(state.phase, Phase::Open);
}

#[test]
fn one_probe_is_let_in_and_its_success_begins_a_ramp() {
    let mut state = opened();
    assert!(
        !state
            .apply(&settings(), "a", &acquire("1"), NOW + 59_999)
            .is_granted
    );
    assert!(
        state
            .apply(&settings(), "a", &acquire("1"), NOW + 60_000)
            .is_granted
    );
    assert!(
        !state
            .apply(&settings(), "b", &acquire("2"), NOW + 60_001)
            .is_granted
    );
    state.apply(&settings(), "a", &verdict("1", Verdict::Good), NOW + 61_000);
    assert_eq!((state.phase, state.until), (Phase::Ramp, NOW + 71_000));
    state.apply(&settings(), "a", &Report::default(), NOW + 71_000);
    assert_eq!(
        (state.phase, state.reason.as_str()),
        (Phase::Closed, "recovered")
    );
}

#[test]
fn a_probe_that_fails_is_followed_by_another_sooner() {
    let mut state = opened();
    state.apply(&settings(), "a", &acquire("1"), NOW + 60_000);
    state.apply(&settings(), "a", &verdict("1", Verdict::Bad), NOW + 61_000);
    assert_eq!((state.phase, state.until), (Phase::Open, NOW + 76_000));
}

#[test]
fn a_probe_that_dies_lets_another_in_after_its_lease() {
    let mut state = opened();
    state.apply(&settings(), "a", &acquire("1"), NOW + 60_000);
    assert!(
        !state
            .apply(&settings(), "b", &acquire("2"), NOW + 89_999)
            .is_granted
    );
    assert!(
        state
            .apply(&settings(), "b", &acquire("2"), NOW + 90_000)
            .is_granted
    );
    state.apply(&settings(), "a", &verdict("1", Verdict::Good), NOW + 90_001);
    assert_eq!(
        state.phase,
        Phase::HalfOpen,
        "the first one has lost its say"
    );
    state.apply(&settings(), "b", &verdict("2", Verdict::Good), NOW + 90_002);
    assert_eq!(state.phase, Phase::Ramp);
}

#[test]
fn a_probe_that_is_given_up_lets_another_in_at_once() {
    let mut state = opened();
    state.apply(&settings(), "a", &acquire("1"), NOW + 60_000);
    state.apply(&settings(), "a", &verdict("1", Verdict::None), NOW + 60_001);
    assert!(
        state
            .apply(&settings(), "b", &acquire("2"), NOW + 60_001)
            .is_granted
    );
}

#[test]
fn a_late_result_cannot_close_a_newer_opening_or_open_what_has_recovered() {
    let mut state = opened();
    let before = State::default();
    state.apply(&settings(), "a", &acquire("1"), NOW + 60_000);
    state.apply(&settings(), "b", &acquire("2"), NOW + 90_000);
    state.apply(&settings(), "b", &verdict("2", Verdict::Bad), NOW + 90_001);
    let newer = state.clone();
    state.apply(&settings(), "a", &verdict("1", Verdict::Good), NOW + 90_002);
    state.apply(&settings(), "c", &successes(&before, 50, 0), NOW + 90_003);
    assert_eq!(state, newer);

    state.apply(&settings(), "a", &acquire("3"), NOW + 110_000);
    state.apply(
        &settings(),
        "a",
        &verdict("3", Verdict::Good),
        NOW + 110_001,
    );
    state.apply(&settings(), "c", &faults(&before, 50), NOW + 110_002);
    assert_eq!((state.phase, state.consecutive), (Phase::Ramp, 0));
}

#[test]
fn a_provider_that_asks_to_be_left_alone_is_not_even_probed() {
    let mut state = opened();
    let asked = Report {
        cooldown: Duration::from_mins(2),
        ..Report::default()
    };
    state.apply(&settings(), "a", &asked, NOW);
    assert!(
        !state
            .apply(&settings(), "a", &acquire("1"), NOW + 60_000)
            .is_granted
    );
    assert!(
        state
            .apply(&settings(), "a", &acquire("1"), NOW + 120_000)
            .is_granted
    );
}

#[test]
fn an_urgent_probe_is_let_in_before_its_time_but_not_at_once() {
    let mut state = opened();
    let urgent = |token: &str| Report {
        is_urgent: true,
        ..acquire(token)
    };
    assert!(
        !state
            .apply(&settings(), "a", &urgent("1"), NOW + 14_999)
            .is_granted
    );
    assert!(
        !state
            .apply(&settings(), "a", &acquire("1"), NOW + 15_000)
            .is_granted
    );
    assert!(
        state
            .apply(&settings(), "a", &urgent("1"), NOW + 15_000)
            .is_granted
    );
    assert!(
        !state
            .apply(&settings(), "b", &urgent("2"), NOW + 15_001)
            .is_granted,
        "one at a time"
    );
}

#[test]
fn a_ramp_lets_a_growing_share_in() {
    let ramp = |now: u64, draw: f64| {
        let state = State {
            phase: Phase::Ramp,
            since: NOW,
            until: NOW + 10_000,
            ..State::default()
        };
        matches!(
            decide(&state, &settings(), now, draw),
            Decision::Admit { .. }
        )
    };
    assert!(ramp(NOW, 0.09) && !ramp(NOW, 0.11));
    assert!(ramp(NOW + 5_000, 0.54) && !ramp(NOW + 5_000, 0.56));
    assert!(ramp(NOW + 10_000, 0.999));
}

/// What may happen to a circuit: one of three environments does something, after some time.
#[derive(Debug, Clone)]
enum Step {
    Call {
        good: bool,
        slow: bool,
    },
    Late {
        epochs_ago: usize,
        good: bool,
        calls: u64,
    },
    AskForProbe,
    EndProbe {
        nth: usize,
        verdict: Verdict,
    },
    CoolDown(u64),
}

fn step() -> impl Strategy<Value = (usize, u64, Step)> {
    let verdict = prop_oneof![Just(Verdict::Good), Just(Verdict::Bad), Just(Verdict::None)];
    let step = prop_oneof![
        4 => (any::<bool>(), any::<bool>()).prop_map(|(good, slow)| Step::Call { good, slow }),
        2 => (0..4_usize, any::<bool>(), 1..9_u64)
            .prop_map(|(epochs_ago, good, calls)| Step::Late { epochs_ago, good, calls }),
        3 => Just(Step::AskForProbe),
        3 => (0..3_usize, verdict).prop_map(|(nth, verdict)| Step::EndProbe { nth, verdict }),
        1 => (0..20_000_u64).prop_map(Step::CoolDown),
    ];
    let passing = prop_oneof![4 => 0..400_u64, 2 => 0..9_000_u64, 1 => 0..70_000_u64];
    (0..3_usize, passing, step)
}

/// The machine, and what an onlooker knows of it.
#[derive(Default)]
struct World {
    state: State,
    now: u64,
    epochs: Vec<u64>,
    granted: Vec<(String, u64)>,
}

impl World {
    fn apply(&mut self, who: usize, report: &Report) -> machine::Applied {
        self.state
            .apply(&settings(), ["a", "b", "c"][who], report, self.now)
    }

    fn take(&mut self, who: usize, step: &Step) -> Result<(), TestCaseError> {
        let before = self.state.clone();
        match step {
            Step::Call { good, slow } => {
                let Decision::Admit { epoch } = decide(&before, &settings(), self.now, 0.0) else {
                    prop_assert!(before.phase != Phase::Closed || self.now < before.cooldown_until);
                    return Ok(());
                };
                let tally = Tally {
                    epoch,
                    calls: 1,
                    slow: u64::from(*good && *slow),
                    age: Duration::ZERO,
                };
                let report = if *good {
                    Report {
                        successes: tally,
                        ..Report::default()
                    }
                } else {
                    Report {
                        faults: tally,
                        ..Report::default()
                    }
                };
                self.apply(who, &report);
            }
            Step::Late {
                epochs_ago,
                good,
                calls,
            } => self.late(who, &before, *epochs_ago, *good, *calls)?,
            Step::AskForProbe => self.ask_for_probe(who, &before)?,
            Step::EndProbe { nth, verdict } => self.end_probe(who, &before, *nth, *verdict)?,
            Step::CoolDown(millis) => {
                let asked = Report {
                    cooldown: Duration::from_millis(*millis),
                    ..Report::default()
                };
                self.apply(who, &asked);
            }
        }
        prop_assert!(self.state.epoch >= before.epoch, "epochs only grow");
        let longest = self.now + 600_000;
        prop_assert!(self.state.cooldown_until <= longest && self.state.probe_until <= longest);
        if self.epochs.last() != Some(&self.state.epoch) {
            self.epochs.push(self.state.epoch);
        }
        Ok(())
    }

    /// A result of an earlier epoch changes no phase by itself.
    fn late(
        &mut self,
        who: usize,
        before: &State,
        ago: usize,
        good: bool,
        calls: u64,
    ) -> Result<(), TestCaseError> {
        let Some(at) = self.epochs.len().checked_sub(2 + ago) else {
            return Ok(());
        };
        let old = State {
            epoch: self.epochs[at],
            ..State::default()
        };
        let report = if good {
            successes(&old, calls, 0)
        } else {
            faults(&old, calls)
        };
        self.apply(who, &report);
        let only_time_passed = self.state.phase == before.phase
            || (before.phase == Phase::Ramp
                && self.state.phase == Phase::Closed
                && self.now >= before.until);
        prop_assert!(only_time_passed, "{before:?} became {:?}", self.state);
        Ok(())
    }

    fn ask_for_probe(&mut self, who: usize, before: &State) -> Result<(), TestCaseError> {
        let token = format!("probe-{}", self.granted.len());
        let is_granted = self.apply(who, &acquire(&token)).is_granted;
        if is_granted {
            let is_free = before.phase == Phase::Open && self.now >= before.until
                || before.phase == Phase::HalfOpen && self.now >= before.probe_until;
            prop_assert!(is_free, "let in beside {before:?} at {}", self.now);
            prop_assert!(self.now >= before.cooldown_until);
            self.granted.push((token, self.now));
        }
        Ok(())
    }

    /// Only the probe that holds the lease decides, and only a good one closes.
    fn end_probe(
        &mut self,
        who: usize,
        before: &State,
        nth: usize,
        verdict: Verdict,
    ) -> Result<(), TestCaseError> {
        let Some((token, _)) = self.granted.iter().rev().nth(nth).cloned() else {
            return Ok(());
        };
        self.apply(who, &self::verdict(&token, verdict));
        let holds = before.phase == Phase::HalfOpen && before.probe == token;
        let moved = (before.phase, self.state.phase);
        let expected = match (holds, verdict) {
            (true, Verdict::Good) => moved == (Phase::HalfOpen, Phase::Ramp),
            (true, Verdict::Bad) => moved == (Phase::HalfOpen, Phase::Open),
            (true, Verdict::None) => moved == (Phase::HalfOpen, Phase::HalfOpen),
            (false, _) => moved.0 == moved.1 || moved == (Phase::Ramp, Phase::Closed),
        };
        prop_assert!(expected, "{token} {verdict:?}: {moved:?}");
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_environments_do_the_rules_hold(steps in proptest::collection::vec(step(), 1..120)) {
        let mut world = World { now: NOW, ..World::default() };
        for (who, passing, step) in &steps {
            world.now += passing;
            world.take(*who, step)?;
        }
    }
}

#[tokio::test]
async fn a_circuit_of_one_environment_opens_and_refuses() {
    let breakers = Breakers::new(
        None,
        [(
            "p",
            Settings {
                open: 0.05,
                ramp: 0.0,
                ..Settings::default()
            },
        )],
    );
    let circuit = breakers.circuit("p").unwrap();
    let deadline = Deadline::after(Duration::from_secs(5));
    let permit = async || match circuit.admit(deadline).await {
        Admission::Granted(permit) => Ok(permit),
        Admission::Refused(refusal) => Err(refusal.why),
    };
    for _ in 0..5 {
        permit().await.unwrap().fail(deadline).await;
    }
    assert_eq!(permit().await.err(), Some(Why::Open));
    assert_eq!(circuit.view().reason, "consecutive_faults");
    let probe = loop {
        if let Ok(probe) = permit().await {
            break probe;
        }
        tokio::task::yield_now().await;
    };
    assert!(probe.is_probe());
    assert_eq!(permit().await.err(), Some(Why::Probing));
    drop(probe); // given up: the next one is let in
    let probe = permit().await.unwrap();
    probe.succeed(Duration::ZERO, deadline).await;
    assert_eq!(circuit.view().phase, Phase::Closed);
    assert!(!permit().await.unwrap().is_probe());
}

#[tokio::test]
async fn slow_successes_open_it_too() {
    let settings = Settings {
        minimum_calls: 3,
        slow_after: 1.0,
        ..Settings::default()
    };
    let breakers = Breakers::new(None, [("p", settings)]);
    let circuit = breakers.circuit("p").unwrap();
    let deadline = Deadline::after(Duration::from_secs(5));
    for _ in 0..3 {
        let Admission::Granted(permit) = circuit.admit(deadline).await else {
            panic!("refused")
        };
        permit.succeed(Duration::from_secs(2), deadline).await;
    }
    let view = circuit.view();
    assert_eq!(
        (view.phase, view.reason.as_str()),
        (Phase::Open, "slow_calls")
    );
    assert!(!view.is_shared);
}
