//! The state of one circuit and everything that changes it. Pure: the time is given, in
//! milliseconds since 1970.
//!
//! `breaker.lua` does the same on the server, for the whole fleet, step for step; a property test
//! drives both through the same reports and compares every state. This one decides alone while
//! there is no Valkey.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::BreakerSettings;

/// The window is kept in this many slots, so that it slides by a tenth of its length.
const SLOTS_PER_WINDOW: u64 = 10;

/// The longest that a provider is left alone because it asks for it, however long it asks for. A
/// limit of a day is asked once in this time whether it still holds.
pub const MAX_COOLDOWN: Duration = Duration::from_mins(10);

/// The most clients that a circuit may be open for and closed for others.
pub(super) const MAX_SUSPECTS: usize = 4;

/// The most clients that are remembered as served, or as those whose calls failed.
pub(super) const MAX_KNOWN_CLIENTS: usize = 16;

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

/// Calls of one slot of the window. In JSON it is an array of the three numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u64; 3]", into = "[u64; 3]")]
pub struct WindowSlot {
    /// Calls that succeeded.
    pub successes: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Calls that succeeded slowly; they are among the successes.
    pub slow: u64,
}

impl From<[u64; 3]> for WindowSlot {
    fn from([successes, failures, slow]: [u64; 3]) -> Self {
        Self {
            successes,
            failures,
            slow,
        }
    }
}

impl From<WindowSlot> for [u64; 3] {
    fn from(slot: WindowSlot) -> Self {
        [slot.successes, slot.failures, slot.slow]
    }
}

impl WindowSlot {
    /// The sum of two slots.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            successes: self.successes + other.successes,
            failures: self.failures + other.failures,
            slow: self.slow + other.slow,
        }
    }

    /// All calls.
    pub const fn calls(self) -> u64 {
        self.successes + self.failures
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
    /// When each client last had a fault or a slow call in this epoch.
    #[serde(default)]
    pub accused: BTreeMap<String, u64>,
    /// When each client was last served.
    #[serde(default)]
    pub served: BTreeMap<String, u64>,
    /// The clients that the phase is about, and since when; empty if it is about all. A client
    /// whose calls alone fail is left out; others are served as if the circuit were closed.
    #[serde(default)]
    pub suspects: BTreeMap<String, u64>,
}

/// A number of calls that ended alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// In which epoch they were let in.
    pub epoch: u64,
    /// Their number.
    pub calls: u64,
    /// The number of slow ones; 0 for faults.
    pub slow: u64,
    /// How long ago the last of them ended.
    pub age: Duration,
}

impl Tally {
    /// Adds calls that have ended since. Calls of an earlier epoch are of no use any more and give
    /// way. `false` if there was nothing to add.
    pub fn add(&mut self, other: Self) -> bool {
        if other.calls == 0 || (self.calls > 0 && other.epoch < self.epoch) {
            return false;
        }

        if self.epoch != other.epoch {
            *self = Self {
                epoch: other.epoch,
                ..Self::default()
            };
        }
        self.calls += other.calls;
        self.slow += other.slow;

        true
    }

    fn age_millis(&self) -> u64 {
        u64::try_from(self.age.as_millis()).unwrap_or(u64::MAX)
    }
}

/// How a probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeResult {
    /// The provider is well.
    Succeeded,
    /// The provider is not well.
    Failed,
    /// The probe was given up, or says nothing about the provider.
    Abandoned,
}

impl ProbeResult {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }
}

/// The end of one probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeEnd {
    /// The token that the probe was let in with.
    pub token: String,
    /// How it ended.
    pub result: ProbeResult,
}

/// What an environment reports of a circuit, and asks of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CircuitReport {
    /// Calls that succeeded.
    pub successes: Tally,
    /// Calls that failed.
    pub faults: Tally,
    /// The clients that were served.
    pub served: Vec<String>,
    /// The clients whose calls failed or were slow.
    pub accused: Vec<String>,
    /// The end of a probe.
    pub probe: Option<ProbeEnd>,
    /// How long the provider asks to be left alone.
    pub cooldown: Duration,
    /// Asks to let a probe with this token in.
    pub probe_request: Option<String>,
    /// Asks for it before the opening is over, since no other tier can serve. It is let in `reopen`
    /// after the opening at the earliest.
    pub is_urgent: bool,
}

