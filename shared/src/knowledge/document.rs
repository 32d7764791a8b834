//! A document as it is brought in.

use serde::{Deserialize, Serialize};

use crate::identity::TenantId;
use crate::locale::Locale;

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

/// Where a document comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
