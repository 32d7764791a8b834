//! The tiers of `AI_TIERS`: OpenAI-compatible endpoints in the order in which they are asked.

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::plaintext::{is_loopback, plaintext_problem};
use super::{AllowedPlaintext, BreakerSettings, ConfigError, ConnectionKind, PassFields};

/// Seconds of [`TierSettings::connect_timeout`], unless the tier sets another time.
const DEFAULT_CONNECT_TIMEOUT: f64 = 5.0;

/// Seconds of [`TierSettings::first_token_timeout`], unless the tier sets another time.
const DEFAULT_FIRST_TOKEN_TIMEOUT: f64 = 10.0;

/// Seconds of [`TierSettings::idle_timeout`], unless the tier sets another time.
const DEFAULT_IDLE_TIMEOUT: f64 = 10.0;

/// Seconds of [`TierSettings::total_timeout`], unless the tier sets another time.
const DEFAULT_TOTAL_TIMEOUT: f64 = 20.0;

/// The tiers, in order; their names are distinct.
#[derive(Debug, Clone, Default)]
pub struct Tiers(Vec<TierSettings>);

/// One OpenAI-compatible endpoint and model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, which an operator sets by its name"
)]
pub struct TierSettings {
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
    /// Whether its model calls tools: it may then look things up before it assesses a complaint.
    /// By default it is asked once, with what was looked up for it.
    #[serde(default)]
    pub tools: bool,
    /// Whether its model sees: it is shown the pictures that came with a complaint. By default not.
    #[serde(default)]
    pub vision: bool,
    /// Seconds until the connection stands: by default 5.
    #[serde(default)]
    connect_timeout: Option<f64>,
    /// Seconds until the first token of an answer: by default 10.
    #[serde(default)]
    first_token_timeout: Option<f64>,
    /// The longest pause between two tokens, in seconds: by default 10.
    #[serde(default)]
    idle_timeout: Option<f64>,
    /// Seconds for one whole call: by default 20.
    #[serde(default = "default_total_timeout")]
    total_timeout: f64,
    /// Seconds without a first token after which the next tier is asked too; by default it is not.
    #[serde(default)]
    hedge_after: Option<f64>,
    /// Whether the endpoint is asked for a stream, by which a silent or stalled model is noticed at
    /// once: by default it is.
    #[serde(default = "default_stream")]
    pub stream: bool,
    /// Tokens that the model's context holds, if that is to be considered when a request was too
    /// long for another tier.
    #[serde(default)]
    pub context_window: Option<u32>,
    /// How the endpoint takes the beginning of its own answer; by default it is not given one.
    #[serde(default)]
    pub prefill: Option<Prefill>,
    /// What of a client's request it is sent besides the usual fields; by default nothing.
    #[serde(default)]
    pub pass_fields: PassFields,
    /// Whether it may be sent addresses of images and the like, which it fetches, and ids of files
    /// that it keeps; by default not.
    #[serde(default)]
    pub remote_media: bool,
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

/// How an endpoint takes the beginning of its own answer, to go on from there: as the last message,
/// the assistant's, and with a mark if it asks for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prefill {
    /// No mark: Anthropic, llama.cpp.
    Message,
    /// `prefix` in the message: Mistral, `DeepSeek`.
    Prefix,
    /// `partial` in the message: `DashScope`, Moonshot.
    Partial,
    /// `continue_final_message` in the request: vLLM, `SGLang`.
    ContinueFinalMessage,
}

const fn default_total_timeout() -> f64 {
    DEFAULT_TOTAL_TIMEOUT
}

const fn default_stream() -> bool {
    true
}

impl TierSettings {
    /// The longest wait for a connection.
    pub fn connect_timeout(&self) -> Duration {
        self.within_total(self.connect_timeout, DEFAULT_CONNECT_TIMEOUT)
    }

    /// The longest wait for the first token.
    pub fn first_token_timeout(&self) -> Duration {
        self.within_total(self.first_token_timeout, DEFAULT_FIRST_TOKEN_TIMEOUT)
    }

    /// The longest pause between two tokens.
    pub fn idle_timeout(&self) -> Duration {
        self.within_total(self.idle_timeout, DEFAULT_IDLE_TIMEOUT)
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
        let seconds = seconds.unwrap_or(default);
        Duration::from_secs_f64(seconds.min(self.total_timeout))
    }

    fn check(&self, index: usize) -> Result<(), ConfigError> {
        let wrong_field = |WrongField { field, problem }| {
            ConfigError::new(format!("AI_TIERS[{index}].{field}"), problem)
        };

        self.check_identity()
            .and_then(|()| check_address(&self.base_url, self.key.is_some()))
            .and_then(|()| self.check_times())
            .and_then(|()| self.check_rules())
            .map_err(wrong_field)
    }

    fn check_identity(&self) -> Result<(), WrongField> {
        check_name(&self.name)?;
        if self.model.trim().is_empty() {
            return Err(WrongField::new("model", "must not be empty"));
        }

        Ok(())
    }

