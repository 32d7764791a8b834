//! The one place that reads the environment. A function asks for the settings it uses, once, at start; a missing or
//! wrong one stops the start with its name.

use std::str::FromStr;

use url::Url;

mod breaker;
mod chains;
mod limits;
mod tiers;

pub use breaker::BreakerSettings;
pub use chains::{CONSULTATION_CHAIN, ChainSettings, DEFAULT_CHAIN, Models, StreamMode};
pub use limits::{Algorithm, FailureMode, LIMIT_NAMES, LimitSetting, LimitSettings};
pub use tiers::{KeyReference, StructuredOutput, Tier, Tiers};

/// A setting that is missing or wrong. The value is not repeated: it may be a secret.
#[derive(Debug, thiserror::Error)]
#[error("setting {name}: {problem}")]
pub struct ConfigError {
    /// The environment variable, or `AI_TIERS[0].model` within one.
    pub name: String,
    /// What is wrong, and what would be right.
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

/// Which tokens are accepted.
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
            None => format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/'))
                .parse()
                .map_err(|_| ConfigError::new("TOKEN_ISSUER", "must be a URL"))?,
        };
        Ok(Self {
            issuer,
            audience: required("TOKEN_AUDIENCE")?,
            jwks_url,
        })
    }
}

/// How PostgreSQL lets us in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseAuth {
    /// With the password in the URL, or without one.
    Url,
    /// With an IAM token, made locally for each new connection.
    Iam,
}

impl FromStr for DatabaseAuth {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "url" => Ok(Self::Url),
            "iam" => Ok(Self::Iam),
            _ => Err("must be `url` or `iam`"),
        }
    }
}

/// The database.
#[derive(Clone)]
pub struct DatabaseSettings {
    /// `DATABASE_URL`: `postgres://user[:password]@host[:port]/name[?sslmode=verify-full&sslrootcert=…]`.
    pub url: Url,
    /// `DATABASE_AUTH`: `url` (the default) or `iam`.
    pub auth: DatabaseAuth,
}

impl DatabaseSettings {
    /// Reads `DATABASE_URL` and `DATABASE_AUTH`.
    pub fn from_env() -> Result<Self, ConfigError> {
        let url: Url = required("DATABASE_URL")?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(ConfigError::new(
                "DATABASE_URL",
                "must start with postgres://",
            ));
        }
        let auth = optional("DATABASE_AUTH")?.unwrap_or(DatabaseAuth::Url);
        let verified = url
            .query_pairs()
            .any(|(name, value)| name == "sslmode" && value == "verify-full");
        if auth == DatabaseAuth::Iam && !verified {
            let problem = "must say sslmode=verify-full with DATABASE_AUTH=iam: a token is a password in clear";
            return Err(ConfigError::new("DATABASE_URL", problem));
        }
        Ok(Self { url, auth })
    }
}

/// The function that this process runs, by the name in its template: `_HANDLER`, which Lambda sets.
/// `None` where nothing sets it, as under `cargo lambda watch`.
pub fn handler_name() -> Option<String> {
    optional("_HANDLER").ok().flatten()
}

/// The URL of the queue that jobs are sent to: `JOBS_QUEUE_URL`.
pub fn jobs_queue_url() -> Result<String, ConfigError> {
    required("JOBS_QUEUE_URL")
}

/// The URL of the queue that takes what the other gave up: `DEAD_LETTER_QUEUE_URL`.
pub fn dead_letter_queue_url() -> Result<String, ConfigError> {
    required("DEAD_LETTER_QUEUE_URL")
}

/// The bucket of the reports: `REPORTS_BUCKET`.
pub fn reports_bucket() -> Result<String, ConfigError> {
    required("REPORTS_BUCKET")
}

/// The table of the transcripts: `TRANSCRIPTS_TABLE`.
pub fn transcripts_table() -> Result<String, ConfigError> {
    required("TRANSCRIPTS_TABLE")
}

/// Who answers: the tiers of `AI_TIERS`, a JSON array, in the chains of `AI_CHAINS`, a JSON object. Either may be the path
/// of a file instead. Unset or empty tiers mean that there are none, and every answer is an honestly degraded one.
pub fn models() -> Result<Models, ConfigError> {
    let tiers = json("AI_TIERS")?.map_or(Ok(Tiers::default()), |json| Tiers::parse(&json))?;
    Models::new(tiers, json("AI_CHAINS")?.as_deref())
}

/// A setting that is JSON or the path of a file that holds it.
fn json(name: &str) -> Result<Option<String>, ConfigError> {
    let Some(text) = optional::<String>(name)? else {
        return Ok(None);
    };
    if text.trim_start().starts_with(['[', '{']) {
        return Ok(Some(text));
    }
    let read = std::fs::read_to_string(&text);
    read.map(Some).map_err(|error| {
        ConfigError::new(
            name,
            format!("is neither JSON nor a readable file: {error}"),
        )
    })
}

/// Valkey, which the fleet's circuits live in.
#[derive(Clone)]
pub struct ValkeySettings {
    /// `VALKEY_URL`: `redis://[user:password@]host[:port]`, or `rediss://…` with TLS. None means that there is none.
    pub url: Option<Url>,
    /// `VALKEY_PREFIX`: what every key begins with, so that several stacks can share a server. `wenzhen` by default.
    pub prefix: String,
}

impl ValkeySettings {
    /// Reads `VALKEY_URL` and `VALKEY_PREFIX`.
    pub fn from_env() -> Result<Self, ConfigError> {
        let url: Option<Url> = optional("VALKEY_URL")?;
        if url
            .as_ref()
            .is_some_and(|url| !matches!(url.scheme(), "redis" | "rediss" | "valkey" | "valkeys"))
        {
            return Err(ConfigError::new(
                "VALKEY_URL",
                "must start with redis:// or rediss://",
            ));
        }
        Ok(Self {
            url,
            prefix: optional("VALKEY_PREFIX")?.unwrap_or_else(|| "wenzhen".to_owned()),
        })
    }
}

/// What `LIMITS` changes of the routes' limits: a JSON object of changes by name, or the path of a file that holds it.
pub fn limits() -> Result<LimitSettings, ConfigError> {
    json("LIMITS")?.map_or(Ok(LimitSettings::default()), |json| {
        LimitSettings::parse(&json)
    })
}

/// A secret that a setting refers to as `env:NAME`.
pub fn secret_from_env(variable: &str) -> Result<String, ConfigError> {
    required(variable)
}

/// What is logged: `RUST_LOG`, else `AWS_LAMBDA_LOG_LEVEL`, else `info`.
pub fn log_filter() -> String {
    // Lambda's FATAL is no level of ours; it would be taken for the name of a library.
    let known = |level: &String| !level.eq_ignore_ascii_case("fatal");
    let level = |name| optional::<String>(name).ok().flatten().filter(known);
    level("RUST_LOG")
        .or_else(|| level("AWS_LAMBDA_LOG_LEVEL"))
        .unwrap_or_else(|| "info".to_owned())
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
    match std::env::var(name) {
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(text) => text
            .parse()
            .map(Some)
            .map_err(|problem: T::Err| ConfigError::new(name, problem.to_string())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(ConfigError::new(name, "must be UTF-8")),
    }
}
