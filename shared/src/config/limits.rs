//! What `LIMITS` changes of the limits that the routes declare.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::ConfigError;
use super::unique_map::UniqueMap;

/// The limits there are; a route declares those that it has.
pub const LIMIT_NAMES: [&str; 9] = [
    "address",
    "user",
    "tenant",
    "global",
    "tokens",
    "wait",
    "tenant_wait",
    "connects",
    "messages",
];

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

/// How a limit fails: what it does while Valkey is gone. Where none is configured, an open or local
/// limit is counted by each environment for itself, against all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureMode {
    /// Fail open: it lets every call in.
    Open,
    /// Fail closed: it lets none in.
    Closed,
    /// Fail local: each environment counts by itself, against a tenth of the limit.
    Local,
}

/// What an operator changes of limits, by their names.
#[derive(Debug, Clone, Default)]
pub struct LimitSettings(BTreeMap<String, LimitSetting>);

/// What an operator changes of one limit; what is left out stays as the route declares it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSetting {
    /// Calls, tokens, or seconds of waiting, in a window.
    pub limit: Option<u64>,
    /// Seconds.
    pub window: Option<f64>,
    /// `token_bucket` or `sliding_window`.
    algorithm: Option<AlgorithmName>,
    /// The size of a bucket; by default the limit.
    burst: Option<u64>,
    /// `open`, `closed` or `local`.
    pub failure_mode: Option<FailureMode>,
    /// The deprecated name of `failure_mode`.
    on_loss: Option<FailureMode>,
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
        let UniqueMap(mut settings): UniqueMap<LimitSetting> =
            serde_path_to_error::deserialize(reader).map_err(unreadable)?;

        for (name, setting) in &mut settings {
            setting.check(name)?;
            setting.rename_deprecated(name)?;
        }
        Ok(Self(settings))
    }

    /// The changes of one limit.
    pub fn of(&self, name: &str) -> Option<&LimitSetting> {
        self.0.get(name)
    }
}

impl LimitSetting {
    /// The algorithm, where something else was declared. A limit that is set without a burst has
    /// the burst of its own number: the declared one belongs to another limit.
    pub fn algorithm(&self, declared: Algorithm, limit: u64) -> Algorithm {
        let bucket = |default_burst| Algorithm::TokenBucket {
            burst: self.burst.unwrap_or(default_burst),
        };

        match (self.algorithm, declared) {
            (Some(AlgorithmName::SlidingWindow), _) | (None, Algorithm::SlidingWindow) => {
                Algorithm::SlidingWindow
            }
            (None, Algorithm::TokenBucket { burst }) if self.limit.is_none() => bucket(burst),
            _ => bucket(limit),
        }
    }

    /// Takes `on_loss` for `failure_mode`.
    fn rename_deprecated(&mut self, name: &str) -> Result<(), ConfigError> {
        let Some(on_loss) = self.on_loss.take() else {
            return Ok(());
        };
        if self.failure_mode.is_some() {
            let problem = "is the old name of failure_mode, which is set too; leave on_loss out";
            return Err(ConfigError::new(format!("LIMITS.{name}.on_loss"), problem));
        }

        let (setting, use_instead) = (format!("LIMITS.{name}.on_loss"), "failure_mode");
        tracing::warn!(setting, use_instead, "a setting has a new name");
        self.failure_mode = Some(on_loss);
        Ok(())
    }

    fn check(&self, name: &str) -> Result<(), ConfigError> {
        let wrong = |field: &str, problem: &str| {
            Err(ConfigError::new(format!("LIMITS.{name}{field}"), problem))
        };
        if !LIMIT_NAMES.contains(&name) {
            let problem = format!("is not a limit; there are {}", LIMIT_NAMES.join(", "));
            return wrong("", &problem);
        }

        if !is_count(self.limit) {
            return wrong(".limit", "must be from 1 to 1,000,000,000");
        }
        if !is_count(self.burst) {
            return wrong(".burst", "must be from 1 to 1,000,000,000");
        }

        let is_window = |seconds: f64| (0.001..=86_400.0).contains(&seconds);
        if !self.window.is_none_or(is_window) {
            return wrong(".window", "must be more than 0 and at most 86,400 seconds");
        }
        Ok(())
    }
}

