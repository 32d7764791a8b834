//! The right to make one call, and how it went.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Circuit;
use super::machine::{Report, Tally, Verdict};
use crate::deadline::Deadline;

/// The right to make one call. Say how it went. A permit that is dropped says that its call was cancelled: if it had been
/// silent for long, that counts as slow, and if it was a probe's, another one is let in.
#[must_use = "say how the call went, or let the permit go on purpose"]
pub struct Permit {
    circuit: Arc<Circuit>,
    epoch: u64,
    probe: Option<String>,
    granted: Instant,
    is_settled: bool,
}

impl Permit {
    pub(super) fn new(circuit: Arc<Circuit>, epoch: u64, probe: Option<String>) -> Self {
        Self {
            circuit,
            epoch,
            probe,
            granted: Instant::now(),
            is_settled: false,
        }
    }

    /// Whether the call is the one that finds out if the provider is back.
    pub fn is_probe(&self) -> bool {
        self.probe.is_some()
    }

    /// The provider has begun to answer: if the call is cancelled now, it was not slow.
    pub fn spoke(&mut self) {
        self.is_settled = true;
    }

    /// The provider answered, after this time. Costs a round trip only if it is a probe, or if faults came before it.
    pub async fn succeed(mut self, took: Duration, deadline: Deadline) {
        self.is_settled = true;
        if let Some(token) = self.probe.take() {
            self.circuit
                .exchange(ended(token, Verdict::Good), deadline)
                .await;
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
        self.is_settled = true;
        let report = if let Some(token) = self.probe.take() {
            ended(token, Verdict::Bad)
        } else {
            self.circuit.count(self.epoch, 0, 0, 1);
            Report::default()
        };
        self.circuit.exchange(report, deadline).await;
    }

    /// The provider is well, and asks to be left alone for a while, ten minutes at most: the whole fleet does so. It is no
    /// fault.
    pub async fn cool_down(mut self, wait: Duration, deadline: Deadline) {
        self.is_settled = true;
        let probe = self.probe.take().map(|token| (token, Verdict::None));
        self.circuit
            .exchange(
                Report {
                    probe,
                    cooldown: wait,
                    ..Report::default()
                },
                deadline,
            )
            .await;
    }

    /// The call says nothing of the provider's health. Costs a round trip only if it is a probe: another one is let in.
    pub async fn give_up(mut self, deadline: Deadline) {
        self.is_settled = true;
        if let Some(token) = self.probe.take() {
            self.circuit
                .exchange(ended(token, Verdict::None), deadline)
                .await;
        }
    }
}

fn ended(token: String, verdict: Verdict) -> Report {
    Report {
        probe: Some((token, verdict)),
        ..Report::default()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(token) = self.probe.take() {
            self.circuit.give_up(token);
        } else if !self.is_settled && self.granted.elapsed() >= self.circuit.settings().slow_after()
        {
            self.circuit.count(self.epoch, 1, 1, 0);
        }
    }
}

impl Circuit {
    /// A probe was given up: known here at once, to the fleet with the next report.
    fn give_up(&self, token: String) {
        let given_up = ended(token, Verdict::None);
        self.apply(&given_up);
        if self.store.valkey.is_some() {
            self.copy().pending.put_back(&given_up);
        }
    }

    /// Counts the end of a call, here and for the next report. `true` if that report should not wait: faults came before,
    /// and a success ends their row, or this is a fault.
    fn count(&self, epoch: u64, ok: u64, slow: u64, failed: u64) -> bool {
        let tally = |calls, slow| Tally {
            epoch,
            calls,
            slow,
            age: Duration::ZERO,
        };
        let report = Report {
            successes: tally(ok, slow),
            faults: tally(failed, 0),
            ..Report::default()
        };
        let Some(_) = &self.store.valkey else {
            self.apply(&report);
            return false;
        };
        let had_faults = {
            let mut copy = self.copy();
            copy.pending.put_back(&report);
            copy.state.consecutive > 0
        };
        self.take(&report);
        had_faults
    }
}
