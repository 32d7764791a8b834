//! The limiter of a route: it decides the route's limits, and settles the real cost of a call.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use super::client::{Client, Subject};
use super::decision::{Decision, DecisionMode, LimitStatus};
use super::limit::Limit;
use super::local::LocalLimiter;
use super::rate::{LimitCheck, Rate, Verdict};
use super::refusals::RecentRefusals;
use super::script::DecideRequest;
use super::settlement::{MAX_COST, OwedSettlement, Settlement, time_shift};
use crate::config::{Algorithm, ConfigError, FailureMode, LimitSettings};
use crate::deadline::Deadline;
use crate::telemetry::metrics;
use crate::valkey::{Answers, Batch, Ticket, Valkey};

/// Settlements that are kept for the next call.
const MAX_OWED: usize = 1_000;

/// The limits of a route.
pub struct Limiter {
    valkey: Option<Arc<Valkey>>,
    prefix: String,
    limits: Vec<Limit>,
    local: Mutex<LocalLimiter>,
    refusals: RecentRefusals,
    /// Settlements that could not wait for an answer; they go out with the next question.
    owed: Mutex<Vec<OwedSettlement>>,
}

/// The cost of a call for one limit, where it is not 1.
#[derive(Debug, Clone, Copy)]
pub struct LimitCost<'a> {
    /// The limit's name.
    pub limit: &'a str,
    /// Calls or tokens; at most 1,000,000,000.
    pub cost: u64,
}

/// One limit that applies to a call.
struct AppliedLimit<'a> {
    limit: &'a Limit,
    check: LimitCheck,
}

/// A decision that may wait for Valkey's answer.
#[must_use = "the call must not be made before it is decided"]
pub struct PendingDecision<'a> {
    limiter: &'a Limiter,
    state: PendingState<'a>,
}

enum PendingState<'a> {
    /// Valkey is not asked.
    Decided(Decision),
    /// Valkey is asked about these limits.
    Asked {
        applied: Vec<AppliedLimit<'a>>,
        ticket: Ticket<DecideRequest>,
    },
}

impl PendingDecision<'_> {
    /// Whether Valkey is asked. It is not if no limit applies, if the client was refused a moment
    /// ago, or if there is no Valkey.
    pub const fn is_asked(&self) -> bool {
        matches!(self.state, PendingState::Asked { .. })
    }

    /// Whether the call is refused without asking: its client was a moment ago, or a limit does not
    /// do without Valkey.
    pub fn is_refused(&self) -> bool {
        match &self.state {
            PendingState::Decided(decision) => decision.refusal().is_some(),
            PendingState::Asked { .. } => false,
        }
    }

    /// The decision by the batch's answers. Without an answer each limit fails as it says.
    pub fn finish(self, answers: &mut Answers) -> Decision {
        let Self { limiter, state } = self;
        match state {
            PendingState::Decided(decision) => decision,
            PendingState::Asked { applied, ticket } => {
                let verdicts = answers.take(ticket);
                match verdicts.filter(|verdicts| verdicts.len() == applied.len()) {
                    Some(verdicts) => limiter.decide_by_verdicts(&applied, &verdicts),
                    None => limiter.decide_without_valkey(&applied),
                }
            }
        }
    }
}

impl Limiter {
    /// The declared limits with the operator's changes.
    pub fn new(
        valkey: Option<Arc<Valkey>>,
        limits: &[Limit],
        settings: &LimitSettings,
    ) -> Result<Self, ConfigError> {
        let limits = limits.iter().map(|limit| limit.with_settings(settings));
        let limits = limits.filter_map(Result::transpose);
        let prefix = valkey.as_ref().map_or("local", |valkey| valkey.prefix());

        Ok(Self {
            prefix: prefix.to_owned(),
            limits: limits.collect::<Result<_, _>>()?,
            valkey,
            local: Mutex::default(),
            refusals: RecentRefusals::default(),
            owed: Mutex::default(),
        })
    }

    /// Whether its counts can be the fleet's: Valkey is configured.
    pub const fn is_shared(&self) -> bool {
        self.valkey.is_some()
    }

