//! Tiers in order, within the call's deadline.
//!
//! Each tier gets an equal share of the time that is left for its first token, and the part that it
//! does not use goes on to those after it. A tier that speaks may go on until those after it have
//! half of their shares left, so that a long answer is not cut off and the last tier still has its
//! turn. A tier whose circuit is open is passed over. A tier may be hedged: if its first token is
//! late, the next one is asked too, within a budget of extra calls, and the first one of them has
//! answered.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use wenzhen::ai::{ChainRequest, Chains, ChatRequest};
//! use wenzhen::{aws::Secrets, config::{Models, Tiers}, deadline::Deadline};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! // No server listens there, so the chain says which tier failed, and how.
//! let tiers = r#"[{ "name": "primary", "base_url": "http://127.0.0.1:9/v1", "model": "m" }]"#;
//! let models = Models::new(Tiers::parse(tiers)?, None)?;
//! let secrets = Arc::new(Secrets::new(&wenzhen::aws::sdk_config().await));
//! // With `Some(valkey)` the circuits are the fleet's.
//! let chains = Chains::new(&models, None, &secrets)?;
//! let chain = chains.get("default").unwrap();
//!
//! let schema = serde_json::json!({});
//! let chat = ChatRequest::structured("Answer with JSON.", "{}", "answer", &schema);
//! let request = ChainRequest::new(&chat, Deadline::after(Duration::from_secs(5)));
//! let outcome = chain.complete(&request, |completion| Ok(completion.body())).await;
//! assert!(outcome.answer.is_none());
//! assert_eq!(outcome.failures[0].fault.to_string(), "connection_failed");
//! # Ok::<_, wenzhen::config::ConfigError>(())
//! # }).unwrap();
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::attempt::ChainRequest;
use super::completion::Completion;
use super::fault::{Fault, InvalidAnswer};
use super::live_stream::LiveStream;
use super::outcome::{Answer, ChainOutcome, Degraded, TierFailure};
use super::race::{Race, Winner};
use super::request::ChatRequest;
use super::request_error::RequestError;
use super::tier::{CheckedCompletion, Tier};
use super::tools::Toolbox;
use crate::config::StreamMode;
use crate::resilience::breaker::Breakers;
use crate::resilience::hedge::HedgeBudget;

/// One chain.
pub struct Chain {
    pub(super) tiers: Vec<Arc<Tier>>,
    pub(super) mode: StreamMode,
    pub(super) cache_ttl: Option<Duration>,
    pub(super) hedge_budget: HedgeBudget,
    pub(super) breakers: Arc<Breakers>,
}

impl Chain {
    /// Whether one of its models can be shown pictures.
    pub fn sees(&self) -> bool {
        let mut tiers = self.tiers.iter();
        tiers.any(|tier| tier.client.settings.vision)
    }

    /// How it gives a streamed answer.
    pub const fn mode(&self) -> StreamMode {
        self.mode
    }

    /// The text that tells its answers from those of another configuration: each tier's name,
    /// address and model.
    pub(crate) fn cache_identity(&self) -> String {
        let identities = self.tiers.iter().map(|tier| {
            let settings = &tier.client.settings;
            format!("{} {} {}", settings.name, settings.base_url, settings.model)
        });
        identities.collect::<Vec<_>>().join(", ")
    }

    /// How long it answers the same deterministic request with the same answer.
    pub const fn cache_ttl(&self) -> Option<Duration> {
        self.cache_ttl
    }

    /// Whether the chain has a tier of this name.
    pub fn has_tier(&self, name: &str) -> bool {
        self.find_tier(name).is_some()
    }

    fn find_tier(&self, name: &str) -> Option<&Tier> {
        let mut tiers = self.tiers.iter().map(|tier| &**tier);
        tiers.find(|tier| tier.name() == name)
    }

    /// Whether one of the tiers that the request may be sent to is sent all that it asks for.
    pub fn check_demands(
        &self,
        chat: &ChatRequest,
        tier_order: Option<&[String]>,
    ) -> Result<(), RequestError> {
        let tiers = self.tiers.iter().filter(|tier| {
            tier_order.is_none_or(|names| names.iter().any(|name| name == tier.name()))
        });

        let settings: Vec<_> = tiers.map(|tier| &tier.client.settings).collect();
        chat.demands().first_unmet(&settings).map_or(Ok(()), Err)
    }

