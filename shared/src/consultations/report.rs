//! Where a consultation's report lies, and how it is shown.

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

/// Links to a report, which open it for a short time without a token. They have no `Debug`: they must not be logged.
#[derive(Serialize)]
pub struct ReportLinks {
    /// The report as HTML.
    pub html_url: String,
    /// The report as Markdown.
    pub markdown_url: String,
    /// Until when the links work.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// When the report was made.
    #[serde(with = "time::serde::rfc3339")]
    pub generated_at: OffsetDateTime,
}
