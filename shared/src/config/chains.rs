//! The chains of `AI_CHAINS`: in which order which tiers are asked.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::unique_map::UniqueMap;
use super::{ConfigError, TierSettings, Tiers};

/// The chain that is there when none is configured, and must be there when some are.
pub const DEFAULT_CHAIN: &str = "default";

/// The chain that makes assessments, if there is one of this name; else [`DEFAULT_CHAIN`] does.
pub const CONSULTATION_CHAIN: &str = "consultation";

/// Extra calls that hedging may make, as a share of all calls, unless the chain sets another share.
const DEFAULT_HEDGE_BUDGET: f64 = 0.05;

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
    #[serde(default = "default_hedge_budget")]
    pub hedge_budget: f64,
    /// Seconds for which the same request of the same tenant, with `temperature` 0, gets the same
    /// answer; by default it gets a new one each time. The answers are then kept in Valkey.
    #[serde(default)]
    cache_ttl: Option<f64>,
    /// The old name of `cache_ttl`. It is read, with a warning, and then empty.
    #[serde(default)]
    repeat_for: Option<f64>,
}

impl ChainSettings {
    fn of_all(tiers: &Tiers) -> Self {
        Self {
            tiers: tiers.iter().map(|tier| tier.name.clone()).collect(),
            mode: StreamMode::Complete,
            hedge_budget: DEFAULT_HEDGE_BUDGET,
            cache_ttl: None,
            repeat_for: None,
        }
    }

    /// How long the same request gets the same answer.
    pub fn cache_ttl(&self) -> Option<Duration> {
        self.cache_ttl.map(Duration::from_secs_f64)
    }
}

/// How a streamed answer is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum StreamMode {
    /// `whole`: the answer is collected and checked before its first token is passed on. A tier
    /// that breaks midway is replaced without the client noticing.
    #[default]
    #[serde(rename = "whole")]
    Complete,
    /// `live`: tokens are passed on as they come. A tier that breaks midway ends the stream with an
    /// error event.
    #[serde(rename = "live")]
    Streamed,
    /// `resume`: tokens are passed on as they come. A tier that breaks midway is continued by
    /// another one, with the seam declared.
    #[serde(rename = "resume")]
    Resumed,
}

const fn default_hedge_budget() -> f64 {
    DEFAULT_HEDGE_BUDGET
}

