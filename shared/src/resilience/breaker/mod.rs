//! Circuit breakers whose state is the fleet's.
//!
//! On Lambda a breaker of its own in each environment protects nobody: each environment makes its own five calls to a dead
//! provider before it opens, and a fleet of a hundred makes five hundred. Here a circuit is one document in Valkey, changed
//! only by one script, on the server's clock. What it does with a call:
//!
//! | phase | lets in | until |
//! |---|---|---|
//! | closed | every call | 5 consecutive faults, or too large a share of faults or of slow calls in the window |
//! | open | none | its time is over, and somebody asks for a probe |
//! | half open | **one** probe, which holds a lease and a token | the probe says how it went; a probe that dies loses its lease |
//! | ramp | a share of the calls that grows from a tenth to all | its time is over |
//!
//! **It costs a healthy call nothing.** Each environment decides on a copy of the state that is at most [`SNAPSHOT`] old.
//! Successes are counted here and go out with the next refresh; a fault, a probe's end and a success after a fault are
//! written at once.
//!
//! **A late result cannot harm.** A call belongs to the epoch in which it was let in; what it says of an earlier epoch than
//! the circuit's own is ignored, and so is the verdict of a probe whose lease has passed to another one.
//!
//! **Without Valkey** each environment goes on with its copy, by the same rules ([`machine`]), alone; what it has counted is
//! sent when Valkey is back.
//!
//! Only faults of the provider's health count. A refusal, a limit of one's own or a caller who hangs up says nothing: let
//! the [`Permit`] go.
//!
//! ```
//! use std::time::Duration;
//! use wenzhen::deadline::Deadline;
//! use wenzhen::resilience::breaker::{Admission, Breakers, Settings, machine::Phase};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! // With `Some(valkey)` the circuits are the fleet's.
//! let breakers = Breakers::new(None, [("payments", Settings::default())]);
//! let circuit = breakers.circuit("payments").unwrap();
//! let deadline = Deadline::after(Duration::from_secs(10));
//! for _ in 0..5 {
//!     match circuit.admit(deadline).await {
//!         Admission::Granted(permit) => permit.fail(deadline).await, // or `succeed`
//!         Admission::Refused(refusal) => panic!("{refusal:?}"),
//!     }
//! }
//! assert!(matches!(circuit.admit(deadline).await, Admission::Refused(_)));
//! assert_eq!(circuit.view().phase, Phase::Open);
//! # });
//! ```

pub mod machine;
mod permit;
pub mod script;
mod view;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

pub use crate::config::BreakerSettings as Settings;
use crate::deadline::Deadline;
use crate::telemetry::metrics;
use crate::valkey::{Batch, Valkey, ValkeyError};
use machine::{Phase, Report, State, Tally, Verdict};
pub use permit::Permit;
pub use view::{Counts, View};

/// The age, by the wall clock, beyond which a copy of a circuit's state is not decided on.
pub const SNAPSHOT: Duration = Duration::from_millis(250);

/// The share of calls with which a ramp begins.
const FIRST_SHARE: f64 = 0.1;

/// The circuits of one environment.
pub struct Breakers {
    circuits: Vec<Arc<Circuit>>,
    store: Arc<Store>,
    refreshing: tokio::sync::Mutex<()>,
}

/// Where the circuits are, and who speaks.
struct Store {
    valkey: Option<Arc<Valkey>>,
    who: String,
}

/// One circuit, as this environment sees it.
pub struct Circuit {
    name: String,
    key: String,
    settings: Settings,
    store: Arc<Store>,
    copy: Mutex<Snapshot>,
}

/// The copy, and what is to be said about it.
#[derive(Default)]
struct Snapshot {
    state: State,
    /// The server's clock less ours, in milliseconds.
    ahead: i64,
    /// When it was read; never, if it was not yet, or Valkey is gone.
    read: Option<SystemTime>,
    /// The phase that was last spoken of.
    told: Phase,
    pending: Pending,
}

/// What goes out with the next report.
#[derive(Default)]
struct Pending {
    successes: Tally,
    successes_at: Option<SystemTime>,
    faults: Tally,
    faults_at: Option<SystemTime>,
    probe: Option<(String, Verdict)>,
    cooldown_until: Option<SystemTime>,
}

/// A report on its way. If it does not arrive, because Valkey is gone or because whoever says it is cancelled, it waits for the
/// next one. So it may be said twice, but is not lost.
struct Unsaid<'a> {
    circuit: &'a Circuit,
    report: Report,
    is_said: bool,
}

impl Unsaid<'_> {
    fn said(mut self) -> Report {
        self.is_said = true;
        std::mem::take(&mut self.report)
    }
}

