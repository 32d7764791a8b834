//! `EMBEDDINGS.store`: a server beside the database that holds a copy of the passages' vectors.

use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::tiers::{
    WrongField, check_address, check_breaker, check_partial_timeout, check_total_timeout,
};
use super::{BreakerSettings, KeyReference};

/// Seconds until the connection stands, unless the setting says otherwise.
const DEFAULT_CONNECT_TIMEOUT: f64 = 2.0;

/// Seconds for one whole call, unless the setting says otherwise: a Chroma server takes seconds to
/// write some hundred vectors.
const DEFAULT_TOTAL_TIMEOUT: f64 = 30.0;

/// The longest name of a collection, which is followed by the model's.
const MAX_COLLECTION_CHARS: usize = 100;

/// A vector store and where it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorStoreSettings {
    /// What it speaks.
    pub kind: VectorStoreKind,
    /// What stands before `/api/v2`, such as `https://chroma.internal:8000`.
    pub base_url: Url,
    /// The store's own tenant: by default `default_tenant`.
    #[serde(default = "default_tenant")]
    pub tenant: String,
    /// The database within it: by default `default_database`.
    #[serde(default = "default_database")]
    pub database: String,
    /// How the names of collections begin, one for each model: by default `wenzhen`. Two systems on
    /// one server need two.
    #[serde(default = "default_collection")]
    pub collection: String,
    /// Where its API key is, which is sent as `x-chroma-token`; none for a server without.
    #[serde(default)]
    pub key: Option<KeyReference>,
    /// Seconds until the connection stands: by default 2.
    #[serde(default)]
    connect_timeout: Option<f64>,
    /// Seconds for one whole call: by default 30. Searches wait for one at most.
    #[serde(default = "default_total_timeout")]
    total_timeout: f64,
    /// When its circuit opens.
    #[serde(default)]
    pub breaker: BreakerSettings,
}

/// What a vector store speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VectorStoreKind {
    /// Chroma's HTTP API, version 2.
    Chroma,
}

impl VectorStoreKind {
    /// Its name, as the setting has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chroma => "chroma",
        }
    }
}

fn default_tenant() -> String {
    "default_tenant".to_owned()
}

fn default_database() -> String {
    "default_database".to_owned()
}

fn default_collection() -> String {
    "wenzhen".to_owned()
}

const fn default_total_timeout() -> f64 {
    DEFAULT_TOTAL_TIMEOUT
}

impl VectorStoreSettings {
    /// The longest wait for a connection.
    pub fn connect_timeout(&self) -> Duration {
        let seconds = self.connect_timeout.unwrap_or(DEFAULT_CONNECT_TIMEOUT);
        Duration::from_secs_f64(seconds.min(self.total_timeout))
    }

    /// The longest wait for a whole answer.
    pub fn total_timeout(&self) -> Duration {
        Duration::from_secs_f64(self.total_timeout)
    }

    pub(super) fn check(&self) -> Result<(), WrongField> {
        check_address(&self.base_url, self.key.is_some())?;
        for (field, value) in [("tenant", &self.tenant), ("database", &self.database)] {
            if value.trim().is_empty() {
                return Err(WrongField::new(field, "must not be empty"));
            }
        }
        if !is_collection_name(&self.collection) {
            let problem = "must be 1 to 100 letters, digits, dots, underscores or hyphens, and \
                           begin with a letter or a digit";
            return Err(WrongField::new("collection", problem));
        }

        check_total_timeout(self.total_timeout)?;
        check_partial_timeout("connect_timeout", self.connect_timeout, self.total_timeout)?;
        check_breaker(&self.breaker)
    }
}

fn is_collection_name(name: &str) -> bool {
    let is_fitting =
        |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    name.len() <= MAX_COLLECTION_CHARS
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(is_fitting)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(fields: &str) -> Result<VectorStoreSettings, serde_json::Error> {
        let base = r#""kind":"chroma","base_url":"http://127.0.0.1:8000""#;
        serde_json::from_str(&format!("{{{base}{fields}}}"))
    }

    #[test]
    fn a_kind_and_an_address_are_enough() {
        let settings = parse("").unwrap();
        settings.check().unwrap();
        assert_eq!(settings.collection, "wenzhen");
        assert_eq!(settings.connect_timeout(), Duration::from_secs(2));
        assert_eq!(settings.total_timeout(), Duration::from_secs(30));
    }

    #[test]
    fn a_wrong_field_is_refused_by_name() {
        let long = format!(r#","collection":"{}""#, "a".repeat(101));
        for (fields, field) in [
            (r#","tenant":" ""#, "tenant"),
            (r#","database":"""#, "database"),
            (r#","collection":"""#, "collection"),
            (r#","collection":"-a""#, "collection"),
            (r#","collection":"a/b""#, "collection"),
            (&long, "collection"),
            (r#","total_timeout":0"#, "total_timeout"),
            (r#","connect_timeout":31"#, "connect_timeout"),
            (r#","breaker":{"failures":0}"#, "breaker.failures"),
        ] {
            let wrong = parse(fields).unwrap().check().unwrap_err();
            assert_eq!(wrong.field, field, "{fields}");
        }
    }
}
