//! The one connection of an environment: how it is made, and when none is tried.

use std::time::{Duration, SystemTime};

use futures::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, ErrorKind, Pipeline, RedisError, Value};

use super::error::ValkeyError;
use super::target::{Endpoint, Server, Target};
use crate::deadline::Deadline;
use crate::error::error_chain;
use crate::telemetry::metrics;

/// How long a server that is gone is left alone first: twice as long after each failure in a row.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// The longest that a server is left alone.
const MAX_BACKOFF: Duration = Duration::from_secs(15);

/// A connection that was idle for longer may have died in a freeze: then it is made anew before the
/// server counts as gone. ElastiCache closes one that logged in by IAM after 12 hours, whatever it
/// does, and it is made anew in the same way.
const IDLE_THRESHOLD: Duration = Duration::from_secs(10);

/// To one server, or to the nodes of a cluster.
#[derive(Clone)]
pub(super) enum Connection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// The server's reply to one command.
pub(super) type CommandResult = Result<Value, RedisError>;

impl Connection {
    /// Sends the commands together, so that they take one round trip. An error of one does not end
    /// the others; an error of the connection ends all.
    pub(super) async fn send(
        &mut self,
        commands: &Pipeline,
    ) -> Result<Vec<CommandResult>, RedisError> {
        match self {
            Self::One(connection) => commands.query_async(connection).await,
            // A pipeline is for one node; these go to the nodes that have their keys.
            Self::Cluster(connection) => {
                let sent = commands.cmd_iter().map(|command| {
                    let mut connection = connection.clone();
                    async move { command.query_async(&mut connection).await }
                });
                let results = join_all(sent).await.into_iter();
                results.map(split_error).collect()
            }
        }
    }
}

/// Tells a node that could not be asked from one that has refused; where a key is sent on again and
/// again, its node is gone. A node to which the connection
/// has to be made anew refuses the token of the first one when that is old: then all connections
/// are made anew, with a new token.
fn split_error(result: CommandResult) -> Result<CommandResult, RedisError> {
    match result {
        Err(error)
            if error.is_io_error()
                || error.is_connection_dropped()
                || error.is_cluster_error()
                || matches!(
                    error.kind(),
                    ErrorKind::ClusterConnectionNotFound | ErrorKind::AuthenticationFailed
                ) =>
        {
            Err(error)
        }
        result => Ok(result),
    }
}

/// The connection, if there is one, and the backoff after a failure.
#[derive(Default)]
pub(super) struct ConnectionSlot {
    open: Option<OpenConnection>,
    backoff: Option<Backoff>,
}

struct OpenConnection {
    connection: Connection,
    last_used: SystemTime,
}

/// A handle on the connection.
pub(super) struct BorrowedConnection {
    pub(super) connection: Connection,
    pub(super) origin: ConnectionOrigin,
}

/// How long ago a connection was used, which tells how likely it still works.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionOrigin {
    /// It was made just now.
    New,
    /// It was used a moment ago.
    Busy,
    /// It was not used for longer than [`IDLE_THRESHOLD`].
    Idle,
}

/// A time in which the server is left alone.
#[derive(Clone, Copy)]
struct Backoff {
    since: SystemTime,
    delay: Duration,
}

impl Backoff {
    /// By the wall clock: the monotonic one may stand still in a freeze. A clock that was set back
    /// ends the backoff.
    fn is_over(&self) -> bool {
        let elapsed = self.since.elapsed();
        elapsed.map_or(true, |elapsed| elapsed >= self.delay)
    }
}

impl OpenConnection {
    fn borrow_now(&mut self) -> BorrowedConnection {
        let idle_time = self.last_used.elapsed();
        let is_idle = idle_time.map_or(true, |idle_time| idle_time > IDLE_THRESHOLD);
        self.last_used = SystemTime::now();

        BorrowedConnection {
            connection: self.connection.clone(),
            origin: if is_idle {
                ConnectionOrigin::Idle
            } else {
                ConnectionOrigin::Busy
            },
        }
    }
}

