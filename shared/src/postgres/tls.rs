//! When a connection has to be encrypted.

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::config::{
    ConfigError, ConnectionKind, DATABASE_URL, is_loopback_host, plaintext_problem,
};

/// Refuses options by which medical data could leave this machine in clear, unless that is allowed.
/// `sslmode=require` encrypts, but lets any server answer; only `verify-full` proves who does.
pub(super) fn check_transport(
    options: &PgConnectOptions,
    allows_plaintext: bool,
) -> Result<(), ConfigError> {
    if allows_plaintext || is_encrypted(options) || is_local(options) {
        return Ok(());
    }

    let problem = plaintext_problem(
        "say sslmode=verify-full (or require)",
        ConnectionKind::Database,
    );
    Err(ConfigError::new(DATABASE_URL, problem))
}

/// `prefer`, the driver's default, goes on in clear if the server or someone in between says so.
fn is_encrypted(options: &PgConnectOptions) -> bool {
    matches!(
        options.get_ssl_mode(),
        PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull
    )
}

fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    options.get_socket().is_some() || host.starts_with('/') || is_loopback_host(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct UrlCase {
        url: &'static str,
        is_accepted: bool,
    }

    const URLS: [UrlCase; 10] = [
        UrlCase {
            url: "postgres://u:p@db.internal/w?sslmode=verify-full",
            is_accepted: true,
        },
        UrlCase {
            url: "postgres://u:p@db.internal/w?sslmode=verify-ca",
            is_accepted: true,
        },
        UrlCase {
            url: "postgres://u:p@db.internal/w?sslmode=require",
            is_accepted: true,
        },
        UrlCase {
            url: "postgres://u:p@db.internal/w?sslmode=prefer",
            is_accepted: false,
        },
        UrlCase {
            url: "postgres://u:p@db.internal/w?sslmode=disable",
            is_accepted: false,
        },
        UrlCase {
            url: "postgres://u:p@10.0.0.5:5432/w?sslmode=allow",
            is_accepted: false,
        },
        UrlCase {
            url: "postgres://u:p@127.0.0.1/w?sslmode=prefer",
            is_accepted: true,
        },
        UrlCase {
            url: "postgres://u:p@[::1]:5432/w?sslmode=disable",
            is_accepted: true,
        },
        UrlCase {
            url: "postgres://u:p@localhost/w?sslmode=prefer",
            is_accepted: true,
        },
        UrlCase {
            url: "postgres:///w?host=/run/postgresql&sslmode=prefer",
            is_accepted: true,
        },
    ];

    #[test]
    fn a_database_beyond_this_machine_needs_tls_or_leave() {
        for UrlCase { url, is_accepted } in URLS {
            let options = url.parse().unwrap();
            let checked = check_transport(&options, false);
            assert_eq!(checked.is_ok(), is_accepted, "{url}");
            assert!(check_transport(&options, true).is_ok(), "{url}");

            if let Err(error) = checked {
                assert_eq!(error.name, "DATABASE_URL");
                assert!(error.problem.contains("ALLOW_PLAINTEXT=database"));
            }
        }
    }

    /// The URL's own default, `prefer`.
    #[test]
    fn a_url_that_says_nothing_of_tls_is_refused() {
        let options = "postgres://u:p@db.internal/w".parse().unwrap();
        assert!(check_transport(&options, false).is_err());
    }
}
