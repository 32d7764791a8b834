//! Tiers in order, within the call's deadline.
//!
//! Each tier gets an equal share of what is left of the deadline for its first token, and what it does not use goes on to those
//! after it. A tier that speaks may go on until those after it have half of their shares left, so that a long answer is not cut
//! off and the last tier still has its turn. A tier whose circuit is open is passed over. A tier may be hedged: if its first token is
//! late, the next one is asked too, within a budget of extra calls, and whoever is first has answered.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use wenzhen::ai::{Ask, Chains, ChatRequest};
//! use wenzhen::{aws::Secrets, config::{Models, Tiers}, deadline::Deadline};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! // Nobody listens there, so the chain says what went wrong, and with whom.
//! let tiers = r#"[{ "name": "primary", "base_url": "http://127.0.0.1:9/v1", "model": "m" }]"#;
//! let models = Models::new(Tiers::parse(tiers)?, None)?;
//! let secrets = Arc::new(Secrets::new(&wenzhen::aws::sdk_config().await));
//! let chains = Chains::new(&models, None, &secrets)?; // with `Some(valkey)` the circuits are the fleet's
//!
//! let request = ChatRequest::structured("Answer with JSON.", "{}", "answer", &serde_json::json!({}));
//! let ask = Ask::new(&request, Deadline::after(Duration::from_secs(5)));
//! let outcome = chains.get("default").unwrap().whole(&ask, |answer| Ok(answer.body())).await;
//! assert!(outcome.answer.is_none());
//! assert_eq!(outcome.failed[0].fault.to_string(), "connection_failed");
//! # Ok::<_, wenzhen::config::ConfigError>(())
//! # }).unwrap();
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use serde_json::Value;

use super::client::{Client, http_client};
use super::completion::Completion;
use super::fault::Fault;
use super::request::ChatRequest;
use super::tier::{Asking, Progress, Share, Started, Tier};
use crate::aws::Secrets;
use crate::config::{
    self, CONSULTATION_CHAIN, ChainSettings, ConfigError, DEFAULT_CHAIN, Models, StreamMode,
};
use crate::deadline::Deadline;
use crate::resilience::breaker::Breakers;
use crate::resilience::hedge::Budget;
use crate::valkey::Valkey;

/// Kept from the deadline for reporting how the last call went.
const RESERVE: Duration = Duration::from_millis(300);

/// All chains, with the tiers and circuits that they share.
pub struct Chains {
    chains: BTreeMap<String, Chain>,
    breakers: Arc<Breakers>,
}

/// One chain.
pub struct Chain {
    tiers: Vec<Arc<Tier>>,
    mode: StreamMode,
    repeat_for: Option<Duration>,
    budget: Budget,
    breakers: Arc<Breakers>,
}

/// What is asked of a chain.
pub struct Ask<'a> {
    request: &'a ChatRequest,
    deadline: Deadline,
    order: Option<&'a [String]>,
    passes_filter_on: bool,
    keeps_pieces: bool,
}

/// What came of it.
pub struct Outcome<T> {
    /// The answer; none when every tier failed, or there is none.
    pub answer: Option<Answer<T>>,
    /// The tiers that failed or were passed over, in the order in which they ended.
    pub failed: Vec<Failed>,
    /// Calls made, those of the answer included.
    pub attempts: u32,
    /// When a tier whose circuit is open may be asked again at the earliest.
    pub retry_in: Option<Duration>,
}

/// An answer and who gave it.
pub struct Answer<T> {
    /// What the caller made of it.
    pub value: T,
    /// The tier's name.
    pub tier: String,
    /// Whether, and why, it is not what was asked for first.
    pub degraded: Option<Degraded>,
}

/// A tier that gave no answer.
pub struct Failed {
    /// The tier's name.
    pub tier: String,
    /// Its last fault.
    pub fault: Fault,
}

/// Why an answer is degraded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Degraded {
    /// A later tier of the chain gave it.
    ServedByFallbackTier,
}

impl Degraded {
    /// As headers and answers call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServedByFallbackTier => "served_by_fallback_tier",
        }
    }
}

