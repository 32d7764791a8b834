//! The server, as every user of it sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;
use redis::{Cmd, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value, cmd};
use tokio::sync::Mutex;
use tracing::Instrument;

use super::connection::{CommandResult, Connection, ConnectionOrigin, ConnectionSlot};
use super::error::ValkeyError;
use super::script::ScriptCall;
use super::target::{Clients, RESPONSE_TIMEOUT, Target};
use crate::aws::{Secrets, SharedConfig};
use crate::config::{ConfigError, ValkeySettings};
use crate::deadline::Deadline;
use crate::error::error_chain;
use crate::telemetry::trace;

/// Errors of a server that cannot serve now. After a failover the connection leads to a replica,
/// which refuses to write: the next connection finds the primary.
const UNAVAILABLE_STATES: [&str; 6] = [
    "READONLY",
    "LOADING",
    "MASTERDOWN",
    "NOAUTH",
    "CLUSTERDOWN",
    "MISCONF",
];

/// The client of the server, shared by all that use it in one execution environment.
pub struct Valkey {
    target: Target,
    prefix: String,
    slot: Mutex<ConnectionSlot>,
    round_trips: AtomicU64,
}

impl Valkey {
    /// Prepares the connection; none is made yet. `None` when no server is configured.
    pub fn new(settings: &ValkeySettings) -> Result<Option<Self>, ConfigError> {
        Self::with_aws(settings, Arc::default(), SharedConfig::default())
    }

    /// Like [`Self::new`], with the secrets in one of which the URL may be, and with the
    /// configuration that has the credentials for a login by IAM.
    pub fn with_aws(
        settings: &ValkeySettings,
        secrets: Arc<Secrets>,
        aws: SharedConfig,
    ) -> Result<Option<Self>, ConfigError> {
        let Some(url) = &settings.url else {
            return Ok(None);
        };

        Ok(Some(Self {
            target: Target::new(url, Clients { secrets, aws })?,
            prefix: settings.prefix.clone(),
            slot: Mutex::default(),
            round_trips: AtomicU64::new(0),
        }))
    }

