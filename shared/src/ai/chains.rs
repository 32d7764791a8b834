//! All chains, with the tiers and circuits that they share.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chain::Chain;
use super::client::{TierClient, new_http_client};
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

impl Chains {
    /// Makes the clients and the circuits of all tiers. Nothing is asked yet.
    pub fn new(
        models: &Models,
        valkey: Option<Arc<Valkey>>,
        secrets: &Arc<Secrets>,
    ) -> Result<Self, ConfigError> {
        let breakers = Arc::new(new_breakers(models, valkey));
        let tiers = new_tiers(models, &breakers, secrets)?;

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

fn new_breakers(models: &Models, valkey: Option<Arc<Valkey>>) -> Breakers {
    let circuits = models.tiers().iter().map(|tier| {
        // A probe's lease must outlast any call, or a slow tier's good probes would all come too
        // late.
        let settings = tier.breaker.clone().with_lease_over(tier.total_timeout());
        (tier.name.as_str(), settings)
    });
    Breakers::new(valkey, circuits)
}

fn new_tiers<'a>(
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
            None => new_http_client(connect_timeout)?,
        };
        clients_by_timeout.insert(connect_timeout, http.clone());

        if let Some(circuit) = breakers.circuit(&settings.name) {
            let tier = Tier {
                client: TierClient::new(settings.clone(), http, Arc::clone(secrets)),
                circuit: Arc::clone(circuit),
            };
            tiers.insert(settings.name.as_str(), Arc::new(tier));
        }
    }

    Ok(tiers)
}
