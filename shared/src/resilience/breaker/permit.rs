//! The right to make one call, and how it went.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Circuit;
use super::machine::{Report, Tally, Verdict};
use crate::deadline::Deadline;

/// The right to make one call. Say how it went; a permit that is let go says nothing of the provider's health, and if it was
/// a probe's, lets another one in.
#[must_use = "say how the call went, or let the permit go on purpose"]
pub struct Permit {
    circuit: Arc<Circuit>,
    epoch: u64,
    probe: Option<String>,
}

impl Permit {
    pub(super) fn new(circuit: Arc<Circuit>, epoch: u64, probe: Option<String>) -> Self {
        Self { circuit, epoch, probe }
    }

    /// Whether the call is the one that finds out if the provider is back.
    pub fn is_probe(&self) -> bool {
        self.probe.is_some()
    }

    /// The provider answered, after this time. Costs a round trip only if it is a probe, or if faults came before it.
    pub async fn succeed(mut self, took: Duration, deadline: Deadline) {
        if let Some(token) = self.probe.take() {
            let good = Report { probe: Some((token, Verdict::Good)), ..Report::default() };
            self.circuit.exchange(good, deadline).await;
            return;
        }
        let slow = u64::from(took >= self.circuit.settings().slow_after());
        let is_worth_saying = self.circuit.count(self.epoch, 1, slow, 0);
        if is_worth_saying {
            self.circuit.exchange(Report::default(), deadline).await;
        }
    }

    /// The provider is not well. Written at once.
    pub async fn fail(mut self, deadline: Deadline) {
        let report = if let Some(token) = self.probe.take() {
            Report { probe: Some((token, Verdict::Bad)), ..Report::default() }
        } else {
            self.circuit.count(self.epoch, 0, 0, 1);
            Report::default()
        };
        self.circuit.exchange(report, deadline).await;
    }

    /// The provider is well, and asks to be left alone for a while: the whole fleet does so. It is no fault.
    pub async fn cool_down(mut self, wait: Duration, deadline: Deadline) {
        let probe = self.probe.take().map(|token| (token, Verdict::None));
        self.circuit.exchange(Report { probe, cooldown: wait, ..Report::default() }, deadline).await;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(token) = self.probe.take() {
            self.circuit.give_up(token);
        }
    }
}

impl Circuit {
    /// A probe was given up: known here at once, to the fleet with the next report.
    fn give_up(&self, token: String) {
        let given_up = Report { probe: Some((token.clone(), Verdict::None)), ..Report::default() };
        self.apply(&given_up);
        if self.store.valkey.is_some() {
            self.copy().pending.given_up = Some(token);
        }
    }

    /// Counts the end of a call, here and for the next report. `true` if that report should not wait: faults came before,
    /// and a success ends their row, or this is a fault.
    fn count(&self, epoch: u64, ok: u64, slow: u64, failed: u64) -> bool {
        let tally = |calls, slow| Tally { epoch, calls, slow, age: Duration::ZERO };
        let has_valkey = self.store.valkey.is_some();
        let had_faults = {
            let mut copy = self.copy();
            let had_faults = copy.state.consecutive > 0;
            if has_valkey {
                let pending = &mut copy.pending;
                let now = Some(SystemTime::now());
                if pending.successes.add(tally(ok, slow)) {
                    pending.successes_at = now;
                }
                if pending.faults.add(tally(failed, 0)) {
                    pending.faults_at = now;
                }
            }
            had_faults
        };
        self.count_here(&Report { successes: tally(ok, slow), faults: tally(failed, 0), ..Report::default() });
        has_valkey && had_faults
    }

    /// With Valkey the copy's own count matters only if Valkey is gone by the time it is sent, so it changes no phase that
    /// the fleet's state would not change: only counts are taken, unless this environment is alone.
    fn count_here(&self, report: &Report) {
        if self.store.valkey.is_none() || self.copy().read.is_none() {
            self.apply(report);
        }
    }
}
