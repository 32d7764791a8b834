//! One person, and how the API shows them.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use time::OffsetDateTime;

use crate::consultations::ConsultationSummary;
use crate::identity::{Caller, Role, TenantId, UserId};

/// One person. It has no `Debug`: it holds a name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, FromRow, schemars::JsonSchema)]
pub struct User {
    /// The token's `sub`.
    pub id: UserId,
    /// The person's e-mail address, which no one else within the tenant has.
    pub email: String,
    /// The name that an administrator gave: 1 to 200 characters.
    pub name: String,
    /// The role that an administrator gave. Of a call, the token's counts until an import has given
    /// another one.
    pub role: Role,
    /// When an administrator brought the person in.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    pub created_at: OffsetDateTime,
    /// When the row last changed.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    pub updated_at: OffsetDateTime,
}

/// What is known of the caller: from the token, and from their row if there is one.
#[derive(Serialize, schemars::JsonSchema)]
pub struct Me {
    id: UserId,
    tenant_id: TenantId,
    role: Role,
    /// None until an administrator has brought the person in.
    #[serde(flatten)]
    profile: Option<Profile>,
}

#[derive(Serialize, schemars::JsonSchema)]
struct Profile {
    email: String,
    name: String,
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    updated_at: OffsetDateTime,
}

impl From<User> for Profile {
    fn from(user: User) -> Self {
        Self {
            email: user.email,
            name: user.name,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

impl Me {
    /// The caller, with the row of the person if there is one. The role is the token's.
    pub fn new(caller: Caller, user: Option<User>) -> Self {
        Self {
            id: caller.user,
            tenant_id: caller.tenant,
            role: caller.role,
            profile: user.map(Profile::from),
        }
    }
}

/// What `GET /v1/users/{id}` answers: the caller for `me`, else one person.
#[derive(Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum UserAnswer {
    /// The caller.
    Me(Me),
    /// One person.
    User(User),
}

/// A person in a list, with their latest consultations if the caller asked for these.
#[derive(Serialize, schemars::JsonSchema)]
pub struct ListedUser {
    /// The person.
    #[serde(flatten)]
    pub user: User,
    /// The latest ten consultations, newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consultations: Option<Vec<ConsultationSummary>>,
}

/// Whether a caller may know of a person: a patient of themselves, others of all in their tenant.
pub fn may_read(caller: &Caller, id: &UserId) -> bool {
    caller.role != Role::Patient || caller.user == *id
}
