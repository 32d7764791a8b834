//! The state of one circuit and everything that changes it. Pure: the time is given, in
//! milliseconds since 1970.
//!
//! `lua/*.lua` does the same on the server, for the whole fleet, step for step; a property test
//! drives both through the same reports and compares every state. This one decides alone while
//! there is no Valkey.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bar::Bar;
pub use super::client::ProbeResult;
use super::client::{ClientCounts, tenant_of, to_millis};
pub use super::clients::Clients;
use super::clients::window_millis;
pub use super::cooldowns::Cooldowns;
pub use super::phase::Phase;
pub use super::report::{CircuitReport, ProbeEnd, ProbeRequest, Tally};
pub use super::verdict::NewBars;
use super::verdict::UnattributedCalls;
use super::window::{CallTime, CallWindow, WindowSlot};
use crate::config::BreakerSettings;

/// The longest that a provider is left alone because it asks for it, however long it asks for. A
/// limit of a day is asked once in this time whether it still holds.
pub const MAX_COOLDOWN: Duration = Duration::from_mins(10);

/// The milliseconds of a cooldown that is asked for, as far as it is kept.
pub(super) fn cooldown_millis(asked: Duration) -> u64 {
    let millis = asked.min(MAX_COOLDOWN).as_millis();
    u64::try_from(millis).unwrap_or(u64::MAX)
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
    /// The tenant whose call the probe under way is; empty if that is not known.
    pub probe_tenant: String,
    /// The tenant whose probe failed last: others come first then.
    pub failed_prober: String,
    /// Until when the provider asked to be left alone by a client that is not known.
    pub cooldown_until: u64,
    /// Until when it asked each of the others.
    pub cooldowns: Cooldowns,
    /// When a call of a client that was not asked may find out whether it holds for all.
    pub cooldown_probe_at: u64,
    /// Faults since the last success whose clients are not known.
    pub unattributed_row: u64,
    /// When the last fault was.
    pub last_fault: u64,
    /// The window, but for what `clients` has.
    pub slots: CallWindow,
    /// When each environment last saw a fault or a slow call, if there is a quorum.
    pub seen: BTreeMap<String, u64>,
    /// The tenants and users that had a fault or a slow call.
    pub clients: Clients,
}

/// What came of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppliedReport {
    /// The phase before.
    pub previous_phase: Phase,
    /// Whether the probe that was asked for was let in.
    pub is_probe_granted: bool,
    /// Who is left out from now on.
    pub new_bars: NewBars,
}