impl ConnectionSlot {
    /// The open connection, or a new one.
    pub(super) async fn acquire(
        &mut self,
        target: &Target,
        deadline: Deadline,
    ) -> Result<BorrowedConnection, ValkeyError> {
        if let Some(open) = &mut self.open {
            return Ok(open.borrow_now());
        }
        if self.is_backing_off() {
            return Err(ValkeyError::BackingOff);
        }

        // On the heap: this seldom branch would make every future that asks Valkey large and deep.
        match Box::pin(connect(target, deadline)).await {
            Ok(connection) => {
                self.open = Some(OpenConnection {
                    connection: connection.clone(),
                    last_used: SystemTime::now(),
                });
                let origin = ConnectionOrigin::New;
                Ok(BorrowedConnection { connection, origin })
            }
            Err(ValkeyError::DeadlinePassed) => Err(ValkeyError::DeadlinePassed),
            Err(error) => {
                self.record_failure(&error);
                Err(error)
            }
        }
    }

    /// Drops the connection, so that the next caller makes a new one.
    pub(super) fn disconnect(&mut self) {
        self.open = None;
    }

    pub(super) fn record_success(&mut self) {
        if self.backoff.take().is_some() {
            tracing::info!("Valkey is back");
        }
    }

    /// Leaves the server alone for a while. Callers that failed together count once.
    pub(super) fn record_failure(&mut self, error: &ValkeyError) {
        self.disconnect();
        if self.is_backing_off() {
            return;
        }

        let longer = |last: Backoff| (last.delay * 2).min(MAX_BACKOFF);
        self.backoff = Some(Backoff {
            since: SystemTime::now(),
            delay: self.backoff.map_or(FIRST_BACKOFF, longer),
        });

        metrics::count("ValkeyGone", &[]);
        let causes = error_chain(error);
        tracing::warn!(%error, causes, "Valkey is gone; what uses it goes on without");
    }

    fn is_backing_off(&self) -> bool {
        self.backoff.is_some_and(|backoff| !backoff.is_over())
    }
}

/// A connection. A login that is refused is tried once more if it comes from a secret, which may
/// have been rotated.
async fn connect(target: &Target, deadline: Deadline) -> Result<Connection, ValkeyError> {
    let endpoint = target.endpoint(deadline).await?;
    let refused = match open(&endpoint, deadline).await {
        Err(refused @ ValkeyError::LoginRefused(_)) => refused,
        connected => return connected,
    };

    match target.rotated(&endpoint, deadline).await {
        Some(rotated) => open(&rotated, deadline).await,
        None => Err(refused),
    }
}

async fn open(endpoint: &Endpoint, deadline: Deadline) -> Result<Connection, ValkeyError> {
    let timeout = endpoint.connect_timeout;
    let has_time = deadline.remaining() >= timeout;
    let connecting = async {
        let server = endpoint.server().await?;
        open_server(&server, timeout).await.map_err(connect_error)
    };
    match deadline.at_most(timeout).run(connecting).await {
        Ok(connected) => connected,
        Err(_elapsed) if has_time => Err(ValkeyError::Timeout),
        Err(_elapsed) => Err(ValkeyError::DeadlinePassed),
    }
}

async fn open_server(server: &Server, timeout: Duration) -> Result<Connection, RedisError> {
    match server {
        Server::One(client) => {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(timeout))
                .set_response_timeout(None);
            let opened = client.get_multiplexed_async_connection_with_config(&config);
            Ok(Connection::One(opened.await?))
        }
        Server::Cluster(client) => Ok(Connection::Cluster(client.get_async_connection().await?)),
    }
}

fn connect_error(error: RedisError) -> ValkeyError {
    if error.kind() == ErrorKind::AuthenticationFailed {
        ValkeyError::LoginRefused(error.into())
    } else {
        ValkeyError::Unreachable(error.into())
    }
}
