//! Who brings the database to its schema, and for whom.

use super::{ConfigError, DatabaseSettings, ServiceUrl, check_database_scheme, optional, required};

/// The administrator's way to the database, and how the functions log in.
pub struct MigrationsSettings {
    /// `MIGRATIONS_URL`: as `DATABASE_URL`, without a user and past any proxy.
    pub url: ServiceUrl,
    /// `MIGRATIONS_SECRET`: the name of a secret with the administrator's `username` and `password`
    /// as JSON, as RDS keeps it.
    pub secret: String,
    /// `FUNCTIONS_USER_SECRET`: the same of the functions' user, if it has a password of its own,
    /// such as that of an RDS Proxy which logs in with one.
    pub functions_user_secret: Option<String>,
    /// Where the functions go, whose user is made.
    pub functions: DatabaseSettings,
}

impl MigrationsSettings {
    /// Reads `MIGRATIONS_URL`, `MIGRATIONS_SECRET`, `FUNCTIONS_USER_SECRET` and what
    /// [`DatabaseSettings`] is read from.
    pub fn from_env() -> Result<Self, ConfigError> {
        let functions = DatabaseSettings::from_env()?;
        let mut url: ServiceUrl = required("MIGRATIONS_URL")?;
        url.allows_plaintext = functions.url.allows_plaintext;
        if let Some(url) = url.given() {
            check_database_scheme(url)?;
        }

        Ok(Self {
            url,
            secret: required("MIGRATIONS_SECRET")?,
            functions_user_secret: optional("FUNCTIONS_USER_SECRET")?,
            functions,
        })
    }
}