impl Drop for Unsaid<'_> {
    fn drop(&mut self) {
        if !self.is_said {
            self.circuit.copy().pending.put_back(&self.report);
        }
    }
}

/// Whether a call may be made.
pub enum Admission {
    /// It may; say how it went.
    Granted(Permit),
    /// It must not.
    Refused(Refusal),
}

/// Why a call must not be made, and when to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub why: Why,
    /// When another answer can be expected at the earliest.
    pub retry_in: Duration,
}

/// Why a call must not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The circuit is open.
    Open,
    /// A probe is under way.
    Probing,
    /// The provider is back, and this call is not in its share yet.
    Ramping,
    /// The provider asked to be left alone.
    CoolingDown,
}

impl Breakers {
    /// Circuits with these names and rules. Without Valkey they are this environment's own.
    pub fn new<'a>(
        valkey: Option<Arc<Valkey>>,
        circuits: impl IntoIterator<Item = (&'a str, Settings)>,
    ) -> Self {
        let prefix = valkey
            .as_ref()
            .map_or("local", |valkey| valkey.prefix())
            .to_owned();
        let store = Arc::new(Store {
            valkey,
            who: uuid::Uuid::new_v4().simple().to_string(),
        });
        let circuits = circuits.into_iter().map(|(name, settings)| {
            Arc::new(Circuit {
                name: name.to_owned(),
                key: format!("{prefix}:circuit:{{{name}}}"),
                settings,
                store: Arc::clone(&store),
                copy: Mutex::default(),
            })
        });
        Self {
            circuits: circuits.collect(),
            store: Arc::clone(&store),
            refreshing: tokio::sync::Mutex::default(),
        }
    }

    /// The circuit of this name.
    pub fn circuit(&self, name: &str) -> Option<&Arc<Circuit>> {
        self.circuits.iter().find(|circuit| circuit.name == name)
    }

    /// All circuits, for those who watch them.
    pub fn views(&self) -> Vec<View> {
        self.circuits.iter().map(|circuit| circuit.view()).collect()
    }

    /// Brings every copy that is older than [`SNAPSHOT`] up to date, in one round trip; none if there is none. Callers that
    /// arrive together share it.
    pub async fn refresh(&self, deadline: Deadline) {
        let Some(valkey) = &self.store.valkey else {
            return;
        };
        if self.circuits.iter().all(|circuit| circuit.is_fresh()) {
            return;
        }
        let _turn = self.refreshing.lock().await;
        let stale: Vec<_> = self
            .circuits
            .iter()
            .filter(|circuit| !circuit.is_fresh())
            .collect();
        if stale.is_empty() {
            return;
        }
        let unsaid: Vec<_> = stale
            .iter()
            .map(|circuit| circuit.unsaid(Report::default()))
            .collect();
        let mut batch = Batch::default();
        let tickets: Vec<_> = unsaid
            .iter()
            .map(|one| batch.add(one.circuit.call(&one.report)))
            .collect();
        match batch.run(valkey, deadline).await {
            Ok(mut answers) => {
                for (one, ticket) in unsaid.into_iter().zip(tickets) {
                    let circuit = one.circuit;
                    circuit.take_answer(&one.said(), answers.take(ticket));
                }
            }
            Err(gone) => {
                drop(unsaid);
                for circuit in stale {
                    circuit.alone(&Report::default(), &gone);
                }
            }
        }
    }
}

impl Circuit {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its rules.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether a call may be made now. Costs a round trip if the copy is old, or if a probe is asked for.
    pub async fn admit(self: &Arc<Self>, deadline: Deadline) -> Admission {
        if !self.is_fresh() {
            self.exchange(Report::default(), deadline).await;
        }
        match self.decide() {
            Decision::Admit { epoch } => {
                Admission::Granted(Permit::new(Arc::clone(self), epoch, None))
            }
            Decision::Refuse(refusal) => Admission::Refused(refusal),
            Decision::AskForProbe => self.probe(false, deadline).await,
        }
    }

    /// Whether a call may be made when nobody else can serve: a provider on its way back is better than no answer at all. A ramp
    /// lets it in beyond its share, and an opening lets a probe in before its time, once in each `reopen`.
    pub async fn admit_urgently(self: &Arc<Self>, deadline: Deadline) -> Admission {
        let (state, now) = {
            let copy = self.copy();
            (copy.state.clone(), copy.now())
        };
        match state.phase {
            Phase::Ramp if now >= state.cooldown_until => {
                Admission::Granted(Permit::new(Arc::clone(self), state.epoch, None))
            }
            Phase::Open if state.wants_probe(&self.settings, true, now) => {
                self.probe(true, deadline).await
            }
            _ => self.admit(deadline).await,
        }
    }

