//! Circuits for those who watch them.

use super::Circuit;
use super::machine::{self, Phase};

/// A circuit for those who watch it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct View {
    /// Its name.
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
    /// Calls and faults in the window.
    pub window: Counts,
    /// Whether this is the fleet's state, or, without Valkey, only this environment's.
    pub is_shared: bool,
}

/// Calls of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// All of them.
    pub calls: u64,
    /// Those that failed.
    pub faults: u64,
    /// Those that were slow.
    pub slow: u64,
}

impl Circuit {
    /// For those who watch it.
    pub fn view(&self) -> View {
        let copy = self.copy();
        let (state, now) = (&copy.state, copy.now());
        let is_over = state.phase == Phase::Ramp && now >= state.until;
        let phase = if is_over { Phase::Closed } else { state.phase };
        let end = if state.phase == Phase::HalfOpen {
            state.probe_until
        } else {
            state.until
        };
        let next = if phase == Phase::Closed {
            0
        } else {
            end.saturating_sub(now).div_ceil(1_000)
        };
        let sum = |part: fn(&machine::Slot) -> u64| state.slots.values().map(part).sum::<u64>();
        let since = if state.since == 0 {
            0
        } else {
            now.saturating_sub(state.since) / 1_000
        };
        View {
            name: self.name.clone(),
            phase,
            reason: state.reason.clone(),
            for_seconds: since,
            next_in_seconds: next,
            consecutive_faults: state.consecutive,
            window: Counts {
                calls: sum(|slot| slot.0 + slot.1),
                faults: sum(|slot| slot.1),
                slow: sum(|slot| slot.2),
            },
            is_shared: copy.read.is_some(),
        }
    }
}
