//! The wire form of `breaker.lua`. Public, so that it can be tried on a clock that a test sets.

use std::sync::LazyLock;

use redis::Value;

use super::Settings;
use super::machine::{Phase, Report, State, Tally, millis};
use crate::valkey::{Script, ScriptCall, ScriptRequest};

/// The script, but for the line before it that sets `now`, in milliseconds since 1970.
pub const SOURCE: &str = include_str!("breaker.lua");

/// The time is the server's: environments' clocks differ.
const SERVER_TIME: &str = "local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
";

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(format!("{SERVER_TIME}{SOURCE}")));

/// What the script answers.
pub struct Answer {
    /// The server's time.
    pub now: u64,
    /// Whether the probe that was asked for was let in.
    pub is_granted: bool,
    /// The phase before.
    pub before: Phase,
    /// The state now.
    pub state: State,
}

/// One run of the script.
pub(super) struct StateRequest {
    key: String,
    arguments: Vec<String>,
}

impl ScriptRequest for StateRequest {
    type Answer = Answer;

    fn into_call(self) -> ScriptCall {
        let arguments = self.arguments.into_iter().map(String::into_bytes);
        ScriptCall {
            script: &SCRIPT,
            keys: vec![self.key],
            arguments: arguments.collect(),
        }
    }

    fn read_reply(reply: Value) -> Option<Answer> {
        read(&reply)
    }
}

/// One run of the script about a circuit.
pub(super) fn call(key: &str, settings: &Settings, who: &str, report: &Report) -> StateRequest {
    StateRequest {
        key: key.to_owned(),
        arguments: arguments(settings, who, report),
    }
}

/// The script's arguments.
pub fn arguments(settings: &Settings, who: &str, report: &Report) -> Vec<String> {
    let mut arguments = vec![
        settings.failures.to_string(),
        settings.failure_rate.to_string(),
        settings.slow_rate.to_string(),
        settings.minimum_calls.to_string(),
        settings.quorum.to_string(),
    ];
    let times = [
        settings.window,
        settings.open,
        settings.reopen,
        settings.probe_lease,
        settings.ramp,
    ];
    arguments.extend(times.map(|seconds| millis(seconds).to_string()));
    arguments.push(who.to_owned());
    let age = |tally: &Tally| tally.age.as_millis().to_string();
    let Tally {
        epoch, calls, slow, ..
    } = report.successes;
    arguments.extend([epoch, calls, slow].map(|number| number.to_string()));
    arguments.push(age(&report.successes));
    arguments.extend([report.faults.epoch, report.faults.calls].map(|number| number.to_string()));
    arguments.push(age(&report.faults));
    let (token, verdict) = match &report.probe {
        Some((token, verdict)) => (token.as_str(), verdict.as_str()),
        None => ("", ""),
    };
    arguments.extend([
        token.to_owned(),
        verdict.to_owned(),
        report.cooldown.as_millis().min(86_400_000).to_string(),
    ]);
    arguments.push(report.acquire.clone().unwrap_or_default());
    arguments.push(u8::from(report.is_urgent).to_string());
    arguments
}

/// Reads the script's answer; `None` if it is something else.
pub fn read(answer: &Value) -> Option<Answer> {
    let (now, granted, before, state): (String, u8, String, String) =
        redis::from_redis_value_ref(answer).ok()?;
    Some(Answer {
        now: now.parse().ok()?,
        is_granted: granted == 1,
        before: serde_json::from_value(serde_json::Value::String(before)).ok()?,
        state: serde_json::from_str(&state).ok()?,
    })
}
