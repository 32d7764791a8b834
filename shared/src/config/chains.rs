//! The chains of `AI_CHAINS`: in which order which tiers are asked.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::{ConfigError, Tier, Tiers};

/// The chain that is there when none is configured, and must be there when some are.
pub const DEFAULT_CHAIN: &str = "default";

/// The chain that makes assessments, if there is one of this name; else [`DEFAULT_CHAIN`] does.
pub const CONSULTATION_CHAIN: &str = "consultation";

/// The tiers and the chains made of them. Every tier that a chain names exists.
#[derive(Debug, Clone, Default)]
pub struct Models {
    tiers: Tiers,
    chains: BTreeMap<String, ChainSettings>,
}

/// One chain.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainSettings {
    /// Names of tiers, in the order in which they are asked.
    pub tiers: Vec<String>,
    /// How a streamed answer is given.
    #[serde(default)]
    pub mode: StreamMode,
    /// Extra calls that hedging may make, as a share of all calls: 0 to 1, by default 0.05.
    #[serde(default = "hedge_budget")]
    pub hedge_budget: f64,
    /// Seconds for which the same request of the same tenant, with `temperature` 0, gets the same answer; never unless told
    /// otherwise. The answers are then kept in Valkey.
    #[serde(default)]
    repeat_for: Option<f64>,
}

impl ChainSettings {
    /// How long the same request gets the same answer.
    pub fn repeat_for(&self) -> Option<Duration> {
        self.repeat_for.map(Duration::from_secs_f64)
    }
}

/// How a streamed answer is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamMode {
    /// The answer is collected and checked before its first token is passed on: a tier that breaks midway is replaced
    /// without the client noticing.
    #[default]
    Whole,
    /// Tokens are passed on as they come: a tier that breaks midway ends the stream with an error event.
    Live,
}

const fn hedge_budget() -> f64 {
    0.05
}

impl Models {
    /// The tiers of `AI_TIERS` in the chains of `AI_CHAINS`, a JSON object of chains by name. Without the latter there is
    /// one chain, `default`, of all tiers in their order.
    pub fn new(tiers: Tiers, chains: Option<&str>) -> Result<Self, ConfigError> {
        let chains = match chains {
            Some(json) => parse(json, &tiers)?,
            None if tiers.iter().next().is_none() => BTreeMap::new(),
            None => {
                let names = tiers.iter().map(|tier| tier.name.clone()).collect();
                let all = ChainSettings {
                    tiers: names,
                    mode: StreamMode::Whole,
                    hedge_budget: hedge_budget(),
                    repeat_for: None,
                };
                BTreeMap::from([(DEFAULT_CHAIN.to_owned(), all)])
            }
        };
        Ok(Self { tiers, chains })
    }

    /// The tiers, in the order of their configuration.
    pub fn tiers(&self) -> &Tiers {
        &self.tiers
    }

    /// The chains by name.
    pub fn chains(&self) -> &BTreeMap<String, ChainSettings> {
        &self.chains
    }

    /// The tier called `name`.
    pub fn tier(&self, name: &str) -> Option<&Tier> {
        self.tiers.iter().find(|tier| tier.name == name)
    }
}

fn parse(json: &str, tiers: &Tiers) -> Result<BTreeMap<String, ChainSettings>, ConfigError> {
    let reader = &mut serde_json::Deserializer::from_str(json);
    let chains: BTreeMap<String, ChainSettings> = serde_path_to_error::deserialize(reader)
        .map_err(|error| {
            let place = error.path().to_string();
            let name = if place == "." || place.contains('?') {
                "AI_CHAINS".to_owned()
            } else {
                format!("AI_CHAINS.{place}")
            };
            ConfigError::new(name, error.into_inner().to_string())
        })?;
    for (name, chain) in &chains {
        check(name, chain, tiers)?;
    }
    if !chains.contains_key(DEFAULT_CHAIN) {
        return Err(ConfigError::new(
            "AI_CHAINS",
            "has no chain called `default`",
        ));
    }
    Ok(chains)
}