/// What came of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppliedReport {
    /// The phase before.
    pub previous_phase: Phase,
    /// Whether the probe that was asked for was let in.
    pub is_probe_granted: bool,
}

/// A time of the settings in milliseconds.
pub(super) fn to_millis(seconds: f64) -> u64 {
    let duration = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Who a report comes from: an environment, about calls of these clients.
#[derive(Clone, Copy)]
struct ReportSource<'a> {
    environment: &'a str,
    served: &'a [String],
    accused: &'a [String],
}

/// Notes clients at a moment; of too many, the one that was noted longest ago is forgotten.
fn note_clients(known: &mut BTreeMap<String, u64>, clients: &[String], at: u64) {
    for client in clients {
        let last = known.entry(client.clone()).or_default();
        *last = at.max(*last);

        if known.len() > MAX_KNOWN_CLIENTS {
            let oldest = known
                .iter()
                .min_by_key(|(name, at)| (**at, (*name).clone()));
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                known.remove(&oldest);
            }
        }
    }
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
            self.suspects.clear();
        }
        if self.are_suspects_gone(settings, now) {
            self.enter_phase(Phase::Closed, "suspects_gone", now, 0);
            self.suspects.clear();
        }
        self.forget_old(settings, now);

        let source = ReportSource {
            environment,
            served: &report.served,
            accused: &report.accused,
        };
        self.add_successes(settings, source, &report.successes, now);
        if let Some(probe) = &report.probe {
            self.end_probe(settings, probe, now);
        }
        self.add_faults(settings, source, &report.faults, now);
        self.extend_cooldown(report.cooldown, now);

        let is_urgent = report.is_urgent;

        let is_probe_granted = report
            .probe_request
            .as_ref()
            .is_some_and(|token| self.grant_probe(settings, token, is_urgent, now));
        AppliedReport {
            previous_phase,
            is_probe_granted,
        }
    }

    /// Whether a probe may be asked for.
    pub fn wants_probe(&self, settings: &BreakerSettings, is_urgent: bool, now: u64) -> bool {
        let urgent_from = self.since.saturating_add(to_millis(settings.reopen));
        let is_due = match self.phase {
            Phase::Open => now >= self.until || (is_urgent && now >= urgent_from),
            Phase::HalfOpen => now >= self.probe_until,
            Phase::Closed | Phase::Ramp => false,
        };

        is_due && now >= self.cooldown_until
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
        for times in [&mut self.seen, &mut self.accused, &mut self.served] {
            times.retain(|_, at| is_in_window(*at));
        }
    }

    /// Begins a new epoch, in which nothing is known of the provider yet.
    fn begin_epoch(&mut self, now: u64) {
        self.epoch = now.max(self.epoch + 1);
        self.consecutive = 0;
        self.last_fault = 0;

        self.probe = String::new();
        self.probe_until = 0;
        self.slots.clear();
        self.seen.clear();
        self.accused.clear();
    }

    /// Whether the phase is about this client's calls; others are served as by a closed circuit.
    pub fn concerns(&self, client: &str) -> bool {
        self.suspects.is_empty() || self.suspects.contains_key(client)
    }

    /// Whether no suspect has come back for its probe for a whole window.
    fn are_suspects_gone(&self, settings: &BreakerSettings, now: u64) -> bool {
        let patience = self.until.saturating_add(to_millis(settings.window));
        !self.suspects.is_empty() && self.phase == Phase::Open && now >= patience
    }

    /// Whether the calls of a tally, which are these clients', still say something about this
    /// circuit.
    fn is_relevant(&self, tally: &Tally, clients: &[String]) -> bool {
        let counts_calls =
            self.phase.counts_calls() || clients.iter().any(|client| !self.concerns(client));
        tally.calls > 0 && counts_calls && tally.epoch == self.epoch
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
        source: ReportSource<'_>,
        tally: &Tally,
        now: u64,
    ) {
        if !self.is_relevant(tally, source.served) {
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
        note_clients(&mut self.served, source.served, now - age);

        if tally.slow > 0 {
            self.note_fault(settings, source, now - age);
            self.open_if_due(settings, now);
        }
    }

    fn add_faults(
        &mut self,
        settings: &BreakerSettings,
        source: ReportSource<'_>,
        tally: &Tally,
        now: u64,
    ) {
        if !self.is_relevant(tally, source.accused) {
            return;
        }
        let age = tally.age_millis();
        let Some(slot) = self.slot_of_age(settings, age, now) else {
            return;
        };
        slot.failures += tally.calls;

        self.consecutive += tally.calls;
        self.last_fault = self.last_fault.max(now - age);
        self.note_fault(settings, source, now - age);
        self.open_if_due(settings, now);
    }

    fn extend_cooldown(&mut self, cooldown: Duration, now: u64) {
        let millis = cooldown_millis(cooldown);
        if millis > 0 {
            let until = now.saturating_add(millis);
            self.cooldown_until = self.cooldown_until.max(until);
        }
    }

    /// Notes who saw a fault or a slow call: the environment, for the quorum, and the clients.
    fn note_fault(&mut self, settings: &BreakerSettings, source: ReportSource<'_>, at: u64) {
        if settings.quorum > 1 {
            let last = self.seen.entry(source.environment.to_owned()).or_default();
            *last = at.max(*last);
        }
        note_clients(&mut self.accused, source.accused, at);
    }

    fn open_if_due(&mut self, settings: &BreakerSettings, now: u64) {
        let Some(reason) = self.reason_to_open(settings) else {
            return;
        };

        let environments = self.seen.len() as u64;
        if settings.quorum > 1 && environments < u64::from(settings.quorum) {
            return;
        }

        self.suspects = self.suspects_at(now);
        self.begin_epoch(now);
        self.enter_phase(Phase::Open, reason, now, to_millis(settings.open));
    }

    /// The clients for which the circuit opens; none if for all. One client's calls say nothing of
    /// another's, nor those of a few while others are served.
    fn suspects_at(&self, now: u64) -> BTreeMap<String, u64> {
        let mut suspects = self.suspects.clone();
        for client in self.accused.keys() {
            suspects.entry(client.clone()).or_insert(now);
        }

        let are_others_served = self
            .served
            .keys()
            .any(|client| !suspects.contains_key(client));
        let is_about_some = match suspects.len() {
            0 => false,
            1 => true,
            count => count <= MAX_SUSPECTS && are_others_served,
        };
        if is_about_some {
            suspects
        } else {
            BTreeMap::new()
        }
    }

    fn reason_to_open(&self, settings: &BreakerSettings) -> Option<&'static str> {
        let total = self.window_total();
        let calls = total.calls();
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts of a window are far below 2^52"
        )]
        let exceeds = |part: u64, rate: f64| {
            calls >= u64::from(settings.minimum_calls) && part as f64 >= rate * calls as f64
        };

        if self.consecutive >= u64::from(settings.failures) {
            Some("consecutive_faults")
        } else if exceeds(total.failures, settings.failure_rate) {
            Some("failure_rate")
        } else if exceeds(total.slow, settings.slow_rate) {
            Some("slow_calls")
        } else {
            None
        }
    }

    fn end_probe(&mut self, settings: &BreakerSettings, probe: &ProbeEnd, now: u64) {
        // Its lease had passed to another probe, or the circuit has opened anew since.
        if self.phase != Phase::HalfOpen || self.probe != probe.token {
            return;
        }

        match probe.result {
            ProbeResult::Succeeded => {
                let length = to_millis(settings.ramp);
                self.finish_probe(now);
                self.enter_phase(Phase::Ramp, "probe_succeeded", now, length);
            }
            ProbeResult::Failed => {
                let length = to_millis(settings.reopen);
                self.finish_probe(now);
                self.enter_phase(Phase::Open, "probe_failed", now, length);
            }
            ProbeResult::Abandoned => self.probe_until = now,
        }
    }

    /// A probe of a suspect says nothing of the others' calls, which go on being counted.
    fn finish_probe(&mut self, now: u64) {
        if self.suspects.is_empty() {
            self.begin_epoch(now);
        } else {
            self.probe = String::new();
            self.probe_until = 0;
        }
    }

    fn grant_probe(
        &mut self,
        settings: &BreakerSettings,
        token: &str,
        is_urgent: bool,
        now: u64,
    ) -> bool {
        if !self.wants_probe(settings, is_urgent, now) {
            return false;
        }

        let reason = std::mem::take(&mut self.reason);
        let lease = to_millis(settings.probe_lease);
        self.enter_phase(Phase::HalfOpen, &reason, now, lease);
        token.clone_into(&mut self.probe);
        self.probe_until = self.until;

        true
    }
}