    fn check_times(&self) -> Result<(), WrongField> {
        check_total_timeout(self.total_timeout)?;

        let parts = [
            ("connect_timeout", self.connect_timeout),
            ("first_token_timeout", self.first_token_timeout),
            ("idle_timeout", self.idle_timeout),
            ("hedge_after", self.hedge_after),
        ];
        for (field, seconds) in parts {
            check_partial_timeout(field, seconds, self.total_timeout)?;
        }

        Ok(())
    }

    fn check_rules(&self) -> Result<(), WrongField> {
        if self.context_window == Some(0) {
            return Err(WrongField::new("context_window", "must be at least 1"));
        }

        check_breaker(&self.breaker)
    }
}

/// A field of a tier that is wrong, and what would be right.
#[derive(Debug)]
pub(super) struct WrongField {
    pub(super) field: String,
    pub(super) problem: &'static str,
}

/// Refuses a name that is no name for a tier, whose circuit is called like it.
pub(super) fn check_name(name: &str) -> Result<(), WrongField> {
    let is_visible = name.bytes().all(|c| c.is_ascii_graphic());
    if name.is_empty() || !is_visible || name.len() > 100 {
        let problem = "must be 1 to 100 visible ASCII characters";
        return Err(WrongField::new("name", problem));
    }

    Ok(())
}

/// Refuses what is no address of an endpoint, and a key that would be sent in clear.
pub(super) fn check_address(base_url: &Url, has_key: bool) -> Result<(), WrongField> {
    let scheme = base_url.scheme();
    if !matches!(scheme, "http" | "https") || !base_url.has_host() {
        let problem = "must be an http or https URL, such as https://api.openai.com/v1";
        return Err(WrongField::new("base_url", problem));
    }

    if has_key && scheme == "http" && !is_loopback(base_url) {
        let problem = "must be https, since the tier has a key";
        return Err(WrongField::new("base_url", problem));
    }

    Ok(())
}

fn is_time(seconds: f64) -> bool {
    (0.001..=900.0).contains(&seconds)
}

/// Refuses seconds that no call may take.
pub(super) fn check_total_timeout(seconds: f64) -> Result<(), WrongField> {
    if is_time(seconds) {
        return Ok(());
    }

    let problem = "must be more than 0 and at most 900 seconds";
    Err(WrongField::new("total_timeout", problem))
}

/// Refuses seconds for a part of a call that are no time, or more than the whole has.
pub(super) fn check_partial_timeout(
    field: &str,
    seconds: Option<f64>,
    total_timeout: f64,
) -> Result<(), WrongField> {
    if seconds.is_some_and(|seconds| !is_time(seconds) || seconds > total_timeout) {
        let problem = "must be more than 0 seconds and at most the total_timeout";
        return Err(WrongField::new(field, problem));
    }

    Ok(())
}

/// Refuses rules that a circuit cannot have.
pub(super) fn check_breaker(breaker: &BreakerSettings) -> Result<(), WrongField> {
    match breaker.first_out_of_range() {
        Some(bad) => Err(WrongField {
            field: format!("breaker.{}", bad.field),
            problem: bad.range,
        }),
        None => Ok(()),
    }
}

/// Whether an address leads beyond this machine without TLS.
pub(super) fn is_plain_beyond_this_machine(base_url: &Url) -> bool {
    base_url.scheme() == "http" && !is_loopback(base_url)
}

impl WrongField {
    pub(super) fn new(field: &str, problem: &'static str) -> Self {
        Self {
            field: field.to_owned(),
            problem,
        }
    }
}

impl Tiers {
    /// Reads a JSON array of tiers; every error names the setting.
    pub fn parse(json: &str) -> Result<Self, ConfigError> {
        let reader = &mut serde_json::Deserializer::from_str(json);
        let tiers: Result<Vec<TierSettings>, _> = serde_path_to_error::deserialize(reader);
        let tiers = tiers.map_err(|error| {
            let path = error.path().to_string();
            unreadable_tier(&path, &error.into_inner())
        })?;

        let mut names = HashSet::new();
        for (index, tier) in tiers.iter().enumerate() {
            tier.check(index)?;
            if !names.insert(tier.name.as_str()) {
                let name = format!("AI_TIERS[{index}].name");
                return Err(ConfigError::new(name, "is used by an earlier tier"));
            }
        }

        Ok(Self(tiers))
    }

    /// Refuses a tier beyond this machine that is asked without TLS, unless that is allowed.
    pub fn check_transport(&self, allowed: &AllowedPlaintext) -> Result<(), ConfigError> {
        let is_plain = |tier: &TierSettings| is_plain_beyond_this_machine(&tier.base_url);
        let Some(index) = self.0.iter().position(is_plain) else {
            return Ok(());
        };
        if allowed.allows(ConnectionKind::Models) {
            return Ok(());
        }

        let problem = plaintext_problem("be https", ConnectionKind::Models);
        Err(ConfigError::new(
            format!("AI_TIERS[{index}].base_url"),
            problem,
        ))
    }

    /// The tiers, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, TierSettings> {
        self.0.iter()
    }
}

