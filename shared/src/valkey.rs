//! Valkey, or Redis: one connection for each environment, made when it is first needed.
//!
//! Nothing that must happen may depend on it. It answers within [`ANSWER`] or counts as gone, and is then left alone for a
//! while, so that a server that is gone costs most calls nothing. What is lost without it is for each user of this module to
//! say.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, ServerErrorKind, Value, cmd};
use tokio::sync::Mutex;

use crate::config::{ConfigError, ValkeySettings};
use crate::deadline::Deadline;
use crate::error::{BoxError, error_chain};
use crate::telemetry::metrics;

/// Time to make the connection.
const CONNECT: Duration = Duration::from_millis(500);

/// Time for one round trip: a hundred times what it takes within a region.
const ANSWER: Duration = Duration::from_millis(250);

/// How long a server that is gone is left alone: twice as long after each failure in a row.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// What a server says that cannot serve now. After a failover the connection leads to a replica, which refuses to write: the next one
/// finds the primary.
const SERVER_STATES: [&str; 6] = [
    "READONLY",
    "LOADING",
    "MASTERDOWN",
    "NOAUTH",
    "CLUSTERDOWN",
    "MISCONF",
];

/// A connection that was idle for longer may have died in a freeze: then it is made anew before the server counts as gone.
const IDLE: Duration = Duration::from_secs(10);

/// The server, as every user of it sees it.
pub struct Valkey {
    client: Client,
    prefix: String,
    slot: Mutex<Slot>,
    round_trips: AtomicU64,
}

#[derive(Default)]
struct Slot {
    connection: Option<(MultiplexedConnection, SystemTime)>,
    rest: Option<Rest>,
}

/// Since when the server is left alone, and for how long.
#[derive(Clone, Copy)]
struct Rest {
    since: SystemTime,
    pause: Duration,
}

impl Rest {
    /// By the wall clock: the monotonic one may stand still in a freeze. One that was set back ends the rest.
    fn is_over(&self) -> bool {
        self.since
            .elapsed()
            .map_or(true, |passed| passed >= self.pause)
    }
}