    /// The complete answer of the first tier whose answer passes `check`, which says what is wrong
    /// with it otherwise.
    pub async fn complete<T: Send>(
        &self,
        request: &ChainRequest<'_>,
        check: impl Fn(&Completion) -> Result<T, InvalidAnswer> + Sync,
    ) -> ChainOutcome<CheckedCompletion<T>> {
        let attempts = AtomicU32::new(0);
        let race = Race {
            request,
            ask_tier: &|tier, context| Box::pin(tier.complete(context, &|_| {}, &check)),
            attempts: &attempts,
            hedge_budget: &self.hedge_budget,
        };

        self.first_answer(&race).await
    }

    /// The answer of the first tier whose answer the toolbox accepts. A tier that calls tools is
    /// asked in steps, any other one once.
    pub async fn converse<T: Toolbox>(
        &self,
        request: &ChainRequest<'_>,
        toolbox: &T,
    ) -> ChainOutcome<CheckedCompletion<T::Answer>> {
        let attempts = AtomicU32::new(0);
        let race = Race {
            request,
            ask_tier: &|tier, context| Box::pin(tier.converse(context, toolbox)),
            attempts: &attempts,
            hedge_budget: &self.hedge_budget,
        };

        self.first_answer(&race).await
    }

    /// The answer of the first tier whose first token is there. It may still break; a
    /// [`super::ResumedStream`] is then continued by another tier.
    pub async fn start_stream(&self, request: &ChainRequest<'_>) -> ChainOutcome<LiveStream> {
        let attempts = AtomicU32::new(0);
        let race = Race {
            request,
            ask_tier: &|tier, context| Box::pin(tier.start_stream(context)),
            attempts: &attempts,
            hedge_budget: &self.hedge_budget,
        };

        let outcome = self.first_answer(&race).await;

        outcome.map(|response| LiveStream::new(response, request.deadline))
    }

    async fn first_answer<'r, T: Send>(&'r self, race: &Race<'r, T>) -> ChainOutcome<T> {
        self.hedge_budget.deposit();
        self.breakers.refresh(race.request.deadline).await;

        let tiers = self.ordered_tiers(race.request);
        let mut failures = Vec::new();
        let mut winner = race.run(&tiers, false, &mut failures).await;

        // Tiers that their circuits kept from being asked are asked all the same when no other
        // could answer, as far as their circuits allow it.
        if winner.is_none() && !has_last_word(race.request, &failures) {
            let refused = refused_by_circuits(&tiers, &failures);
            winner = race.run(&refused, true, &mut failures).await;
        }

        let first = tiers.first().map(|tier| tier.name());

        let retry_in = tiers
            .iter()
            .filter_map(|tier| tier.circuit.urgent_admission_in(&race.request.client))
            .min();
        ChainOutcome {
            answer: winner.map(|winner| answer_of(winner, first)),
            failures,
            attempts: race.attempts.load(Ordering::Relaxed),
            wasted_tokens: race.request.ledger.tokens(),
            retry_in,
        }
    }

    /// The names of the tiers that a request may be sent to, in order.
    pub(super) fn tier_names(&self, request: &ChainRequest<'_>) -> Vec<String> {
        let tiers = self.ordered_tiers(request);
        tiers.iter().map(|tier| tier.name().to_owned()).collect()
    }

    fn ordered_tiers(&self, request: &ChainRequest<'_>) -> Vec<&Tier> {
        match request.tier_order {
            Some(names) => names
                .iter()
                .filter_map(|name| self.find_tier(name))
                .collect(),
            None => self.tiers.iter().map(|tier| &**tier).collect(),
        }
    }
}

/// Whether a content filter's refusal is the answer.
fn has_last_word(request: &ChainRequest<'_>, failures: &[TierFailure]) -> bool {
    let is_filtered = |failure: &TierFailure| matches!(failure.fault, Fault::ContentFiltered(_));
    request.stops_at_content_filter && failures.iter().any(is_filtered)
}

fn refused_by_circuits<'r>(tiers: &[&'r Tier], failures: &[TierFailure]) -> Vec<&'r Tier> {
    let is_refused = |tier: &&&Tier| {
        failures.iter().any(|failure| {
            failure.tier == tier.name() && matches!(failure.fault, Fault::CircuitRefused(_))
        })
    };
    tiers.iter().filter(is_refused).copied().collect()
}

fn answer_of<T>(winner: Winner<'_, T>, first: Option<&str>) -> Answer<T> {
    let tier = winner.tier.name();
    let is_fallback = Some(tier) != first;

    Answer {
        content: winner.content,
        tier: tier.to_owned(),
        degraded: is_fallback.then_some(Degraded::ServedByFallbackTier),
    }
}