impl Chains {
    /// Makes the clients and the circuits of all tiers. Nothing is asked yet.
    pub fn new(
        models: &Models,
        valkey: Option<Arc<Valkey>>,
        secrets: &Arc<Secrets>,
    ) -> Result<Self, ConfigError> {
        // A probe's lease must outlast any call, or a slow tier's good probes would all come too late.
        let rules =
            |tier: &config::Tier| tier.breaker.clone().with_lease_over(tier.total_timeout());
        let circuits = models
            .tiers()
            .iter()
            .map(|tier| (tier.name.as_str(), rules(tier)));
        let breakers = Arc::new(Breakers::new(valkey, circuits));
        let mut by_connect_timeout = BTreeMap::new();
        let mut tiers = BTreeMap::new();
        for tier in models.tiers() {
            let http = match by_connect_timeout.get(&tier.connect_timeout()) {
                Some(known) => reqwest::Client::clone(known),
                None => http_client(tier.connect_timeout())?,
            };
            by_connect_timeout.insert(tier.connect_timeout(), http.clone());
            if let Some(circuit) = breakers.circuit(&tier.name) {
                let client = Client::new(tier.clone(), http, Arc::clone(secrets));
                tiers.insert(
                    tier.name.as_str(),
                    Arc::new(Tier {
                        client,
                        circuit: Arc::clone(circuit),
                    }),
                );
            }
        }
        let chain = |settings: &ChainSettings| Chain {
            tiers: settings
                .tiers
                .iter()
                .filter_map(|name| tiers.get(name.as_str()).cloned())
                .collect(),
            mode: settings.mode,
            repeat_for: settings.repeat_for(),
            budget: Budget::new(settings.hedge_budget),
            breakers: Arc::clone(&breakers),
        };
        let chains = models
            .chains()
            .iter()
            .map(|(name, settings)| (name.clone(), chain(settings)))
            .collect();
        Ok(Self { chains, breakers })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.chains.is_empty()
    }

    /// The chain of this name.
    pub fn get(&self, name: &str) -> Option<&Chain> {
        self.chains.get(name)
    }

    /// The chain that makes assessments: `consultation`, else `default`; none without any tier.
    pub fn for_consultations(&self) -> Option<&Chain> {
        self.get(CONSULTATION_CHAIN)
            .or_else(|| self.get(DEFAULT_CHAIN))
    }

    /// The circuits of all tiers.
    pub fn breakers(&self) -> &Breakers {
        &self.breakers
    }
}

impl<'a> Ask<'a> {
    /// A request, to be answered by then.
    pub const fn new(request: &'a ChatRequest, deadline: Deadline) -> Self {
        Self {
            request,
            deadline,
            order: None,
            passes_filter_on: false,
            keeps_pieces: false,
        }
    }

    /// Asks these tiers of the chain, in this order, instead of the chain's own.
    #[must_use]
    pub const fn in_order(mut self, tiers: Option<&'a [String]>) -> Self {
        self.order = tiers;
        self
    }

    /// Keeps the pieces of a whole answer's stream, to be passed on as they came.
    #[must_use]
    pub const fn keeping_pieces(mut self, keeps: bool) -> Self {
        self.keeps_pieces = keeps;
        self
    }

    /// Takes a content filter's refusal for the answer: no other tier is asked.
    #[must_use]
    pub const fn passing_filter_on(mut self) -> Self {
        self.passes_filter_on = true;
        self
    }
}

/// How a tier is asked.
trait How<T>: Sync {
    fn ask<'r>(
        &'r self,
        asking: &'r Asking<'r>,
        tier: &'r Tier,
        progress: Arc<Progress>,
        share: Share,
    ) -> BoxFuture<'r, Result<T, Fault>>;
}

/// For a whole answer that passes a check.
struct Whole<Check>(Check);

/// For the first token.
struct Start;

impl<T, Check> How<(T, Completion, Vec<Value>)> for Whole<Check>
where
    T: Send,
    Check: Fn(&Completion) -> Result<T, &'static str> + Sync,
{
    fn ask<'r>(
        &'r self,
        asking: &'r Asking<'r>,
        tier: &'r Tier,
        progress: Arc<Progress>,
        share: Share,
    ) -> BoxFuture<'r, Result<(T, Completion, Vec<Value>), Fault>> {
        Box::pin(async move { tier.whole(asking, &progress, share, &self.0).await })
    }
}

impl How<Started> for Start {
    fn ask<'r>(
        &'r self,
        asking: &'r Asking<'r>,
        tier: &'r Tier,
        progress: Arc<Progress>,
        share: Share,
    ) -> BoxFuture<'r, Result<Started, Fault>> {
        Box::pin(async move { tier.start(asking, &progress, share).await })
    }
}

