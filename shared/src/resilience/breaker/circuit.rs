//! One circuit as an environment sees it: its copy of the state, and how reports reach the fleet.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::script::{self, ScriptAnswer, StateRequest};
use super::snapshot::Snapshot;
use super::state::{CircuitReport, NewBars, Phase, ProbeEnd, ProbeResult, Tally};
use crate::config::BreakerSettings;
use crate::deadline::Deadline;
use crate::telemetry::metrics;
use crate::valkey::{Valkey, ValkeyError};

/// Where the circuits are, and which environment reports.
pub(super) struct CircuitStore {
    pub(super) valkey: Option<Arc<Valkey>>,
    pub(super) environment: String,
}

/// One circuit, as this environment sees it.
pub struct Circuit {
    name: String,
    key: String,
    settings: BreakerSettings,
    store: Arc<CircuitStore>,
    snapshot: Mutex<Snapshot>,
}

impl Circuit {
    pub(super) fn new(name: &str, settings: BreakerSettings, store: Arc<CircuitStore>) -> Self {
        let prefix = match &store.valkey {
            Some(valkey) => valkey.prefix(),
            None => "local",
        };
        let key = format!("{prefix}:circuit2:{{{name}}}");

        Self {
            name: name.to_owned(),
            key,
            settings,
            store,
            snapshot: Mutex::default(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its rules.
    pub fn settings(&self) -> &BreakerSettings {
        &self.settings
    }

    pub(super) fn snapshot(&self) -> MutexGuard<'_, Snapshot> {
        self.snapshot.lock()
    }

    /// Whether the copy may be decided on. Without Valkey it is the state itself.
    pub(super) fn is_fresh(&self) -> bool {
        self.store.valkey.is_none() || self.snapshot().is_fresh()
    }

    /// Sends a report, takes over the state, and returns whether the probe that was asked for was
    /// let in.
    pub(super) async fn exchange_report(&self, report: CircuitReport, deadline: Deadline) -> bool {
        let Some(valkey) = &self.store.valkey else {
            return self.apply_and_announce(&report);
        };

        let unsent = self.unsent_report(report.clone());

        match valkey.run(unsent.state_request(), deadline).await {
            Ok(answer) => self.adopt_answer(&unsent.mark_sent(), answer),
            Err(error) => {
                drop(unsent);
                self.continue_locally(&report, &error)
            }
        }
    }

    /// A report, with all that was waiting to be sent.
    pub(super) fn unsent_report(&self, mut report: CircuitReport) -> UnsentReport<'_> {
        self.snapshot().pending.take_into(&mut report);
        UnsentReport {
            circuit: self,
            report,
            is_sent: false,
        }
    }

    pub(super) fn adopt_answer(
        &self,
        report: &CircuitReport,
        answer: Option<ScriptAnswer>,
    ) -> bool {
        let Some(answer) = answer else {
            let message = "the circuit's script answered something else";
            tracing::error!(circuit = self.name, "{message}");
            // The calls were counted here when they ended.
            return self.apply_and_announce(&CircuitReport {
                successes: Tally::default(),
                faults: Tally::default(),
                ..report.clone()
            });
        };

        let change = PhaseChange {
            before: answer.previous_phase,
            after: answer.state.phase,
            reason: answer.state.reason.clone(),
            scope: "fleet",
        };
        let is_probe_granted = answer.is_probe_granted;
        let new_bars = answer.new_bars;
        self.snapshot().replace(answer);
        self.announce_change(&change);
        self.announce_bars(new_bars, change.scope);

        is_probe_granted
    }

    /// Valkey is gone: goes on by the same rules, alone. The calls that were counted wait for its
    /// return; here they were counted when they ended.
    pub(super) fn continue_locally(&self, report: &CircuitReport, error: &ValkeyError) -> bool {
        if matches!(error, ValkeyError::DeadlinePassed) {
            return false; // our own time is over, which says nothing of Valkey
        }
        if !matches!(error, ValkeyError::BackingOff) {
            metrics::count("BreakerAlone", &[("circuit", &self.name)]);
        }

        self.snapshot().disconnect();

        self.apply_and_announce(report)
    }

    /// Takes in a report, here, and announces a change of the phase.
    fn apply_and_announce(&self, report: &CircuitReport) -> bool {
        let is_probe_granted = self.apply_report(report);

        let (change, new_bars) = {
            let mut snapshot = self.snapshot();
            let after = snapshot.state.phase;
            let change = PhaseChange {
                before: std::mem::replace(&mut snapshot.announced_phase, after),
                after,
                reason: snapshot.state.reason.clone(),
                scope: "environment",
            };
            (change, std::mem::take(&mut snapshot.unannounced_bars))
        };
        self.announce_change(&change);
        self.announce_bars(new_bars, change.scope);

        is_probe_granted
    }

    /// Takes in a report, here. The fleet's state replaces what comes of it with the next answer.
    fn apply_report(&self, report: &CircuitReport) -> bool {
        let mut snapshot = self.snapshot();
        let is_alone = self.store.valkey.is_none() || !snapshot.is_shared();
        // Alone, no other environment could make up a quorum.
        let quorum = if is_alone { 1 } else { self.settings.quorum };
        let settings = BreakerSettings {
            quorum,
            ..self.settings.clone()
        };

        let now = snapshot.now();
        let environment = &self.store.environment;
        let applied = snapshot.state.apply(&settings, environment, report, now);
        snapshot.unannounced_bars.add(applied.new_bars);

        applied.is_probe_granted
    }

    /// The environment that changes the phase announces it, so the fleet announces it once.
    fn announce_change(&self, change: &PhaseChange) {
        if change.before == change.after {
            return;
        }
        let (from, to) = (change.before.as_str(), change.after.as_str());
        let (circuit, reason, scope) = (&self.name, &change.reason, change.scope);
        metrics::count("CircuitChanged", &[("circuit", circuit), ("to", to)]);

        if change.after == Phase::Open {
            tracing::error!(circuit, from, to, reason, scope, "a circuit changed");
        } else {
            tracing::warn!(circuit, from, to, reason, scope, "a circuit changed");
        }
    }

    /// Announces, once in the fleet as well, that users or tenants are left out.
    fn announce_bars(&self, new_bars: NewBars, scope: &str) {
        let NewBars { users, tenants } = new_bars;
        for (kind, count) in [("user", users), ("tenant", tenants)] {
            if count > 0 {
                let circuit = &self.name;
                metrics::count("ClientBarred", &[("circuit", circuit), ("kind", kind)]);
                let message = "a circuit leaves clients out";
                tracing::warn!(circuit, kind, count, scope, "{message}");
            }
        }
    }

    /// Gives a probe up: known here at once, to the fleet with the next report.
    pub(super) fn abandon_probe(&self, token: String) {
        let report = CircuitReport {
            probe: Some(ProbeEnd {
                token,
                result: ProbeResult::Abandoned,
            }),
            ..CircuitReport::default()
        };

        self.apply_and_announce(&report);

        if self.store.valkey.is_some() {
            self.snapshot().pending.merge(&report);
        }
    }

    /// Counts the end of calls, here and for the next report. `true` if that report should not
    /// wait: faults or cooldowns came before, of which a success says that they are over, or not
    /// for all; or this is a fault.
    pub(super) fn count_calls(&self, report: &CircuitReport) -> bool {
        if self.store.valkey.is_none() {
            self.apply_and_announce(report);
            return false;
        }

        let is_news = {
            let mut snapshot = self.snapshot();
            snapshot.pending.merge(report);
            let state = &snapshot.state;
            state.consecutive() > 0 || state.cooldowns.may_concern_others()
        };
        self.apply_report(report);

        is_news
    }
}

/// A change of a circuit's phase.
struct PhaseChange {
    before: Phase,
    after: Phase,
    reason: String,
    /// Whether the fleet's circuit changed or, without Valkey, only this environment's.
    scope: &'static str,
}

/// A report on its way. If it does not arrive, because Valkey is gone or because the call that
/// sends it is cancelled, it waits for the next one. So it may be sent twice, but is not lost.
pub(super) struct UnsentReport<'a> {
    circuit: &'a Circuit,
    report: CircuitReport,
    is_sent: bool,
}

impl<'a> UnsentReport<'a> {
    pub(super) const fn circuit(&self) -> &'a Circuit {
        self.circuit
    }

    pub(super) fn state_request(&self) -> StateRequest {
        let circuit = self.circuit;
        let environment = &circuit.store.environment;
        let arguments = script::arguments(&circuit.settings, environment, &self.report);
        StateRequest::new(&circuit.key, arguments)
    }

    pub(super) fn mark_sent(mut self) -> CircuitReport {
        self.is_sent = true;
        std::mem::take(&mut self.report)
    }
}

impl Drop for UnsentReport<'_> {
    fn drop(&mut self) {
        if !self.is_sent {
            self.circuit.snapshot().pending.merge(&self.report);
        }
    }
}
