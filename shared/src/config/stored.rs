//! The settings that may outgrow environment variables, of which Lambda takes 4 KB in all.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde_json::value::RawValue;

use super::embeddings::{EMBEDDINGS, EmbeddingSettings};
use super::limits::LimitSettings;
use super::retention::{RETENTION, RetentionSettings};
use super::unique_map::UniqueMap;
use super::{AllowedPlaintext, ConfigError, Models, Tiers, json_or_file, optional};

/// The variable that names the secret.
const SECRET: &str = "SETTINGS_SECRET";

/// The settings that the secret may hold.
const NAMES: [&str; 5] = ["AI_TIERS", "AI_CHAINS", "LIMITS", EMBEDDINGS, RETENTION];

/// `AI_TIERS`, `AI_CHAINS`, `LIMITS`, `EMBEDDINGS` and `RETENTION` as one secret string of AWS
/// Secrets Manager holds them: a JSON object with the settings' names. One secret, so that tiers
/// and the chains that name them change together. A variable of the same name comes first.
pub struct StoredSettings(BTreeMap<String, Box<RawValue>>);

/// The name or ARN of the secret with settings, `SETTINGS_SECRET`, if it is needed: one of the
/// settings called `names` is not a variable.
pub fn settings_secret(names: &[&str]) -> Result<Option<String>, ConfigError> {
    for name in names {
        if optional::<String>(name)?.is_none() {
            return optional(SECRET);
        }
    }

    Ok(None)
}

/// An error about the secret with settings.
pub fn unreadable_secret(problem: impl Display) -> ConfigError {
    ConfigError::new(SECRET, format!("cannot be read: {problem}"))
}

impl StoredSettings {
    /// No settings.
    pub fn none() -> &'static Self {
        static NONE: StoredSettings = StoredSettings(BTreeMap::new());
        &NONE
    }

    /// Reads the secret string. The error repeats nothing of it.
    pub fn parse(json: &str) -> Result<Self, ConfigError> {
        let parsed: Result<UniqueMap<Box<RawValue>>, _> = serde_json::from_str(json);
        let UniqueMap(settings) = parsed.map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            unreadable_secret(format!("it is no JSON object of settings; see {place}"))
        })?;

        let is_unknown = |name: &&String| !NAMES.contains(&name.as_str());
        if let Some(name) = settings.keys().find(is_unknown) {
            let problem = "is no setting of the secret; it holds AI_TIERS, AI_CHAINS, LIMITS, \
                           EMBEDDINGS and RETENTION";
            return Err(ConfigError::new(format!("{SECRET}.{name}"), problem));
        }

        Ok(Self(settings))
    }

    /// The tiers of `AI_TIERS`, a JSON array, in the chains of `AI_CHAINS`, a JSON object. Either
    /// may be the path of a file instead. Unset or empty tiers mean that there are none, and every
    /// answer is an honestly degraded one.
    pub fn models(&self) -> Result<Models, ConfigError> {
        let tiers = match self.find("AI_TIERS")? {
            Some(json) => Tiers::parse(&json)?,
            None => Tiers::default(),
        };
        tiers.check_transport(&AllowedPlaintext::from_env()?)?;

        Models::new(tiers, self.find("AI_CHAINS")?.as_deref())
    }

    /// The embedding model of `EMBEDDINGS`, a JSON object or the path of a file that holds it. None
    /// if it is unset or empty: documents are found by their words alone then.
    pub fn embeddings(&self) -> Result<Option<EmbeddingSettings>, ConfigError> {
        let Some(json) = self.find(EMBEDDINGS)? else {
            return Ok(None);
        };

        let settings = EmbeddingSettings::parse(&json)?;
        settings.check_transport(&AllowedPlaintext::from_env()?)?;
        Ok(Some(settings))
    }

    /// What `LIMITS` changes of the routes' limits: a JSON object of changes by name, or the path
    /// of a file that holds it.
    pub fn limits(&self) -> Result<LimitSettings, ConfigError> {
        match self.find("LIMITS")? {
            Some(json) => LimitSettings::parse(&json),
            None => Ok(LimitSettings::default()),
        }
    }

    /// How long records are kept: `RETENTION`, a JSON object or the path of a file that holds it.
    pub fn retention(&self) -> Result<RetentionSettings, ConfigError> {
        match self.find(RETENTION)? {
            Some(json) => RetentionSettings::parse(&json),
            None => Ok(RetentionSettings::default()),
        }
    }

    /// The variable, or the part of the secret.
    fn find(&self, name: &str) -> Result<Option<String>, ConfigError> {
        if let Some(text) = json_or_file(name)? {
            return Ok(Some(text));
        }

        let stored = self.0.get(name).map(|json| json.get());
        Ok(stored.filter(|json| *json != "null").map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_secret_holds_tiers_chains_and_limits() {
        let json = r#"{
            "AI_TIERS": [{"name":"a","base_url":"https://h/v1","model":"m"}],
            "AI_CHAINS": {"default":{"tiers":["a"]},"quick":{"tiers":["a"]}},
            "LIMITS": {"user":{"limit":7}}
        }"#;
        let stored = StoredSettings::parse(json).unwrap();
        assert_eq!(stored.models().unwrap().chains().len(), 2);
        assert_eq!(stored.limits().unwrap().of("user").unwrap().limit, Some(7));

        let nothing = StoredSettings::parse(r#"{"AI_TIERS":null}"#).unwrap();
        assert!(nothing.models().unwrap().chains().is_empty());
    }

    #[test]
    fn a_wrong_secret_is_refused_and_not_repeated() {
        let refused = |json: &str| StoredSettings::parse(json).err().expect(json);
        assert_eq!(refused("[]").name, "SETTINGS_SECRET");
        assert_eq!(refused(r#"{"TIERS":[]}"#).name, "SETTINGS_SECRET.TIERS");
        let twice = r#"{"LIMITS":{},"LIMITS":{}}"#;
        assert_eq!(refused(twice).name, "SETTINGS_SECRET");

        let error = refused("sk-123456").to_string();
        assert!(!error.contains("123456"), "{error}");
    }

    #[test]
    fn a_wrong_setting_in_the_secret_keeps_its_name() {
        let json = r#"{"AI_TIERS":[{"name":""}],"LIMITS":{"usr":{}}}"#;
        let stored = StoredSettings::parse(json).unwrap();
        let name = |error: Option<ConfigError>| error.unwrap().name;
        assert!(name(stored.models().err()).starts_with("AI_TIERS"));
        assert_eq!(name(stored.limits().err()), "LIMITS.usr");
    }
}
