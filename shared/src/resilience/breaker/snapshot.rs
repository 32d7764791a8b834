//! An environment's copy of a circuit's state, and the report that waits to be sent.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::client::ClientCounts;
use super::clients::MAX_USERS;
use super::cooldowns::MAX_COOLDOWNS;
use super::script::ScriptAnswer;
use super::state::{CircuitReport, CircuitState, NewBars, Phase, ProbeEnd, ProbeResult, Tally};

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
    /// Whom this environment left out alone, and has told nobody yet.
    pub(super) unannounced_bars: NewBars,
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
        self.unannounced_bars = NewBars::default();
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
    cooldowns_until: BTreeMap<String, SystemTime>,
}

impl PendingReport {
    /// Keeps a report that could not be sent, together with what has come since.
    pub(super) fn merge(&mut self, report: &CircuitReport) {
        self.merge_calls(report);

        for (client, wait) in &report.cooldowns {
            let is_known = self.cooldowns_until.contains_key(client);
            let until = SystemTime::now().checked_add(*wait);
            if let Some(until) = until
                && (is_known || self.cooldowns_until.len() < MAX_COOLDOWNS)
            {
                let known = self.cooldowns_until.entry(client.clone());
                let known = known.or_insert(until);
                *known = until.max(*known);
            }
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

    fn merge_calls(&mut self, report: &CircuitReport) {
        // What clients did in an earlier epoch gives way together with its tally.
        let begins_epoch = |known: &Tally, tally: &Tally| known.epoch != tally.epoch;
        let (successes, faults) = (&report.successes, &report.faults);
        let (ends_successes, ends_faults) = (
            begins_epoch(&self.successes, successes),
            begins_epoch(&self.faults, faults),
        );

        let adds_successes = self.successes.add(*successes);
        if adds_successes {
            self.last_success_at = self.last_success_at.max(ended_at(successes));
        }
        let adds_faults = self.faults.add(*faults);
        if adds_faults {
            self.last_fault_at = self.last_fault_at.max(ended_at(faults));
        }

        for known in self.clients.values_mut() {
            *known = ClientCounts {
                successes: keep_unless(adds_successes && ends_successes, known.successes),
                slow: keep_unless(adds_successes && ends_successes, known.slow),
                faults: keep_unless(adds_faults && ends_faults, known.faults),
            };
        }
        for (client, counts) in &report.clients {
            self.add_client(
                client,
                ClientCounts {
                    successes: keep_unless(!adds_successes, counts.successes),
                    slow: keep_unless(!adds_successes, counts.slow),
                    faults: keep_unless(!adds_faults, counts.faults),
                },
            );
        }
    }

    /// Adds the calls of a client, as many clients as a circuit remembers. What the others did is
    /// nobody's if it succeeded in time, and is left out if it did not: it must not count as that
    /// of clients who are not known.
    fn add_client(&mut self, client: &str, counts: ClientCounts) {
        if !self.clients.contains_key(client) && self.clients.len() >= MAX_USERS {
            let Some(quiet) = self.first_quiet_client() else {
                self.leave_out(counts);
                return;
            };
            self.clients.remove(&quiet);
        }

        let sum = self.clients.entry(client.to_owned()).or_default();
        *sum = sum.plus(counts);
    }

    /// A client all of whose calls succeeded in time.
    fn first_quiet_client(&self) -> Option<String> {
        let is_quiet = |counts: &ClientCounts| counts.faults + counts.slow == 0;
        let mut clients = self.clients.iter();
        let quiet = clients.find(|(_, counts)| is_quiet(counts));
        quiet.map(|(client, _)| client.clone())
    }

    fn leave_out(&mut self, counts: ClientCounts) {
        self.faults.calls = self.faults.calls.saturating_sub(counts.faults);
        self.successes.calls = self.successes.calls.saturating_sub(counts.slow);
        self.successes.slow = self.successes.slow.saturating_sub(counts.slow);
    }

    /// Moves all of it into a report, which has no calls of its own.
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
        report.clients = pending.clients;

        report.probe = report.probe.take().or(pending.probe);
        for (client, until) in pending.cooldowns_until {
            let wait = until.duration_since(SystemTime::now());
            let known = report.cooldowns.entry(client).or_default();
            *known = wait.unwrap_or_default().max(*known);
        }
    }
}

const fn keep_unless(is_void: bool, calls: u64) -> u64 {
    if is_void { 0 } else { calls }
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
