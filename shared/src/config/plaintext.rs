//! Which connections may leave this machine without TLS.

use std::fmt::{Display, Formatter, Result as FormatResult};
use std::net::IpAddr;
use std::str::FromStr;

use url::Url;

use super::{ConfigError, optional};

/// What says so: the environment variable, and the parameter of `template.yaml` that sets it.
const SETTING: &str = "ALLOW_PLAINTEXT";

/// A kind of connection that may leave this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionKind {
    /// To PostgreSQL.
    Database,
    /// To Valkey.
    Cache,
    /// To tiers that have no key. A key is never sent without TLS.
    Models,
    /// To the issuer's keys.
    Identity,
}

impl ConnectionKind {
    const ALL: [Self; 4] = [Self::Database, Self::Cache, Self::Models, Self::Identity];

    /// What the setting calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Cache => "cache",
            Self::Models => "models",
            Self::Identity => "identity",
        }
    }
}

/// The connections that may go without TLS beyond this machine, of which each operator decides for
/// a network of their own: `ALLOW_PLAINTEXT`, a list such as `cache,models`. None by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedPlaintext(Vec<ConnectionKind>);

impl AllowedPlaintext {
    /// Reads `ALLOW_PLAINTEXT`.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(optional(SETTING)?.unwrap_or_default())
    }

    /// Whether connections of this kind may go without TLS.
    pub fn allows(&self, kind: ConnectionKind) -> bool {
        self.0.contains(&kind)
    }

    /// The list with one kind more.
    #[must_use]
    pub fn with(mut self, kind: ConnectionKind) -> Self {
        if !self.allows(kind) {
            self.0.push(kind);
        }
        self
    }
}

impl FromStr for AllowedPlaintext {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut allowed = Self::default();
        for name in text.split(',') {
            let mut kinds = ConnectionKind::ALL.into_iter();
            let kind = kinds.find(|kind| kind.name() == name.trim());
            let kind = kind.ok_or("must be a list of database, cache, models and identity")?;
            allowed = allowed.with(kind);
        }

        Ok(allowed)
    }
}

/// The list, as the setting has it.
impl Display for AllowedPlaintext {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        let names: Vec<_> = self.0.iter().map(|kind| kind.name()).collect();
        formatter.write_str(&names.join(","))
    }
}

/// The rule that a connection without TLS breaks, and how an operator who accepts that says so;
/// `needed` is what TLS looks like in the setting.
pub(crate) fn plaintext_problem(needed: &str, kind: ConnectionKind) -> String {
    let name = kind.name();
    format!(
        "must {needed}, since its host is not this machine; in a network that you trust, \
         {SETTING}={name} (parameter AllowPlaintext) accepts a connection without TLS"
    )
}

/// Whether the URL's host is this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback_host)
}

/// Whether a host, given by its name or address, is this machine. An address of version 6 may
/// stand in brackets, as in a URL.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address: Result<IpAddr, _> = address.parse();
    address.map_or_else(|_| is_loopback_name(host), |address| address.is_loopback())
}

fn is_loopback_name(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_what_may_go_without_tls() {
        let allowed: AllowedPlaintext = "cache, models".parse().unwrap();
        assert!(allowed.allows(ConnectionKind::Cache));
        assert!(allowed.allows(ConnectionKind::Models));
        assert!(!allowed.allows(ConnectionKind::Database));
        assert_eq!(allowed.to_string(), "cache,models");
        assert_eq!(AllowedPlaintext::default().to_string(), "");

        for wrong in ["all", "cache,", "cache;models", "Cache", "true"] {
            assert!(wrong.parse::<AllowedPlaintext>().is_err(), "{wrong}");
        }
    }

    struct HostCase {
        host: &'static str,
        is_loopback: bool,
    }

    const HOSTS: [HostCase; 9] = [
        HostCase {
            host: "127.0.0.1",
            is_loopback: true,
        },
        HostCase {
            host: "127.1.2.3",
            is_loopback: true,
        },
        HostCase {
            host: "::1",
            is_loopback: true,
        },
        HostCase {
            host: "[::1]",
            is_loopback: true,
        },
        HostCase {
            host: "LocalHost",
            is_loopback: true,
        },
        HostCase {
            host: "10.0.0.5",
            is_loopback: false,
        },
        HostCase {
            host: "localhost.example.com",
            is_loopback: false,
        },
        HostCase {
            host: "127.0.0.1.example.com",
            is_loopback: false,
        },
        HostCase {
            host: "0.0.0.0",
            is_loopback: false,
        },
    ];

    #[test]
    fn only_this_machine_is_loopback() {
        for HostCase { host, is_loopback } in HOSTS {
            assert_eq!(is_loopback_host(host), is_loopback, "{host}");
        }
    }
}