fn unreadable_tier(path: &str, error: &serde_json::Error) -> ConfigError {
    let name = if path == "." || path.contains('?') {
        "AI_TIERS".to_owned()
    } else {
        format!("AI_TIERS{path}")
    };

    let problem = error.to_string().replace(
        "relative URL without a base",
        "not a URL that starts with http:// or https://",
    );

    ConfigError::new(name, problem)
}

impl<'a> IntoIterator for &'a Tiers {
    type Item = &'a TierSettings;
    type IntoIter = std::slice::Iter<'a, TierSettings>;

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
            // The text is not repeated: an operator who gets this wrong has probably put the key
            // itself here.
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

    /// The setting that is refused in a tier with these fields besides the usual ones.
    fn refused_with(fields: &str) -> String {
        let usual = r#""name":"a","base_url":"http://h/v1","model":"m""#;
        refused(&format!("[{{{usual},{fields}}}]")).name
    }

    fn only_tier(json: &str) -> TierSettings {
        Tiers::parse(json).unwrap().iter().next().unwrap().clone()
    }

    /// All that a tier needs is a name, an address and a model.
    #[test]
    fn a_tier_needs_no_more_than_three_fields() {
        let json = r#"[{"name":"a","base_url":"http://127.0.0.1:1/v1","model":"m"}]"#;
        let tier = only_tier(json);
        assert_eq!(tier.connect_timeout(), Duration::from_secs(5));
        assert_eq!(tier.total_timeout(), Duration::from_secs(20));
        assert_eq!(tier.structured_output, StructuredOutput::JsonSchema);
    }

    #[test]
    fn a_short_total_shortens_the_defaults_of_its_parts() {
        let json = r#"[{"name":"a","base_url":"http://h/v1","model":"m","total_timeout":2}]"#;
        let tier = only_tier(json);

        let two_seconds = Duration::from_secs(2);
        assert_eq!(tier.connect_timeout(), two_seconds);
        assert_eq!(tier.first_token_timeout(), two_seconds);
        assert_eq!(tier.idle_timeout(), two_seconds);
    }

    #[test]
    fn a_wrong_time_is_refused_by_name() {
        let name = refused_with(r#""total_timeout":0"#);
        assert_eq!(name, "AI_TIERS[0].total_timeout");

        let parts = [
            "connect_timeout",
            "first_token_timeout",
            "idle_timeout",
            "hedge_after",
        ];

        for part in parts {
            for seconds in ["30", "0", "-1"] {
                let name = refused_with(&format!(r#""{part}":{seconds}"#));
                assert_eq!(name, format!("AI_TIERS[0].{part}"));
            }
        }
    }

    #[test]
    fn a_wrong_setting_is_refused_by_name() {
        let name = refused_with(r#""breaker":{"failures":0}"#);
        assert_eq!(name, "AI_TIERS[0].breaker.failures");
        let name = refused_with(r#""breaker":{"failure":1}"#);
        assert_eq!(name, "AI_TIERS[0].breaker.failure");
        let name = refused_with(r#""context_window":0"#);
        assert_eq!(name, "AI_TIERS[0].context_window");
        let name = refused_with(r#""temprature":1"#);
        assert_eq!(name, "AI_TIERS[0].temprature");
        let name = refused_with(r#""key":"env:K""#);
        assert_eq!(name, "AI_TIERS[0].base_url");
    }

    #[test]
    fn a_wrong_tier_is_refused_by_name() {
        let no_name = r#"[{"name":"","base_url":"http://h","model":"m"}]"#;
        assert_eq!(refused(no_name).name, "AI_TIERS[0].name");
        let bad_scheme = r#"[{"name":"a","base_url":"ftp://h","model":"m"}]"#;
        assert_eq!(refused(bad_scheme).name, "AI_TIERS[0].base_url");
        assert_eq!(refused("{").name, "AI_TIERS");

        let tier = r#"{"name":"a","base_url":"http://h","model":"m"}"#;
        let twice = format!("[{tier},{tier}]");
        assert_eq!(refused(&twice).name, "AI_TIERS[1].name");
    }

    #[test]
    fn a_tier_beyond_this_machine_needs_tls_or_leave() {
        let check = |url: &str, allowed: &AllowedPlaintext| {
            let json = format!(r#"[{{"name":"a","base_url":"{url}","model":"m"}}]"#);
            Tiers::parse(&json).unwrap().check_transport(allowed)
        };
        let none = &AllowedPlaintext::default();
        let models = &none.clone().with(ConnectionKind::Models);

        let error = check("http://gpu.internal/v1", none).unwrap_err();
        assert_eq!(error.name, "AI_TIERS[0].base_url");
        assert!(error.problem.contains("ALLOW_PLAINTEXT=models"));
        check("http://gpu.internal/v1", models).unwrap();
        check("https://gpu.internal/v1", none).unwrap();
        check("http://localhost:11434/v1", none).unwrap();
    }

    #[test]
    fn a_key_written_out_is_refused_and_not_repeated() {
        let json = r#"[{"name":"a","base_url":"https://h/v1","model":"m","key":"sk-123456"}]"#;
        let error = refused(json);
        assert_eq!(error.name, "AI_TIERS[0].key");
        assert!(!error.to_string().contains("123456"), "{error}");
    }
}
