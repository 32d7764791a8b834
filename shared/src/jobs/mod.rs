//! Durable work: jobs in PostgreSQL, announced by an outbox, carried by SQS, done by the `worker` function.
//!
//! A job's row, its outbox row and the row it works on commit together; the message follows. Whatever happens to the
//! message, the row says what is left to do.

pub mod batch;
pub mod outbox;
pub mod store;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::identity::TenantId;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Makes a consultation's assessment.
    Analyze,
}

impl JobKind {
    /// As it stands in a row.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Analyze => "analyze",
        }
    }
}

/// The body of a queue message: ids only, never medical text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobMessage {
    /// Whose job it is.
    pub tenant_id: TenantId,
    /// The job's row.
    pub job_id: Uuid,
    /// What it does.
    pub kind: JobKind,
}

impl JobMessage {
    /// A message about a job.
    pub fn new(tenant: &TenantId, job_id: Uuid, kind: JobKind) -> Self {
        Self { tenant_id: tenant.clone(), job_id, kind }
    }
}
