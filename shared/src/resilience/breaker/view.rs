//! Circuits as monitoring sees them.

use super::circuit::Circuit;
use super::state::{CircuitState, Phase};

/// A circuit as monitoring sees it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct CircuitView {
    /// The circuit's name, which is its tier's.
    pub name: String,
    /// What it does with calls.
    pub phase: Phase,
    /// Why; empty when it has never opened.
    pub reason: String,
    /// Seconds in this phase.
    pub for_seconds: u64,
    /// Seconds until a probe may be let in, or until the ramp ends; 0 when it is closed.
    pub next_in_seconds: u64,
    /// Faults since the last success.
    pub consecutive_faults: u64,
    /// The number of tenants that are left out, since calls of several of their users fail.
    pub barred_tenants: usize,
    /// The number of users that are left out by themselves, since their own calls fail.
    pub barred_users: usize,
    /// The number of tenants of which the provider asked any user to leave it alone.
    pub throttled_tenants: usize,
    /// Seconds for which all leave the provider alone, since it asked for it; 0 if they do not.
    pub cooldown_seconds: u64,
    /// Whether any client is served, as far as is known.
    pub serves_any: bool,
    /// Calls and faults in the window.
    pub window: WindowCounts,
    /// Whether this is the fleet's state, or, without Valkey, only this environment's.
    pub is_shared: bool,
}

/// Calls of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct WindowCounts {
    /// All calls.
    pub calls: u64,
    /// Calls that failed.
    pub faults: u64,
    /// Calls that succeeded slowly.
    pub slow: u64,
}

impl Circuit {
    /// The circuit as monitoring sees it.
    pub fn view(&self) -> CircuitView {
        let snapshot = self.snapshot();
        let (state, now) = (&snapshot.state, snapshot.now());
        let total = state.window_total();

        CircuitView {
            name: self.name().to_owned(),
            phase: phase_at(state, now),
            reason: state.reason.clone(),
            for_seconds: seconds_in_phase(state, now),
            next_in_seconds: seconds_to_next_phase(state, now),
            consecutive_faults: state.consecutive(),
            barred_tenants: state.clients.barred_tenants(),
            barred_users: state.clients.barred_users(),
            throttled_tenants: state.cooldowns.tenants(now).len(),
            cooldown_seconds: seconds_until(state.cooldown_end_for_all(), now),
            serves_any: state.serves_any(now),
            window: WindowCounts {
                calls: total.calls(),
                faults: total.failures,
                slow: total.slow,
            },
            is_shared: snapshot.is_shared(),
        }
    }
}

impl CircuitState {
    /// Whether any client is known to be served, or none is known at all.
    pub(super) fn serves_any(&self, now: u64) -> bool {
        if now < self.cooldown_end_for_all() {
            return false;
        }
        let throttled = self.cooldowns.tenants(now);
        let names = self.clients.tenants.keys().map(String::as_str);
        let mut troubled = names.chain(throttled.iter().copied()).peekable();

        let is_nobody_in_trouble = troubled.peek().is_none();
        let serves_others = self.slots.total().successes > 0;
        is_nobody_in_trouble || serves_others || troubled.any(|name| self.serves_tenant(name, now))
    }

    /// Whether a tenant that had faults or cooldowns is served. One whose only known users are
    /// left out has had no success.
    fn serves_tenant(&self, name: &str, now: u64) -> bool {
        if now < self.cooldowns.end_for_tenant(name) {
            return false;
        }
        let Some(tenant) = self.clients.tenants.get(name) else {
            return true;
        };

        let serves_others = tenant.slots.total().successes > 0;
        let mut users = self.clients.users_of(name);
        let serves_any = serves_others || users.any(|(_, user)| user.bar.is_none());
        tenant.bar.is_none() && serves_any
    }
}

/// The phase now: a ramp that is over is closed, though no report has said so yet.
fn phase_at(state: &CircuitState, now: u64) -> Phase {
    if state.phase == Phase::Ramp && now >= state.until {
        Phase::Closed
    } else {
        state.phase
    }
}

fn seconds_in_phase(state: &CircuitState, now: u64) -> u64 {
    if state.since == 0 {
        0
    } else {
        now.saturating_sub(state.since) / 1_000
    }
}

fn seconds_to_next_phase(state: &CircuitState, now: u64) -> u64 {
    let end = match phase_at(state, now) {
        Phase::Closed => return 0,
        Phase::HalfOpen => state.probe_until,
        Phase::Open | Phase::Ramp => state.until,
    };
    seconds_until(end, now)
}

fn seconds_until(end: u64, now: u64) -> u64 {
    end.saturating_sub(now).div_ceil(1_000)
}
