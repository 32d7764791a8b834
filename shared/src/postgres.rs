//! PostgreSQL: one connection for each environment, made when it is first needed.
//!
//! Lambda runs as many environments as there are calls in flight, so a larger pool would only multiply idle connections.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::de::{DeserializeOwned, IntoDeserializer};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool, Postgres};

use crate::aws::{self, DatabaseLogin};
use crate::config::{ConfigError, DatabaseAuth, DatabaseSettings};
use crate::error::{BoxError, Error};

/// Time to get a connection, which includes making one.
const ACQUIRE: Duration = Duration::from_secs(3);

/// A connection that was idle for longer than this is tried before it is used: the environment may have been frozen,
/// and the server gone, meanwhile. A busy one costs no extra round trip.
const TRY_AFTER_IDLE: Duration = Duration::from_secs(30);

/// An IAM token opens connections for 15 minutes.
const TOKEN_FRESH: Duration = Duration::from_mins(10);

/// How soon a caller may find the database back.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The database, as every store uses it.
pub struct Database {
    pool: PgPool,
    login: Option<IamLogin>,
}

struct IamLogin {
    login: DatabaseLogin,
    base: PgConnectOptions,
    made: Mutex<Option<Instant>>,
}

impl Database {
    /// Prepares the database; no connection is made yet.
    pub async fn new(settings: &DatabaseSettings) -> Result<Self, ConfigError> {
        let wrong = |error: sqlx::Error| ConfigError::new("DATABASE_URL", BoxError::from(error).to_string());
        let base: PgConnectOptions = settings.url.as_str().parse().map_err(wrong)?;
        let base = base.application_name("wenzhen");
        let login = match settings.auth {
            DatabaseAuth::Url => None,
            DatabaseAuth::Iam => {
                let login = DatabaseLogin::new(aws::sdk_config().await, &base);
                Some(IamLogin { login, base: base.clone(), made: Mutex::new(None) })
            }
        };
        Ok(Self { pool: pool(base), login })
    }

    /// A connection, within 3 seconds.
    pub async fn connection(&self) -> Result<PoolConnection<Postgres>, Error> {
        if let Some(login) = &self.login {
            login.renew(&self.pool).await?;
        }
        self.pool.acquire().await.map_err(fault)
    }
}

fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRY_AFTER_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options)
}

impl IamLogin {
    /// Puts a fresh token into the options of the next connection, if the last one is old.
    async fn renew(&self, pool: &PgPool) -> Result<(), Error> {
        let made = *self.made.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if made.is_some_and(|made| made.elapsed() < TOKEN_FRESH) {
            return Ok(());
        }
        let token = self.login.token().await.map_err(|cause| Error::unavailable("The database", RETRY_AFTER, cause))?;
        pool.set_connect_options(self.base.clone().password(&token));
        *self.made.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now());
        Ok(())
    }
}

/// Reads a column that holds the name of an enum's variant.
pub fn parse<T: DeserializeOwned>(column: &'static str, text: &str) -> Result<T, Error> {
    let value: serde::de::value::StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
    T::deserialize(value).map_err(|_| Error::internal(format!("column {column} holds an unknown name")))
}

/// What the server said, without the values it may have repeated: those can be medical text.
#[derive(Debug, thiserror::Error)]
#[error("SQLSTATE {code} {constraint}")]
struct ServerFault {
    code: String,
    constraint: String,
}

/// Sorts what sqlx reports into "try again later" and "our fault".
pub fn fault(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default().into_owned();
            let passes = ["08", "40", "53", "57", "25006"].iter().any(|class| code.starts_with(class));
            let cause = ServerFault { code, constraint: error.constraint().unwrap_or_default().to_owned() };
            if passes { Error::unavailable("The database", RETRY_AFTER, cause) } else { Error::internal(cause) }
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Error::unavailable("The database", RETRY_AFTER, error),
        other => Error::internal(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_database_that_is_gone_can_be_tried_again() {
        let error = fault(sqlx::Error::PoolTimedOut);
        assert_eq!(error.kind(), Kind::Unavailable);
        assert!(error.retry_after().is_some());
    }

    #[test]
    fn a_broken_query_is_our_fault() {
        assert_eq!(fault(sqlx::Error::RowNotFound).kind(), Kind::Internal);
    }
}
