//! The wire form of the fleet's sums. Public, so that a test can run it.
//!
//! They stand in one hash without an expiry, so that a server which is short of memory does not
//! throw them away, and none of a series can be lost without the rest: Prometheus would take a sum
//! that shrinks for a new one.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use uuid::Uuid;

use crate::valkey::{Reply, Script, ScriptCall, ScriptRequest};

/// How long a flush is known, so that it is not added twice.
pub const MARK_TTL: Duration = Duration::from_mins(10);

static FLUSH_SCRIPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("flush.lua").to_owned()));

static READ_SCRIPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("read.lua").to_owned()));

fn sums_key(prefix: &str) -> String {
    format!("{prefix}:{{metrics}}")
}

/// Adds to the sums, once however often it is sent.
pub struct Flush<'a> {
    /// `VALKEY_PREFIX`.
    pub prefix: &'a str,
    /// Names this flush.
    pub id: Uuid,
    /// By how much each series has grown.
    pub increments: &'a HashMap<String, u64>,
}

impl ScriptRequest for Flush<'_> {
    type Answer = ();

    fn into_call(self) -> ScriptCall {
        let sums = sums_key(self.prefix);
        let mark = format!("{sums}:{}", self.id);
        let mut arguments = vec![millis(MARK_TTL)];
        for (series, increment) in self.increments {
            arguments.push(series.clone().into_bytes());
            arguments.push(increment.to_string().into_bytes());
        }

        ScriptCall {
            script: &FLUSH_SCRIPT,
            keys: vec![sums, mark],
            arguments,
        }
    }

    fn read_reply(_: Reply) -> Option<()> {
        Some(())
    }
}

/// Reads the sums.
pub struct ReadSums<'a> {
    /// `VALKEY_PREFIX`.
    pub prefix: &'a str,
}

impl ScriptRequest for ReadSums<'_> {
    type Answer = Vec<(String, u64)>;

    fn into_call(self) -> ScriptCall {
        ScriptCall {
            script: &READ_SCRIPT,
            keys: vec![sums_key(self.prefix)],
            arguments: Vec::new(),
        }
    }

    fn read_reply(reply: Reply) -> Option<Self::Answer> {
        let flat: Vec<String> = redis::from_redis_value(reply).ok()?;
        let pairs = flat.chunks_exact(2).map(|pair| match pair {
            [series, sum] => Some((series.clone(), sum.parse().ok()?)),
            _ => None,
        });
        pairs.collect()
    }
}

fn millis(time: Duration) -> Vec<u8> {
    time.as_millis().to_string().into_bytes()
}
