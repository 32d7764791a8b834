//! All chains, with the tiers and circuits that they share.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chain::Chain;
use super::client::TierClient;
use super::endpoint::new_http_client;
use super::tier::Tier;
use crate::aws::Secrets;
use crate::config::{CONSULTATION_CHAIN, ChainSettings, ConfigError, DEFAULT_CHAIN, Models};
use crate::resilience::breaker::Breakers;
use crate::resilience::hedge::HedgeBudget;
use crate::valkey::Valkey;

/// All chains, with the tiers and circuits that they share.
pub struct Chains {
    chains: BTreeMap<String, Arc<Chain>>,
    breakers: Arc<Breakers>,
}

/// The tiers by their names.
type TiersByName<'a> = BTreeMap<&'a str, Arc<Tier>>;

/// What tiers are asked for. Each purpose has circuits of its own: a chat's requests are shaped by
/// clients, and what they do to a tier must not keep a consultation from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Assessments of consultations, by prompts of ours.
    Consultations,
    /// Chat completions, by prompts of clients.
    Chat,
}

impl Purpose {
    /// The name of a tier's circuit. No tier's name has a space.
    fn circuit_name(self, tier: &str) -> String {
        match self {
            Self::Consultations => tier.to_owned(),
            Self::Chat => format!("{tier} (chat)"),
        }
    }
}

impl Chains {
    /// Makes the clients of all tiers, and their circuits for consultations. Nothing is asked yet.
    pub fn new(
        models: &Models,
        valkey: Option<Arc<Valkey>>,
        secrets: &Arc<Secrets>,
    ) -> Result<Self, ConfigError> {
        Self::for_purpose(Purpose::Consultations, models, valkey, secrets)
    }

    /// The same for chat completions.
    pub fn for_chat(
        models: &Models,
        valkey: Option<Arc<Valkey>>,
        secrets: &Arc<Secrets>,
    ) -> Result<Self, ConfigError> {
        Self::for_purpose(Purpose::Chat, models, valkey, secrets)
    }

    fn for_purpose(
        purpose: Purpose,
        models: &Models,
        valkey: Option<Arc<Valkey>>,
        secrets: &Arc<Secrets>,
    ) -> Result<Self, ConfigError> {
        let breakers = Arc::new(circuits(models, valkey, &[purpose]));
        let tiers = new_tiers(purpose, models, &breakers, secrets)?;

        let new_chain = |settings: &ChainSettings| {
            let tiers = settings
                .tiers
                .iter()
                .filter_map(|name| tiers.get(name.as_str()).cloned());
            Chain {
                tiers: tiers.collect(),
                mode: settings.mode,
                cache_ttl: settings.cache_ttl(),
                hedge_budget: HedgeBudget::new(settings.hedge_budget),
                breakers: Arc::clone(&breakers),
            }
        };

        let chains = models
            .chains()
            .iter()
            .map(|(name, settings)| (name.clone(), Arc::new(new_chain(settings))))
            .collect();
        Ok(Self { chains, breakers })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.chains.is_empty()
    }

    /// The chain of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Chain>> {
        self.chains.get(name)
    }

    /// The chain that makes assessments: `consultation`, else `default`; none without any tier.
    pub fn for_consultations(&self) -> Option<&Chain> {
        let consultation = self.get(CONSULTATION_CHAIN);
        let chain = consultation.or_else(|| self.get(DEFAULT_CHAIN))?;
        Some(chain)
    }

    /// The circuits of all tiers.
    pub fn breakers(&self) -> &Breakers {
        &self.breakers
    }
}

/// The circuits of all tiers for these purposes.
pub fn circuits(models: &Models, valkey: Option<Arc<Valkey>>, purposes: &[Purpose]) -> Breakers {
    let mut circuits = Vec::new();
    for tier in models.tiers() {
        // A probe's lease must outlast any call, or a slow tier's good probes would all come too
        // late.
        let settings = tier.breaker.clone().with_lease_over(tier.total_timeout());
        for purpose in purposes {
            circuits.push((purpose.circuit_name(&tier.name), settings.clone()));
        }
    }

    let circuits = circuits.iter();
    let circuits = circuits.map(|(name, settings)| (name.as_str(), settings.clone()));
    Breakers::new(valkey, circuits)
}

fn new_tiers<'a>(
    purpose: Purpose,
    models: &'a Models,
    breakers: &Breakers,
    secrets: &Arc<Secrets>,
) -> Result<TiersByName<'a>, ConfigError> {
    let mut clients_by_timeout = BTreeMap::new();
    let mut tiers = TiersByName::new();

    for settings in models.tiers() {
        let connect_timeout = settings.connect_timeout();
        let http = match clients_by_timeout.get(&connect_timeout) {
            Some(known) => reqwest::Client::clone(known),
            None => new_http_client("AI_TIERS", connect_timeout)?,
        };
        clients_by_timeout.insert(connect_timeout, http.clone());

        if let Some(circuit) = breakers.circuit(&purpose.circuit_name(&settings.name)) {
            let tier = Tier {
                client: TierClient::new(settings.clone(), http, Arc::clone(secrets)),
                circuit: Arc::clone(circuit),
            };
            tiers.insert(settings.name.as_str(), Arc::new(tier));
        }
    }

    Ok(tiers)
}
