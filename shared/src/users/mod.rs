//! People of a tenant: what is known of them, beyond their token.

mod import;
pub mod store;

pub use import::{Import, Imported, Mode, RowError};

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::cache::{EntryKind, Key, Policy, Tag};
use crate::consultations::Summary;
use crate::identity::{Caller, Role, TenantId, UserId};

/// Users in the cache.
const USERS: EntryKind<User> = EntryKind::new("users", 1);

/// Users change seldom: as in the system's first design, five minutes.
pub const POLICY: Policy = Policy::new(Duration::from_mins(5));

/// One person. It has no `Debug`: it holds a name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The token's `sub`.
    pub id: UserId,
    /// Their address; one person's within the tenant.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// When they were first known.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When that last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// What is known of the caller: from the token, and what else is there.
#[derive(Serialize)]
pub struct Me {
    id: UserId,
    tenant_id: TenantId,
    role: Role,
    /// None until an administrator has brought the person in.
    #[serde(flatten)]
    profile: Option<Profile>,
}

#[derive(Serialize)]
struct Profile {
    email: String,
    name: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl Me {
    /// From the token and the row, if there is one. The role is the token's.
    pub fn new(caller: Caller, user: Option<User>) -> Self {
        let profile = user.map(|user| {
            let User {
                email,
                name,
                created_at,
                updated_at,
                ..
            } = user;
            Profile {
                email,
                name,
                created_at,
                updated_at,
            }
        });
        Self {
            id: caller.user,
            tenant_id: caller.tenant,
            role: caller.role,
            profile,
        }
    }
}

/// A person in a list, with their latest consultations if these were asked for.
#[derive(Serialize)]
pub struct Listed {
    /// The person.
    #[serde(flatten)]
    pub user: User,
    /// Their latest ten consultations, newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consultations: Option<Vec<Summary>>,
}

/// Where a person stands in the cache.
pub fn key(tenant: &TenantId, id: &UserId) -> Key<User> {
    Key::of_tenant(tenant, &USERS, id.as_str()).tagged(&everyone(tenant))
}

/// What every cached person of a tenant carries: an import can change any of them.
pub fn everyone(tenant: &TenantId) -> Tag {
    Tag::of_tenant(tenant, "users", "all")
}

/// Whether a caller may know of a person: a patient of themselves, others of all in their tenant.
pub fn may_read(caller: &Caller, id: &UserId) -> bool {
    caller.role != Role::Patient || caller.user == *id
}