/// A report that is taken in.
struct Arrival<'a> {
    settings: &'a BreakerSettings,
    environment: &'a str,
    report: &'a CircuitReport,
    now: u64,
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
        let arrival = Arrival {
            settings,
            environment,
            report,
            now,
        };
        let previous_phase = self.phase;
        if self.phase == Phase::Ramp && now >= self.until {
            self.enter_phase(Phase::Closed, "recovered", now, 0);
        }
        self.forget_old(settings, now);

        let mut new_bars = self.add_successes(&arrival);
        if let Some(probe) = &report.probe {
            self.end_probe(settings, probe, now);
        }
        new_bars.add(self.add_faults(&arrival));
        for (client, cooldown) in &report.cooldowns {
            self.extend_cooldown(settings, client, *cooldown, now);
        }
        self.cooldowns.bound_size();

        let is_urgent = report.is_urgent;
        let is_probe_granted = report
            .probe_request
            .as_ref()
            .is_some_and(|request| self.grant_probe(settings, request, is_urgent, now));

        AppliedReport {
            previous_phase,
            is_probe_granted,
            new_bars,
        }
    }

    /// Whether a probe of this client may be asked for. A tenant whose probe failed last lets
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
        let (tenant, is_known) = (tenant_of(client), !client.is_empty());

        let is_due = match self.phase {
            Phase::Open if is_known && tenant == self.failed_prober => {
                now >= self.since.saturating_add(to_millis(settings.open))
            }
            Phase::Open => now >= self.until || (is_urgent && now >= reopen_at),
            Phase::HalfOpen => {
                let is_anothers = is_known && tenant != self.probe_tenant;
                now >= self.probe_until || (is_anothers && now >= reopen_at)
            }
            Phase::Closed | Phase::Ramp => match self.bar_of(client) {
                Some(bar) => now >= bar.trial_at(settings, client, is_urgent),
                None => return self.wants_cooldown_probe(client, now),
            },
        };

        is_due && now >= self.cooldown_end(client)
    }

    /// Whether a call of this client may find out if a cooldown of others holds for it, too. One
    /// may each `reopen`, so that the requests of two clients do not send all away.
    fn wants_cooldown_probe(&self, client: &str, now: u64) -> bool {
        let is_known = !client.is_empty();
        let is_for_all = now < self.cooldowns.end_for_all();
        let own_end = self.cooldown_until.max(self.cooldowns.own_end(client));

        is_known && is_for_all && now >= own_end && now >= self.cooldown_probe_at
    }

    /// The bar that keeps a client out of a circuit which serves others.
    pub fn bar_of(&self, client: &str) -> Option<&Bar> {
        let bar = self.clients.bar_of(client)?;
        self.phase.counts_calls().then_some(bar)
    }

    /// Whether this is the token of the probe or of a client's trial.
    pub(super) fn holds_probe(&self, token: &str, client: &str) -> bool {
        let bar = self.clients.bar_of(client);
        self.probe == token || bar.is_some_and(|bar| bar.trial == token)
    }

    /// Until when a client is to leave the provider alone; 0 if it need not.
    pub fn cooldown_end(&self, client: &str) -> u64 {
        self.cooldown_until.max(self.cooldowns.end_for(client))
    }

    /// Until when all are to.
    pub fn cooldown_end_for_all(&self) -> u64 {
        self.cooldown_until.max(self.cooldowns.end_for_all())
    }

    /// The calls of the whole window.
    pub fn window_total(&self) -> WindowSlot {
        self.slots.total().plus(self.clients.window_total())
    }

    /// Faults since the last success.
    pub fn consecutive(&self) -> u64 {
        self.unattributed_row + self.clients.row()
    }

    fn enter_phase(&mut self, phase: Phase, reason: &str, now: u64, length: u64) {
        self.phase = phase;
        self.since = now;
        self.until = now.saturating_add(length);
        reason.clone_into(&mut self.reason);
    }

    /// A row of faults ends, too, when none has come for a window.
    fn forget_old(&mut self, settings: &BreakerSettings, now: u64) {
        let window = window_millis(settings);
        let is_in_window = |at: u64| at.saturating_add(window) > now;

        self.cooldowns.forget_old(now);
        self.seen.retain(|_, at| is_in_window(*at));
        self.slots.forget_old(window, now);
        if !is_in_window(self.last_fault) {
            self.end_row();
        }
        self.clients.forget_old(window, now, &mut self.slots);
    }

    fn end_row(&mut self) {
        self.unattributed_row = 0;
        self.clients.end_row();
    }

    /// Begins a new epoch, in which nothing is known of the provider yet.
    fn begin_epoch(&mut self, now: u64) {
        self.epoch = now.max(self.epoch + 1);
        self.unattributed_row = 0;
        self.last_fault = 0;

        self.probe = String::new();
        self.probe_until = 0;
        self.probe_tenant = String::new();
        self.slots.clear();
        self.seen.clear();
        self.clients = Clients::default();
    }

    /// When the calls of a tally ended, if they still say something about this circuit.
    fn time_of(&self, tally: &Tally, arrival: &Arrival<'_>) -> Option<CallTime> {
        let is_relevant = self.phase.counts_calls() && tally.epoch == self.epoch;
        if tally.calls == 0 || !is_relevant {
            return None;
        }

        let window = window_millis(arrival.settings);
        CallTime::of_age(tally.age_millis(), window, arrival.now)
    }

    /// Counts the calls of each client, and the others of the tally. Returns the latter.
    fn count_calls(
        &mut self,
        arrival: &Arrival<'_>,
        time: &CallTime,
        all: WindowSlot,
        calls_of: impl Fn(&ClientCounts) -> WindowSlot,
    ) -> WindowSlot {
        let clients = &arrival.report.clients;
        for (client, counts) in clients {
            self.clients.remember_bad(client, calls_of(counts));
        }

        let mut unattributed = all;
        for (client, counts) in clients {
            let calls = calls_of(counts);
            unattributed = unattributed.less(calls);
            let clean = self.clients.count(client, calls, time);
            self.slots.add(time.slot, clean);
        }
        self.slots.add(time.slot, unattributed);

        unattributed
    }

    fn add_successes(&mut self, arrival: &Arrival<'_>) -> NewBars {
        let tally = &arrival.report.successes;
        let Some(time) = self.time_of(tally, arrival) else {
            return NewBars::default();
        };
        let all = WindowSlot {
            successes: tally.calls,
            failures: 0,
            slow: tally.slow,
        };
        let unattributed = self.count_calls(arrival, &time, all, |counts| WindowSlot {
            successes: counts.successes,
            failures: 0,
            slow: counts.slow,
        });

        for (client, counts) in &arrival.report.clients {
            if counts.successes > 0 {
                self.cooldowns.contradict(client, time.at);
            }
        }
        if unattributed.successes > 0 {
            self.cooldowns.contradict("", time.at);
        }

        // A success that is older than the last fault does not end the row of faults.
        if time.at > self.last_fault {
            self.end_row();
        }
        self.judge(arrival, tally.slow > 0, time.at)
    }

    fn add_faults(&mut self, arrival: &Arrival<'_>) -> NewBars {
        let tally = &arrival.report.faults;
        let Some(time) = self.time_of(tally, arrival) else {
            return NewBars::default();
        };
        let all = WindowSlot {
            failures: tally.calls,
            ..WindowSlot::default()
        };
        let unattributed = self.count_calls(arrival, &time, all, |counts| WindowSlot {
            failures: counts.faults,
            ..WindowSlot::default()
        });

        self.unattributed_row += unattributed.failures;
        self.last_fault = self.last_fault.max(time.at);
        self.judge(arrival, true, time.at)
    }

    /// Leaves out whose calls fail, and opens the circuit if all calls do.
    fn judge(&mut self, arrival: &Arrival<'_>, are_bad: bool, at: u64) -> NewBars {
        let Arrival { settings, now, .. } = *arrival;
        let clients = arrival.report.clients.keys();
        let new_bars = self.clients.bar_failing(settings, clients, now);
        self.clients.bound_size(&mut self.slots);

        if are_bad {
            self.note_environment(settings, arrival.environment, at);
            self.open_if_due(settings, now);
        }

        new_bars
    }

    fn extend_cooldown(
        &mut self,
        settings: &BreakerSettings,
        client: &str,
        cooldown: Duration,
        now: u64,
    ) {
        let millis = cooldown_millis(cooldown);
        if millis == 0 {
            return;
        }

        let until = now.saturating_add(millis);
        if client.is_empty() {
            self.cooldown_until = self.cooldown_until.max(until);
        } else {
            self.cooldowns.extend(client, until, now);
            self.cooldown_probe_at = now.saturating_add(to_millis(settings.reopen));
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
        let unattributed = UnattributedCalls {
            calls: self.slots.total(),
            row: self.unattributed_row,
        };
        let Some(reason) = self.clients.reason_to_open(settings, &unattributed) else {
            return;
        };

        let environments = self.seen.len() as u64;
        if settings.quorum > 1 && environments < u64::from(settings.quorum) {
            return;
        }

        self.begin_epoch(now);
        self.enter_phase(Phase::Open, reason, now, to_millis(settings.open));
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
                self.failed_prober = std::mem::take(&mut self.probe_tenant);
                self.begin_epoch(now);
                self.enter_phase(Phase::Open, "probe_failed", now, length);
            }
            ProbeResult::Abandoned => self.probe_until = now,
        }
    }

    /// The end of a trial. One that succeeded is a call that succeeded.
    fn end_trial(&mut self, settings: &BreakerSettings, probe: &ProbeEnd, now: u64) {
        let Some(client) = self.clients.end_trial(settings, probe, now) else {
            return;
        };
        let Some(time) = CallTime::of_age(0, window_millis(settings), now) else {
            return;
        };

        let success = WindowSlot {
            successes: 1,
            ..WindowSlot::default()
        };
        self.cooldowns.contradict(&client, time.at);
        let clean = self.clients.count(&client, success, &time);
        self.slots.add(time.slot, clean);
        if time.at > self.last_fault {
            self.end_row();
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
            match self.clients.bar_of_mut(client) {
                Some(bar) => bar.begin_trial(token, client, now.saturating_add(lease)),
                None => self.cooldown_probe_at = now.saturating_add(to_millis(settings.reopen)),
            }
            return true;
        }

        let reason = std::mem::take(&mut self.reason);
        self.enter_phase(Phase::HalfOpen, &reason, now, lease);
        token.clone_into(&mut self.probe);
        tenant_of(client).clone_into(&mut self.probe_tenant);
        self.probe_until = self.until;

        true
    }
}
