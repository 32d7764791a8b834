//! The wire form of the fleet's verdict on the database.

use std::sync::LazyLock;
use std::time::Duration;

use super::status::DatabaseVerdict;
use crate::valkey::{Reply, Script, ScriptCall, ScriptRequest};

/// How long a verdict serves the fleet. So one connection is made in this time at most, however
/// many environments are asked.
const FRESH_TTL: Duration = Duration::from_secs(5);

/// How long the last verdict serves while another one is made.
const STALE_TTL: Duration = Duration::from_mins(1);

/// How long a check may take before another environment makes it: longer than
/// [`super::COMPONENT_TIMEOUT`].
const LEASE_TTL: Duration = Duration::from_secs(4);

static READ_SCRIPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("read.lua").to_owned()));

static WRITE_SCRIPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("write.lua").to_owned()));

/// Reads the verdict, and asks for the lease if it has to be made anew.
pub(super) struct ReadVerdict {
    pub(super) keys: VerdictKeys,
}

/// What the caller does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VerdictAnswer {
    /// The verdict is fresh.
    Fresh(DatabaseVerdict),
    /// The caller holds the lease: it checks.
    Check,
    /// Another environment checks; this is the last verdict, if there is one.
    Wait(Option<DatabaseVerdict>),
}

/// Writes a verdict and gives the lease back.
pub(super) struct WriteVerdict {
    pub(super) keys: VerdictKeys,
    pub(super) verdict: DatabaseVerdict,
}

/// The keys of the verdict and its lease.
pub(super) struct VerdictKeys([String; 2]);

impl VerdictKeys {
    pub(super) fn new(prefix: &str) -> Self {
        let verdict = format!("{prefix}:health:{{stores}}");
        let lease = format!("{verdict}:lease");
        Self([verdict, lease])
    }
}

impl ScriptRequest for ReadVerdict {
    type Answer = VerdictAnswer;

    fn into_call(self) -> ScriptCall {
        let arguments = [millis(FRESH_TTL), millis(LEASE_TTL)];
        ScriptCall {
            script: &READ_SCRIPT,
            keys: self.keys.0.to_vec(),
            arguments: arguments.to_vec(),
        }
    }

    fn read_reply(reply: Reply) -> Option<VerdictAnswer> {
        let (action, verdict): (String, String) = redis::from_redis_value(reply).ok()?;
        let last = serde_json::from_str(&verdict).ok();

        match action.as_str() {
            "fresh" => last.map(VerdictAnswer::Fresh),
            "check" => Some(VerdictAnswer::Check),
            "wait" => Some(VerdictAnswer::Wait(last)),
            _ => None,
        }
    }
}

impl ScriptRequest for WriteVerdict {
    type Answer = ();

    fn into_call(self) -> ScriptCall {
        // What cannot be written is made anew by whoever reads it.
        let verdict = serde_json::to_vec(&self.verdict).unwrap_or_default();
        ScriptCall {
            script: &WRITE_SCRIPT,
            keys: self.keys.0.to_vec(),
            arguments: vec![verdict, millis(STALE_TTL)],
        }
    }

    fn read_reply(_: Reply) -> Option<()> {
        Some(())
    }
}

fn millis(time: Duration) -> Vec<u8> {
    time.as_millis().to_string().into_bytes()
}
