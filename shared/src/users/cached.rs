//! People in the cache.

use std::time::Duration;

use super::user::User;
use crate::cache::{CachePolicy, EntryKind, Key, Tag};
use crate::identity::{TenantId, UserId};

/// The cached values; the number is raised when their form changes.
const USERS: EntryKind<User> = EntryKind::new("users", 1);

/// People change seldom: five minutes, as in the system's first design.
pub const CACHE_POLICY: CachePolicy = CachePolicy::new(Duration::from_mins(5));

/// The key of one person.
pub fn cache_key(tenant: &TenantId, id: &UserId) -> Key<User> {
    let tag = cache_tag(tenant);
    Key::of_tenant(tenant, &USERS, id.as_str()).tagged(&tag)
}

/// The tag of all cached people of a tenant, since an import can change any of them.
pub fn cache_tag(tenant: &TenantId) -> Tag {
    Tag::of_tenant(tenant, "users", "all")
}
