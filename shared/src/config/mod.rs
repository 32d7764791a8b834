//! The one place that reads the environment variables. A function reads the settings it uses once,
//! at start; a missing or wrong one stops the start with its name.

use std::env::VarError;
use std::str::FromStr;

use url::Url;

mod breaker;
mod chains;
mod embeddings;
mod limits;
mod migrations;
mod pass_fields;
mod plaintext;
mod realtime;
mod retention;
mod services;
mod stored;
mod tiers;
mod traces;
mod unique_map;
mod uploads;
mod vector_store;

pub use breaker::BreakerSettings;
pub use chains::{CONSULTATION_CHAIN, ChainSettings, DEFAULT_CHAIN, Models, StreamMode};
pub use embeddings::{
    EMBEDDINGS, EmbeddingSettings, EmbeddingTierSettings, InputForm, RerankSettings,
};
pub use limits::{Algorithm, FailureMode, LIMIT_NAMES, LimitSetting, LimitSettings};
pub use migrations::MigrationsSettings;
pub use pass_fields::{PassFields, is_safe_field, is_safe_part, is_safe_tool};
pub use plaintext::{AllowedPlaintext, ConnectionKind};
pub(crate) use plaintext::{is_loopback_host, plaintext_problem};
pub use realtime::{connections_table, websocket_endpoint};
pub use retention::{MAX_RECORD_DAYS, RETENTION, RetentionSettings};
pub use services::{
    CacheUser, DATABASE_URL, DatabaseAuth, DatabaseSettings, ReaderAddress, ServiceUrl, UrlSource,
    VALKEY_URL, ValkeySettings, check_database_scheme, check_valkey_url,
};
pub(crate) use services::{is_encrypted, url_parameter};
pub use stored::{StoredSettings, settings_secret, unreadable_secret};
pub use tiers::{KeyReference, Prefill, StructuredOutput, TierSettings, Tiers};
pub use traces::TracesSettings;
pub use uploads::{
    CdnSettings, UploadRules, UploadType, cdn_distribution, scan_queue_url, uploads_bucket,
    uploads_queue_url,
};
pub use vector_store::{VectorStoreKind, VectorStoreSettings};

/// A setting that is missing or wrong. The value is not repeated: it may be a secret.
#[derive(Debug, thiserror::Error)]
#[error("setting {name}: {problem}")]
pub struct ConfigError {
    /// The environment variable, or `AI_TIERS[0].model` within one.
    pub name: String,
    /// The rule that the setting breaks, such as `must be a URL`.
    pub problem: String,
}

impl ConfigError {
    /// An error about the setting called `name`.
    pub fn new(name: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            problem: problem.into(),
        }
    }
}

/// The issuer and audience of the tokens that are accepted.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// `iss` of every accepted token: `TOKEN_ISSUER`.
    pub issuer: String,
    /// `aud` of every accepted token, the user pool client's id: `TOKEN_AUDIENCE`.
    pub audience: String,
    /// Where the issuer publishes its keys: `TOKEN_JWKS_URL`, by default below the issuer.
    pub jwks_url: Url,
}

impl TokenSettings {
    /// Reads `TOKEN_ISSUER`, `TOKEN_AUDIENCE` and `TOKEN_JWKS_URL`.
    pub fn from_env() -> Result<Self, ConfigError> {
        let issuer: String = required("TOKEN_ISSUER")?;
        let jwks_url = match optional("TOKEN_JWKS_URL")? {
            Some(url) => url,
            None => default_jwks_url(&issuer)?,
        };
        check_jwks_url(&jwks_url, &AllowedPlaintext::from_env()?)?;

        Ok(Self {
            issuer,
            audience: required("TOKEN_AUDIENCE")?,
            jwks_url,
        })
    }
}

fn default_jwks_url(issuer: &str) -> Result<Url, ConfigError> {
    let issuer = issuer.trim_end_matches('/');
    let url = format!("{issuer}/.well-known/jwks.json");
    url.parse()
        .map_err(|_| ConfigError::new("TOKEN_ISSUER", "must be a URL"))
}

/// Whoever can change the keys on their way decides who gets in.
fn check_jwks_url(url: &Url, allowed: &AllowedPlaintext) -> Result<(), ConfigError> {
    if url.scheme() == "https"
        || allowed.allows(ConnectionKind::Identity)
        || plaintext::is_loopback(url)
    {
        return Ok(());
    }

    let problem = plaintext_problem("be https", ConnectionKind::Identity);
    Err(ConfigError::new("TOKEN_JWKS_URL", problem))
}

/// The function that this process runs, by the name in its template: `_HANDLER`, which Lambda sets.
/// `None` where nothing sets it, as under `cargo lambda watch`.
pub fn handler_name() -> Option<String> {
    optional("_HANDLER").ok().flatten()
}

/// Which published version of the function this is: `AWS_LAMBDA_FUNCTION_VERSION`, which Lambda
/// sets; `$LATEST` if none was published.
pub fn function_version() -> Option<String> {
    optional("AWS_LAMBDA_FUNCTION_VERSION").ok().flatten()
}

