//! How far a job has come.

use serde::{Deserialize, Serialize};

use crate::postgres::text_columns;

/// How often a job is tried. What a job waits for outside, and what an outage of ours breaks off,
/// is no attempt.
pub const MAX_ATTEMPTS: i16 = 3;

/// How far a job has come. [`super::lifecycle`] says what leads from one state to the next.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    sqlx::Encode,
    sqlx::Decode,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum JobState {
    /// The job waits for a worker.
    Queued,
    /// A run has the job's lease, or had it and died.
    Active,
    /// The job waits for a service outside to come back.
    Deferred,
    /// The job's result is written.
    Completed,
    /// The job has no result and is not tried again, unless an admin redrives it.
    Failed,
    /// A caller has cancelled the job.
    Cancelled,
}

text_columns!(JobState);

impl JobState {
    /// Whether no worker runs the job again, unless an admin redrives it.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The state's name, in rows and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Active => "active",
            Self::Deferred => "deferred",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}
