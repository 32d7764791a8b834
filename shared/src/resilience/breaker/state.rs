//! The state of one circuit and everything that changes it. Pure: the time is given, in
//! milliseconds since 1970.
//!
//! `breaker.lua` does the same on the server, for the whole fleet, step for step; a property test
//! drives both through the same reports and compares every state. This one decides alone while
//! there is no Valkey.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use super::client::ProbeResult;
use super::client::{Bar, ClientCounts, ClientState, exceeds_rate, to_millis};
pub use super::report::{CircuitReport, ProbeEnd, ProbeRequest, Tally};
pub use super::window_slot::WindowSlot;
use crate::config::BreakerSettings;

/// The window is kept in this many slots, so that it slides by a tenth of its length.
const SLOTS_PER_WINDOW: u64 = 10;

/// The most clients that a circuit remembers.
pub(super) const MAX_CLIENTS: usize = 16;

/// The longest that a provider is left alone because it asks for it, however long it asks for. A
/// limit of a day is asked once in this time whether it still holds.
pub const MAX_COOLDOWN: Duration = Duration::from_mins(10);

/// The milliseconds of a cooldown that is asked for, as far as it is kept.
pub(super) fn cooldown_millis(asked: Duration) -> u64 {
    let millis = asked.min(MAX_COOLDOWN).as_millis();
    u64::try_from(millis).unwrap_or(u64::MAX)
}

/// What a circuit does with calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Lets every call in.
    #[default]
    Closed,
    /// Lets none in.
    Open,
    /// Has let one in, as a probe.
    HalfOpen,
    /// Lets a growing share in, after a probe that succeeded.
    Ramp,
}

impl Phase {
    /// As logs and metrics call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::Ramp => "ramp",
        }
    }

    /// Whether results of calls count: an open circuit has no calls but its probe.
    const fn counts_calls(self) -> bool {
        matches!(self, Self::Closed | Self::Ramp)
    }
}

/// Everything that is known of a circuit, as it stands in Valkey.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitState {
    /// What it does with calls.
    pub phase: Phase,
    /// Grows with every opening and every end of a probe. A call belongs to the epoch it was let
    /// in, and says nothing about a later one.
    pub epoch: u64,
    /// Why it is in its phase.
    pub reason: String,
    /// When its phase began.
    pub since: u64,
    /// When a probe may be let in, or when a ramp ends.
    pub until: u64,
    /// The token of the probe under way.
    pub probe: String,
    /// When the probe's lease ends.
    pub probe_until: u64,
    /// Until when the provider asked to be left alone.
    pub cooldown_until: u64,
    /// Faults since the last success.
    pub consecutive: u64,
    /// When the last of these faults was.
    pub last_fault: u64,
    /// The window, by the start of each slot.
    pub slots: BTreeMap<u64, WindowSlot>,
    /// When each environment last saw a fault or a slow call, if there is a quorum.
    pub seen: BTreeMap<String, u64>,
    /// Whose call the probe under way is; empty if that is not known.
    #[serde(default)]
    pub probe_client: String,
    /// Whose probe failed last: others come first then.
    #[serde(default)]
    pub failed_prober: String,
    /// The clients that called in the window, as far as they are remembered.
    #[serde(default)]
    pub clients: BTreeMap<String, ClientState>,
}

/// What came of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppliedReport {
    /// The phase before.
    pub previous_phase: Phase,
    /// Whether the probe that was asked for was let in.
    pub is_probe_granted: bool,
}

const fn keep_if(is_relevant: bool, calls: u64) -> u64 {
    if is_relevant { calls } else { 0 }
}

