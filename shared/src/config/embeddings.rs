//! `EMBEDDINGS`: the model that places texts beside texts that mean the same, and its endpoints.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::plaintext::plaintext_problem;
use super::tiers::{
    WrongField, check_address, check_breaker, check_name, check_partial_timeout,
    check_total_timeout, is_plain_beyond_this_machine,
};
use super::{
    AllowedPlaintext, BreakerSettings, ConfigError, ConnectionKind, KeyReference,
    VectorStoreSettings,
};

/// The setting's name.
pub const EMBEDDINGS: &str = "EMBEDDINGS";

/// The most dimensions that an HNSW index of pgvector takes of half-precision vectors.
const MAX_DIMENSIONS: u16 = 4_000;

/// Texts of one call, unless the setting says otherwise.
const DEFAULT_BATCH_SIZE: u16 = 16;

/// The most texts of one call.
const MAX_BATCH_SIZE: u16 = 256;

/// Passages that are put in order, unless the setting says otherwise.
const DEFAULT_CANDIDATES: u16 = 20;

/// The most passages that are put in order: as many as a search looks at.
const MAX_CANDIDATES: u16 = 50;

/// Seconds until the connection stands, unless the tier sets another time.
const DEFAULT_CONNECT_TIMEOUT: f64 = 2.0;

/// Seconds for one whole call, unless the tier sets another time.
const DEFAULT_TOTAL_TIMEOUT: f64 = 10.0;

/// One embedding model with the endpoints that serve it, in the order in which they are asked. All
/// must serve the same model: vectors of different models cannot be compared.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingSettings {
    /// The model's name, which the index remembers.
    pub model: String,
    /// The numbers of one vector, 1 to 4,000.
    pub dimensions: u16,
    /// Texts of one call, 1 to 256: by default 16.
    #[serde(default = "default_batch_size")]
    pub batch_size: u16,
    /// How a question is sent.
    #[serde(default)]
    pub query: InputForm,
    /// How a passage is sent.
    #[serde(default)]
    pub passage: InputForm,
    /// Its endpoints; their names are distinct.
    pub tiers: Vec<EmbeddingTierSettings>,
    /// The model that puts what was found in order; none leaves that to the places.
    #[serde(default)]
    pub rerank: Option<RerankSettings>,
    /// A server that holds a copy of the vectors, which searches ask first; without one they ask
    /// the database alone.
    #[serde(default)]
    pub store: Option<VectorStoreSettings>,
}

/// A reranking model with its endpoints, in the order in which they are asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RerankSettings {
    /// The model's name.
    pub model: String,
    /// The passages that are put in order, 2 to 50: by default 20.
    #[serde(default = "default_candidates")]
    pub candidates: u16,
    /// Its endpoints; their names are distinct.
    pub tiers: Vec<EmbeddingTierSettings>,
}

/// How a text is sent, for models that tell questions from passages.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputForm {
    /// Stands before each text, such as `query: `.
    #[serde(default)]
    pub prefix: String,
    /// Fields of the request's body, such as `{"input_type": "query"}`.
    #[serde(default)]
    pub fields: Map<String, Value>,
}

/// One endpoint that speaks `OpenAI`'s `/embeddings`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingTierSettings {
    /// What logs and circuits call it.
    pub name: String,
    /// Up to and with the version, such as `https://api.openai.com/v1`.
    pub base_url: Url,
    /// The model's name there; by default the same.
    #[serde(default)]
    pub model: Option<String>,
    /// Where its API key is; none for an endpoint that asks for none.
    #[serde(default)]
    pub key: Option<KeyReference>,
    /// Seconds until the connection stands: by default 2.
    #[serde(default)]
    connect_timeout: Option<f64>,
    /// Seconds for one whole call: by default 10.
    #[serde(default = "default_total_timeout")]
    total_timeout: f64,
    /// When the tier's circuit opens.
    #[serde(default)]
    pub breaker: BreakerSettings,
}

const fn default_candidates() -> u16 {
    DEFAULT_CANDIDATES
}

const fn default_batch_size() -> u16 {
    DEFAULT_BATCH_SIZE
}

const fn default_total_timeout() -> f64 {
    DEFAULT_TOTAL_TIMEOUT
}

