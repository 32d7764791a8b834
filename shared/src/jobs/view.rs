//! A job as a store reads it, and as the API shows it.

use serde::Serialize;
use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use super::payload::JobKind;
use super::reason::Reason;
use super::state::{JobState, MAX_ATTEMPTS};
use crate::identity::UserId;
use crate::locale::Locale;

/// A job as its row has it.
#[derive(Debug, FromRow)]
pub struct Job {
    /// `UUIDv7`: later jobs have greater ids.
    pub id: Uuid,
    /// The kind's name, such as `analyze`.
    pub kind: String,
    /// How far the job has come.
    pub state: JobState,
    /// For whom it is done.
    pub user_id: UserId,
    /// The consultation that the job works on, if it works on one.
    pub consultation_id: Option<Uuid>,
    /// The patient's language.
    pub locale: Locale,
    /// 0 to 100, as the run says.
    pub progress: i16,
    /// The run's current step, such as `asking_models`.
    pub step: Option<String>,
    /// How often the job was tried, at most [`MAX_ATTEMPTS`] times.
    pub attempts: i16,
    /// The code of the reason why the last attempt failed, or why the job waits.
    pub last_error: Option<String>,
    /// Whether a caller has cancelled the job.
    pub cancel_requested: bool,
    /// When the backoff or the deferral is over; no worker begins the job before.
    pub not_before: Option<OffsetDateTime>,
    /// When the job was enqueued.
    pub created_at: OffsetDateTime,
    /// When the first run began.
    pub started_at: Option<OffsetDateTime>,
    /// When the job ended.
    pub finished_at: Option<OffsetDateTime>,
}

/// The answer to a call that had a job enqueued for a consultation.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct AcceptedJob {
    /// The job.
    pub job_id: Uuid,
    /// The consultation that it works on.
    pub consultation_id: Uuid,
}

/// The answer to `POST /v1/jobs/redrive`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct RedrivenView {
    /// Failed jobs that are queued again.
    pub redriven: usize,
    /// Failed jobs that are left and could be redriven, counted up to 1,000.
    pub remaining: i64,
}

/// The answer to `GET /v1/jobs/{id}`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct JobView {
    /// `UUIDv7`: later jobs have greater ids.
    pub id: Uuid,
    /// The kind's name, such as `analyze`.
    pub kind: String,
    /// How far the job has come.
    pub state: JobState,
    /// The consultation that the job works on, if it works on one.
    pub consultation_id: Option<Uuid>,
    /// 0 to 100, as the run says.
    pub progress: i16,
    /// The run's current step, such as `asking_models`.
    pub step: Option<String>,
    /// How often the job was tried; what it waited for is no attempt.
    pub attempts: i16,
    /// How often the job is tried at most.
    pub max_attempts: i16,
    /// Whether a caller has cancelled the job, and its run has not learned of it yet.
    pub cancel_requested: bool,
    /// Why the job has failed, or why its last attempt has.
    pub error: Option<Reason>,
    /// When a deferred job is tried again, or a failed attempt is followed by another.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schemars(with = "Option<crate::schema::Timestamp>")]
    pub retry_at: Option<OffsetDateTime>,
    /// When the job was enqueued.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    pub created_at: OffsetDateTime,
    /// When the first run began.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schemars(with = "Option<crate::schema::Timestamp>")]
    pub started_at: Option<OffsetDateTime>,
    /// When the job ended.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schemars(with = "Option<crate::schema::Timestamp>")]
    pub finished_at: Option<OffsetDateTime>,
}

impl JobView {
    /// A job with the words of its reason, which are its kind's, among `kinds`, or those of all
    /// kinds.
    pub fn new(job: Job, kinds: &[JobKind]) -> Self {
        // An earlier attempt of a job that is completed or cancelled may have failed; that does not
        // matter any more.
        let shows_error = !matches!(job.state, JobState::Completed | JobState::Cancelled);
        let waits = matches!(job.state, JobState::Queued | JobState::Deferred);

        let texts = JobKind::reasons(kinds, &job.kind);
        let code = job.last_error.filter(|_| shows_error);

        Self {
            error: code.map(|code| Reason::new(&code, job.locale, texts)),
            retry_at: job.not_before.filter(|_| waits),
            cancel_requested: job.cancel_requested && !job.state.is_final(),
            max_attempts: MAX_ATTEMPTS,
            id: job.id,
            kind: job.kind,
            state: job.state,
            consultation_id: job.consultation_id,
            progress: job.progress,
            step: job.step,
            attempts: job.attempts,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
        }
    }
}