impl CircuitState {
    /// Takes in a report of one environment.
    pub fn apply(
        &mut self,
        settings: &BreakerSettings,
        environment: &str,
        report: &CircuitReport,
        now: u64,
    ) -> AppliedReport {
        let previous_phase = self.phase;
        if self.phase == Phase::Ramp && now >= self.until {
            self.enter_phase(Phase::Closed, "recovered", now, 0);
        }
        self.forget_old(settings, now);

        self.add_clients(settings, report, now);
        self.add_successes(settings, environment, &report.successes, now);
        if let Some(probe) = &report.probe {
            self.end_probe(settings, probe, now);
        }
        self.add_faults(settings, environment, &report.faults, now);
        self.extend_cooldown(report.cooldown, now);

        let is_urgent = report.is_urgent;

        let is_probe_granted = report
            .probe_request
            .as_ref()
            .is_some_and(|request| self.grant_probe(settings, request, is_urgent, now));
        AppliedReport {
            previous_phase,
            is_probe_granted,
        }
    }

    /// Whether a probe of this client may be asked for. A client whose probe failed last lets
    /// others come first, and one whose probe takes long does not keep them out: the circuit is
    /// about all of them, and its calls may be the only ones that fail.
    pub fn wants_probe(
        &self,
        settings: &BreakerSettings,
        client: &str,
        is_urgent: bool,
        now: u64,
    ) -> bool {
        let reopen_at = self.since.saturating_add(to_millis(settings.reopen));
        let is_known = !client.is_empty();
        let is_due = match self.phase {
            Phase::Open if is_known && client == self.failed_prober => {
                now >= self.since.saturating_add(to_millis(settings.open))
            }
            Phase::Open => now >= self.until || (is_urgent && now >= reopen_at),
            Phase::HalfOpen => {
                let is_anothers = is_known && client != self.probe_client;
                now >= self.probe_until || (is_anothers && now >= reopen_at)
            }
            Phase::Closed | Phase::Ramp => {
                let bar = self.bar_of(client);
                bar.is_some_and(|bar| bar.wants_trial(settings, is_urgent, now))
            }
        };

        is_due && now >= self.cooldown_until
    }

    /// The bar of a client that is left out of a circuit which serves the others.
    pub fn bar_of(&self, client: &str) -> Option<&Bar> {
        let is_serving = self.phase.counts_calls();
        let bar = self.clients.get(client)?.bar.as_ref()?;
        is_serving.then_some(bar)
    }

    /// The number of clients that are left out.
    pub fn barred_clients(&self) -> usize {
        let clients = self.clients.values();
        clients.filter(|client| client.bar.is_some()).count()
    }

    /// Whether any client is known to be served.
    pub fn serves_any(&self) -> bool {
        let mut clients = self.clients.values();
        self.clients.is_empty() || clients.any(|client| client.bar.is_none())
    }

    /// The calls of the whole window.
    pub fn window_total(&self) -> WindowSlot {
        let slots = self.slots.values().copied();
        slots.fold(WindowSlot::default(), WindowSlot::plus)
    }

    fn enter_phase(&mut self, phase: Phase, reason: &str, now: u64, length: u64) {
        self.phase = phase;
        self.since = now;
        self.until = now.saturating_add(length);
        reason.clone_into(&mut self.reason);
    }

    fn forget_old(&mut self, settings: &BreakerSettings, now: u64) {
        let window = to_millis(settings.window);
        let is_in_window = |at: u64| at.saturating_add(window) > now;

        self.slots.retain(|start, _| is_in_window(*start));
        self.seen.retain(|_, at| is_in_window(*at));
        let window_start = now.saturating_sub(window);
        self.clients
            .retain(|_, client| client.is_current(window_start));
    }