impl EmbeddingSettings {
    /// Reads a JSON object; every error names the setting.
    pub fn parse(json: &str) -> Result<Self, ConfigError> {
        let reader = &mut serde_json::Deserializer::from_str(json);
        let settings: Result<Self, _> = serde_path_to_error::deserialize(reader);
        let settings = settings.map_err(|error| {
            let path = error.path().to_string();
            let is_plain = path != "." && !path.contains('?');
            let name = if is_plain {
                setting_name(&path)
            } else {
                EMBEDDINGS.to_owned()
            };
            ConfigError::new(name, error.into_inner().to_string())
        })?;

        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong =
            |field: &str, problem: &str| Err(ConfigError::new(setting_name(field), problem));
        if self.model.trim().is_empty() {
            return wrong("model", "must not be empty");
        }
        if !(1..=MAX_DIMENSIONS).contains(&self.dimensions) {
            return wrong("dimensions", "must be 1 to 4000, as the index takes them");
        }
        if !(1..=MAX_BATCH_SIZE).contains(&self.batch_size) {
            return wrong("batch_size", "must be 1 to 256");
        }
        check_tiers("tiers", &self.tiers)?;
        if let Some(store) = &self.store {
            let checked = store.check();
            checked.map_err(|wrong| {
                let name = setting_name(&format!("store.{}", wrong.field));
                ConfigError::new(name, wrong.problem)
            })?;
        }

        let Some(rerank) = &self.rerank else {
            return Ok(());
        };
        if rerank.model.trim().is_empty() {
            return wrong("rerank.model", "must not be empty");
        }
        if !(2..=MAX_CANDIDATES).contains(&rerank.candidates) {
            return wrong("rerank.candidates", "must be 2 to 50");
        }
        check_tiers("rerank.tiers", &rerank.tiers)
    }

    /// Refuses an endpoint beyond this machine that is asked without TLS, unless that is allowed.
    pub fn check_transport(&self, allowed: &AllowedPlaintext) -> Result<(), ConfigError> {
        if allowed.allows(ConnectionKind::Models) {
            return Ok(());
        }

        let mut addresses = self.addresses().into_iter();
        match addresses.find(|(_, url)| is_plain_beyond_this_machine(url)) {
            Some((field, _)) => {
                let problem = plaintext_problem("be https", ConnectionKind::Models);
                Err(ConfigError::new(setting_name(&field), problem))
            }
            None => Ok(()),
        }
    }

    /// Every address, and the field that names it.
    fn addresses(&self) -> Vec<(String, &Url)> {
        let reranking = self.rerank.iter().map(|rerank| &rerank.tiers);
        let lists = [("tiers", &self.tiers)].into_iter();
        let lists = lists.chain(reranking.map(|tiers| ("rerank.tiers", tiers)));

        let mut addresses = Vec::new();
        for (list, tiers) in lists {
            let tiers = tiers.iter().enumerate();
            addresses.extend(
                tiers.map(|(index, tier)| (format!("{list}[{index}].base_url"), &tier.base_url)),
            );
        }
        let store = self.store.iter();
        addresses.extend(store.map(|store| ("store.base_url".to_owned(), &store.base_url)));
        addresses
    }
}

/// Refuses a list without endpoints, with one that is wrong, or with a name twice.
fn check_tiers(field: &str, tiers: &[EmbeddingTierSettings]) -> Result<(), ConfigError> {
    if tiers.is_empty() {
        let problem = "must name an endpoint at least";
        return Err(ConfigError::new(setting_name(field), problem));
    }

    for (index, tier) in tiers.iter().enumerate() {
        let in_tier = |part: &str| setting_name(&format!("{field}[{index}].{part}"));
        tier.check()
            .map_err(|wrong| ConfigError::new(in_tier(&wrong.field), wrong.problem))?;
        let mut earlier = tiers.iter().take(index);
        if earlier.any(|earlier| earlier.name == tier.name) {
            let problem = "is used by an earlier tier";
            return Err(ConfigError::new(in_tier("name"), problem));
        }
    }
    Ok(())
}

fn setting_name(field: &str) -> String {
    format!("{EMBEDDINGS}.{field}")
}

impl EmbeddingTierSettings {
    /// The longest wait for a connection.
    pub fn connect_timeout(&self) -> Duration {
        let seconds = self.connect_timeout.unwrap_or(DEFAULT_CONNECT_TIMEOUT);
        Duration::from_secs_f64(seconds.min(self.total_timeout))
    }

    /// The longest wait for a whole answer.
    pub fn total_timeout(&self) -> Duration {
        Duration::from_secs_f64(self.total_timeout)
    }

