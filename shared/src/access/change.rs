//! What has changed of a person's access since they signed in.

use time::OffsetDateTime;

use crate::error::{Error, ErrorKind};
use crate::identity::{Caller, Role, TenantId, UserId};

/// What has changed of a person's access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessChange {
    /// The role that counts instead of the token's; none if no import has changed it.
    pub role: Option<Role>,
    /// Who signed in up to this second has to sign in again; none if nobody was signed out.
    pub signed_out_at: Option<OffsetDateTime>,
    /// When the last of both was changed.
    pub changed_at: OffsetDateTime,
}

/// The change of one person of one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonChange {
    /// The person's tenant.
    pub tenant: TenantId,
    /// The person.
    pub user: UserId,
    /// What has changed.
    pub change: AccessChange,
}

impl AccessChange {
    /// The caller as they may act now. 401 if they were signed out after they signed in.
    pub fn apply(&self, caller: Caller, signed_in_at: OffsetDateTime) -> Result<Caller, Error> {
        if self.ends_sign_in_of(signed_in_at) {
            let detail = "You were signed out. Sign in again; a refreshed token does not do.";
            return Err(Error::new(ErrorKind::Unauthenticated, detail));
        }

        let role = self.role.unwrap_or(caller.role);
        Ok(Caller { role, ..caller })
    }

    /// Whether what was opened by this caller has to be opened anew: they were signed out, or have
    /// another role by now.
    pub fn ends(&self, caller: &Caller, signed_in_at: OffsetDateTime) -> bool {
        let has_other_role = self.role.is_some_and(|role| role != caller.role);
        has_other_role || self.ends_sign_in_of(signed_in_at)
    }

    /// Tokens tell the time in seconds, so the second of the change counts as before it.
    fn ends_sign_in_of(&self, signed_in_at: OffsetDateTime) -> bool {
        let signed_out_at = self.signed_out_at.map(OffsetDateTime::unix_timestamp);
        signed_out_at.is_some_and(|seconds| signed_in_at.unix_timestamp() <= seconds)
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    fn caller(role: Role) -> Caller {
        Caller {
            tenant: TenantId::try_from("t".to_owned()).unwrap(),
            user: UserId::try_from("u".to_owned()).unwrap(),
            role,
        }
    }

    fn change(role: Option<Role>, signed_out_at: Option<OffsetDateTime>) -> AccessChange {
        AccessChange {
            role,
            signed_out_at,
            changed_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_changed_role_counts_and_not_the_tokens() {
        let now = OffsetDateTime::now_utc();
        for (from, to) in [
            (Role::Admin, Role::Patient),
            (Role::Patient, Role::Clinician),
        ] {
            let changed = change(Some(to), None);
            assert_eq!(changed.apply(caller(from), now).unwrap().role, to);
            assert!(changed.ends(&caller(from), now));
            assert!(!changed.ends(&caller(to), now));
        }
    }

    #[test]
    fn who_signed_in_before_the_sign_out_signs_in_again() {
        let signed_out_at = OffsetDateTime::now_utc();
        let changed = change(None, Some(signed_out_at));

        for (later, is_ended) in [(-3600, true), (0, true), (1, false), (60, false)] {
            let signed_in_at = signed_out_at + Duration::seconds(later);
            let answer = changed.apply(caller(Role::Patient), signed_in_at);
            assert_eq!(answer.is_err(), is_ended, "{later} s");
            assert_eq!(changed.ends(&caller(Role::Patient), signed_in_at), is_ended);
        }
    }
}