impl Models {
    /// The tiers of `AI_TIERS` in the chains of `AI_CHAINS`, a JSON object of chains by name.
    /// Without the latter there is one chain, `default`, of all tiers in their order.
    pub fn new(tiers: Tiers, chains: Option<&str>) -> Result<Self, ConfigError> {
        let has_tiers = tiers.iter().next().is_some();
        let chains = match chains {
            Some(json) => parse_chains(json, &tiers)?,
            None if has_tiers => {
                let name = DEFAULT_CHAIN.to_owned();
                BTreeMap::from([(name, ChainSettings::of_all(&tiers))])
            }
            None => BTreeMap::new(),
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
    pub fn tier(&self, name: &str) -> Option<&TierSettings> {
        self.tiers.iter().find(|tier| tier.name == name)
    }
}

fn parse_chains(json: &str, tiers: &Tiers) -> Result<BTreeMap<String, ChainSettings>, ConfigError> {
    let reader = &mut serde_json::Deserializer::from_str(json);
    let chains: Result<UniqueMap<ChainSettings>, _> = serde_path_to_error::deserialize(reader);
    let UniqueMap(mut chains) = chains.map_err(|error| {
        let path = error.path().to_string();
        let name = if path == "." || path.contains('?') {
            "AI_CHAINS".to_owned()
        } else {
            format!("AI_CHAINS.{path}")
        };
        ConfigError::new(name, error.into_inner().to_string())
    })?;

    for (name, chain) in &mut chains {
        check_chain(name, chain, tiers)?;
        adopt_old_name(name, chain)?;
    }
    if !chains.contains_key(DEFAULT_CHAIN) {
        let problem = "has no chain called `default`";
        return Err(ConfigError::new("AI_CHAINS", problem));
    }

    Ok(chains)
}

fn wrong_field(chain: &str, field: &str, problem: impl Into<String>) -> ConfigError {
    ConfigError::new(format!("AI_CHAINS.{chain}.{field}"), problem)
}

fn check_chain(name: &str, chain: &ChainSettings, tiers: &Tiers) -> Result<(), ConfigError> {
    if !is_chain_name(name) {
        let allowed = "1 to 100 of A-Z, a-z, 0-9, `.`, `_`, `-`, `/` and `:`";
        let problem = format!("is no name for a chain: {allowed}");
        return Err(ConfigError::new(format!("AI_CHAINS.{name}"), problem));
    }
    check_tier_names(name, chain, tiers)?;

    let times = [
        ("cache_ttl", chain.cache_ttl),
        ("repeat_for", chain.repeat_for),
    ];
    for (field, seconds) in times {
        if seconds.is_some_and(|seconds| !(1.0..=86_400.0).contains(&seconds)) {
            let problem = "must be from 1 to 86,400 seconds";
            return Err(wrong_field(name, field, problem));
        }
    }

    if !(0.0..=1.0).contains(&chain.hedge_budget) {
        return Err(wrong_field(name, "hedge_budget", "must be from 0 to 1"));
    }

    Ok(())
}

fn check_tier_names(name: &str, chain: &ChainSettings, tiers: &Tiers) -> Result<(), ConfigError> {
    if chain.tiers.is_empty() {
        return Err(wrong_field(name, "tiers", "must name at least one tier"));
    }

    for (index, tier) in chain.tiers.iter().enumerate() {
        let field = format!("tiers[{index}]");
        if !tiers.iter().any(|known| known.name == *tier) {
            let problem = format!("names `{tier}`, which is not a tier of AI_TIERS");
            return Err(wrong_field(name, &field, problem));
        }

        let mut earlier = chain.tiers.iter().take(index);
        if earlier.any(|earlier| earlier == tier) {
            let problem = format!("names `{tier}` a second time");
            return Err(wrong_field(name, &field, problem));
        }
    }

    Ok(())
}

/// Reads `repeat_for` as `cache_ttl`, with a warning.
fn adopt_old_name(name: &str, chain: &mut ChainSettings) -> Result<(), ConfigError> {
    let Some(seconds) = chain.repeat_for.take() else {
        return Ok(());
    };
    if chain.cache_ttl.is_some() {
        let problem = "is the old name of `cache_ttl`, which is set too: leave it out";
        return Err(wrong_field(name, "repeat_for", problem));
    }

    chain.cache_ttl = Some(seconds);
    let (setting, use_instead) = (format!("AI_CHAINS.{name}.repeat_for"), "cache_ttl");
    tracing::warn!(setting, use_instead, "a setting has a new name");

    Ok(())
}

/// Whether it can stand in a URL's path, in a header and in a log as it is.
fn is_chain_name(name: &str) -> bool {
    let is_punctuation = |c: u8| matches!(c, b'.' | b'_' | b'-' | b'/' | b':');
    let is_allowed = |c: u8| c.is_ascii_alphanumeric() || is_punctuation(c);
    (1..=100).contains(&name.len()) && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiers() -> Tiers {
        let tier =
            |name: &str| format!(r#"{{"name":"{name}","base_url":"http://h/v1","model":"m"}}"#);
        Tiers::parse(&format!("[{},{}]", tier("a"), tier("b"))).unwrap()
    }

    /// The setting that is refused in a chain `default` with these fields besides its tiers.
    fn refused_with(fields: &str) -> String {
        refused(&format!(r#"{{"default":{{"tiers":["a"],{fields}}}}}"#))
    }

    fn refused(json: &str) -> String {
        Models::new(tiers(), Some(json)).expect_err(json).name
    }

    #[test]
    fn without_a_configuration_all_tiers_are_the_default_chain() {
        let models = Models::new(tiers(), None).unwrap();
        assert_eq!(models.chains()["default"].tiers, ["a", "b"]);
        assert_eq!(models.chains()["default"].mode, StreamMode::Complete);

        let no_models = Models::new(Tiers::default(), None).unwrap();
        assert!(no_models.chains().is_empty());
    }

    #[test]
    fn a_wrong_chain_is_refused_by_name() {
        let unknown = r#"{"default":{"tiers":["a","c"]}}"#;
        assert_eq!(refused(unknown), "AI_CHAINS.default.tiers[1]");
        let twice = r#"{"default":{"tiers":["a","a"]}}"#;
        assert_eq!(refused(twice), "AI_CHAINS.default.tiers[1]");
        let empty = r#"{"default":{"tiers":[]}}"#;
        assert_eq!(refused(empty), "AI_CHAINS.default.tiers");
        let no_default = r#"{"fast":{"tiers":["a"]}}"#;
        assert_eq!(refused(no_default), "AI_CHAINS");
        let bad_name = r#"{"default":{"tiers":["a"]},"a b":{"tiers":["a"]}}"#;
        assert_eq!(refused(bad_name), "AI_CHAINS.a b");
        let same_name = r#"{"default":{"tiers":["a"]},"default":{"tiers":["b"]}}"#;
        assert_eq!(refused(same_name), "AI_CHAINS");
        assert_eq!(refused("[]"), "AI_CHAINS");
    }

    #[test]
    fn a_wrong_field_of_a_chain_is_refused_by_name() {
        let name = refused_with(r#""mode":"slow""#);
        assert_eq!(name, "AI_CHAINS.default.mode");
        let name = refused_with(r#""hedge_budget":2"#);
        assert_eq!(name, "AI_CHAINS.default.hedge_budget");
        let name = refused_with(r#""cache_ttl":0"#);
        assert_eq!(name, "AI_CHAINS.default.cache_ttl");
        let name = refused_with(r#""repeat_for":0"#);
        assert_eq!(name, "AI_CHAINS.default.repeat_for");
    }

    #[test]
    fn the_modes_keep_their_public_names() {
        let mode = |name: &str| {
            let json = format!(r#"{{"default":{{"tiers":["a"],"mode":"{name}"}}}}"#);
            Models::new(tiers(), Some(&json)).unwrap().chains()["default"].mode
        };
        assert_eq!(mode("whole"), StreamMode::Complete);
        assert_eq!(mode("live"), StreamMode::Streamed);
        assert_eq!(mode("resume"), StreamMode::Resumed);
    }

    #[test]
    fn the_old_name_of_cache_ttl_is_still_read() {
        let cache_ttl = |field: &str| {
            let json = format!(r#"{{"default":{{"tiers":["a"],{field}}}}}"#);
            let models = Models::new(tiers(), Some(&json)).unwrap();
            models.chains()["default"].cache_ttl()
        };
        let minute = Some(Duration::from_mins(1));
        assert_eq!(cache_ttl(r#""cache_ttl":60"#), minute);
        assert_eq!(cache_ttl(r#""repeat_for":60"#), minute);
        assert_eq!(cache_ttl(r#""mode":"whole""#), None);

        let name = refused_with(r#""cache_ttl":60,"repeat_for":60"#);
        assert_eq!(name, "AI_CHAINS.default.repeat_for");
    }
}
