//! The job that brings a document in.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::jobs::{JobPayload, ReasonText};

/// Cuts a document into passages, so that it is found.
#[derive(Debug, Serialize, Deserialize)]
pub struct IngestDocument {
    /// The document, whose latest version is brought in.
    pub document_id: Uuid,
}

impl IngestDocument {
    /// The document was deleted before it was brought in.
    pub const DOCUMENT_DELETED: &'static str = "document_deleted";
}

impl JobPayload for IngestDocument {
    const KIND: &'static str = "ingest_document";
    const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(1);
    const REASONS: &'static [ReasonText] = &[ReasonText {
        code: Self::DOCUMENT_DELETED,
        zh: "该文档在处理完成之前已被删除。",
        en: "The document was deleted before it was brought in.",
    }];
}