fn is_count(count: Option<u64>) -> bool {
    count.is_none_or(|count| (1..=1_000_000_000).contains(&count))
}

fn unreadable(error: serde_path_to_error::Error<serde_json::Error>) -> ConfigError {
    let path = error.path().to_string();
    let name = if path == "." || path.contains('?') {
        "LIMITS".to_owned()
    } else {
        format!("LIMITS.{path}")
    };

    ConfigError::new(name, error.into_inner().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Refused {
        json: &'static str,
        setting: &'static str,
    }

    const REFUSED: [Refused; 12] = [
        Refused {
            json: r#"{"user":{"limit":0}}"#,
            setting: "LIMITS.user.limit",
        },
        Refused {
            json: r#"{"user":{"limit":-1}}"#,
            setting: "LIMITS.user.limit",
        },
        Refused {
            json: r#"{"user":{"window":0}}"#,
            setting: "LIMITS.user.window",
        },
        Refused {
            json: r#"{"address":{"burst":0}}"#,
            setting: "LIMITS.address.burst",
        },
        Refused {
            json: r#"{"user":{"algorithm":"leaky"}}"#,
            setting: "LIMITS.user.algorithm",
        },
        Refused {
            json: r#"{"user":{"failure_mode":"maybe"}}"#,
            setting: "LIMITS.user.failure_mode",
        },
        Refused {
            json: r#"{"user":{"on_loss":"maybe"}}"#,
            setting: "LIMITS.user.on_loss",
        },
        Refused {
            json: r#"{"user":{"failure_mode":"open","on_loss":"open"}}"#,
            setting: "LIMITS.user.on_loss",
        },
        Refused {
            json: r#"{"usr":{"limit":1}}"#,
            setting: "LIMITS.usr",
        },
        Refused {
            json: r#"{"user":{"limt":1}}"#,
            setting: "LIMITS.user.limt",
        },
        Refused {
            json: "[]",
            setting: "LIMITS",
        },
        Refused {
            json: r#"{"user":{"limit":1},"user":{"window":9}}"#,
            setting: "LIMITS",
        },
    ];

    #[test]
    fn a_wrong_limit_is_refused_by_name() {
        for Refused { json, setting } in REFUSED {
            let error = LimitSettings::parse(json).expect_err(json);
            assert_eq!(error.name, setting);
        }
    }

    #[test]
    fn the_old_name_of_the_failure_mode_is_still_read() {
        let json = r#"{"user":{"on_loss":"closed"},"address":{"failure_mode":"open"}}"#;
        let settings = LimitSettings::parse(json).unwrap();

        let failure_mode = |name: &str| settings.of(name).unwrap().failure_mode;
        assert_eq!(failure_mode("user"), Some(FailureMode::Closed));
        assert_eq!(failure_mode("address"), Some(FailureMode::Open));
    }

    #[test]
    fn what_is_left_out_stays_as_it_was() {
        let json = r#"{"user":{"limit":7},"address":{"algorithm":"token_bucket"},
            "wait":{"window":60},"tokens":{"limit":7,"burst":9}}"#;
        let settings = LimitSettings::parse(json).unwrap();
        let bucket = |burst| Algorithm::TokenBucket { burst };

        let user = settings.of("user").unwrap();
        let window = Algorithm::SlidingWindow;
        assert_eq!(user.algorithm(window, 7), window);
        assert_eq!(user.algorithm(bucket(3), 7), bucket(7));

        let address = settings.of("address").unwrap();
        assert_eq!(address.algorithm(window, 9), bucket(9));

        let wait = settings.of("wait").unwrap();
        assert_eq!(wait.algorithm(bucket(3), 7), bucket(3));
        let tokens = settings.of("tokens").unwrap();
        assert_eq!(tokens.algorithm(bucket(3), 7), bucket(9));

        assert!(settings.of("tenant").is_none());
    }
}
