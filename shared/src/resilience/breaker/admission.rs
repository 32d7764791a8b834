//! Whether a call may be made now.

use std::sync::Arc;
use std::time::Duration;

use super::circuit::Circuit;
use super::client::to_millis;
use super::permit::Permit;
use super::snapshot::SNAPSHOT_TTL;
use super::state::{CircuitReport, CircuitState, Phase, ProbeRequest};
use crate::config::BreakerSettings;
use crate::deadline::Deadline;

/// The share of calls with which a ramp begins.
const INITIAL_RAMP_SHARE: f64 = 0.1;

/// Whether a call may be made.
pub enum Admission {
    /// It may; record with the permit how it went.
    Granted(Permit),
    /// It must not.
    Refused(Refusal),
}

/// Why a call must not be made, and when to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Why it must not be made.
    pub reason: RefusalReason,
    /// When another answer can be expected at the earliest.
    pub retry_in: Duration,
}

/// Why a call must not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalReason {
    /// The circuit is open.
    Open,
    /// A probe is under way.
    Probing,
    /// The provider is back, and this call is not in its share yet.
    Ramping,
    /// The provider asked to be left alone.
    CoolingDown,
}

/// What a state means for the next call.
pub(super) enum AdmissionDecision {
    /// It may be made, in this epoch.
    Admit {
        /// The circuit's epoch.
        epoch: u64,
    },
    /// It must not be made.
    Refuse(Refusal),
    /// It may be made as a probe, if the fleet lets one in.
    RequestProbe,
}

impl Circuit {
    /// Whether a call of this client may be made now. The client is named `TENANT/USER`, by hashes,
    /// and is empty if it is not known. Costs a round trip if the copy is old, or if a probe is
    /// asked for.
    pub async fn admit(self: &Arc<Self>, client: &str, deadline: Deadline) -> Admission {
        if !self.is_fresh() {
            let report = CircuitReport::default();
            self.exchange_report(report, deadline).await;
        }

        match self.decide_now(client) {
            AdmissionDecision::Admit { epoch } => {
                Admission::Granted(Permit::new(self, epoch, client))
            }
            AdmissionDecision::Refuse(refusal) => Admission::Refused(refusal),
            AdmissionDecision::RequestProbe => self.request_probe(client, false, deadline).await,
        }
    }

    /// Whether a call may be made when no other tier can serve: a provider on its way back is
    /// better than no answer at all. A ramp lets the call in beyond its share, and an opening lets
    /// a probe in before its time, once in each `reopen`.
    pub async fn admit_urgently(self: &Arc<Self>, client: &str, deadline: Deadline) -> Admission {
        let (state, now) = {
            let snapshot = self.snapshot();
            (snapshot.state.clone(), snapshot.now())
        };

        if state.wants_probe(self.settings(), client, true, now) {
            return self.request_probe(client, true, deadline).await;
        }
        let is_ramp = state.phase == Phase::Ramp && now >= state.cooldown_end(client);
        if is_ramp && state.bar_of(client).is_none() {
            return Admission::Granted(Permit::new(self, state.epoch, client));
        }
        self.admit(client, deadline).await
    }

    /// When an urgent call of this client could be let in; none if any could.
    pub fn urgent_admission_in(&self, client: &str) -> Option<Duration> {
        let snapshot = self.snapshot();
        let (state, now) = (&snapshot.state, snapshot.now());

        let at = match state.phase {
            Phase::Open => {
                let reopen = to_millis(self.settings().reopen);
                state.until.min(state.since.saturating_add(reopen))
            }
            Phase::HalfOpen => state.probe_until,
            Phase::Closed | Phase::Ramp => {
                let bar = state.bar_of(client)?;
                bar.trial_at(self.settings(), client, true)
            }
        };
        let wait = at.max(state.cooldown_end(client)).saturating_sub(now);

        Some(Duration::from_millis(wait))
    }

    /// Whether a call of this client could be let in now, as far as is known without asking.
    pub fn may_admit(&self, client: &str) -> bool {
        let AdmissionDecision::Refuse(refusal) = self.decide_now(client) else {
            return true;
        };

        let is_shut = matches!(refusal.reason, RefusalReason::Open | RefusalReason::Probing);
        !is_shut
    }

    async fn request_probe(
        self: &Arc<Self>,
        client: &str,
        is_urgent: bool,
        deadline: Deadline,
    ) -> Admission {
        let token = uuid::Uuid::new_v4().simple().to_string();
        let report = CircuitReport {
            probe_request: Some(ProbeRequest {
                token: token.clone(),
                client: client.to_owned(),
            }),
            is_urgent,
            ..CircuitReport::default()
        };
        if self.exchange_report(report, deadline).await {
            let (epoch, is_probe) = {
                let state = &self.snapshot().state;
                (state.epoch, state.holds_probe(&token, client))
            };
            let permit = Permit::new(self, epoch, client);
            // A call that finds out about a cooldown counts as any other.
            return Admission::Granted(if is_probe {
                permit.into_probe(token)
            } else {
                permit
            });
        }

        // Another environment was faster: its probe is under way, or has ended already.
        match self.decide_now(client) {
            AdmissionDecision::Admit { epoch } => {
                Admission::Granted(Permit::new(self, epoch, client))
            }
            AdmissionDecision::Refuse(refusal) => Admission::Refused(refusal),
            AdmissionDecision::RequestProbe => Admission::Refused(Refusal {
                reason: RefusalReason::Probing,
                retry_in: SNAPSHOT_TTL,
            }),
        }
    }

    fn decide_now(&self, client: &str) -> AdmissionDecision {
        let snapshot = self.snapshot();
        let (state, now) = (&snapshot.state, snapshot.now());
        decide(state, self.settings(), client, now, fastrand::f64())
    }
}

/// What a state means for the next call of a client. `draw` is a random number from 0 to 1.
pub(super) fn decide(
    state: &CircuitState,
    settings: &BreakerSettings,
    client: &str,
    now: u64,
    draw: f64,
) -> AdmissionDecision {
    let refuse = |reason, until: u64| {
        let retry_in = Duration::from_millis(until.saturating_sub(now));
        AdmissionDecision::Refuse(Refusal { reason, retry_in })
    };

    if state.wants_probe(settings, client, false, now) {
        return AdmissionDecision::RequestProbe;
    }
    let cooldown_end = state.cooldown_end(client);
    if now < cooldown_end {
        return refuse(RefusalReason::CoolingDown, cooldown_end);
    }
    if let Some(bar) = state.bar_of(client) {
        let reason = if bar.trial.is_empty() {
            RefusalReason::Open
        } else {
            RefusalReason::Probing
        };
        return refuse(reason, bar.trial_at(settings, client, false));
    }

    match state.phase {
        Phase::Ramp if now < state.until && draw >= ramp_share(state, settings, now) => {
            refuse(RefusalReason::Ramping, state.until)
        }
        Phase::Closed | Phase::Ramp => AdmissionDecision::Admit { epoch: state.epoch },
        Phase::Open => refuse(RefusalReason::Open, state.until),
        Phase::HalfOpen => refuse(RefusalReason::Probing, state.probe_until),
    }
}

/// The share of the calls that is let in at a moment of a ramp.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of a ramp are far below 2^52"
)]
fn ramp_share(state: &CircuitState, settings: &BreakerSettings, now: u64) -> f64 {
    let elapsed = now.saturating_sub(state.since) as f64;
    let length = to_millis(settings.ramp).max(1) as f64;
    (1.0 - INITIAL_RAMP_SHARE).mul_add(elapsed / length, INITIAL_RAMP_SHARE)
}
