//! PostgreSQL: one connection for each execution environment, made when a call first needs it.
//!
//! Lambda runs as many environments as there are calls in flight, so a pool would only multiply
//! idle connections. A pool would also work behind our back: it takes a connection back in a task
//! of its own, which a freeze can cut in two. Here a [`Session`] holds the one connection, and only
//! a session whose work ended well puts it back.
//!
//! Ids and enums are columns of type `text`: see [`text_columns`].

mod error;
mod reader;
mod session_settings;
mod target;
mod text_column;
mod tls;

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::FutureExt;
use sqlx::Connection;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnectOptions;
pub use sqlx::postgres::PgConnection;
use tokio::sync::{Mutex, MutexGuard};
use tracing::Instrument;

use crate::aws::{self, DatabaseLogin, Secrets};
use crate::config::{ConfigError, DatabaseAuth, DatabaseSettings, ReaderAddress};
use crate::deadline::Deadline;
use crate::error::{BoxError, Error, ErrorKind};
use crate::telemetry::trace;
pub use reader::{MAX_LAG, Readers};
use target::{Endpoint, Target};
pub(crate) use text_column::text_columns;

/// For waiting until the connection is free and, if there is none, making one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// For making a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection that was idle for longer is checked before it is used: the environment may have
/// been frozen, and the server gone, or the session closed by it, meanwhile. Idle times are taken
/// from the wall clock, since the monotonic one may stop in a freeze. A busy connection costs no
/// extra round trip.
const IDLE_CHECK_THRESHOLD: Duration = Duration::from_secs(10);

/// For that check. A connection that answers later is not worth waiting for.
const IDLE_CHECK_TIMEOUT: Duration = Duration::from_millis(500);

/// How long a login token is used. IAM accepts one for 15 minutes.
const LOGIN_TOKEN_TTL: Duration = Duration::from_mins(10);

/// The wait that a caller is told before the next try.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The database, as every store uses it.
pub struct Database {
    target: Target,
    login: Option<DatabaseLogin>,
    slot: Mutex<ConnectionSlot>,
}

/// The values that the environment keeps between two sessions.
#[derive(Default)]
struct ConnectionSlot {
    idle: Option<IdleConnection>,
    token: Option<LoginToken>,
}

struct IdleConnection {
    connection: PgConnection,
    since: SystemTime,
}

struct LoginToken {
    password: String,
    made_at: SystemTime,
}

/// The connection while one caller uses it. A session that is dropped before [`Session::finish`]
/// closes its connection: a cancelled call may have left half an answer on it.
struct Session<'a> {
    slot: MutexGuard<'a, ConnectionSlot>,
    connection: PgConnection,
    is_usable: bool,
}

impl Database {
    /// Prepares the database; no connection is made yet.
    pub async fn new(settings: &DatabaseSettings) -> Result<Self, ConfigError> {
        Self::with_secrets(settings, Arc::default()).await
    }

    /// Like [`Self::new`], with the secrets in one of which the URL may be.
    pub async fn with_secrets(
        settings: &DatabaseSettings,
        secrets: Arc<Secrets>,
    ) -> Result<Self, ConfigError> {
        Self::at(settings, secrets, None).await
    }

    /// The readers of the database at this address, if there is one.
    async fn at(
        settings: &DatabaseSettings,
        secrets: Arc<Secrets>,
        reader: Option<ReaderAddress>,
    ) -> Result<Self, ConfigError> {
        let target = Target::new(&settings.url, secrets, reader)?;
        let login = match (settings.auth, &target) {
            (DatabaseAuth::Iam, Target::Given(options)) => Some(database_login(options).await),
            _ => None,
        };

        Ok(Self {
            target,
            login,
            slot: Mutex::default(),
        })
    }

    /// Runs `work` on the connection. Other callers wait meanwhile, for at most 3 seconds, so
    /// `work` must do nothing slow but its statements. The connection is kept unless the result
    /// speaks against it. A transaction that `work` leaves with an error is over when this returns;
    /// one that it leaves with a result must be ended by it.
    pub async fn run<T>(
        &self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let span = tracing::info_span!(target: trace::TARGET, "ask_database");
        let asked = async {
            let cancelled = trace::unless_done();
            let result = match self.acquire_session().await {
                Ok(session) => session.run(work).await,
                Err(error) => Err(error),
            };
            cancelled.done();
            result
        };

        let failed = |error: &Error| {
            if is_suspect(error.kind()) {
                trace::fail(error.kind().slug());
            }
        };
        asked
            .map(|it| it.inspect_err(failed))
            .instrument(span)
            .await
    }

    /// Like [`Self::run`], in one transaction: all that `work` writes is there, or nothing of it.
    /// So an act of staff is in the audit trail, or is not done.
    pub async fn transact<T>(
        &self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.run(async |connection| {
            let mut transaction = connection.begin().await?;
            let done = work(&mut transaction).await?;
            transaction.commit().await?;
            Ok(done)
        })
        .await
    }

    /// Like [`Self::run`], for work that is over within `timeout`: a server that vanished without
    /// a word must not keep the only connection busy.
    pub async fn within<T>(
        &self,
        timeout: Duration,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let finished = Deadline::after(timeout).run(self.run(work)).await;
        finished.unwrap_or_else(|elapsed| Err(unavailable(elapsed)))
    }

