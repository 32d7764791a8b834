//! The state of one circuit and everything that changes it. Pure: the time is given, in milliseconds since 1970.
//!
//! `breaker.lua` does the same on the server, for the whole fleet, step for step; a property test drives both through the
//! same reports and compares every state. This one decides alone while there is no Valkey.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Settings;

/// The window is kept in this many slots, so that it slides by a tenth of its length.
const SLOTS: u64 = 10;

/// The longest that a provider is left alone because it asks for it, in milliseconds: ten minutes.
const LONGEST_COOLDOWN: u64 = 600_000;

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
    /// Lets a growing share in, after a good probe.
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
}

/// Calls that ended well, calls that failed, and slow ones among the former.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot(pub u64, pub u64, pub u64);

/// Everything that is known of a circuit, as it stands in Valkey.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// What it does with calls.
    pub phase: Phase,
    /// Grows with every opening and every end of a probe. A call belongs to the epoch it was let in, and says nothing about
    /// a later one.
    pub epoch: u64,
    /// Why it is in its phase.
    pub reason: String,
    /// Since when.
    pub since: u64,
    /// When a probe may be let in, or when a ramp ends.
    pub until: u64,
    /// The token of the probe under way.
    pub probe: String,
    /// When its lease ends.
    pub probe_until: u64,
    /// Until when the provider asked to be left alone.
    pub cooldown_until: u64,
    /// Faults since the last success.
    pub consecutive: u64,
    /// When the last of them was.
    pub last_fault: u64,
    /// The window, by the start of each slot.
    pub slots: BTreeMap<u64, Slot>,
    /// When each environment last saw a fault or a slow call, if there is a quorum.
    pub seen: BTreeMap<String, u64>,
}

/// A number of calls that ended alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// In which epoch they were let in.
    pub epoch: u64,
    /// How many.
    pub calls: u64,
    /// How many of them were slow; 0 for faults.
    pub slow: u64,
    /// How long ago the last of them ended.
    pub age: Duration,
}

impl Tally {
    /// Adds calls that have ended since. What belongs to an earlier epoch is of no use any more and gives way. `false` if
    /// there was nothing to add.
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
}

/// How a probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The provider is well.
    Good,
    /// It is not.
    Bad,
    /// It was given up, or says nothing about the provider.
    None,
}

impl Verdict {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::None => "none",
        }
    }
}

/// What an environment has to say, and to ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Calls that ended well.
    pub successes: Tally,
    /// Calls that failed.
    pub faults: Tally,
    /// The end of the probe with this token.
    pub probe: Option<(String, Verdict)>,
    /// How long the provider asks to be left alone.
    pub cooldown: Duration,
    /// Asks to let a probe with this token in.
    pub acquire: Option<String>,
    /// Asks for it before the opening is over: nobody else can serve. It is let in `reopen` after the opening at the earliest.
    pub is_urgent: bool,
}

/// What came of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The phase before.
    pub before: Phase,
    /// Whether the probe that was asked for was let in.
    pub is_granted: bool,
}

/// Durations of the rules in milliseconds.
pub(super) fn millis(seconds: f64) -> u64 {
    u64::try_from(
        Duration::try_from_secs_f64(seconds)
            .unwrap_or_default()
            .as_millis(),
    )
    .unwrap_or(u64::MAX)
}

fn age_of(tally: &Tally) -> u64 {
    u64::try_from(tally.age.as_millis()).unwrap_or(u64::MAX)
}

impl State {
    /// Takes a report of the environment `who` in.
    pub fn apply(&mut self, settings: &Settings, who: &str, report: &Report, now: u64) -> Applied {
        let before = self.phase;
        if self.phase == Phase::Ramp && now >= self.until {
            self.enter(Phase::Closed, "recovered", now, 0);
        }
        self.forget_old(settings, now);
        self.take_successes(settings, who, &report.successes, now);
        if let Some((token, verdict)) = &report.probe {
            self.end_probe(settings, token, *verdict, now);
        }
        self.take_faults(settings, who, &report.faults, now);
        let cooldown = u64::try_from(report.cooldown.as_millis())
            .unwrap_or(u64::MAX)
            .min(LONGEST_COOLDOWN);
        if cooldown > 0 {
            self.cooldown_until = self.cooldown_until.max(now.saturating_add(cooldown));
        }
        let token = report.acquire.as_ref();
        let is_granted =
            token.is_some_and(|token| self.let_probe_in(settings, token, report.is_urgent, now));
        Applied { before, is_granted }
    }

    /// Whether a probe may be asked for.
    pub fn wants_probe(&self, settings: &Settings, is_urgent: bool, now: u64) -> bool {
        let early = self.since.saturating_add(millis(settings.reopen));
        let is_due = match self.phase {
            Phase::Open => now >= self.until || (is_urgent && now >= early),
            Phase::HalfOpen => now >= self.probe_until,
            Phase::Closed | Phase::Ramp => false,
        };
        is_due && now >= self.cooldown_until
    }

