//! Completed consultations in the cache.

use std::time::Duration;

use uuid::Uuid;

use super::consultation::Consultation;
use crate::cache::{CachePolicy, EntryKind, Key, Tag};
use crate::identity::TenantId;

/// The cached values; the number is raised when their form changes.
const COMPLETED: EntryKind<Consultation> = EntryKind::new("consultations", 2);

/// A completed consultation changes only when a report is made of it, or the patient answers a
/// question.
pub const CACHE_POLICY: CachePolicy = CachePolicy::new(Duration::from_mins(5));

/// The key of a completed consultation. The value is the tenant's: [`Consultation::is_for`] says
/// whether a caller may see it.
pub fn cache_key(tenant: &TenantId, id: Uuid) -> Key<Consultation> {
    let tag = cache_tag(tenant, id);
    Key::of_tenant(tenant, &COMPLETED, &id.to_string()).tagged(&tag)
}

/// The tag that is invalidated when a completed consultation changes.
pub fn cache_tag(tenant: &TenantId, id: Uuid) -> Tag {
    Tag::of_tenant(tenant, "consultation", &id.to_string())
}
