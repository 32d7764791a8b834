//! Where a consultation's report is stored, and how it is shown.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// The latest report, as the consultation's row names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReport {
    /// The bucket's key of the HTML.
    pub html: String,
    /// The bucket's key of the Markdown.
    pub markdown: String,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub generated_at: OffsetDateTime,
}

/// Links to a report, which open it for a short time without a token. They have no `Debug`: they
/// must not be logged.
#[derive(Serialize, schemars::JsonSchema)]
pub struct ReportLinks {
    /// The presigned URL of the HTML.
    pub html_url: String,
    /// The presigned URL of the Markdown.
    pub markdown_url: String,
    /// When the links stop working.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    pub expires_at: OffsetDateTime,
    /// When the report was made.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    pub generated_at: OffsetDateTime,
}
