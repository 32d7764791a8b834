//! A document as it is brought in, and as a list shows it.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::identity::TenantId;
use crate::locale::Locale;
use crate::postgres::text_columns;

/// Whose a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner<'t> {
    /// One tenant's: no other finds it.
    Tenant(&'t TenantId),
    /// Everybody's. Only an operator writes it, never a tenant's caller.
    Shared,
}

impl<'t> Owner<'t> {
    /// The owner's name in the column of tenants. No tenant can be called `*`.
    pub(super) fn column(self) -> &'t str {
        match self {
            Self::Tenant(tenant) => tenant.as_str(),
            Self::Shared => "*",
        }
    }
}

/// The owners whose documents a tenant reads.
pub(super) fn owners_read_by(tenant: &TenantId) -> [&str; 2] {
    [Owner::Tenant(tenant).column(), Owner::Shared.column()]
}

/// Where a document comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Source {
    /// Publisher and title.
    pub title: String,
    /// An absolute `https` address.
    pub url: String,
}

/// A document to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDocument {
    /// The owner's own name of it: a document of the same name is replaced.
    pub reference: String,
    /// The language of all its texts.
    pub language: Locale,
    /// What it is about.
    pub title: String,
    /// What patients call it; found like the title, and not shown.
    pub also: String,
    /// Where it comes from.
    pub source: Source,
    /// Markdown.
    pub content: String,
}

/// Whether a document's latest version is found.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Encode, sqlx::Decode, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum DocumentStatus {
    /// Its job has not ended well yet; an earlier version is found meanwhile, if there is one.
    Processing,
    /// It is found.
    Ready,
}

text_columns!(DocumentStatus);

/// The answer to `POST /v1/knowledge/documents`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct AcceptedDocument {
    /// The document.
    pub id: Uuid,
    /// The job that brings it in.
    pub job_id: Uuid,
    /// [`DocumentStatus::Processing`].
    pub status: DocumentStatus,
}

/// A document in a list, without its text.
#[derive(Debug, Serialize, FromRow, schemars::JsonSchema)]
pub struct ListedDocument {
    /// `UUIDv7`: later documents have greater ids.
    pub id: Uuid,
    /// The tenant's own name of it.
    pub reference: String,
    /// The language of its texts.
    pub language: Locale,
    /// What it is about.
    pub title: String,
    /// Publisher and title of its source.
    pub source_title: String,
    /// An absolute `https` address.
    pub source_url: String,
    /// Counted from 1, one more with each change.
    pub version: i32,
    /// Whether that version is found.
    pub status: DocumentStatus,
    /// The job that brings in the latest version.
    pub job_id: Option<Uuid>,
    /// When it was first written.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    pub updated_at: OffsetDateTime,
}