    /// The names of its limits.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.limits.iter().map(|limit| limit.name)
    }

    /// Decides whether a call may be made, and charges it if so. A limit that `costs` does not name
    /// is charged 1. One round trip; none if the client was refused before and its time has not
    /// come.
    pub async fn decide(
        &self,
        client: Client<'_>,
        costs: &[LimitCost<'_>],
        deadline: Deadline,
    ) -> Decision {
        let mut batch = Batch::default();
        let pending = self.prepare(client, costs, &mut batch);

        let mut answers = match &self.valkey {
            Some(valkey) => batch.run(valkey, deadline).await.unwrap_or_default(),
            None => Answers::default(),
        };
        pending.finish(&mut answers)
    }

    /// The same in two steps: adds the question for Valkey, if there is one, to a batch.
    pub fn prepare(
        &self,
        client: Client<'_>,
        costs: &[LimitCost<'_>],
        batch: &mut Batch,
    ) -> PendingDecision<'_> {
        let applied = self.applied_limits(client, costs);
        let state = if applied.is_empty() {
            PendingState::Decided(Decision::unlimited())
        } else if let Some(refusal) = self.recent_refusal(&applied) {
            PendingState::Decided(refusal)
        } else if self.valkey.is_none() {
            PendingState::Decided(self.decide_without_valkey(&applied))
        } else {
            self.add_owed(batch);
            let checks = applied.iter().map(|one| one.check.clone()).collect();
            let ticket = batch.add(DecideRequest { checks });
            PendingState::Asked { applied, ticket }
        };

        PendingDecision {
            limiter: self,
            state,
        }
    }

    fn applied_limits(&self, client: Client<'_>, costs: &[LimitCost<'_>]) -> Vec<AppliedLimit<'_>> {
        let cost_of = |name| {
            let listed = costs.iter().find(|cost| cost.limit == name);
            listed.map_or(1, |listed| listed.cost.min(MAX_COST))
        };

        let applied = self.limits.iter().filter_map(|limit| {
            let check = LimitCheck {
                key: self.key(limit, client)?,
                rate: limit.rate,
                cost: cost_of(limit.name),
            };
            Some(AppliedLimit { limit, check })
        });
        applied.collect()
    }

    /// The key under which a limit counts the client's calls; `None` if it does not apply to it.
    fn key(&self, limit: &Limit, client: Client<'_>) -> Option<String> {
        let subject = Subject::of_client(client, limit.scope)?.key();
        let (prefix, name) = (&self.prefix, limit.name);
        // The algorithms keep different things, so a key is one algorithm's.
        let algorithm = match limit.rate.algorithm {
            Algorithm::SlidingWindow => "w",
            Algorithm::TokenBucket { .. } => "t",
        };

        // One hash tag: all keys of a request are in one slot of a cluster, since one script
        // decides them.
        Some(format!("{prefix}:{{limits}}:{name}:{algorithm}:{subject}"))
    }

    /// The refusal of a client whose time has not come.
    fn recent_refusal(&self, applied: &[AppliedLimit<'_>]) -> Option<Decision> {
        let status = applied.iter().find_map(|one| {
            let wait = self.refusals.find(&one.check)?;
            Some(LimitStatus::refused(one.limit, wait))
        })?;

        Some(Decision::new(vec![status], DecisionMode::Shared))
    }

    fn decide_by_verdicts(&self, applied: &[AppliedLimit<'_>], verdicts: &[Verdict]) -> Decision {
        let mut statuses = Vec::with_capacity(applied.len());
        for (one, verdict) in applied.iter().zip(verdicts) {
            if !verdict.is_admitted {
                self.record_refusal(one, verdict);
            }
            statuses.push(LimitStatus::new(one.limit, verdict));
        }

        Decision::new(statuses, DecisionMode::Shared)
    }

    fn record_refusal(&self, applied: &AppliedLimit<'_>, verdict: &Verdict) {
        let AppliedLimit { limit, check } = applied;
        metrics::count("LimitRefused", &[("limit", limit.name)]);

        if let (Some(wait), false) = (verdict.wait, limit.is_settled) {
            self.refusals.remember(check, Duration::from_micros(wait));
        }
    }

    /// Each limit fails as its failure mode says; the strictest one names the decision.
    fn decide_without_valkey(&self, applied: &[AppliedLimit<'_>]) -> Decision {
        let is_closed = |one: &&AppliedLimit<'_>| one.limit.failure_mode == FailureMode::Closed;
        let closed: Vec<_> = applied.iter().filter(is_closed).collect();
        let counted = applied.iter().filter_map(|one| {
            let rate = self.local_rate(one.limit)?;
            Some((one, rate))
        });
        let counted: Vec<_> = counted.collect();

        let mode = if !closed.is_empty() {
            DecisionMode::Closed
        } else if !counted.is_empty() {
            DecisionMode::Local
        } else {
            DecisionMode::Open
        };
        metrics::count("LimiterAlone", &[("mode", mode.as_str())]);

        let statuses = if mode == DecisionMode::Closed {
            let statuses = closed.iter().map(|one| LimitStatus::closed(one.limit));
            statuses.collect()
        } else {
            self.decide_locally(&counted)
        };
        Decision::new(statuses, mode)
    }

    /// The rate against which this environment counts by itself; `None` if it does not.
    ///
    /// A fleet that has lost its counts is large, so one environment has a part of a limit. Where
    /// no Valkey is configured there never were other counts, and the fleet may be one environment:
    /// a part would refuse for good what the limit allows. There a limit has all of its rate.
    fn local_rate(&self, limit: &Limit) -> Option<Rate> {
        match (limit.failure_mode, &self.valkey) {
            (FailureMode::Closed, _) | (FailureMode::Open, Some(_)) => None,
            (FailureMode::Local, Some(_)) => Some(limit.rate.local_share()),
            (FailureMode::Local | FailureMode::Open, None) => Some(limit.rate),
        }
    }

    /// By this environment's own counts, each against its rate here.
    fn decide_locally(&self, counted: &[(&AppliedLimit<'_>, Rate)]) -> Vec<LimitStatus> {
        let checks = counted.iter().map(|(one, rate)| LimitCheck {
            rate: *rate,
            ..one.check.clone()
        });
        let checks: Vec<_> = checks.collect();

        let verdicts = self.local.lock().decide(&checks, now_micros());
        let pairs = counted.iter().zip(&verdicts);
        let statuses = pairs.map(|((one, _), verdict)| LimitStatus::new(one.limit, verdict));
        statuses.collect()
    }

    /// Replaces the estimated charge of a call by its real cost. A lower cost gives back, but no
    /// more than has not come back by itself since. Only buckets are settled: a window keeps the
    /// calls that it let in.
    pub async fn settle(&self, settlement: Settlement<'_>, deadline: Deadline) {
        let name = settlement.limit;
        let owed = self.settle_locally(settlement);
        let Some(request) = owed.and_then(OwedSettlement::into_request) else {
            return;
        };

        if let Some(valkey) = &self.valkey
            && let Err(error) = valkey.run(request, deadline).await
        {
            let limit = name;
            tracing::warn!(limit, %error, "the real cost of a call is not charged");
        }
    }

    /// The same where nothing can be awaited: Valkey hears of it with the environment's next call.
    pub fn settle_later(&self, settlement: Settlement<'_>) {
        let Some(settlement) = self.settle_locally(settlement) else {
            return;
        };

        let mut owed = self.owed.lock();
        if owed.len() < MAX_OWED {
            owed.push(settlement);
        }
    }

    /// Adds what could not be settled before to a batch; no answer is waited for.
    fn add_owed(&self, batch: &mut Batch) {
        let owed = std::mem::take(&mut *self.owed.lock());
        for request in owed.into_iter().filter_map(OwedSettlement::into_request) {
            let _unneeded = batch.add(request);
        }
    }

    /// Settles a charge that this environment counts; what Valkey is to be told of a shared one.
    fn settle_locally(&self, settlement: Settlement<'_>) -> Option<OwedSettlement> {
        let Settlement { charge, cost, .. } = settlement;
        let mut limits = self.limits.iter();
        let limit = limits.find(|limit| limit.name == settlement.limit)?;
        let key = self.key(limit, settlement.client)?;
        if limit.rate.algorithm == Algorithm::SlidingWindow {
            return None;
        }

        match charge.mode {
            DecisionMode::Shared => Some(OwedSettlement {
                key,
                rate: limit.rate,
                charge,
                cost,
            }),
            DecisionMode::Local => {
                let rate = self.local_rate(limit)?;
                let shift = time_shift(&rate, charge, cost);
                self.local.lock().settle(&key, &rate, shift, now_micros());
                None
            }
            DecisionMode::Open | DecisionMode::Closed => None,
        }
    }
}

/// Microseconds since 1970.
fn now_micros() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(now.unwrap_or_default().as_micros()).unwrap_or(u64::MAX)
}
