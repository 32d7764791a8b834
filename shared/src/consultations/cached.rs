//! Completed consultations in the cache.

use std::time::Duration;

use uuid::Uuid;

use super::consultation::Consultation;
use crate::cache::{Cache, CachePolicy, EntryKind, Key, Tag};
use crate::deadline::Deadline;
use crate::error::error_chain;
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

/// Makes the next read of a consultation see what has changed. Without Valkey it may show the old
/// for as long as the cache keeps it, and a log line says so: what was changed stands.
pub async fn forget_cached(cache: &Cache, tenant: &TenantId, id: Uuid, deadline: Deadline) {
    if let Err(error) = cache.invalidate(&[cache_tag(tenant, id)], deadline).await {
        let causes = error_chain(&error);
        tracing::warn!(
            causes,
            "until it expires, a cached consultation shows the old"
        );
    }
}

/// The tag that is invalidated when a completed consultation changes.
pub fn cache_tag(tenant: &TenantId, id: Uuid) -> Tag {
    Tag::of_tenant(tenant, "consultation", &id.to_string())
}
