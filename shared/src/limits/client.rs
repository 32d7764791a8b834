//! Who calls, and under which key their calls are counted.

use std::net::IpAddr;

use super::limit::LimitScope;
use crate::identity::{Caller, TenantId, UserId};

/// Who calls, as far as it is known.
#[derive(Clone, Copy, Default)]
pub struct Client<'a> {
    /// The address that the gateway saw.
    pub address: Option<IpAddr>,
    /// The authenticated caller.
    pub caller: Option<&'a Caller>,
}

/// Whose calls a key counts. A subject within a tenant cannot be made without the tenant.
pub(super) enum Subject<'a> {
    Address(IpAddr),
    User(&'a TenantId, &'a UserId),
    Tenant(&'a TenantId),
    Global,
}

impl<'a> Subject<'a> {
    /// The client as a limit of this scope sees it; `None` if the limit does not apply to it.
    pub(super) fn of_client(client: Client<'a>, scope: LimitScope) -> Option<Self> {
        let Client { address, caller } = client;
        match scope {
            LimitScope::Address => address.map(|address| Self::Address(address.to_canonical())),
            LimitScope::User => caller.map(|caller| Self::User(&caller.tenant, &caller.user)),
            LimitScope::Tenant => caller.map(|caller| Self::Tenant(&caller.tenant)),
            LimitScope::Global => Some(Self::Global),
        }
    }

    /// A tenant's id holds no `/`, and a user's stands last: no two subjects have one key.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Address(IpAddr::V4(address)) => format!("address/{address}"),
            Self::Address(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("address/{a:x}-{b:x}-{c:x}-{d:x}")
            }
            Self::User(tenant, user) => format!("user/{}/{}", tenant.as_str(), user.as_str()),
            Self::Tenant(tenant) => format!("tenant/{}", tenant.as_str()),
            Self::Global => "global".to_owned(),
        }
    }
}
