//! A job as the API shows it.

use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Reason, State};

/// The answer to `GET /v1/jobs/{id}`.
#[derive(Debug, Serialize)]
pub struct JobView {
    /// Its id.
    pub id: Uuid,
    /// What it does, such as `analyze`.
    pub kind: String,
    /// How far it has come.
    pub state: State,
    /// The consultation that it works on, if it is one.
    pub consultation_id: Option<Uuid>,
    /// 0 to 100.
    pub progress: i16,
    /// What it is doing, such as `asking_models`.
    pub step: Option<String>,
    /// How often it was tried; what it waited for is no attempt.
    pub attempts: i16,
    /// How often it is tried at most.
    pub max_attempts: i16,
    /// Whether somebody has called it off and the worker has not seen it yet.
    pub cancel_requested: bool,
    /// Why it failed, or what went wrong with its last attempt.
    pub error: Option<Reason>,
    /// When a deferred job is looked at again, or a failed attempt is followed by another.
    #[serde(with = "time::serde::rfc3339::option")]
    pub retry_at: Option<OffsetDateTime>,
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was first begun.
    #[serde(with = "time::serde::rfc3339::option")]
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
}