    fn check(&self) -> Result<(), WrongField> {
        check_name(&self.name)?;
        check_address(&self.base_url, self.key.is_some())?;
        check_total_timeout(self.total_timeout)?;
        check_partial_timeout("connect_timeout", self.connect_timeout, self.total_timeout)?;
        check_breaker(&self.breaker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIER: &str = r#"{"name":"a","base_url":"http://127.0.0.1:1/v1"}"#;

    fn parse_with(fields: &str) -> Result<EmbeddingSettings, ConfigError> {
        EmbeddingSettings::parse(&format!(r#"{{"model":"m",{fields}}}"#))
    }

    #[test]
    fn a_reranking_model_is_checked_as_well() {
        let rerank = |fields: &str| {
            let rerank = format!(r#""rerank":{{"model":"r",{fields}}}"#);
            parse_with(&format!(r#""dimensions":3,"tiers":[{TIER}],{rerank}"#))
        };
        let read = rerank(&format!(r#""tiers":[{TIER}]"#)).unwrap();
        assert_eq!(read.rerank.unwrap().candidates, DEFAULT_CANDIDATES);

        for (fields, named) in [
            (r#""tiers":[]"#.to_owned(), "rerank.tiers"),
            (
                format!(r#""tiers":[{TIER},{TIER}]"#),
                "rerank.tiers[1].name",
            ),
            (
                format!(r#""candidates":1,"tiers":[{TIER}]"#),
                "rerank.candidates",
            ),
            (
                format!(r#""candidates":51,"tiers":[{TIER}]"#),
                "rerank.candidates",
            ),
        ] {
            let error = rerank(&fields).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }

        let far = r#"{"name":"a","base_url":"http://example.com/v1"}"#;
        let read = rerank(&format!(r#""tiers":[{far}]"#)).unwrap();
        let refused = read.check_transport(&AllowedPlaintext::default());
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("rerank.tiers[0].base_url"), "{error}");
    }

    #[test]
    fn a_vector_store_is_checked_as_well() {
        let with_store = |store: &str| {
            parse_with(&format!(
                r#""dimensions":3,"tiers":[{TIER}],"store":{{"kind":"chroma",{store}}}"#
            ))
        };
        let wrong = with_store(r#""base_url":"ftp://h""#).unwrap_err();
        assert_eq!(wrong.name, "EMBEDDINGS.store.base_url");
        let unknown = with_store(r#""base_url":"http://h","port":1"#).unwrap_err();
        assert!(unknown.name.starts_with("EMBEDDINGS.store"), "{unknown}");

        let far = with_store(r#""base_url":"http://chroma.internal:8000""#).unwrap();
        let refused = far.check_transport(&AllowedPlaintext::default());
        assert_eq!(refused.unwrap_err().name, "EMBEDDINGS.store.base_url");
    }

    #[test]
    fn a_model_its_dimensions_and_an_endpoint_are_enough() {
        let settings = parse_with(&format!(r#""dimensions":384,"tiers":[{TIER}]"#)).unwrap();

        assert_eq!(settings.batch_size, 16);
        assert_eq!(settings.tiers[0].connect_timeout(), Duration::from_secs(2));
        assert_eq!(settings.tiers[0].total_timeout(), Duration::from_secs(10));
    }

    #[test]
    fn a_wrong_setting_is_refused_by_name() {
        let cases = [
            (r#""dimensions":0,"tiers":[]"#, "EMBEDDINGS.dimensions"),
            (r#""dimensions":4001,"tiers":[]"#, "EMBEDDINGS.dimensions"),
            (r#""dimensions":3,"tiers":[]"#, "EMBEDDINGS.tiers"),
            (
                r#""dimensions":3,"batch_size":0,"tiers":[]"#,
                "EMBEDDINGS.batch_size",
            ),
            (
                r#""dimensions":3,"tiers":[{"name":"","base_url":"http://h/v1"}]"#,
                "EMBEDDINGS.tiers[0].name",
            ),
            (
                r#""dimensions":3,"tiers":[{"name":"a","base_url":"http://h","key":"env:K"}]"#,
                "EMBEDDINGS.tiers[0].base_url",
            ),
        ];
        for (fields, name) in cases {
            assert_eq!(parse_with(fields).unwrap_err().name, name, "{fields}");
        }

        let twice = format!(r#""dimensions":3,"tiers":[{TIER},{TIER}]"#);
        assert_eq!(
            parse_with(&twice).unwrap_err().name,
            "EMBEDDINGS.tiers[1].name"
        );
    }

    #[test]
    fn an_endpoint_beyond_this_machine_needs_tls_or_leave() {
        let tier = r#"{"name":"a","base_url":"http://gpu.internal/v1"}"#;
        let settings = parse_with(&format!(r#""dimensions":3,"tiers":[{tier}]"#)).unwrap();

        let none = AllowedPlaintext::default();
        assert!(settings.check_transport(&none).is_err());
        settings
            .check_transport(&none.with(ConnectionKind::Models))
            .unwrap();
    }
}
