//! Who is calling. Values of these types come from a verified token (`http::auth`) or from a row,
//! never from a body.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The text is not an id of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct InvalidId(&'static str);

/// A customer of the installation: 1 to 64 of `a-z`, `0-9`, `-` and `_`.
///
/// Every query, cache key and limiter key of a tenant's data takes one, so that none can be built
/// without it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String")]
pub struct TenantId(String);

/// A person within a tenant: the token's `sub`, 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String")]
pub struct UserId(String);

impl TenantId {
    /// The id as text, for a key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands for the tenant in logs, traces and circuits: the first 16 hex digits of its
    /// SHA-256. Who knows the ids can tell which it is.
    pub fn pseudonym(&self) -> String {
        let hash = Sha256::digest(self.0.as_bytes());
        hex::encode(hash.get(..8).unwrap_or_default())
    }
}

impl UserId {
    /// The id as text, for a key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TenantId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        let is_valid = (1..=64).contains(&text.len()) && text.bytes().all(is_allowed);

        is_valid.then_some(Self(text)).ok_or(InvalidId("tenant id"))
    }
}

impl TryFrom<String> for UserId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        let is_valid = (1..=128).contains(&text.len()) && is_visible;

        is_valid.then_some(Self(text)).ok_or(InvalidId("user id"))
    }
}

/// The rights of a caller, by their group in the user pool. A greater role may do all that a lesser
/// one may.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    sqlx::Encode,
    sqlx::Decode,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum Role {
    /// Reads and writes their own records.
    Patient,
    /// Reads the records of their tenant.
    Clinician,
    /// Administers their tenant.
    Admin,
}

impl Role {
    /// The group of the user pool that stands for it.
    pub const fn as_group(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Clinician => "clinician",
            Self::Admin => "admin",
        }
    }

    /// The role that a group of the user pool stands for, if it stands for one.
    pub fn from_group(group: &str) -> Option<Self> {
        match group {
            "patient" => Some(Self::Patient),
            "clinician" => Some(Self::Clinician),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// The authenticated caller of a request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The tenant, whose data alone this caller can see.
    pub tenant: TenantId,
    /// The person within the tenant.
    pub user: UserId,
    /// The person's rights there.
    pub role: Role,
}

impl Caller {
    /// The records that this caller may read.
    pub fn scope(&self) -> Scope<'_> {
        let is_patient = self.role == Role::Patient;
        Scope {
            tenant: &self.tenant,
            owner: is_patient.then_some(&self.user),
        }
    }
}

/// The rows that a query may see: always one tenant's, and for a patient only their own.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The tenant whose rows these are.
    pub tenant: &'a TenantId,
    /// The person whose rows alone may be seen; none for all rows of the tenant.
    pub owner: Option<&'a UserId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_id_has_one_spelling() {
        assert!(TenantId::try_from("clinic-1".to_owned()).is_ok());

        for wrong in ["", "Clinic", "a b", "a:b", "a/b", "诊所", &"a".repeat(65)] {
            assert!(TenantId::try_from(wrong.to_owned()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn only_a_patient_is_held_to_their_own_records() {
        let caller = |role| Caller {
            tenant: TenantId::try_from("t".to_owned()).unwrap(),
            user: UserId::try_from("u".to_owned()).unwrap(),
            role,
        };

        assert!(caller(Role::Patient).scope().owner.is_some());
        assert!(caller(Role::Clinician).scope().owner.is_none());
        assert!(caller(Role::Admin).scope().owner.is_none());
    }

    #[test]
    fn a_group_is_named_like_its_role() {
        for role in [Role::Patient, Role::Clinician, Role::Admin] {
            let name = serde_json::to_value(role).unwrap();
            assert_eq!(Role::from_group(name.as_str().unwrap()), Some(role));
            assert_eq!(role.as_group(), name);
        }
    }
}
