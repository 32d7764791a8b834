//! The tiers of `AI_TIERS`: OpenAI-compatible endpoints in the order in which they are asked.

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::{BreakerSettings, ConfigError};

/// The tiers, in order; their names are distinct.
#[derive(Debug, Clone, Default)]
pub struct Tiers(Vec<Tier>);

/// One OpenAI-compatible endpoint and model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// What logs and answers call it.
    pub name: String,
    /// Up to and with the version, such as `https://api.openai.com/v1`.
    pub base_url: Url,
    /// The model's name there.
    pub model: String,
    /// Where its API key is; none for an endpoint that asks for none.
    #[serde(default)]
    pub key: Option<KeyReference>,
    /// How the endpoint is made to answer with JSON.
    #[serde(default)]
    pub structured_output: StructuredOutput,
    /// Seconds until the connection stands: 5 unless told otherwise.
    #[serde(default)]
    connect_timeout: Option<f64>,
    /// Seconds until the first token of an answer: 10 unless told otherwise.
    #[serde(default)]
    first_token_timeout: Option<f64>,
    /// The longest pause between two tokens, in seconds: 10 unless told otherwise.
    #[serde(default)]
    idle_timeout: Option<f64>,
    /// Seconds for one whole call: 20 unless told otherwise.
    #[serde(default = "total_seconds")]
    total_timeout: f64,
    /// Seconds without a first token after which the next tier is asked too; never unless told otherwise.
    #[serde(default)]
    hedge_after: Option<f64>,
    /// Whether the endpoint is asked for a stream, by which a silent or stalled model is noticed at once: yes unless told
    /// otherwise.
    #[serde(default = "yes")]
    pub stream: bool,
    /// Tokens that the model's context holds, if that is to be considered when a request was too long for another tier.
    #[serde(default)]
    pub context_window: Option<u32>,
    /// When the tier's circuit opens.
    #[serde(default)]
    pub breaker: BreakerSettings,
}

/// Where a secret is, so that no setting holds one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum KeyReference {
    /// `env:NAME`: an environment variable.
    Env(String),
    /// `secret:NAME-OR-ARN`: a secret string in AWS Secrets Manager.
    Secret(String),
}

/// How an endpoint is made to answer with JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StructuredOutput {
    /// `response_format` of type `json_schema`.
    #[default]
    JsonSchema,
    /// `response_format` of type `json_object`; the prompt describes the shape.
    JsonObject,
    /// No `response_format`; the prompt alone asks for JSON.
    Prompt,
}

const fn total_seconds() -> f64 {
    20.0
}

const fn yes() -> bool {
    true
}

impl Tier {
    /// The longest wait for a connection.
    pub fn connect_timeout(&self) -> Duration {
        self.within_total(self.connect_timeout, 5.0)
    }

    /// The longest wait for the first token.
    pub fn first_token_timeout(&self) -> Duration {
        self.within_total(self.first_token_timeout, 10.0)
    }

    /// The longest pause between two tokens.
    pub fn idle_timeout(&self) -> Duration {
        self.within_total(self.idle_timeout, 10.0)
    }

    /// The longest wait for a whole answer.
    pub fn total_timeout(&self) -> Duration {
        Duration::from_secs_f64(self.total_timeout)
    }

    /// How long the tier may be silent before the next one is asked too.
    pub fn hedge_after(&self) -> Option<Duration> {
        self.hedge_after.map(Duration::from_secs_f64)
    }

    /// A default that is longer than the whole call means the whole call.
    fn within_total(&self, seconds: Option<f64>, default: f64) -> Duration {
        Duration::from_secs_f64(seconds.unwrap_or(default).min(self.total_timeout))
    }

