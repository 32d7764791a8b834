//! The messages that the queue carries.

use aws_lambda_events::sqs::SqsMessage;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::identity::TenantId;
use crate::telemetry::trace;

/// The body of a queue message: ids only. The job's row decides what is done.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JobMessage {
    /// The tenant that the job belongs to.
    pub tenant_id: TenantId,
    /// The job's row.
    pub job_id: Uuid,
    /// The job's kind, for an operator who looks at the queue.
    pub kind: String,
    /// The trace that the job was made in, as W3C writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl JobMessage {
    /// The message with this body; `None` if the body is no job's. A parser's error may repeat the
    /// body, so it is dropped.
    pub fn read(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }
}

/// The span of all that is done about one record of a queue: in the trace that its job was made in,
/// if it is a job's.
pub fn record_span(record: &SqsMessage, message: Option<&JobMessage>) -> tracing::Span {
    let span = tracing::info_span!(
        parent: None,
        "record",
        message_id = record.message_id.as_deref(),
        job = message.map(|message| message.job_id.to_string()),
        kind = message.map(|message| message.kind.as_str()),
        tenant = message.map(|message| message.tenant_id.pseudonym()),
        trace_id = tracing::field::Empty,
        tier = tracing::field::Empty
    );
    let parent = message.and_then(|message| message.traceparent.as_deref());
    trace::begin(span, parent.and_then(|parent| parent.parse().ok()))
}