/// Tiers under way: which, and what came of it.
type Running<'s, T> = FuturesUnordered<BoxFuture<'s, (&'s Tier, Result<T, Fault>)>>;

impl Chain {
    /// How it gives a streamed answer.
    pub const fn mode(&self) -> StreamMode {
        self.mode
    }

    /// What tells its answers from those of another configuration: each tier's name, address and model.
    pub(crate) fn identity(&self) -> String {
        let tier = |tier: &Arc<Tier>| {
            let settings = &tier.client.tier;
            format!("{} {} {}", settings.name, settings.base_url, settings.model)
        };
        self.tiers.iter().map(tier).collect::<Vec<_>>().join(", ")
    }

    /// How long it answers the same deterministic request with the same answer.
    pub const fn repeat_for(&self) -> Option<Duration> {
        self.repeat_for
    }

    /// Whether the chain has a tier of this name.
    pub fn has_tier(&self, name: &str) -> bool {
        self.tiers.iter().any(|tier| tier.name() == name)
    }

    /// The whole answer of the first tier whose answer passes `check`, which says with a constant what is wrong with it
    /// otherwise. With it come the pieces of its stream, if it was one and the ask keeps them.
    pub async fn whole<T: Send>(
        &self,
        ask: &Ask<'_>,
        check: impl Fn(&Completion) -> Result<T, &'static str> + Sync,
    ) -> Outcome<(T, Completion, Vec<Value>)> {
        self.ask(ask, &Whole(check)).await
    }

    /// The first tier whose first token is there. Its answer may still break.
    pub async fn live(&self, ask: &Ask<'_>) -> Outcome<Live> {
        let deadline = ask.deadline;
        let outcome = self.ask(ask, &Start).await;
        let live = |answer: Answer<Started>| {
            let pieces = if answer.value.is_whole() {
                answer.value.completion().chunks()
            } else {
                answer.value.pieces.clone()
            };
            let value = Live {
                started: answer.value,
                pieces: pieces.into(),
                deadline,
            };
            Answer {
                value,
                tier: answer.tier,
                degraded: answer.degraded,
            }
        };
        let Outcome {
            failed,
            attempts,
            retry_in,
            ..
        } = outcome;
        Outcome {
            answer: outcome.answer.map(live),
            failed,
            attempts,
            retry_in,
        }
    }

    async fn ask<T: Send>(&self, ask: &Ask<'_>, how: &impl How<T>) -> Outcome<T> {
        self.budget.earn();
        self.breakers.refresh(ask.deadline).await;
        let by_name = |name: &String| self.tiers.iter().find(|tier| tier.name() == name);
        let tiers: Vec<&Arc<Tier>> = match ask.order {
            Some(names) => names.iter().filter_map(by_name).collect(),
            None => self.tiers.iter().collect(),
        };
        let mut asking = Asking {
            request: ask.request,
            deadline: ask.deadline,
            usable: ask.deadline.less(RESERVE),
            attempts: AtomicU32::new(0),
            keeps_pieces: ask.keeps_pieces,
            is_urgent: false,
        };
        let mut failed = Vec::new();
        let mut found = self
            .race(&tiers, &asking, ask.passes_filter_on, &mut failed, how)
            .await;
        // Whom nobody was let in to, is asked all the same when nobody else could answer, as far as their circuits allow it.
        let was_shut_out = |tier: &str| {
            failed
                .iter()
                .any(|one: &Failed| one.tier == tier && matches!(one.fault, Fault::Circuit(_)))
        };
        let shut_out: Vec<_> = tiers
            .iter()
            .copied()
            .filter(|tier| was_shut_out(tier.name()))
            .collect();
        let has_last_word = ask.passes_filter_on
            && failed
                .iter()
                .any(|one| matches!(one.fault, Fault::Filtered(_)));
        if found.is_none() && !shut_out.is_empty() && !has_last_word {
            asking.is_urgent = true;
            found = self
                .race(&shut_out, &asking, ask.passes_filter_on, &mut failed, how)
                .await;
        }
        let first = tiers.first().map(|tier| tier.name());
        let answer = found.map(|(tier, value)| {
            let degraded = (Some(tier.as_str()) != first).then_some(Degraded::ServedByFallbackTier);
            Answer {
                value,
                tier,
                degraded,
            }
        });
        let retry_in = tiers
            .iter()
            .filter_map(|tier| tier.circuit.urgent_in())
            .min();
        Outcome {
            answer,
            failed,
            attempts: asking.attempts.load(Ordering::Relaxed),
            retry_in,
        }
    }

    /// Asks one tier after the other until one answers; late ones at the same time as those after them.
    async fn race<'r, T: Send + 'r>(
        &self,
        tiers: &[&'r Arc<Tier>],
        asking: &'r Asking<'r>,
        passes_filter_on: bool,
        failed: &mut Vec<Failed>,
        how: &'r impl How<T>,
    ) -> Option<(String, T)> {
        let mut waiting: VecDeque<&Tier> = tiers.iter().map(|tier| &***tier).collect();
        let mut running: Running<'r, T> = FuturesUnordered::new();
        let mut too_small = None;
        let mut hedge: Option<(Deadline, Arc<Progress>)> = None;
        loop {
            if running.is_empty() {
                hedge = begin(&mut waiting, &running, too_small, asking, how);
                if running.is_empty() {
                    return None;
                }
            }
            let ended = match hedge.take() {
                None => running.next().await,
                Some((late, progress)) => match late.run(running.next()).await {
                    Ok(ended) => {
                        hedge = Some((late, progress));
                        ended
                    }
                    Err(_elapsed) => {
                        let can_help = !progress.is_settled.load(Ordering::Relaxed)
                            && waiting.iter().any(|tier| tier.circuit.may_admit());
                        if can_help && self.budget.spend() {
                            // One that is known to refuse would use the budget up for nothing.
                            waiting.retain(|tier| tier.circuit.may_admit());
                            hedge = begin(&mut waiting, &running, too_small, asking, how);
                        }
                        continue;
                    }
                },
            };
            match ended {
                None => {}
                Some((tier, Ok(value))) => return Some((tier.name().to_owned(), value)),
                Some((tier, Err(fault))) => {
                    let is_last_word = passes_filter_on && matches!(fault, Fault::Filtered(_));
                    if matches!(fault, Fault::TooLong(_)) {
                        too_small = too_small.max(tier.client.tier.context_window);
                    }
                    // A second try replaces what was said of a tier that was not even asked at first.
                    failed.retain(|one| {
                        one.tier != tier.name() || !matches!(one.fault, Fault::Circuit(_))
                    });
                    failed.push(Failed {
                        tier: tier.name().to_owned(),
                        fault,
                    });
                    if is_last_word {
                        return None;
                    }
                    if !running.is_empty() {
                        // One of two has failed, and the other is late: the next one takes its place.
                        hedge = begin(&mut waiting, &running, too_small, asking, how);
                    }
                }
            }
        }
    }
}

/// Starts the next tier whose context is not known to be too small, with its share of the time, and says from when on it is
/// late.
fn begin<'r, T: 'r>(
    waiting: &mut VecDeque<&'r Tier>,
    running: &Running<'r, T>,
    too_small: Option<u32>,
    asking: &'r Asking<'r>,
    how: &'r impl How<T>,
) -> Option<(Deadline, Arc<Progress>)> {
    waiting.retain(|tier| {
        tier.client
            .tier
            .context_window
            .is_none_or(|window| Some(window) > too_small)
    });
    let tier = waiting.pop_front()?;
    let others = waiting
        .iter()
        .filter(|tier| tier.circuit.may_admit())
        .count();
    let others = u32::try_from(others).unwrap_or(u32::MAX - 1);
    let all = asking.usable;
    let equal = all.remaining() / (others + 1);
    let share = Share {
        first_token: all.at_most(equal),
        whole: all.less(equal / 2 * others),
    };
    let progress = Arc::new(Progress::default());
    let asked = how.ask(asking, tier, Arc::clone(&progress), share);
    running.push(Box::pin(asked.map(move |result| (tier, result))));
    let late = tier.client.tier.hedge_after()?;
    Some((Deadline::after(late), progress))
}

/// An answer whose first token is there. Dropped before its end, it is cancelled, which says nothing of the provider.
pub struct Live {
    started: Started,
    pieces: VecDeque<Value>,
    deadline: Deadline,
}

impl Live {
    /// The tier's name.
    pub fn tier(&self) -> &str {
        &self.started.tier
    }

    /// The number of tokens used, if the endpoint has said so yet.
    pub fn tokens(&self) -> Option<u64> {
        self.started.completion().tokens()
    }

    /// The next piece; `None` when the answer is whole. An error is the end: what came before is no whole answer.
    pub async fn next(&mut self) -> Result<Option<Value>, Fault> {
        if let Some(piece) = self.pieces.pop_front() {
            return Ok(Some(piece));
        }
        let next = self.started.next().await;
        if !matches!(next, Ok(Some(_))) {
            self.started
                .settle(next.as_ref().err(), self.deadline)
                .await;
        }
        next
    }
}