    fn check(&self, index: usize) -> Result<(), ConfigError> {
        let wrong = |field: &str, problem: &str| {
            Err(ConfigError::new(
                format!("AI_TIERS[{index}].{field}"),
                problem,
            ))
        };
        let is_time = |seconds: f64| (0.001..=900.0).contains(&seconds);
        if self.name.trim().is_empty()
            || !self.name.bytes().all(|c| c.is_ascii_graphic())
            || self.name.len() > 100
        {
            return wrong("name", "must be 1 to 100 visible ASCII characters");
        }
        if self.model.trim().is_empty() {
            return wrong("model", "must not be empty");
        }
        if !matches!(self.base_url.scheme(), "http" | "https") || !self.base_url.has_host() {
            return wrong(
                "base_url",
                "must be an http or https URL, such as https://api.openai.com/v1",
            );
        }
        if self.key.is_some() && self.base_url.scheme() == "http" && !is_loopback(&self.base_url) {
            return wrong("base_url", "must be https, since the tier has a key");
        }
        if !is_time(self.total_timeout) {
            return wrong(
                "total_timeout",
                "must be more than 0 and at most 900 seconds",
            );
        }
        let parts = [
            ("connect_timeout", self.connect_timeout),
            ("first_token_timeout", self.first_token_timeout),
            ("idle_timeout", self.idle_timeout),
            ("hedge_after", self.hedge_after),
        ];
        for (field, seconds) in parts {
            if seconds.is_some_and(|seconds| !is_time(seconds) || seconds > self.total_timeout) {
                return wrong(
                    field,
                    "must be more than 0 seconds and at most the total_timeout",
                );
            }
        }
        if self.context_window == Some(0) {
            return wrong("context_window", "must be at least 1");
        }
        match self.breaker.fault() {
            Some((field, range)) => wrong(&format!("breaker.{field}"), range),
            None => Ok(()),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl Tiers {
    /// Reads a JSON array of tiers; every error names the setting.
    pub fn parse(json: &str) -> Result<Self, ConfigError> {
        let reader = &mut serde_json::Deserializer::from_str(json);
        let tiers: Vec<Tier> = serde_path_to_error::deserialize(reader).map_err(|error| {
            let place = error.path().to_string();
            let name = if place == "." || place.contains('?') {
                "AI_TIERS".to_owned()
            } else {
                format!("AI_TIERS{place}")
            };
            let problem = error.into_inner().to_string();
            let problem = problem.replace(
                "relative URL without a base",
                "not a URL that starts with http:// or https://",
            );
            ConfigError::new(name, problem)
        })?;
        let mut names = HashSet::new();
        for (index, tier) in tiers.iter().enumerate() {
            tier.check(index)?;
            if !names.insert(tier.name.as_str()) {
                return Err(ConfigError::new(
                    format!("AI_TIERS[{index}].name"),
                    "is used by an earlier tier",
                ));
            }
        }
        Ok(Self(tiers))
    }

    /// The tiers, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Tier> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Tiers {
    type Item = &'a Tier;
    type IntoIter = std::slice::Iter<'a, Tier>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl TryFrom<String> for KeyReference {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("secret", name)) if !name.is_empty() => Ok(Self::Secret(name.to_owned())),
            // The text is not repeated: whoever gets this wrong has probably put the key itself here.
            _ => Err("a key is given by reference: `env:NAME` or `secret:NAME-OR-ARN`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> ConfigError {
        Tiers::parse(json).expect_err(json)
    }

    #[test]
    fn a_tier_needs_no_more_than_a_name_an_address_and_a_model() {
        let tiers =
            Tiers::parse(r#"[{"name":"a","base_url":"http://127.0.0.1:1/v1","model":"m"}]"#)
                .unwrap();
        let tier = tiers.iter().next().unwrap();
        assert_eq!(tier.connect_timeout(), Duration::from_secs(5));
        assert_eq!(tier.total_timeout(), Duration::from_secs(20));
        assert_eq!(tier.structured_output, StructuredOutput::JsonSchema);
    }

    #[test]
    fn a_short_total_shortens_the_defaults_of_its_parts() {
        let json = r#"[{"name":"a","base_url":"http://h/v1","model":"m","total_timeout":2}]"#;
        let tiers = Tiers::parse(json).unwrap();
        let tier = tiers.iter().next().unwrap();
        for part in [
            tier.connect_timeout(),
            tier.first_token_timeout(),
            tier.idle_timeout(),
        ] {
            assert_eq!(part, Duration::from_secs(2));
        }
    }

    #[test]
    fn a_wrong_setting_is_refused_by_name() {
        let tier =
            |more: &str| format!(r#"[{{"name":"a","base_url":"http://h/v1","model":"m"{more}}}]"#);
        assert_eq!(
            refused(&tier(r#","total_timeout":0"#)).name,
            "AI_TIERS[0].total_timeout"
        );
        for part in [
            "connect_timeout",
            "first_token_timeout",
            "idle_timeout",
            "hedge_after",
        ] {
            for seconds in ["30", "0", "-1"] {
                let error = refused(&tier(&format!(r#","{part}":{seconds}"#)));
                assert_eq!(error.name, format!("AI_TIERS[0].{part}"));
            }
        }
        assert_eq!(
            refused(&tier(r#","breaker":{"failures":0}"#)).name,
            "AI_TIERS[0].breaker.failures"
        );
        assert_eq!(
            refused(&tier(r#","breaker":{"failure":1}"#)).name,
            "AI_TIERS[0].breaker.failure"
        );
        assert_eq!(
            refused(&tier(r#","context_window":0"#)).name,
            "AI_TIERS[0].context_window"
        );
        assert_eq!(
            refused(&tier(r#","temprature":1"#)).name,
            "AI_TIERS[0].temprature"
        );
        assert_eq!(
            refused(r#"[{"name":"","base_url":"http://h","model":"m"}]"#).name,
            "AI_TIERS[0].name"
        );
        assert_eq!(
            refused(r#"[{"name":"a","base_url":"ftp://h","model":"m"}]"#).name,
            "AI_TIERS[0].base_url"
        );
        assert_eq!(
            refused(&tier(r#","key":"env:K""#)).name,
            "AI_TIERS[0].base_url"
        );
        assert_eq!(refused("{").name, "AI_TIERS");
        let twice = r#"[{"name":"a","base_url":"http://h","model":"m"},{"name":"a","base_url":"http://h","model":"m"}]"#;
        assert_eq!(refused(twice).name, "AI_TIERS[1].name");
    }

    #[test]
    fn a_key_written_out_is_refused_and_not_repeated() {
        let error =
            refused(r#"[{"name":"a","base_url":"https://h/v1","model":"m","key":"sk-123456"}]"#);
        assert_eq!(error.name, "AI_TIERS[0].key");
        assert!(!error.to_string().contains("123456"), "{error}");
    }
}