    /// Counts the calls of each client, and leaves out those whose own calls fail.
    fn add_clients(&mut self, settings: &BreakerSettings, report: &CircuitReport, now: u64) {
        let are_successes_relevant = self.is_relevant(&report.successes);
        let are_faults_relevant = self.is_relevant(&report.faults);
        let is_in_window = |tally: &Tally| tally.age_millis() < to_millis(settings.window);

        for (name, counts) in &report.clients {
            let counts = ClientCounts {
                successes: keep_if(are_successes_relevant, counts.successes),
                slow: keep_if(are_successes_relevant, counts.slow),
                faults: keep_if(
                    are_faults_relevant && is_in_window(&report.faults),
                    counts.faults,
                ),
            };
            if counts.successes + counts.faults > 0 {
                let client = self.clients.entry(name.clone()).or_default();
                client.count(settings, counts, now);
            }
        }

        while self.clients.len() > MAX_CLIENTS {
            let oldest = self.clients.iter();
            let oldest = oldest.min_by_key(|(name, client)| (client.at, (*name).clone()));
            let Some(name) = oldest.map(|(name, _)| name.clone()) else {
                return;
            };
            self.clients.remove(&name);
        }
    }

    /// Begins a new epoch, in which nothing is known of the provider yet.
    fn begin_epoch(&mut self, now: u64) {
        self.epoch = now.max(self.epoch + 1);
        self.consecutive = 0;
        self.last_fault = 0;

        self.probe = String::new();
        self.probe_until = 0;
        self.probe_client = String::new();
        self.slots.clear();
        self.seen.clear();
        self.clients.clear();
    }

    /// Whether the calls of a tally still say something about this circuit.
    fn is_relevant(&self, tally: &Tally) -> bool {
        tally.calls > 0 && self.phase.counts_calls() && tally.epoch == self.epoch
    }

    /// The slot of a moment in the window; none if it lies before it.
    fn slot_of_age(
        &mut self,
        settings: &BreakerSettings,
        age: u64,
        now: u64,
    ) -> Option<&mut WindowSlot> {
        let window = to_millis(settings.window);
        let slot_length = (window / SLOTS_PER_WINDOW).max(1);
        let at = now.checked_sub(age)?;
        if age >= window {
            return None;
        }

        let start = at - at % slot_length;

        Some(self.slots.entry(start).or_default())
    }

    fn add_successes(
        &mut self,
        settings: &BreakerSettings,
        environment: &str,
        tally: &Tally,
        now: u64,
    ) {
        if !self.is_relevant(tally) {
            return;
        }
        let age = tally.age_millis();
        let Some(slot) = self.slot_of_age(settings, age, now) else {
            return;
        };
        slot.successes += tally.calls;
        slot.slow += tally.slow;

        // A success that is older than the last fault does not end the row of faults.
        if now - age > self.last_fault {
            self.consecutive = 0;
        }

        if tally.slow > 0 {
            self.note_environment(settings, environment, now - age);
            self.open_if_due(settings, now);
        }
    }

    fn add_faults(
        &mut self,
        settings: &BreakerSettings,
        environment: &str,
        tally: &Tally,
        now: u64,
    ) {
        if !self.is_relevant(tally) {
            return;
        }
        let age = tally.age_millis();
        let Some(slot) = self.slot_of_age(settings, age, now) else {
            return;
        };
        slot.failures += tally.calls;

        self.consecutive += tally.calls;
        self.last_fault = self.last_fault.max(now - age);
        self.note_environment(settings, environment, now - age);
        self.open_if_due(settings, now);
    }

    fn extend_cooldown(&mut self, cooldown: Duration, now: u64) {
        let millis = cooldown_millis(cooldown);
        if millis > 0 {
            let until = now.saturating_add(millis);
            self.cooldown_until = self.cooldown_until.max(until);
        }
    }

    /// Notes that an environment saw a fault or a slow call, for the quorum.
    fn note_environment(&mut self, settings: &BreakerSettings, environment: &str, at: u64) {
        if settings.quorum > 1 {
            let last = self.seen.entry(environment.to_owned()).or_default();
            *last = at.max(*last);
        }
    }

    fn open_if_due(&mut self, settings: &BreakerSettings, now: u64) {
        let Some(reason) = self.reason_to_open(settings) else {
            return;
        };

        let environments = self.seen.len() as u64;
        if settings.quorum > 1 && environments < u64::from(settings.quorum) {
            return;
        }

        self.begin_epoch(now);
        self.enter_phase(Phase::Open, reason, now, to_millis(settings.open));
    }

