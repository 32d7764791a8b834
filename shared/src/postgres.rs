//! PostgreSQL: one connection for each environment, made when it is first needed.
//!
//! Lambda runs as many environments as there are calls in flight, so a pool would only multiply idle connections. It
//! would also work behind our back: a pool gives a connection back in a task of its own, which a freeze can cut in two.
//! Here a [`Session`] holds the one connection, and only a session that ended well puts it back.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, SystemTime};

use serde::de::{DeserializeOwned, IntoDeserializer};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{Mutex, MutexGuard};

use crate::aws::{self, DatabaseLogin};
use crate::config::{ConfigError, DatabaseAuth, DatabaseSettings};
use crate::deadline::Deadline;
use crate::error::{BoxError, Error, ErrorKind};

/// Time to get the connection, which includes waiting for it and making one.
const ACQUIRE: Duration = Duration::from_secs(3);

/// Time to make a connection.
const CONNECT: Duration = Duration::from_secs(2);

/// A connection that was idle for longer is tried before it is used: the environment may have been frozen, and the server
/// gone, meanwhile. By the wall clock, since the monotonic one may stop in a freeze. A busy one costs no extra round trip.
const TRY_AFTER_IDLE: Duration = Duration::from_secs(10);

/// Time for that try. A connection that answers later is not worth waiting for.
const TRY: Duration = Duration::from_millis(500);

/// An IAM token opens connections for 15 minutes.
const TOKEN_FRESH: Duration = Duration::from_mins(10);

/// How soon a caller may find the database back.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The database, as every store uses it.
pub struct Database {
    options: PgConnectOptions,
    login: Option<DatabaseLogin>,
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    idle: Option<(PgConnection, SystemTime)>,
    token: Option<(String, SystemTime)>,
}

/// The connection, while somebody uses it. Dropped without [`Session::finish`], it is closed: what a cancelled call left on
/// it, nobody knows.
pub struct Session<'a> {
    slot: MutexGuard<'a, Slot>,
    connection: PgConnection,
}

impl Database {
    /// Prepares the database; no connection is made yet.
    pub async fn new(settings: &DatabaseSettings) -> Result<Self, ConfigError> {
        let wrong = |error: sqlx::Error| {
            ConfigError::new("DATABASE_URL", BoxError::from(error).to_string())
        };
        let options: PgConnectOptions = settings.url.as_str().parse().map_err(wrong)?;
        let options = options
            .application_name("wenzhen")
            .disable_statement_logging();
        let login = match settings.auth {
            DatabaseAuth::Url => None,
            DatabaseAuth::Iam => {
                let (host, port) = (options.get_host().to_owned(), options.get_port());
                Some(DatabaseLogin::new(
                    aws::sdk_config().await,
                    &host,
                    port,
                    options.get_username(),
                ))
            }
        };
        Ok(Self {
            options,
            login,
            slot: Mutex::default(),
        })
    }

    /// The connection, within 3 seconds. Others wait until the session ends, so it must not be held across anything slow.
    pub async fn session(&self) -> Result<Session<'_>, Error> {
        let session = Deadline::after(ACQUIRE).run(async {
            let mut slot = self.slot.lock().await;
            let connection = match slot.usable().await {
                Some(connection) => connection,
                // On the heap: this seldom branch would make every future that uses the database 30 KiB large.
                None => Box::pin(self.connect(&mut slot)).await?,
            };
            Ok(Session { slot, connection })
        });
        session.await.unwrap_or_else(|elapsed| Err(gone(elapsed)))
    }

    /// Runs `work` on the connection, and keeps the connection unless the result speaks against it.
    pub async fn run<T>(
        &self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut session = self.session().await?;
        let done = work(&mut session).await;
        session.finish(done)
    }

    /// A session for some work that is over within `limit`: a server that vanished without a word must not keep the only connection
    /// busy.
    pub async fn within<T>(
        &self,
        limit: Duration,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let done = Deadline::after(limit).run(async {
            let mut session = self.session().await?;
            let done = work(&mut session).await;
            session.finish(done)
        });
        done.await.unwrap_or_else(|elapsed| Err(gone(elapsed)))
    }

    async fn connect(&self, slot: &mut Slot) -> Result<PgConnection, Error> {
        let mut options = self.options.clone();
        if let Some(login) = &self.login {
            options = options.password(&slot.token(login).await?);
        }
        let connected = Deadline::after(CONNECT)
            .run(PgConnection::connect_with(&options))
            .await;
        if !matches!(connected, Ok(Ok(_))) {
            slot.token = None; // it may be what was refused
        }
        Ok(connected.map_err(gone)??)
    }
}

