//! The wire form of `limits.lua`. Public, so that it can be tried on a clock that a test sets.

use std::sync::LazyLock;

use super::rate::{Fill, LimitCheck, Verdict};
use crate::config::Algorithm;
use crate::valkey::{Reply, Script, ScriptCall, ScriptRequest};

/// The script, but for what stands before it: `now`, in microseconds since 1970, and `slack`,
/// milliseconds that keys live longer than they must, for a clock that is not the server's.
pub const SOURCE: &str = concat!(include_str!("bucket.lua"), include_str!("limits.lua"));

/// The script that settles, but for what stands before it: `now` and `slack`, as before.
pub const SETTLE_SOURCE: &str = concat!(include_str!("bucket.lua"), include_str!("settle.lua"));

/// Sets `now` to the server's clock, before a script.
const SERVER_TIME: &str = "local time = redis.call('TIME')
local now, slack = time[1] * 1000000 + time[2], 0
";

static DECIDE_SCRIPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(format!("{SERVER_TIME}{SOURCE}")));

static SETTLE_SCRIPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(format!("{SERVER_TIME}{SETTLE_SOURCE}")));

/// Decides all limits of one call, and charges it if they all let it in.
pub(super) struct DecideRequest {
    pub(super) checks: Vec<LimitCheck>,
}

/// Moves the time at which a bucket is full again.
pub(super) struct SettleRequest {
    pub(super) key: String,
    /// Ticks; a negative number gives back.
    pub(super) shift: i128,
    /// Ticks of a microsecond.
    pub(super) scale: u64,
}

impl ScriptRequest for DecideRequest {
    /// One verdict for each check, in their order.
    type Answer = Vec<Verdict>;

    fn into_call(self) -> ScriptCall {
        let arguments = self.checks.iter().flat_map(check_arguments);
        let arguments = arguments.map(String::into_bytes).collect();
        let keys = self.checks.into_iter().map(|check| check.key).collect();

        ScriptCall {
            script: &DECIDE_SCRIPT,
            keys,
            arguments,
        }
    }

    fn read_reply(reply: Reply) -> Option<Self::Answer> {
        read_verdicts(reply)
    }
}

impl ScriptRequest for SettleRequest {
    type Answer = ();

    fn into_call(self) -> ScriptCall {
        ScriptCall {
            script: &SETTLE_SCRIPT,
            keys: vec![self.key],
            arguments: vec![
                self.shift.to_string().into_bytes(),
                self.scale.to_string().into_bytes(),
            ],
        }
    }

    fn read_reply(_: Reply) -> Option<()> {
        Some(())
    }
}

/// The script's arguments for one limit.
pub fn check_arguments(check: &LimitCheck) -> [String; 5] {
    let LimitCheck { rate, cost, .. } = check;
    let (letter, numbers) = match rate.algorithm {
        Algorithm::TokenBucket { burst } => {
            let Fill { step, scale } = rate.fill();
            ("b", [step, scale, burst, *cost])
        }
        Algorithm::SlidingWindow => ("w", [rate.limit, rate.window, rate.grain(), *cost]),
    };

    let [first, second, third, cost] = numbers.map(|number| number.to_string());
    [letter.to_owned(), first, second, third, cost]
}

/// Reads the script's reply; `None` if it is something else.
pub fn read_verdicts(reply: Reply) -> Option<Vec<Verdict>> {
    let rows: Vec<(u8, i64, i64, i64)> = redis::from_redis_value(reply).ok()?;
    let count = |number: i64| u64::try_from(number).unwrap_or(0);

    let verdicts = rows.into_iter().map(|row| {
        let (admitted, remaining, reset, wait) = row;
        Verdict {
            is_admitted: admitted == 1,
            remaining: count(remaining),
            reset: count(reset),
            wait: u64::try_from(wait).ok(),
        }
    });
    Some(verdicts.collect())
}