    /// Does `work` on a new connection. It is closed at once, so that an environment that only
    /// checks holds none.
    pub async fn probe<T>(
        &self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let probing = Deadline::after(ACQUIRE_TIMEOUT).run(async {
            let mut slot = self.slot.lock().await;
            let mut connection = Box::pin(self.open_connection(&mut slot)).await?;
            drop(slot);
            let done = work(&mut connection).await;
            connection.close().await?;
            done
        });

        probing
            .await
            .unwrap_or_else(|elapsed| Err(unavailable(elapsed)))
    }

    async fn acquire_session(&self) -> Result<Session<'_>, Error> {
        let acquired = Deadline::after(ACQUIRE_TIMEOUT).run(async {
            let mut slot = self.slot.lock().await;
            let connection = match slot.take_usable().await {
                Some(connection) => connection,
                // On the heap: this seldom branch would make every future that uses the database
                // 30 KiB large.
                None => Box::pin(self.open_connection(&mut slot)).await?,
            };
            Ok(Session {
                slot,
                connection,
                is_usable: true,
            })
        });

        acquired
            .await
            .unwrap_or_else(|elapsed| Err(unavailable(elapsed)))
    }

    async fn open_connection(&self, slot: &mut ConnectionSlot) -> Result<PgConnection, Error> {
        let mut endpoint = self.target.endpoint().await?;
        if let Some(login) = &self.login {
            let password = slot.login_password(login).await?;
            endpoint.options = endpoint.options.password(&password);
        }

        let mut connected = connect(&endpoint).await;
        if connected.as_ref().is_err_and(is_login_refusal)
            && let Some(rotated) = self.target.rotated(&endpoint).await
        {
            connected = connect(&rotated).await;
        }

        if connected.is_err() {
            slot.token = None; // the server may have refused the token
        }
        Ok(connected?)
    }
}

impl ConnectionSlot {
    /// The idle connection, if it still answers.
    async fn take_usable(&mut self) -> Option<PgConnection> {
        let mut idle = self.idle.take()?;
        if elapsed_since(idle.since) > IDLE_CHECK_THRESHOLD {
            let check = Deadline::after(IDLE_CHECK_TIMEOUT).run(idle.connection.ping());
            check.await.ok()?.ok()?;
        }

        Some(idle.connection)
    }

    /// A token that opens connections; a new one when the known one is old.
    async fn login_password(&mut self, login: &DatabaseLogin) -> Result<String, Error> {
        if let Some(token) = &self.token
            && elapsed_since(token.made_at) < LOGIN_TOKEN_TTL
        {
            return Ok(token.password.clone());
        }

        let password = login.token().await.map_err(unavailable)?;
        self.token = Some(LoginToken {
            password: password.clone(),
            made_at: SystemTime::now(),
        });
        Ok(password)
    }
}

impl Session<'_> {
    async fn run<T>(
        mut self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let result = work(&mut self.connection).await;
        if result
            .as_ref()
            .is_err_and(|error| !is_suspect(error.kind()))
        {
            self.end_transaction().await;
        }
        self.finish(result)
    }

    /// A dropped transaction is rolled back with the next statement only. Until then its locks
    /// would hold, in an environment that may be frozen.
    async fn end_transaction(&mut self) {
        let ended = Deadline::after(IDLE_CHECK_TIMEOUT).run(self.connection.ping());
        self.is_usable = matches!(ended.await, Ok(Ok(())));
    }

    /// Ends the session with the result of its work, and puts the connection back unless the
    /// result says that something may be wrong with it.
    fn finish<T>(mut self, result: Result<T, Error>) -> Result<T, Error> {
        let kind = result.as_ref().err().map(Error::kind);
        if self.is_usable && !kind.is_some_and(is_suspect) {
            self.slot.idle = Some(IdleConnection {
                connection: self.connection,
                since: SystemTime::now(),
            });
        }
        result
    }
}

/// Whether something may be wrong with the connection after such an error.
const fn is_suspect(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unavailable | ErrorKind::Internal | ErrorKind::TimedOut
    )
}

async fn connect(endpoint: &Endpoint) -> Result<PgConnection, sqlx::Error> {
    let connecting = session_settings::connect(&endpoint.options);
    let connected = Deadline::after(CONNECT_TIMEOUT).run(connecting).await;
    connected.unwrap_or_else(|elapsed| Err(sqlx::Error::Io(io::Error::other(elapsed))))
}

/// Whether the server refused the user or the password: SQLSTATE class 28.
fn is_login_refusal(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    let code = error.and_then(DatabaseError::code);
    code.is_some_and(|code| code.starts_with("28"))
}

async fn database_login(options: &PgConnectOptions) -> DatabaseLogin {
    let config = aws::sdk_config().await;
    let (host, port) = (options.get_host(), options.get_port());
    DatabaseLogin::new(config, host, port, options.get_username())
}

/// How long ago `time` was, by the wall clock; a clock that was set back makes it "long ago".
fn elapsed_since(time: SystemTime) -> Duration {
    time.elapsed().unwrap_or(Duration::MAX)
}

fn unavailable(source: impl Into<BoxError>) -> Error {
    Error::unavailable("The database", RETRY_AFTER, source)
}