    fn enter(&mut self, phase: Phase, reason: &str, now: u64, length: u64) {
        (self.phase, self.since, self.until) = (phase, now, now.saturating_add(length));
        reason.clone_into(&mut self.reason);
    }

    fn forget_old(&mut self, settings: &Settings, now: u64) {
        let window = millis(settings.window);
        self.slots
            .retain(|start, _| start.saturating_add(window) > now);
        self.seen.retain(|_, at| at.saturating_add(window) > now);
    }

    /// Begins a new epoch, in which nothing is known of the provider yet.
    fn begin_epoch(&mut self, now: u64) {
        self.epoch = now.max(self.epoch + 1);
        (self.consecutive, self.last_fault) = (0, 0);
        (self.probe, self.probe_until) = (String::new(), 0);
        self.slots.clear();
        self.seen.clear();
    }

    /// The slot of a moment in the window; none if it lies before it.
    fn slot(&mut self, settings: &Settings, age: u64, now: u64) -> Option<&mut Slot> {
        let window = millis(settings.window);
        let length = (window / SLOTS).max(1);
        let at = now.checked_sub(age)?;
        (age < window).then(|| self.slots.entry(at - at % length).or_default())
    }

    fn take_successes(&mut self, settings: &Settings, who: &str, tally: &Tally, now: u64) {
        let age = age_of(tally);
        let counts = matches!(self.phase, Phase::Closed | Phase::Ramp) && tally.epoch == self.epoch;
        if tally.calls == 0 || !counts {
            return;
        }
        let Some(slot) = self.slot(settings, age, now) else {
            return;
        };
        slot.0 += tally.calls;
        slot.2 += tally.slow;
        if now - age > self.last_fault {
            self.consecutive = 0;
        }
        if tally.slow > 0 {
            self.saw(settings, who, now - age);
            self.trip(settings, now);
        }
    }

    fn take_faults(&mut self, settings: &Settings, who: &str, tally: &Tally, now: u64) {
        let age = age_of(tally);
        let counts = matches!(self.phase, Phase::Closed | Phase::Ramp) && tally.epoch == self.epoch;
        if tally.calls == 0 || !counts {
            return;
        }
        let Some(slot) = self.slot(settings, age, now) else {
            return;
        };
        slot.1 += tally.calls;
        self.consecutive += tally.calls;
        self.last_fault = self.last_fault.max(now - age);
        self.saw(settings, who, now - age);
        self.trip(settings, now);
    }

    fn saw(&mut self, settings: &Settings, who: &str, at: u64) {
        if settings.quorum > 1 {
            let last = self.seen.entry(who.to_owned()).or_default();
            *last = at.max(*last);
        }
    }

    fn trip(&mut self, settings: &Settings, now: u64) {
        let total = self.slots.values().fold(Slot::default(), |sum, slot| {
            Slot(sum.0 + slot.0, sum.1 + slot.1, sum.2 + slot.2)
        });
        let calls = total.0 + total.1;
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts of a window are far below 2^52"
        )]
        let exceeds = |part: u64, rate: f64| {
            calls >= u64::from(settings.minimum_calls) && part as f64 >= rate * calls as f64
        };
        let reason = if self.consecutive >= u64::from(settings.failures) {
            "consecutive_faults"
        } else if exceeds(total.1, settings.failure_rate) {
            "failure_rate"
        } else if exceeds(total.2, settings.slow_rate) {
            "slow_calls"
        } else {
            return;
        };
        if settings.quorum > 1 && (self.seen.len() as u64) < u64::from(settings.quorum) {
            return;
        }
        self.begin_epoch(now);
        self.enter(Phase::Open, reason, now, millis(settings.open));
    }

    fn end_probe(&mut self, settings: &Settings, token: &str, verdict: Verdict, now: u64) {
        if self.phase != Phase::HalfOpen || self.probe != token {
            return; // its lease had passed to another probe, or the circuit has opened anew since
        }
        match verdict {
            Verdict::Good => {
                self.begin_epoch(now);
                self.enter(Phase::Ramp, "probe_succeeded", now, millis(settings.ramp));
            }
            Verdict::Bad => {
                self.begin_epoch(now);
                self.enter(Phase::Open, "probe_failed", now, millis(settings.reopen));
            }
            Verdict::None => self.probe_until = now,
        }
    }

    fn let_probe_in(
        &mut self,
        settings: &Settings,
        token: &str,
        is_urgent: bool,
        now: u64,
    ) -> bool {
        let is_due = self.wants_probe(settings, is_urgent, now);
        if is_due {
            let reason = std::mem::take(&mut self.reason);
            self.enter(Phase::HalfOpen, &reason, now, millis(settings.probe_lease));
            (self.probe, self.probe_until) = (token.to_owned(), self.until);
        }
        is_due
    }
}
