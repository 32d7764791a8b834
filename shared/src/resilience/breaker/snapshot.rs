//! An environment's copy of a circuit's state, and the report that waits to be sent.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::client::ClientCounts;
use super::script::ScriptAnswer;
use super::state::{CircuitReport, CircuitState, MAX_CLIENTS, Phase, ProbeEnd, ProbeResult, Tally};

/// The age, by the wall clock, beyond which a copy of a circuit's state is not decided on.
pub const SNAPSHOT_TTL: Duration = Duration::from_millis(250);

/// The copy, and what is to be reported about it.
#[derive(Default)]
pub(super) struct Snapshot {
    pub(super) state: CircuitState,
    /// The server's clock less ours, in milliseconds.
    clock_offset: i64,
    /// When it was read; never, if it was not yet, or Valkey is gone.
    read_at: Option<SystemTime>,
    /// The phase that logs and metrics were told last.
    pub(super) announced_phase: Phase,
    pub(super) pending: PendingReport,
}

impl Snapshot {
    /// Now, by the server's clock as far as it is known, in milliseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        local_now().saturating_add_signed(self.clock_offset)
    }

    /// Replaces the copy by the state that the script answered.
    pub(super) fn replace(&mut self, answer: ScriptAnswer) {
        self.clock_offset = to_signed(answer.now) - to_signed(local_now());
        self.read_at = Some(SystemTime::now());
        self.announced_phase = answer.state.phase;
        self.state = answer.state;
    }

    /// Notes that Valkey is gone: from now on the copy is this environment's own.
    pub(super) fn disconnect(&mut self) {
        self.read_at = None;
    }

    /// Whether it is the fleet's state.
    pub(super) fn is_shared(&self) -> bool {
        self.read_at.is_some()
    }

    /// Whether it was read a moment ago.
    pub(super) fn is_fresh(&self) -> bool {
        let age = self.read_at.and_then(|at| at.elapsed().ok());
        age.is_some_and(|age| age <= SNAPSHOT_TTL)
    }
}

/// What goes out with the next report.
#[derive(Default)]
pub(super) struct PendingReport {
    successes: Tally,
    last_success_at: Option<SystemTime>,
    faults: Tally,
    last_fault_at: Option<SystemTime>,
    clients: BTreeMap<String, ClientCounts>,
    probe: Option<ProbeEnd>,
    cooldown_until: Option<SystemTime>,
}

impl PendingReport {
    /// Keeps a report that could not be sent, together with what has come since.
    pub(super) fn merge(&mut self, report: &CircuitReport) {
        let last_success_at = ended_at(&report.successes);
        if self.successes.add(report.successes) {
            self.last_success_at = self.last_success_at.max(last_success_at);
        }

        let last_fault_at = ended_at(&report.faults);
        if self.faults.add(report.faults) {
            self.last_fault_at = self.last_fault_at.max(last_fault_at);
        }

        add_clients(&mut self.clients, &report.clients);

        if report.cooldown > Duration::ZERO {
            let until = SystemTime::now().checked_add(report.cooldown);
            self.cooldown_until = self.cooldown_until.max(until);
        }

        // A probe that was asked for may have been let in, though the answer was not heard.
        let unheard = report.probe_request.clone().map(|request| ProbeEnd {
            token: request.token,
            result: ProbeResult::Abandoned,
        });
        self.probe = self
            .probe
            .take()
            .or_else(|| report.probe.clone())
            .or(unheard);
    }

    /// Moves all of it into a report.
    pub(super) fn take_into(&mut self, report: &mut CircuitReport) {
        let pending = std::mem::take(self);
        report.successes = Tally {
            age: age_since(pending.last_success_at),
            ..pending.successes
        };
        report.faults = Tally {
            age: age_since(pending.last_fault_at),
            ..pending.faults
        };

        add_clients(&mut report.clients, &pending.clients);

        report.probe = report.probe.take().or(pending.probe);
        let cooldown = pending
            .cooldown_until
            .and_then(|until| until.duration_since(SystemTime::now()).ok());
        report.cooldown = report.cooldown.max(cooldown.unwrap_or_default());
    }
}

/// Adds the calls of clients, as many as a circuit remembers.
fn add_clients(known: &mut BTreeMap<String, ClientCounts>, more: &BTreeMap<String, ClientCounts>) {
    for (name, counts) in more {
        if let Some(sum) = known.get_mut(name) {
            *sum = sum.plus(*counts);
        } else if known.len() < MAX_CLIENTS {
            known.insert(name.clone(), *counts);
        }
    }
}

fn ended_at(tally: &Tally) -> Option<SystemTime> {
    SystemTime::now().checked_sub(tally.age)
}

fn age_since(at: Option<SystemTime>) -> Duration {
    at.map_or(Duration::ZERO, |at| at.elapsed().unwrap_or_default())
}

fn local_now() -> u64 {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

fn to_signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}
