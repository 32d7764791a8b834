//! Which connections may leave this machine without TLS.

use std::fmt::{Display, Formatter, Result as FormatResult};
use std::net::IpAddr;
use std::str::FromStr;

use url::Url;

use super::{ConfigError, optional};

/// What says so: the environment variable, and the parameter of `template.yaml` that sets it.
const SETTING: &str = "ALLOW_PLAINTEXT";

/// The connections that may go without TLS beyond this machine, of which each operator decides for
/// a network of their own: `ALLOW_PLAINTEXT`, a list such as `cache,models`. None by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AllowedPlaintext {
    /// `database`: to PostgreSQL.
    pub database: bool,
    /// `cache`: to Valkey.
    pub cache: bool,
    /// `models`: to tiers that have no key. A key is never sent without TLS.
    pub models: bool,
    /// `identity`: to the issuer's keys.
    pub identity: bool,
}

impl AllowedPlaintext {
    /// Reads `ALLOW_PLAINTEXT`.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(optional(SETTING)?.unwrap_or_default())
    }
}

impl FromStr for AllowedPlaintext {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut allowed = Self::default();
        for name in text.split(',') {
            match name.trim() {
                "database" => allowed.database = true,
                "cache" => allowed.cache = true,
                "models" => allowed.models = true,
                "identity" => allowed.identity = true,
                _ => return Err("must be a list of database, cache, models and identity"),
            }
        }

        Ok(allowed)
    }
}

/// The list, as the setting has it.
impl Display for AllowedPlaintext {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        let names = [
            ("database", self.database),
            ("cache", self.cache),
            ("models", self.models),
            ("identity", self.identity),
        ];
        let allowed = names.into_iter().filter(|(_, is_allowed)| *is_allowed);
        let allowed: Vec<_> = allowed.map(|(name, _)| name).collect();
        formatter.write_str(&allowed.join(","))
    }
}

/// The rule that a connection without TLS breaks, and how an operator who accepts that says so:
/// `needed` is what TLS looks like in the setting, `name` what the list calls the connection.
pub(crate) fn plaintext_problem(needed: &str, name: &str) -> String {
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
        assert!(allowed.cache && allowed.models);
        assert!(!allowed.database && !allowed.identity);
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
