//! How a component is.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use crate::error::{BoxError, error_chain};

/// How one component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ComponentStatus {
    /// It answers.
    Ok,
    /// Some of it does.
    Degraded,
    /// It does not answer.
    Down,
    /// There is none.
    NotConfigured,
    /// It could not be found out.
    Unknown,
}

impl ComponentStatus {
    /// Of a component that answered, or not, with a log line of what failed.
    pub(super) fn of(component: &'static str, answered: Result<(), BoxError>) -> Self {
        let Err(error) = answered else {
            return Self::Ok;
        };

        let causes = error_chain(&*error);
        tracing::warn!(component, error = %error, causes, "a component does not answer");
        Self::Down
    }
}

/// How fast a component answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Speed {
    /// As it should.
    Good,
    /// Slower.
    Slow,
}

/// How long a component took to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub(super) struct Latency {
    latency_ms: u64,
    speed: Speed,
}

impl Latency {
    /// `took` is slow from `limit` on.
    pub(super) fn of(took: Duration, limit: Duration) -> Self {
        Self {
            latency_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            speed: if took < limit {
                Speed::Good
            } else {
                Speed::Slow
            },
        }
    }
}

/// How much of something is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(super) struct Space {
    pub(super) used_bytes: u64,
    pub(super) total_bytes: u64,
}

impl Space {
    /// Nine tenths are used.
    pub(super) fn status(self) -> ComponentStatus {
        if self.used_bytes / 9 * 10 > self.total_bytes {
            ComponentStatus::Degraded
        } else {
            ComponentStatus::Ok
        }
    }
}

/// How the database and its readers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DatabaseVerdict {
    pub(super) database: ComponentStatus,
    pub(super) database_latency: Option<Latency>,
    pub(super) readers: ComponentStatus,
    pub(super) readers_latency: Option<Latency>,
    /// What it says of the jobs, if it answers.
    pub(super) jobs: Option<JobsView>,
}

/// What waits and what has failed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromRow, Serialize, Deserialize, schemars::JsonSchema,
)]
pub(super) struct JobsView {
    /// Since when the oldest job waits that is not ended.
    pub(super) oldest_age_seconds: i64,
    /// Jobs that are not ended.
    pub(super) unfinished: i64,
    /// Jobs that have failed for good and can be redriven; at most 1,000 are counted.
    pub(super) failed: i64,
    /// Messages that no parser understood; at most 1,000 are counted.
    pub(super) in_quarantine: i64,
}

impl DatabaseVerdict {
    /// Of a database that does not answer.
    pub(super) fn without_answer(error: BoxError) -> Self {
        Self {
            database: ComponentStatus::of("database", Err(error)),
            database_latency: None,
            readers: ComponentStatus::Unknown,
            readers_latency: None,
            jobs: None,
        }
    }
}