impl Slot {
    /// The idle connection, if it still answers.
    async fn usable(&mut self) -> Option<PgConnection> {
        let (mut connection, since) = self.idle.take()?;
        if age(since) > TRY_AFTER_IDLE {
            Deadline::after(TRY)
                .run(connection.ping())
                .await
                .ok()?
                .ok()?;
        }
        Some(connection)
    }

    /// A token that opens connections, made again when it is old.
    async fn token(&mut self, login: &DatabaseLogin) -> Result<String, Error> {
        if let Some((token, made)) = &self.token
            && age(*made) < TOKEN_FRESH
        {
            return Ok(token.clone());
        }
        let token = login.token().await.map_err(gone)?;
        self.token = Some((token.clone(), SystemTime::now()));
        Ok(token)
    }
}

impl Session<'_> {
    /// Asks whether the server answers.
    pub async fn check(&mut self) -> Result<(), Error> {
        Ok(self.connection.ping().await?)
    }

    /// Ends the session with the result of its work. The connection is kept unless the result speaks against it.
    pub fn finish<T>(mut self, result: Result<T, Error>) -> Result<T, Error> {
        let kind = result.as_ref().err().map(Error::kind);
        if !matches!(
            kind,
            Some(ErrorKind::Unavailable | ErrorKind::Internal | ErrorKind::TimedOut)
        ) {
            self.slot.idle = Some((self.connection, SystemTime::now()));
        }
        result
    }
}

impl Deref for Session<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Session<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

/// How long ago, by the wall clock; a clock that was set back makes it "long ago".
fn age(at: SystemTime) -> Duration {
    at.elapsed().unwrap_or(Duration::MAX)
}

fn gone(cause: impl Into<BoxError>) -> Error {
    Error::unavailable("The database", RETRY_AFTER, cause)
}

/// Reads a column that holds the name of an enum's variant.
pub fn parse<T: DeserializeOwned>(column: &'static str, text: &str) -> Result<T, Error> {
    let value: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
        text.into_deserializer();
    T::deserialize(value)
        .map_err(|_| Error::internal(format!("column {column} holds an unknown name")))
}

/// What the server said, without the values it may have repeated: those can be medical text.
#[derive(Debug, thiserror::Error)]
#[error("SQLSTATE {code} {constraint}")]
struct ServerFault {
    code: String,
    constraint: String,
}

/// Sorts what sqlx reports into "try again later" and "our fault". No cause repeats a value of a row.
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default().into_owned();
                // Connection, authentication (an IAM token that aged), rollback, resources, operator's intervention (a
                // failover among them), read-only transaction.
                let passes = ["08", "28", "40", "53", "57", "25006"]
                    .iter()
                    .any(|class| code.starts_with(class));
                let cause = ServerFault {
                    code,
                    constraint: error.constraint().unwrap_or_default().to_owned(),
                };
                if passes {
                    gone(cause)
                } else {
                    Error::internal(cause)
                }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed => gone(error),
            sqlx::Error::ColumnDecode { index, .. } => {
                Error::internal(format!("column {index} cannot be read"))
            }
            sqlx::Error::Decode(_) => Error::internal("a value cannot be read"),
            other => Error::internal(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_gone_can_be_tried_again() {
        let error = Error::from(sqlx::Error::WorkerCrashed);
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.retry_after().is_some());
    }

    #[test]
    fn a_row_that_cannot_be_read_is_our_fault_and_is_not_repeated() {
        let source = serde_json::from_str::<u8>("\"胸痛\"").unwrap_err();
        let error = Error::from(sqlx::Error::ColumnDecode {
            index: "triage".to_owned(),
            source: source.into(),
        });
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert_eq!(
            crate::error::error_chain(&error),
            "column triage cannot be read"
        );
    }
}