fn check(name: &str, chain: &ChainSettings, tiers: &Tiers) -> Result<(), ConfigError> {
    let wrong = |field: &str, problem: String| {
        Err(ConfigError::new(
            format!("AI_CHAINS.{name}{field}"),
            problem,
        ))
    };
    if !is_name(name) {
        return wrong(
            "",
            "is no name for a chain: 1 to 100 of A-Z, a-z, 0-9, `.`, `_`, `-`, `/` and `:`"
                .to_owned(),
        );
    }
    if chain.tiers.is_empty() {
        return wrong(".tiers", "must name at least one tier".to_owned());
    }
    for (index, tier) in chain.tiers.iter().enumerate() {
        if !tiers.iter().any(|known| known.name == *tier) {
            return wrong(
                &format!(".tiers[{index}]"),
                format!("names `{tier}`, which is not a tier of AI_TIERS"),
            );
        }
        if chain
            .tiers
            .iter()
            .take(index)
            .any(|earlier| earlier == tier)
        {
            return wrong(
                &format!(".tiers[{index}]"),
                format!("names `{tier}` a second time"),
            );
        }
    }
    if chain
        .repeat_for
        .is_some_and(|seconds| !(1.0..=86_400.0).contains(&seconds))
    {
        return wrong(".repeat_for", "must be from 1 to 86,400 seconds".to_owned());
    }
    if !(0.0..=1.0).contains(&chain.hedge_budget) {
        return wrong(".hedge_budget", "must be from 0 to 1".to_owned());
    }
    Ok(())
}

/// What can stand in a URL's path, in a header and in a log without care.
fn is_name(name: &str) -> bool {
    let allowed =
        |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-' | b'/' | b':');
    (1..=100).contains(&name.len()) && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiers() -> Tiers {
        let tier =
            |name: &str| format!(r#"{{"name":"{name}","base_url":"http://h/v1","model":"m"}}"#);
        Tiers::parse(&format!("[{},{}]", tier("a"), tier("b"))).unwrap()
    }

    #[test]
    fn without_a_configuration_all_tiers_are_the_default_chain() {
        let models = Models::new(tiers(), None).unwrap();
        assert_eq!(models.chains()["default"].tiers, ["a", "b"]);
        assert_eq!(models.chains()["default"].mode, StreamMode::Whole);
        assert!(
            Models::new(Tiers::default(), None)
                .unwrap()
                .chains()
                .is_empty()
        );
    }

    #[test]
    fn a_wrong_chain_is_refused_by_name() {
        let refused = |json: &str| Models::new(tiers(), Some(json)).expect_err(json).name;
        assert_eq!(
            refused(r#"{"default":{"tiers":["a","c"]}}"#),
            "AI_CHAINS.default.tiers[1]"
        );
        assert_eq!(
            refused(r#"{"default":{"tiers":["a","a"]}}"#),
            "AI_CHAINS.default.tiers[1]"
        );
        assert_eq!(
            refused(r#"{"default":{"tiers":[]}}"#),
            "AI_CHAINS.default.tiers"
        );
        assert_eq!(refused(r#"{"fast":{"tiers":["a"]}}"#), "AI_CHAINS");
        assert_eq!(
            refused(r#"{"default":{"tiers":["a"],"mode":"slow"}}"#),
            "AI_CHAINS.default.mode"
        );
        assert_eq!(
            refused(r#"{"default":{"tiers":["a"],"hedge_budget":2}}"#),
            "AI_CHAINS.default.hedge_budget"
        );
        assert_eq!(
            refused(r#"{"default":{"tiers":["a"],"repeat_for":0}}"#),
            "AI_CHAINS.default.repeat_for"
        );
        assert_eq!(
            refused(r#"{"default":{"tiers":["a"]},"a b":{"tiers":["a"]}}"#),
            "AI_CHAINS.a b"
        );
        assert_eq!(refused("[]"), "AI_CHAINS");
    }
}