    /// When an urgent call could be let in; none if any could.
    pub fn urgent_in(&self) -> Option<Duration> {
        let copy = self.copy();
        let (state, now) = (&copy.state, copy.now());
        let at = match state.phase {
            Phase::Open => state.until.min(
                state
                    .since
                    .saturating_add(machine::millis(self.settings.reopen)),
            ),
            Phase::HalfOpen => state.probe_until,
            Phase::Closed | Phase::Ramp => return None,
        };
        Some(Duration::from_millis(
            at.max(state.cooldown_until).saturating_sub(now),
        ))
    }

    /// Whether a call could be let in now, as far as is known without asking.
    pub fn may_admit(&self) -> bool {
        !matches!(
            self.decide(),
            Decision::Refuse(Refusal {
                why: Why::Open | Why::Probing,
                ..
            })
        )
    }

    async fn probe(self: &Arc<Self>, is_urgent: bool, deadline: Deadline) -> Admission {
        let token = uuid::Uuid::new_v4().simple().to_string();
        let asked = Report {
            acquire: Some(token.clone()),
            is_urgent,
            ..Report::default()
        };
        let is_granted = self.exchange(asked, deadline).await;
        if is_granted {
            let epoch = self.copy().state.epoch;
            return Admission::Granted(Permit::new(Arc::clone(self), epoch, Some(token)));
        }
        // Somebody was faster: their probe is under way, or has ended already.
        match self.decide() {
            Decision::Admit { epoch } => {
                Admission::Granted(Permit::new(Arc::clone(self), epoch, None))
            }
            Decision::Refuse(refusal) => Admission::Refused(refusal),
            Decision::AskForProbe => Admission::Refused(Refusal {
                why: Why::Probing,
                retry_in: SNAPSHOT,
            }),
        }
    }

    fn copy(&self) -> std::sync::MutexGuard<'_, Snapshot> {
        // Nothing panics while it is held; if something did, the numbers in it are still numbers.
        self.copy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Without Valkey the copy is the state itself.
    fn is_fresh(&self) -> bool {
        let read = self.copy().read;
        self.store.valkey.is_none()
            || read
                .and_then(|at| at.elapsed().ok())
                .is_some_and(|age| age <= SNAPSHOT)
    }

    fn decide(&self) -> Decision {
        let copy = self.copy();
        decide(&copy.state, &self.settings, copy.now(), fastrand::f64())
    }

    /// Says something, hears the state, and returns whether the probe that was asked for was let in.
    async fn exchange(&self, report: Report, deadline: Deadline) -> bool {
        let Some(valkey) = &self.store.valkey else {
            return self.apply(&report);
        };
        let unsaid = self.unsaid(report.clone());
        match valkey.run(self.call(&unsaid.report), deadline).await {
            Ok(answer) => self.take_answer(&unsaid.said(), answer),
            Err(gone) => {
                drop(unsaid);
                self.alone(&report, &gone)
            }
        }
    }

    fn call(&self, report: &Report) -> script::StateRequest {
        script::call(&self.key, &self.settings, &self.store.who, report)
    }

