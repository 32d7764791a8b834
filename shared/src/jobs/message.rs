//! The messages that the queue carries.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::identity::TenantId;

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
