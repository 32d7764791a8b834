//! The right to make one call, and how the call went.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::circuit::Circuit;
use super::client::ClientCounts;
use super::state::{CircuitReport, ProbeEnd, ProbeResult, Tally};
use crate::deadline::Deadline;

/// The right to make one call. Record how it went. A permit that is dropped says that its call was
/// cancelled: if the provider had been silent for long, that counts as slow, and if the call was a
/// probe, another one is let in.
#[must_use = "record how the call went, or let the permit go on purpose"]
pub struct Permit {
    circuit: Arc<Circuit>,
    epoch: u64,
    /// Whose call it is: `TENANT/USER`; empty if that is not known.
    client: String,
    /// The token of the probe, if the call is one.
    probe: Option<String>,
    granted_at: Instant,
    /// Whether a cancellation says nothing any more.
    is_settled: bool,
}

impl Permit {
    pub(super) fn new(circuit: &Arc<Circuit>, epoch: u64, client: &str) -> Self {
        Self {
            circuit: Arc::clone(circuit),
            epoch,
            client: client.to_owned(),
            probe: None,
            granted_at: Instant::now(),
            is_settled: false,
        }
    }

    /// The same for a probe with this token.
    pub(super) fn into_probe(mut self, token: String) -> Self {
        self.probe = Some(token);
        self
    }

    /// Whether the call is the one that finds out if the provider is back.
    pub fn is_probe(&self) -> bool {
        self.probe.is_some()
    }

    /// Notes that the provider has begun to answer: if the call is cancelled now, it was not slow.
    pub fn mark_responding(&mut self) {
        self.is_settled = true;
    }

    /// Records that the provider answered, after this time. Costs a round trip only if the call is
    /// a probe, or if faults came before it.
    pub async fn record_success(mut self, took: Duration, deadline: Deadline) {
        self.is_settled = true;
        if let Some(report) = self.probe_report(ProbeResult::Succeeded) {
            self.circuit.exchange_report(report, deadline).await;
            return;
        }

        let is_slow = took >= self.circuit.settings().slow_after();
        let must_report_now = self.circuit.count_calls(&self.success_report(is_slow));

        if must_report_now {
            let report = CircuitReport::default();
            self.circuit.exchange_report(report, deadline).await;
        }
    }

    /// Records that the provider is not well. Written at once.
    pub async fn record_failure(mut self, deadline: Deadline) {
        self.is_settled = true;
        let report = if let Some(report) = self.probe_report(ProbeResult::Failed) {
            report
        } else {
            self.circuit.count_calls(&self.failure_report());
            CircuitReport::default()
        };

        self.circuit.exchange_report(report, deadline).await;
    }

    /// Records that the provider is well, and asks this client to leave it alone for a while: the
    /// whole fleet does so, for [`MAX_COOLDOWN`](super::MAX_COOLDOWN) at most. For other clients
    /// that says something once two of them were asked. It is no fault.
    pub async fn record_cooldown(mut self, wait: Duration, deadline: Deadline) {
        self.is_settled = true;
        let report = self.probe_report(ProbeResult::Abandoned);
        let report = CircuitReport {
            cooldowns: BTreeMap::from([(self.client.clone(), wait)]),
            ..report.unwrap_or_default()
        };

        self.circuit.exchange_report(report, deadline).await;
    }

    /// Gives the permit back: the call says nothing of the provider's health. Costs a round trip
    /// only if the call is a probe; another one is let in.
    pub async fn release(mut self, deadline: Deadline) {
        self.is_settled = true;
        if let Some(report) = self.probe_report(ProbeResult::Abandoned) {
            self.circuit.exchange_report(report, deadline).await;
        }
    }

    /// The end of the probe, if the call is one.
    fn probe_report(&mut self, result: ProbeResult) -> Option<CircuitReport> {
        let token = self.probe.take()?;
        Some(CircuitReport {
            probe: Some(ProbeEnd { token, result }),
            ..CircuitReport::default()
        })
    }

    fn success_report(&self, is_slow: bool) -> CircuitReport {
        CircuitReport {
            successes: self.tally_of_one(is_slow),
            clients: self.counts(ClientCounts {
                successes: 1,
                slow: u64::from(is_slow),
                faults: 0,
            }),
            ..CircuitReport::default()
        }
    }

    fn failure_report(&self) -> CircuitReport {
        CircuitReport {
            faults: self.tally_of_one(false),
            clients: self.counts(ClientCounts {
                successes: 0,
                slow: 0,
                faults: 1,
            }),
            ..CircuitReport::default()
        }
    }

    fn counts(&self, counts: ClientCounts) -> BTreeMap<String, ClientCounts> {
        let client = Some(&self.client).filter(|client| !client.is_empty());
        client
            .map(|client| (client.clone(), counts))
            .into_iter()
            .collect()
    }

    fn tally_of_one(&self, is_slow: bool) -> Tally {
        Tally {
            epoch: self.epoch,
            calls: 1,
            slow: u64::from(is_slow),
            age: Duration::ZERO,
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(token) = self.probe.take() {
            self.circuit.abandon_probe(token);
            return;
        }

        let was_slow = self.granted_at.elapsed() >= self.circuit.settings().slow_after();

        if !self.is_settled && was_slow {
            self.circuit.count_calls(&self.success_report(true));
        }
    }
}