/// The URL of the queue that jobs are sent to: `JOBS_QUEUE_URL`.
pub fn jobs_queue_url() -> Result<String, ConfigError> {
    required("JOBS_QUEUE_URL")
}

/// The URL of the queue that takes the messages which the first gave up: `DEAD_LETTER_QUEUE_URL`.
pub fn dead_letter_queue_url() -> Result<String, ConfigError> {
    required("DEAD_LETTER_QUEUE_URL")
}

/// The memory of the function in bytes, if it runs on Lambda: `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`.
pub fn function_memory() -> Option<u64> {
    let megabytes: u64 = optional("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").ok()??;
    Some(megabytes.saturating_mul(1_024 * 1_024))
}

/// The secret that holds the token of those who scrape metrics, if there is one:
/// `METRICS_TOKEN_SECRET`.
pub fn metrics_token_secret() -> Result<Option<String>, ConfigError> {
    optional("METRICS_TOKEN_SECRET")
}

/// What our own edge sends with the calls that it passes on, if there is one: `EDGE_SECRET`.
pub fn edge_secret() -> Result<Option<String>, ConfigError> {
    optional("EDGE_SECRET")
}

/// The bucket of the reports: `REPORTS_BUCKET`.
pub fn reports_bucket() -> Result<String, ConfigError> {
    required("REPORTS_BUCKET")
}

/// The table of the transcripts: `TRANSCRIPTS_TABLE`.
pub fn transcripts_table() -> Result<String, ConfigError> {
    required("TRANSCRIPTS_TABLE")
}

/// A setting that is JSON, or the path of a file that holds it.
fn json_or_file(name: &str) -> Result<Option<String>, ConfigError> {
    let Some(text) = optional::<String>(name)? else {
        return Ok(None);
    };
    if text.trim_start().starts_with(['[', '{']) {
        return Ok(Some(text));
    }

    std::fs::read_to_string(&text).map(Some).map_err(|error| {
        let problem = format!("is neither JSON nor a readable file: {error}");
        ConfigError::new(name, problem)
    })
}

/// A secret that a setting refers to as `env:NAME`.
pub fn secret_from_env(variable: &str) -> Result<String, ConfigError> {
    required(variable)
}

/// The level of the logs, or a list of levels by target such as `info,wenzhen::jobs=debug`:
/// `RUST_LOG`, else `AWS_LAMBDA_LOG_LEVEL`, else `info`.
pub fn log_filter() -> String {
    // Lambda's FATAL is no level of ours; it would be taken for the name of a library.
    let is_known = |level: &String| !level.eq_ignore_ascii_case("fatal");
    let read_level = |name| {
        let level: Option<String> = optional(name).ok().flatten();
        level.filter(is_known)
    };

    read_level("RUST_LOG")
        .or_else(|| read_level("AWS_LAMBDA_LOG_LEVEL"))
        .unwrap_or_else(|| "info".to_owned())
}

/// The namespace of the metrics, so that several stacks of one account and region do not add up:
/// `METRICS_NAMESPACE`, else `wenzhen`.
pub fn metrics_namespace() -> String {
    let namespace = optional("METRICS_NAMESPACE").ok().flatten();
    namespace.unwrap_or_else(|| "wenzhen".to_owned())
}

/// Which share of all traces is traced, 0 to 1, besides those that a sampled one goes on with:
/// `TRACE_SHARE`, else 0.
pub fn trace_share() -> Result<f64, ConfigError> {
    let share: f64 = optional("TRACE_SHARE")?.unwrap_or(0.0);
    if (0.0..=1.0).contains(&share) {
        return Ok(share);
    }
    Err(ConfigError::new("TRACE_SHARE", "must be from 0 to 1"))
}

/// The origins whose pages may read answers, separated by commas; `*` means all:
/// `ALLOWED_ORIGINS`. None if it is missing.
pub fn allowed_origins() -> Result<Vec<String>, ConfigError> {
    let list: String = optional("ALLOWED_ORIGINS")?.unwrap_or_default();
    let origins = list.split(',').map(str::trim);
    let origins = origins.filter(|origin| !origin.is_empty());
    Ok(origins.map(str::to_owned).collect())
}

fn required<T: FromStr>(name: &str) -> Result<T, ConfigError>
where
    T::Err: std::fmt::Display,
{
    optional(name)?.ok_or_else(|| ConfigError::new(name, "is missing"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "this module is the one place that reads the environment"
)]
fn optional<T: FromStr>(name: &str) -> Result<Option<T>, ConfigError>
where
    T::Err: std::fmt::Display,
{
    let text = match std::env::var(name) {
        Ok(text) if text.trim().is_empty() => return Ok(None),
        Ok(text) => text,
        Err(VarError::NotPresent) => return Ok(None),
        Err(VarError::NotUnicode(_)) => return Err(ConfigError::new(name, "must be UTF-8")),
    };

    text.parse()
        .map(Some)
        .map_err(|problem: T::Err| ConfigError::new(name, problem.to_string()))
}