    /// Why the circuit is to open for all, if it is. What clients did that are left out does not
    /// count, and the worst of the others counts for itself alone: half of the consecutive faults
    /// must be others', and the shares are theirs.
    fn reason_to_open(&self, settings: &BreakerSettings) -> Option<&'static str> {
        let barred = || self.clients.values().filter(|client| client.bar.is_some());
        let counted = || self.clients.values().filter(|client| client.bar.is_none());

        let barred_row: u64 = barred().map(|client| client.row).sum();
        let row = self.consecutive.saturating_sub(barred_row);
        let longest_row = counted().map(|client| client.row).max().unwrap_or(0);
        let failures = u64::from(settings.failures);
        if row >= failures && row.saturating_sub(longest_row) >= failures.div_ceil(2) {
            return Some("consecutive_faults");
        }

        let worst = counted().max_by_key(|client| client.faults.max(client.slow));
        let mut rest = self.window_total();
        for client in barred().chain(worst) {
            rest.successes = rest.successes.saturating_sub(client.successes);
            rest.failures = rest.failures.saturating_sub(client.faults);
            rest.slow = rest.slow.saturating_sub(client.slow);
        }
        if exceeds_rate(settings, settings.failure_rate, rest.failures, rest.calls()) {
            Some("failure_rate")
        } else if exceeds_rate(settings, settings.slow_rate, rest.slow, rest.calls()) {
            Some("slow_calls")
        } else {
            None
        }
    }

    fn end_probe(&mut self, settings: &BreakerSettings, probe: &ProbeEnd, now: u64) {
        // Its lease had passed to another probe, or the circuit has opened anew since.
        if self.phase != Phase::HalfOpen || self.probe != probe.token {
            self.end_trial(settings, probe, now);
            return;
        }

        match probe.result {
            ProbeResult::Succeeded => {
                let length = to_millis(settings.ramp);
                self.failed_prober = String::new();
                self.begin_epoch(now);
                self.enter_phase(Phase::Ramp, "probe_succeeded", now, length);
            }
            ProbeResult::Failed => {
                let length = to_millis(settings.reopen);
                self.failed_prober = std::mem::take(&mut self.probe_client);
                self.begin_epoch(now);
                self.enter_phase(Phase::Open, "probe_failed", now, length);
            }
            ProbeResult::Abandoned => self.probe_until = now,
        }
    }

    /// The end of the trial of a client that is left out.
    fn end_trial(&mut self, settings: &BreakerSettings, probe: &ProbeEnd, now: u64) {
        let holds_trial = |client: &ClientState| {
            let bar = client.bar.as_ref();
            bar.is_some_and(|bar| bar.trial == probe.token)
        };
        let found = self.clients.iter().find(|(_, client)| holds_trial(client));
        let Some(name) = found.map(|(name, _)| name.clone()) else {
            return;
        };

        if probe.result == ProbeResult::Succeeded {
            self.clients.remove(&name);
        } else if let Some(client) = self.clients.get_mut(&name) {
            client.at = now;
            client.end_trial(settings, probe.result, now);
        }
    }

    fn grant_probe(
        &mut self,
        settings: &BreakerSettings,
        request: &ProbeRequest,
        is_urgent: bool,
        now: u64,
    ) -> bool {
        let ProbeRequest { token, client } = request;
        if !self.wants_probe(settings, client, is_urgent, now) {
            return false;
        }

        let lease = to_millis(settings.probe_lease);
        if self.phase.counts_calls() {
            let barred = self.clients.get_mut(client);
            if let Some(bar) = barred.and_then(|client| client.bar.as_mut()) {
                bar.begin_trial(token, now.saturating_add(lease));
            }
            return true;
        }

        let reason = std::mem::take(&mut self.reason);
        self.enter_phase(Phase::HalfOpen, &reason, now, lease);
        token.clone_into(&mut self.probe);
        client.clone_into(&mut self.probe_client);
        self.probe_until = self.until;

        true
    }
}
