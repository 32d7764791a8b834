//! The wire form of `limits.lua`. Public, so that it can be tried on a clock that a test sets.

use std::sync::LazyLock;

use redis::Value;

use super::machine::Verdict;
use super::{Algorithm, Rate};
use crate::valkey::{Script, ScriptCall};

/// The script, but for what stands before it: `now`, in microseconds since 1970, and `slack`, milliseconds that keys live longer than
/// they must, for a clock that is not the server's.
pub const SOURCE: &str = include_str!("limits.lua");

const SERVER_TIME: &str = "local time = redis.call('TIME')
local now, slack = time[1] * 1000000 + time[2], 0
";

static DECIDE: LazyLock<Script> = LazyLock::new(|| Script::new(format!("{SERVER_TIME}{SOURCE}")));

/// Moves the time at which a bucket is full again by what was charged too little or too much.
static SETTLE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(format!(
        "{SERVER_TIME}local full_at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0') or 0) + tonumber(ARGV[1])
        if full_at <= now then return redis.call('DEL', KEYS[1]) end
        local keep = string.format('%.0f', math.ceil((full_at - now) / 1000) + 1)
        redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', keep)
        return 1"
    ))
});

pub(super) fn decide<'a>(
    keys: Vec<String>,
    rates: impl Iterator<Item = (Rate, u64)>,
) -> ScriptCall<'a> {
    let arguments = rates
        .flat_map(|(rate, cost)| arguments(&rate, cost))
        .map(String::into_bytes)
        .collect();
    ScriptCall {
        script: &DECIDE,
        keys,
        arguments,
    }
}

/// Moves a bucket by so many microseconds.
pub(super) fn settle<'a>(key: String, moved: i128) -> ScriptCall<'a> {
    ScriptCall {
        script: &SETTLE,
        keys: vec![key],
        arguments: vec![moved.to_string().into_bytes()],
    }
}

/// The script's arguments for one limit.
pub fn arguments(rate: &Rate, cost: u64) -> [String; 5] {
    let (letter, burst) = match rate.algorithm {
        Algorithm::TokenBucket { burst } => ("b", burst),
        Algorithm::SlidingWindow => ("w", 0),
    };
    let [limit, window, burst, cost] =
        [rate.limit, rate.window, burst, cost].map(|number| number.to_string());
    [letter.to_owned(), limit, window, burst, cost]
}

/// Reads the script's answer; `None` if it is something else.
pub fn read(answer: &Value) -> Option<Vec<Verdict>> {
    let verdicts: Vec<(u8, i64, i64, i64)> = redis::from_redis_value_ref(answer).ok()?;
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    let verdict = |(admitted, remaining, reset, wait): (u8, i64, i64, i64)| Verdict {
        is_admitted: admitted == 1,
        remaining: count(remaining),
        reset: count(reset),
        wait: u64::try_from(wait).ok(),
    };
    Some(verdicts.into_iter().map(verdict).collect())
}
