//! What `LIMITS` changes of the limits that the routes declare.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::ConfigError;

/// The limits there are; a route declares those that it has.
pub const LIMIT_NAMES: [&str; 5] = ["address", "user", "tenant", "global", "tokens"];

/// How a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// A bucket of this size that fills evenly: smooth, with bursts.
    TokenBucket {
        /// How much it holds.
        burst: u64,
    },
    /// Never more than the limit in any window, to the microsecond.
    SlidingWindow,
}

/// What a limit does while Valkey is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLoss {
    /// Lets every call in.
    Open,
    /// Lets none in.
    Closed,
    /// Each environment counts by itself, against a tenth of the limit.
    Local,
}

/// What an operator changes of limits, by their names.
#[derive(Debug, Clone, Default)]
pub struct LimitSettings(BTreeMap<String, LimitSetting>);

/// What an operator changes of one limit; what is left out stays as the route declares it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSetting {
    /// Calls, or tokens, in a window.
    pub limit: Option<u64>,
    /// Seconds.
    pub window: Option<f64>,
    /// `token_bucket` or `sliding_window`.
    algorithm: Option<AlgorithmName>,
    /// What a bucket holds; the limit, unless told otherwise.
    burst: Option<u64>,
    /// `open`, `closed` or `local`.
    pub on_loss: Option<OnLoss>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AlgorithmName {
    TokenBucket,
    SlidingWindow,
}

impl LimitSettings {
    /// Reads a JSON object of changes by name; every error names the setting.
    pub fn parse(json: &str) -> Result<Self, ConfigError> {
        let reader = &mut serde_json::Deserializer::from_str(json);
        let settings: BTreeMap<String, LimitSetting> = serde_path_to_error::deserialize(reader)
            .map_err(|error| {
                let place = error.path().to_string();
                let name = if place == "." || place.contains('?') {
                    "LIMITS".to_owned()
                } else {
                    format!("LIMITS.{place}")
                };
                ConfigError::new(name, error.into_inner().to_string())
            })?;
        for (name, setting) in &settings {
            setting.check(name)?;
        }
        Ok(Self(settings))
    }

    /// The changes of one limit.
    pub fn of(&self, name: &str) -> Option<&LimitSetting> {
        self.0.get(name)
    }
}

impl LimitSetting {
    /// The algorithm, where something else was declared.
    pub fn algorithm(&self, declared: Algorithm, limit: u64) -> Algorithm {
        match (self.algorithm, declared) {
            (Some(AlgorithmName::SlidingWindow), _) | (None, Algorithm::SlidingWindow) => {
                Algorithm::SlidingWindow
            }
            (Some(AlgorithmName::TokenBucket), _) => Algorithm::TokenBucket {
                burst: self.burst.unwrap_or(limit),
            },
            (None, Algorithm::TokenBucket { burst }) => Algorithm::TokenBucket {
                burst: self.burst.unwrap_or(burst),
            },
        }
    }

    fn check(&self, name: &str) -> Result<(), ConfigError> {
        let wrong = |field: &str, problem: &str| {
            Err(ConfigError::new(format!("LIMITS.{name}{field}"), problem))
        };
        if !LIMIT_NAMES.contains(&name) {
            return wrong(
                "",
                "is not a limit; there are address, user, tenant, global and tokens",
            );
        }
        let is_count =
            |count: Option<u64>| count.is_none_or(|count| (1..=1_000_000_000).contains(&count));
        if !is_count(self.limit) {
            return wrong(".limit", "must be from 1 to 1,000,000,000");
        }
        if !is_count(self.burst) {
            return wrong(".burst", "must be from 1 to 1,000,000,000");
        }
        if self
            .window
            .is_some_and(|seconds| !(0.001..=86_400.0).contains(&seconds))
        {
            return wrong(".window", "must be more than 0 and at most 86,400 seconds");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_limit_is_refused_by_name() {
        let refused = |json: &str| LimitSettings::parse(json).expect_err(json).name;
        assert_eq!(refused(r#"{"user":{"limit":0}}"#), "LIMITS.user.limit");
        assert_eq!(refused(r#"{"user":{"limit":-1}}"#), "LIMITS.user.limit");
        assert_eq!(refused(r#"{"user":{"window":0}}"#), "LIMITS.user.window");
        assert_eq!(
            refused(r#"{"address":{"burst":0}}"#),
            "LIMITS.address.burst"
        );
        assert_eq!(
            refused(r#"{"user":{"algorithm":"leaky"}}"#),
            "LIMITS.user.algorithm"
        );
        assert_eq!(
            refused(r#"{"user":{"on_loss":"maybe"}}"#),
            "LIMITS.user.on_loss"
        );
        assert_eq!(refused(r#"{"usr":{"limit":1}}"#), "LIMITS.usr");
        assert_eq!(refused(r#"{"user":{"limt":1}}"#), "LIMITS.user.limt");
        assert_eq!(refused("[]"), "LIMITS");
    }

    #[test]
    fn what_is_left_out_stays_as_it_was() {
        let settings =
            LimitSettings::parse(r#"{"user":{"limit":7},"address":{"algorithm":"token_bucket"}}"#)
                .unwrap();
        let user = settings.of("user").unwrap();
        assert_eq!(
            user.algorithm(Algorithm::SlidingWindow, 7),
            Algorithm::SlidingWindow
        );
        assert_eq!(
            user.algorithm(Algorithm::TokenBucket { burst: 3 }, 7),
            Algorithm::TokenBucket { burst: 3 }
        );
        let address = settings.of("address").unwrap();
        assert_eq!(
            address.algorithm(Algorithm::SlidingWindow, 9),
            Algorithm::TokenBucket { burst: 9 }
        );
        assert!(settings.of("tenant").is_none());
    }
}
