//! Valkey, or Redis: one connection for each environment, made when it is first needed.
//!
//! Nothing that must happen may depend on it. It answers within [`ANSWER`] or counts as gone, and is then left alone for
//! [`PAUSE`], so that a server that is gone costs a call nothing. What is lost without it is for each user of this module to
//! say.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, ServerErrorKind, Value, cmd};
use tokio::sync::Mutex;

use crate::config::{ConfigError, ValkeySettings};
use crate::deadline::Deadline;
use crate::error::{BoxError, causes};
use crate::telemetry::metrics;

/// Time to make the connection.
const CONNECT: Duration = Duration::from_millis(500);

/// Time for one round trip: a hundred times what it takes within a region.
const ANSWER: Duration = Duration::from_millis(250);

/// How long a server that is gone is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// The server, as every user of it sees it.
pub struct Valkey {
    client: Client,
    prefix: String,
    slot: Mutex<Slot>,
    round_trips: AtomicU64,
}

#[derive(Default)]
struct Slot {
    connection: Option<MultiplexedConnection>,
    gone_until: Option<SystemTime>,
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
    /// It answered with an error.
    #[error("Valkey refused a script")]
    Refused(#[source] BoxError),
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
pub struct ScriptCall<'a> {
    /// What is run.
    pub script: &'a Script,
    /// The keys it touches.
    pub keys: Vec<String>,
    /// Its arguments.
    pub arguments: Vec<String>,
}

impl Valkey {
    /// Prepares the connection; none is made yet. `None` when no server is configured.
    pub fn new(settings: &ValkeySettings) -> Result<Option<Self>, ConfigError> {
        let Some(url) = &settings.url else { return Ok(None) };
        let client = Client::open(url.as_str()).map_err(|error| ConfigError::new("VALKEY_URL", error.to_string()))?;
        let (slot, round_trips) = (Mutex::default(), AtomicU64::new(0));
        Ok(Some(Self { client, prefix: settings.prefix.clone(), slot, round_trips }))
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
    pub async fn run(&self, calls: &[ScriptCall<'_>], deadline: Deadline) -> Result<Vec<Value>, Gone> {
        let by_hash = calls.iter().map(|call| command("EVALSHA", &call.script.hash, call));
        let mut answers = self.round_trip(&pipeline(by_hash), deadline).await?;
        let unknown = |answer: &Result<Value, RedisError>| {
            let kind = answer.as_ref().err().map(RedisError::kind);
            kind == Some(ErrorKind::Server(ServerErrorKind::NoScript))
        };
        let missing: Vec<_> =
            answers.iter().enumerate().filter(|(_, answer)| unknown(answer)).map(|(at, _)| at).collect();
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
        let answers: Result<Vec<_>, _> = answers.into_iter().collect();
        answers.map_err(|error| Gone::Refused(error.into()))
    }

    async fn round_trip(
        &self,
        pipeline: &redis::Pipeline,
        deadline: Deadline,
    ) -> Result<Vec<Result<Value, RedisError>>, Gone> {
        let (mut connection, is_new) = self.connection(deadline).await?;
        let mut answer = self.send(pipeline, &mut connection, deadline).await;
        if !is_new && matches!(answer, Err(Gone::Unreachable(_))) {
            // The server closed an idle connection, or was restarted: that says nothing about whether it is there now.
            self.slot.lock().await.connection = None;
            (connection, _) = self.connection(deadline).await?;
            answer = self.send(pipeline, &mut connection, deadline).await;
        }
        if let Err(gone) = &answer {
            self.rest(gone).await;
        }
        answer
    }

    async fn send(
        &self,
        pipeline: &redis::Pipeline,
        connection: &mut MultiplexedConnection,
        deadline: Deadline,
    ) -> Result<Vec<Result<Value, RedisError>>, Gone> {
        self.round_trips.fetch_add(1, Ordering::Relaxed);
        match deadline.at_most(ANSWER).run(pipeline.query_async(connection)).await {
            Ok(Ok(answers)) => Ok(answers),
            Ok(Err(error)) if error.is_timeout() => Err(Gone::Silent),
            Ok(Err(error)) => Err(Gone::Unreachable(error.into())),
            Err(_elapsed) => Err(Gone::Silent),
        }
    }

    /// The connection, and whether it was just made. Callers that arrive together share the making of it.
    async fn connection(&self, deadline: Deadline) -> Result<(MultiplexedConnection, bool), Gone> {
        let mut slot = self.slot.lock().await;
        if let Some(connection) = &slot.connection {
            return Ok((connection.clone(), false));
        }
        // By the wall clock: the monotonic one may stand still in a freeze. One that was set back ends the rest.
        let rest = slot.gone_until.and_then(|until| until.duration_since(SystemTime::now()).ok());
        if rest.is_some_and(|rest| rest <= PAUSE) {
            return Err(Gone::Resting);
        }
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(None);
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        let made = match deadline.at_most(CONNECT).run(connecting).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(Gone::Unreachable(error.into())),
            Err(_elapsed) => Err(Gone::Silent),
        };
        match made {
            Ok(connection) => {
                if slot.gone_until.take().is_some() {
                    tracing::info!("Valkey is back");
                }
                slot.connection = Some(connection.clone());
                Ok((connection, true))
            }
            Err(gone) => {
                slot.leave_alone(&gone);
                Err(gone)
            }
        }
    }

    async fn rest(&self, gone: &Gone) {
        self.slot.lock().await.leave_alone(gone);
    }
}

impl Slot {
    fn leave_alone(&mut self, gone: &Gone) {
        self.connection = None;
        self.gone_until = Some(SystemTime::now() + PAUSE);
        metrics::count("ValkeyGone", &[]);
        tracing::warn!(error = %gone, causes = causes(gone), "Valkey is gone; what uses it goes on without");
    }
}

fn command(name: &str, script: &str, call: &ScriptCall<'_>) -> redis::Cmd {
    let mut command = cmd(name);
    command.arg(script).arg(call.keys.len()).arg(&call.keys).arg(&call.arguments);
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
