//! An event of a consultation, as clients read it.

use serde::Serialize;
use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::consultations::GenerateReport;
use crate::jobs::JobPayload;
use crate::triage::Urgency;

/// What an event tells. The names are the public ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// A job was enqueued, or waits for its next attempt.
    Queued,
    /// A worker works on the job.
    Progress,
    /// A model writes the assessment's summary.
    Summary,
    /// The job waits for a service outside.
    Deferred,
    /// The assessment is there.
    Completed,
    /// The report is there.
    ReportReady,
    /// The job has failed for good.
    Failed,
    /// The job was cancelled.
    Cancelled,
    /// The rules have decided again: the urgency and the open questions may be others.
    Questions,
}

/// What the database calls an event. It knows no kind of job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Decode)]
#[sqlx(rename_all = "snake_case")]
pub(super) enum EventKind {
    Queued,
    Progress,
    Deferred,
    Completed,
    Failed,
    Cancelled,
    Questions,
}

crate::postgres::text_columns!(EventKind);

#[derive(FromRow)]
pub(super) struct EventRow {
    id: i64,
    kind: EventKind,
    /// A progress that is a part of a summary.
    is_summary: bool,
    job_id: Option<Uuid>,
    job_kind: Option<String>,
    progress: Option<i16>,
    step: Option<String>,
    reason: Option<String>,
    urgency: Option<Urgency>,
    summary: Option<String>,
    created_at: OffsetDateTime,
}

/// An event of a consultation. It holds ids, steps and codes, and while a model writes an
/// assessment, the beginning of its summary: so it has no `Debug`.
#[derive(Clone, Serialize)]
pub struct Event {
    /// Its number within the consultation: 1, 2, 3, …, without gaps.
    pub id: i64,
    /// What it tells.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// The job that it is about; none for `questions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<Uuid>,
    /// The job's kind, such as `analyze`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// How far the job is, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<i16>,
    /// What the job's run does, such as `asking_models`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Why the job has failed, or waits: the code of a reason, as in `GET /v1/jobs/{id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How soon help is needed, with `completed` and `questions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    /// With `summary`, the whole sentences that there are of it, in the place of earlier ones; an
    /// empty text, or none, takes them back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        let is_of_report = row.job_kind.as_deref() == Some(GenerateReport::KIND);
        let event_type = match row.kind {
            EventKind::Queued => EventType::Queued,
            EventKind::Progress if row.is_summary => EventType::Summary,
            EventKind::Progress => EventType::Progress,
            EventKind::Deferred => EventType::Deferred,
            EventKind::Completed if is_of_report => EventType::ReportReady,
            EventKind::Completed => EventType::Completed,
            EventKind::Failed => EventType::Failed,
            EventKind::Cancelled => EventType::Cancelled,
            EventKind::Questions => EventType::Questions,
        };

        Self {
            id: row.id,
            event_type,
            job_id: row.job_id,
            job: row.job_kind,
            progress: row.progress,
            step: row.step,
            reason: row.reason,
            urgency: row.urgency.filter(|_| event_type != EventType::ReportReady),
            summary: row.summary,
            at: row.created_at,
        }
    }
}
