//! The errors of a round trip to Valkey, and what each says of the server.

use crate::error::BoxError;

/// Why Valkey gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ValkeyError {
    /// It failed a moment ago, and is left alone until the backoff ends.
    #[error("Valkey is left alone after a failure")]
    BackingOff,
    /// It cannot be reached, or the connection broke.
    #[error("Valkey cannot be reached")]
    Unreachable(#[source] BoxError),
    /// It refused the user or the password.
    #[error("Valkey refused the login")]
    LoginRefused(#[source] BoxError),
    /// It did not answer in time.
    #[error("Valkey did not answer in time")]
    Timeout,
    /// It answered with an error, such as that it is a replica now.
    #[error("Valkey refused a script")]
    Refused(#[source] BoxError),
    /// The caller's own deadline passed, which says nothing about the server.
    #[error("no time was left to ask Valkey")]
    DeadlinePassed,
}