    /// A report, with what was waiting to be said.
    fn unsaid(&self, mut report: Report) -> Unsaid<'_> {
        let pending = std::mem::take(&mut self.copy().pending);
        let age = |at: Option<SystemTime>| {
            at.map_or(Duration::ZERO, |at| at.elapsed().unwrap_or_default())
        };
        report.successes = Tally {
            age: age(pending.successes_at),
            ..pending.successes
        };
        report.faults = Tally {
            age: age(pending.faults_at),
            ..pending.faults
        };
        report.probe = report.probe.or(pending.probe);
        let cooldown = pending
            .cooldown_until
            .and_then(|until| until.duration_since(SystemTime::now()).ok());
        report.cooldown = report.cooldown.max(cooldown.unwrap_or_default());
        Unsaid {
            circuit: self,
            report,
            is_said: false,
        }
    }

    fn take_answer(&self, report: &Report, answer: Option<script::Answer>) -> bool {
        let Some(answer) = answer else {
            tracing::error!(
                circuit = self.name,
                "the circuit's script answered something else"
            );
            return self.apply(&Report {
                successes: Tally::default(),
                faults: Tally::default(),
                ..report.clone()
            });
        };
        let after = answer.state.phase;
        let reason = answer.state.reason.clone();
        {
            let mut copy = self.copy();
            copy.ahead = signed(answer.now) - signed(now_here());
            copy.read = Some(SystemTime::now());
            copy.told = after;
            copy.state = answer.state;
        }
        self.tell(answer.before, after, &reason, "fleet");
        answer.is_granted
    }

    /// Valkey is gone: goes on by the same rules, alone. What was counted waits for its return; here it was counted when it
    /// happened.
    fn alone(&self, report: &Report, gone: &ValkeyError) -> bool {
        if matches!(gone, ValkeyError::DeadlinePassed) {
            return false; // our own time is over, which says nothing of Valkey
        }
        if !matches!(gone, ValkeyError::BackingOff) {
            metrics::count("BreakerAlone", &[("circuit", &self.name)]);
        }
        self.copy().read = None;
        self.apply(report)
    }

    /// Takes a report in, here, and says what has changed.
    fn apply(&self, report: &Report) -> bool {
        let is_granted = self.take(report);
        let (before, after, reason) = {
            let mut copy = self.copy();
            let after = copy.state.phase;
            (
                std::mem::replace(&mut copy.told, after),
                after,
                copy.state.reason.clone(),
            )
        };
        self.tell(before, after, &reason, "environment");
        is_granted
    }

    /// Takes a report in, here. The fleet's state replaces what comes of it with the next answer.
    fn take(&self, report: &Report) -> bool {
        let mut copy = self.copy();
        // Alone, no other environment could make up a quorum.
        let is_alone = self.store.valkey.is_none() || copy.read.is_none();
        let quorum = if is_alone { 1 } else { self.settings.quorum };
        let settings = Settings {
            quorum,
            ..self.settings.clone()
        };
        let now = copy.now();
        copy.state
            .apply(&settings, &self.store.who, report, now)
            .is_granted
    }

    /// Whoever changes the phase says so, so the fleet says it once.
    fn tell(&self, before: Phase, after: Phase, reason: &str, scope: &'static str) {
        if before == after {
            return;
        }
        metrics::count(
            "CircuitChanged",
            &[("circuit", &self.name), ("to", after.as_str())],
        );
        let (from, to) = (before.as_str(), after.as_str());
        if after == Phase::Open {
            tracing::error!(
                circuit = self.name,
                from,
                to,
                reason,
                scope,
                "a circuit changed"
            );
        } else {
            tracing::warn!(
                circuit = self.name,
                from,
                to,
                reason,
                scope,
                "a circuit changed"
            );
        }
    }
}

enum Decision {
    Admit { epoch: u64 },
    Refuse(Refusal),
    AskForProbe,
}

/// What a state means for the next call. `draw` is a random number from 0 to 1.
fn decide(state: &State, settings: &Settings, now: u64, draw: f64) -> Decision {
    let refuse = |why, until: u64| {
        Decision::Refuse(Refusal {
            why,
            retry_in: Duration::from_millis(until.saturating_sub(now)),
        })
    };
    if now < state.cooldown_until {
        return refuse(Why::CoolingDown, state.cooldown_until);
    }
    match state.phase {
        _ if state.wants_probe(settings, false, now) => Decision::AskForProbe,
        Phase::Ramp
            if now < state.until
                && draw >= share(now, state.since, machine::millis(settings.ramp)) =>
        {
            refuse(Why::Ramping, state.until)
        }
        Phase::Closed | Phase::Ramp => Decision::Admit { epoch: state.epoch },
        Phase::Open => refuse(Why::Open, state.until),
        Phase::HalfOpen => refuse(Why::Probing, state.probe_until),
    }
}

/// The share of the calls that is let in at a moment of a ramp.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of a ramp are far below 2^52"
)]
fn share(now: u64, since: u64, ramp: u64) -> f64 {
    let progress = now.saturating_sub(since) as f64 / ramp.max(1) as f64;
    (1.0 - FIRST_SHARE).mul_add(progress, FIRST_SHARE)
}

impl Pending {
    /// What could not be said waits on, together with what has come since.
    fn put_back(&mut self, report: &Report) {
        let at = |tally: &Tally| SystemTime::now().checked_sub(tally.age);
        let (successes_at, faults_at) = (at(&report.successes), at(&report.faults));
        if self.successes.add(report.successes) {
            self.successes_at = self.successes_at.max(successes_at);
        }
        if self.faults.add(report.faults) {
            self.faults_at = self.faults_at.max(faults_at);
        }
        if report.cooldown > Duration::ZERO {
            self.cooldown_until = self
                .cooldown_until
                .max(SystemTime::now().checked_add(report.cooldown));
        }
        // Whoever asked for a probe and did not hear the answer may have got it.
        let unheard = report.acquire.clone().map(|token| (token, Verdict::None));
        self.probe = self
            .probe
            .take()
            .or_else(|| report.probe.clone())
            .or(unheard);
    }
}

impl Snapshot {
    /// Now, by the server's clock as far as it is known.
    fn now(&self) -> u64 {
        now_here().saturating_add_signed(self.ahead)
    }
}

fn now_here() -> u64 {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
