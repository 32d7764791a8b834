//! The wire form of the script `lua/*.lua`. Public, so that a test can run it on a clock of its
//! own.

use std::sync::LazyLock;

use redis::Value;

use super::client::to_millis;
use super::state::{CircuitReport, CircuitState, NewBars, Phase, Tally, cooldown_millis};
use crate::config::BreakerSettings;
use crate::valkey::{Script, ScriptCall, ScriptRequest};

/// The script, but for the lines before it that set `now`, in milliseconds since 1970.
pub const SOURCE: &str = concat!(
    include_str!("lua/breaker.lua"),
    include_str!("lua/clients.lua"),
    include_str!("lua/verdict.lua"),
    include_str!("lua/cooldowns.lua"),
    include_str!("lua/trials.lua"),
    include_str!("lua/report.lua"),
);

/// The time is the server's: environments' clocks differ.
const SERVER_TIME: &str = "local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
";

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(format!("{SERVER_TIME}{SOURCE}")));

/// What the script answers.
pub struct ScriptAnswer {
    /// The server's time, in milliseconds since 1970.
    pub now: u64,
    /// Whether the probe that was asked for was let in.
    pub is_probe_granted: bool,
    /// The phase before.
    pub previous_phase: Phase,
    /// The state now.
    pub state: CircuitState,
    /// Who is left out from now on.
    pub new_bars: NewBars,
}

/// One run of the script about one circuit.
pub(super) struct StateRequest {
    key: String,
    arguments: Vec<String>,
}

impl StateRequest {
    pub(super) fn new(key: &str, arguments: Vec<String>) -> Self {
        let key = key.to_owned();
        Self { key, arguments }
    }
}

impl ScriptRequest for StateRequest {
    type Answer = ScriptAnswer;

    fn into_call(self) -> ScriptCall {
        let arguments = self.arguments.into_iter().map(String::into_bytes);
        ScriptCall {
            script: &SCRIPT,
            keys: vec![self.key],
            arguments: arguments.collect(),
        }
    }

    fn read_reply(reply: Value) -> Option<ScriptAnswer> {
        read_answer(&reply)
    }
}

/// The script's arguments, in the order of its first comment.
pub fn arguments(
    settings: &BreakerSettings,
    environment: &str,
    report: &CircuitReport,
) -> Vec<String> {
    let mut arguments = settings_arguments(settings);
    arguments.push(environment.to_owned());

    let (successes, faults) = (&report.successes, &report.faults);
    arguments.extend([
        successes.epoch.to_string(),
        successes.calls.to_string(),
        successes.slow.to_string(),
        age_argument(successes),
        faults.epoch.to_string(),
        faults.calls.to_string(),
        age_argument(faults),
    ]);

    let (token, result) = match &report.probe {
        Some(probe) => (probe.token.as_str(), probe.result.as_str()),
        None => ("", ""),
    };
    arguments.extend([
        token.to_owned(),
        result.to_owned(),
        cooldown_argument(report),
    ]);
    let request = report.probe_request.clone().unwrap_or_default();
    arguments.extend([
        request.token,
        u8::from(report.is_urgent).to_string(),
        request.client,
        client_counts(report),
    ]);

    arguments
}

/// The calls of each client, as JSON.
fn client_counts(report: &CircuitReport) -> String {
    let counts = report.clients.iter().map(|(name, counts)| {
        let numbers = [counts.successes, counts.slow, counts.faults];
        (name.clone(), serde_json::json!(numbers))
    });
    serde_json::Value::Object(counts.collect()).to_string()
}

/// The milliseconds of each client's cooldown, as JSON.
fn cooldown_argument(report: &CircuitReport) -> String {
    let cooldowns = report.cooldowns.iter();
    let millis = cooldowns.map(|(name, wait)| (name.clone(), cooldown_millis(*wait).into()));
    serde_json::Value::Object(millis.collect()).to_string()
}

fn settings_arguments(settings: &BreakerSettings) -> Vec<String> {
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
    arguments.extend(times.map(|seconds| to_millis(seconds).to_string()));

    arguments
}

fn age_argument(tally: &Tally) -> String {
    tally.age.as_millis().to_string()
}

/// Reads the script's answer; `None` if it is something else.
pub fn read_answer(answer: &Value) -> Option<ScriptAnswer> {
    type Reply = (String, u8, String, String, u64, u64);
    let reply: Reply = redis::from_redis_value_ref(answer).ok()?;
    let (now, is_granted, phase, state, users, tenants) = reply;

    Some(ScriptAnswer {
        now: now.parse().ok()?,
        is_probe_granted: is_granted == 1,
        previous_phase: serde_json::from_value(serde_json::Value::String(phase)).ok()?,
        state: serde_json::from_str(&state).ok()?,
        new_bars: NewBars { users, tenants },
    })
}