/// How a connection was come by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    New,
    Busy,
    Idle,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Gone {
    /// It was gone a moment ago and is left alone.
    #[error("Valkey is left alone after a failure")]
    Resting,
    /// It cannot be reached, or broke off.
    #[error("Valkey cannot be reached")]
    Unreachable(#[source] BoxError),
    /// It did not answer in time.
    #[error("Valkey did not answer in time")]
    Silent,
    /// It answered with an error, such as that it is a replica now.
    #[error("Valkey refused a script")]
    Refused(#[source] BoxError),
    /// The caller's own time was over, which says nothing of the server.
    #[error("no time was left to ask Valkey")]
    OutOfTime,
}

/// A Lua script and the hash by which the server knows it.
pub struct Script {
    text: String,
    hash: String,
}

impl Script {
    /// The script whose source is `text`.
    pub fn new(text: String) -> Self {
        let hash = redis::Script::new(&text).get_hash().to_owned();
        Self { text, hash }
    }
}

/// One run of a script. Its keys share a hash tag, so that it also runs in cluster mode.
#[derive(Clone)]
pub struct ScriptCall<'a> {
    /// What is run.
    pub script: &'a Script,
    /// The keys it touches.
    pub keys: Vec<String>,
    /// Its arguments.
    pub arguments: Vec<Vec<u8>>,
}

impl Valkey {
    /// Of `VALKEY_URL`, to be shared by all that use it; see [`Self::new`].
    pub fn from_env() -> Result<Option<Arc<Self>>, ConfigError> {
        Ok(Self::new(&ValkeySettings::from_env()?)?.map(Arc::new))
    }

    /// Prepares the connection; none is made yet. `None` when no server is configured.
    pub fn new(settings: &ValkeySettings) -> Result<Option<Self>, ConfigError> {
        let Some(url) = &settings.url else {
            return Ok(None);
        };
        let client = Client::open(url.as_str())
            .map_err(|error| ConfigError::new("VALKEY_URL", error.to_string()))?;
        let (slot, round_trips) = (Mutex::default(), AtomicU64::new(0));
        Ok(Some(Self {
            client,
            prefix: settings.prefix.clone(),
            slot,
            round_trips,
        }))
    }

    /// What every key begins with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Round trips made so far; a pipeline is one.
    pub fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::Relaxed)
    }

    /// Whether it answers at all, for a health check.
    pub async fn ping(&self, deadline: Deadline) -> Result<(), Gone> {
        let mut ping = redis::pipe();
        ping.add_command(cmd("PING"));
        self.round_trip(&ping, deadline).await.map(drop)
    }

    /// Runs scripts in one round trip. The server keeps scripts it has seen; the first use of one after a restart of the
    /// server costs a second round trip.
    pub async fn run(
        &self,
        calls: &[ScriptCall<'_>],
        deadline: Deadline,
    ) -> Result<Vec<Value>, Gone> {
        let by_hash = calls
            .iter()
            .map(|call| command("EVALSHA", &call.script.hash, call));
        let mut answers = self.round_trip(&pipeline(by_hash), deadline).await?;
        let unknown = |answer: &Result<Value, RedisError>| {
            let kind = answer.as_ref().err().map(RedisError::kind);
            kind == Some(ErrorKind::Server(ServerErrorKind::NoScript))
        };
        let missing: Vec<_> = answers
            .iter()
            .enumerate()
            .filter(|(_, answer)| unknown(answer))
            .map(|(at, _)| at)
            .collect();
        if !missing.is_empty() {
            let with_text = missing.iter().filter_map(|at| calls.get(*at));
            let with_text = with_text.map(|call| command("EVAL", &call.script.text, call));
            let again = self.round_trip(&pipeline(with_text), deadline).await?;
            for (at, answer) in missing.into_iter().zip(again) {
                if let Some(place) = answers.get_mut(at) {
                    *place = answer;
                }
            }
        }
        match answers.into_iter().collect() {
            Ok(answers) => Ok(answers),
            Err(error) => {
                let error: RedisError = error;
                let is_no_primary = SERVER_STATES
                    .iter()
                    .any(|state| error.to_string().contains(state));
                let gone = Gone::Refused(error.into());
                if is_no_primary {
                    self.slot.lock().await.leave_alone(&gone);
                } else {
                    tracing::error!(causes = error_chain(&gone), "a script failed");
                }
                Err(gone)
            }
        }
    }

    async fn round_trip(
        &self,
        pipeline: &redis::Pipeline,
        deadline: Deadline,
    ) -> Result<Vec<Result<Value, RedisError>>, Gone> {
        let (mut connection, origin) = self.connection(deadline).await?;
        let mut answer = self.send(pipeline, &mut connection, deadline).await;
        let is_dead = match &answer {
            Err(Gone::Unreachable(_)) => origin != Origin::New,
            Err(Gone::Silent) => origin == Origin::Idle,
            _ => false,
        };
        if is_dead {
            // It was closed or forgotten while it was idle: that says nothing about whether the server is there now.
            self.slot.lock().await.connection = None;
            (connection, _) = self.connection(deadline).await?;
            answer = self.send(pipeline, &mut connection, deadline).await;
        }
        match &answer {
            Ok(_) => self.slot.lock().await.is_well(),
            Err(Gone::OutOfTime) => {}
            Err(gone) => self.slot.lock().await.leave_alone(gone),
        }
        answer
    }

    async fn send(
        &self,
        pipeline: &redis::Pipeline,
        connection: &mut MultiplexedConnection,
        deadline: Deadline,
    ) -> Result<Vec<Result<Value, RedisError>>, Gone> {
        let has_time = deadline.remaining() >= ANSWER;
        self.round_trips.fetch_add(1, Ordering::Relaxed);
        match deadline
            .at_most(ANSWER)
            .run(pipeline.query_async(connection))
            .await
        {
            Ok(Ok(answers)) => Ok(answers),
            Ok(Err(error)) if error.is_timeout() => Err(Gone::Silent),
            Ok(Err(error)) => Err(Gone::Unreachable(error.into())),
            Err(_elapsed) if has_time => Err(Gone::Silent),
            Err(_elapsed) => Err(Gone::OutOfTime),
        }
    }

    /// The connection, and how it was come by. Callers that arrive together share the making of it.
    async fn connection(
        &self,
        deadline: Deadline,
    ) -> Result<(MultiplexedConnection, Origin), Gone> {
        let mut slot = self.slot.lock().await;
        if let Some((connection, used)) = &mut slot.connection {
            let origin = if used.elapsed().map_or(true, |idle| idle > IDLE) {
                Origin::Idle
            } else {
                Origin::Busy
            };
            *used = SystemTime::now();
            return Ok((connection.clone(), origin));
        }
        if slot.rest.is_some_and(|rest| !rest.is_over()) {
            return Err(Gone::Resting);
        }
        let has_time = deadline.remaining() >= CONNECT;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(None);
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let made = match deadline.at_most(CONNECT).run(connecting).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(Gone::Unreachable(error.into())),
            Err(_elapsed) if has_time => Err(Gone::Silent),
            Err(_elapsed) => return Err(Gone::OutOfTime),
        };
        match made {
            Ok(connection) => {
                slot.connection = Some((connection.clone(), SystemTime::now()));
                Ok((connection, Origin::New))
            }
            Err(gone) => {
                slot.leave_alone(&gone);
                Err(gone)
            }
        }
    }
}

impl Slot {
    fn is_well(&mut self) {
        if self.rest.take().is_some() {
            tracing::info!("Valkey is back");
        }
    }

    /// Callers that failed together count once.
    fn leave_alone(&mut self, gone: &Gone) {
        self.connection = None;
        if self.rest.is_some_and(|rest| !rest.is_over()) {
            return;
        }
        let pause = self
            .rest
            .map_or(FIRST_PAUSE, |rest| (rest.pause * 2).min(LONGEST_PAUSE));
        self.rest = Some(Rest {
            since: SystemTime::now(),
            pause,
        });
        metrics::count("ValkeyGone", &[]);
        tracing::warn!(error = %gone, causes = error_chain(gone), "Valkey is gone; what uses it goes on without");
    }
}

fn command(name: &str, script: &str, call: &ScriptCall<'_>) -> redis::Cmd {
    let mut command = cmd(name);
    command
        .arg(script)
        .arg(call.keys.len())
        .arg(&call.keys)
        .arg(&call.arguments);
    command
}

fn pipeline(commands: impl Iterator<Item = redis::Cmd>) -> redis::Pipeline {
    let mut pipeline = redis::pipe();
    for command in commands {
        pipeline.add_command(command);
    }
    pipeline.ignore_errors();
    pipeline
}