    /// `VALKEY_PREFIX`, with which every key begins.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Round trips made so far; commands that go out together are one.
    pub fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::Relaxed)
    }

    /// Runs scripts in one round trip. The server keeps scripts it has seen; the first use of one
    /// after a restart of the server costs a second round trip.
    pub(super) async fn run_scripts(
        &self,
        calls: &[ScriptCall],
        deadline: Deadline,
    ) -> Result<Vec<Value>, ValkeyError> {
        let span = tracing::info_span!(
            target: trace::TARGET,
            "ask_valkey",
            scripts = calls.len()
        );
        // On the heap: the types of what waits for it are deep enough.
        let asked = Box::pin(async {
            let by_hash = pipeline(calls.iter().map(eval_by_hash));
            let mut results = self.round_trip(&by_hash, deadline).await?;
            self.resend_unknown(calls, &mut results, deadline).await?;
            match results.into_iter().collect::<Result<_, _>>() {
                Ok(replies) => Ok(replies),
                Err(error) => Err(self.refused(error).await),
            }
        });
        let failed = |error: &ValkeyError| trace::fail(error.to_string());
        let asked = asked.map(|it| it.inspect_err(failed));
        asked.instrument(span).await
    }

    /// Sends the text of those scripts that the server does not know, and puts their results in
    /// place.
    async fn resend_unknown(
        &self,
        calls: &[ScriptCall],
        results: &mut [CommandResult],
        deadline: Deadline,
    ) -> Result<(), ValkeyError> {
        let unknown = calls
            .iter()
            .zip(results)
            .filter(|(_, result)| is_unknown(result));
        let (calls, places): (Vec<_>, Vec<_>) = unknown.unzip();
        if calls.is_empty() {
            return Ok(());
        }

        let by_text = pipeline(calls.into_iter().map(eval_by_text));
        let resent = self.round_trip(&by_text, deadline).await?;
        for (place, result) in places.into_iter().zip(resent) {
            *place = result;
        }
        Ok(())
    }

    /// A server that cannot serve now is left alone; any other refusal is a fault of a script.
    async fn refused(&self, error: RedisError) -> ValkeyError {
        let text = error.to_string();
        let is_unavailable = UNAVAILABLE_STATES.iter().any(|state| text.contains(state));
        let error = ValkeyError::Refused(error.into());

        if is_unavailable {
            self.slot.lock().await.record_failure(&error);
        } else if text.contains("MOVED") {
            tracing::error!(
                "the key is on another node: for a cluster, VALKEY_URL ends with ?cluster=true"
            );
        } else {
            tracing::error!(causes = error_chain(&error), "a script failed");
        }
        error
    }

    async fn round_trip(
        &self,
        commands: &Pipeline,
        deadline: Deadline,
    ) -> Result<Vec<CommandResult>, ValkeyError> {
        // Callers that arrive together share the making of the connection.
        let borrowed = self
            .slot
            .lock()
            .await
            .acquire(&self.target, deadline)
            .await?;
        let mut answer = self.send(commands, borrowed.connection, deadline).await;

        // A connection that was closed or forgotten while it was idle says nothing about whether
        // the server is there now.
        let is_dead = match &answer {
            Err(ValkeyError::Unreachable(_)) => borrowed.origin != ConnectionOrigin::New,
            Err(ValkeyError::Timeout) => borrowed.origin == ConnectionOrigin::Idle,
            _ => false,
        };
        if is_dead {
            self.slot.lock().await.disconnect();
            let borrowed = self
                .slot
                .lock()
                .await
                .acquire(&self.target, deadline)
                .await?;
            answer = self.send(commands, borrowed.connection, deadline).await;
        }

        match &answer {
            Ok(_) => self.slot.lock().await.record_success(),
            Err(ValkeyError::DeadlinePassed) => {}
            Err(error) => self.slot.lock().await.record_failure(error),
        }
        answer
    }

    async fn send(
        &self,
        commands: &Pipeline,
        mut connection: Connection,
        deadline: Deadline,
    ) -> Result<Vec<CommandResult>, ValkeyError> {
        let has_time = deadline.remaining() >= RESPONSE_TIMEOUT;
        self.round_trips.fetch_add(1, Ordering::Relaxed);

        let query = connection.send(commands);
        match deadline.at_most(RESPONSE_TIMEOUT).run(query).await {
            Ok(Ok(results)) => Ok(results),
            Ok(Err(error)) if error.is_timeout() => Err(ValkeyError::Timeout),
            Ok(Err(error)) => Err(ValkeyError::Unreachable(error.into())),
            Err(_elapsed) if has_time => Err(ValkeyError::Timeout),
            Err(_elapsed) => Err(ValkeyError::DeadlinePassed),
        }
    }
}

/// Whether the server does not know the script by its hash.
fn is_unknown(result: &CommandResult) -> bool {
    let kind = result.as_ref().err().map(RedisError::kind);
    kind == Some(ErrorKind::Server(ServerErrorKind::NoScript))
}

fn eval_by_hash(call: &ScriptCall) -> Cmd {
    eval("EVALSHA", &call.script.hash, call)
}

fn eval_by_text(call: &ScriptCall) -> Cmd {
    eval("EVAL", &call.script.text, call)
}

fn eval(name: &str, script: &str, call: &ScriptCall) -> Cmd {
    let mut command = cmd(name);
    command
        .arg(script)
        .arg(call.keys.len())
        .arg(&call.keys)
        .arg(&call.arguments);
    command
}

/// Commands that go out together; an error of one does not end the others.
fn pipeline(commands: impl IntoIterator<Item = Cmd>) -> Pipeline {
    let mut pipeline = redis::pipe();
    for command in commands {
        pipeline.add_command(command);
    }

    pipeline.ignore_errors();
    pipeline
}
