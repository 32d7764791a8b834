//! What becomes of a tier's circuit, and of the tier when its provider is back.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wenzhen::config::{BreakerSettings, Tiers};
use wenzhen::resilience::breaker::state::Phase;

use super::{ScriptedChain, chat_of, complete, faults, request_of, served_by};
use crate::support::eventually;

#[tokio::test]
async fn a_tier_that_was_down_serves_again_soon_after_its_recovery() {
    let settings = json!({ "breaker": { "open": 0.5, "reopen": 0.2, "ramp": 0.3 } });
    let played = ScriptedChain::with_settings(&["down-1500", "good"], &settings).await;

    // Until the first tier serves ten times in a row, though the fallback serves well all the time.
    let mut served = Vec::new();
    let end = Instant::now() + Duration::from_secs(20);
    while !served.ends_with(&["t0"; 10]) {
        assert!(Instant::now() < end, "not back: {served:?}");
        let outcome = played.ask().await;
        let is_first = served_by(&outcome) == "t0";
        served.push(if is_first { "t0" } else { "t1" });
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(served.contains(&"t1"));

    let attempts = played.attempts(0);
    let since_first = |at: Duration| at - attempts[0].at;
    let times = attempts.iter().map(|attempt| since_first(attempt.at));
    let down = Duration::from_millis(1_500);

    // Five to open it, then a probe each `reopen`: 0.5 s, 0.7 s, 0.9 s …
    let while_down = times.clone().filter(|at| *at < down).count();
    let expected = 5..=5 + 7;
    assert!(
        expected.contains(&while_down),
        "{while_down} calls while it was down"
    );

    let back = times.clone().find(|at| *at >= down).unwrap();
    let delay = back - down;
    assert!(
        delay < Duration::from_secs(5),
        "asked again {delay:?} after its recovery"
    );
}

#[test]
fn by_default_a_recovery_is_used_within_30_seconds() {
    let breaker: Value = serde_json::to_value(BreakerSettings::default()).unwrap();
    let seconds = |name: &str| breaker[name].as_f64().unwrap();
    let tiers = Tiers::parse(r#"[{"name":"a","base_url":"http://h/v1","model":"m"}]"#).unwrap();
    let tier = tiers.iter().next().unwrap();

    // At worst a probe was sent just before, and has to time out first.
    let probe = tier.first_token_timeout().as_secs_f64();
    assert!(probe + seconds("reopen") + seconds("ramp") < 30.0);
    assert!((seconds("open") - 60.0).abs() < f64::EPSILON);
}

/// A second try that its circuit does not let in does not hide the fault of the first.
#[tokio::test]
async fn a_second_try_that_is_not_let_in_hides_no_fault() {
    let settings = json!({ "breaker": { "failures": 1 } });
    let played = ScriptedChain::with_settings(&["503", "good"], &settings).await;
    assert_eq!(faults(&played.ask().await), ["t0 status_503"]);
    assert_eq!(faults(&played.ask().await), ["t0 circuit_open"]);
}

/// When no other tier can serve, an opening is probed before its time.
#[tokio::test]
async fn the_only_tier_is_probed_before_its_time() {
    let settings = json!({ "breaker": { "open": 60, "reopen": 0.3, "ramp": 0.01 } });
    let played = ScriptedChain::with_settings(&["down-1000"], &settings).await;

    let goal = "it serves again, long before the opening is over";
    eventually(goal, async || {
        let outcome = played.ask().await;
        let reopen = Duration::from_millis(300);
        let is_soon = outcome.retry_in.is_none_or(|wait| wait <= reopen);
        assert!(outcome.answer.is_some() || is_soon);
        outcome.answer.map(drop)
    })
    .await;

    // Five to open it, then one for each `reopen`, not for each call.
    assert!(played.counts()[0] <= 5 + 5, "{:?}", played.counts());
}

#[tokio::test]
async fn what_cannot_be_asked_of_a_tier_takes_no_probe() {
    let settings = json!({
        "structured_output": "json_object", "breaker": { "failures": 1, "open": 0.05 },
    });
    let played = ScriptedChain::with_settings(&["503"], &settings).await;
    played.ask().await;

    let format = json!({ "type": "json_schema", "json_schema": { "name": "a", "schema": {} } });
    let messages = json!([{ "role": "user", "content": "x" }]);
    let chat = chat_of(json!({ "messages": messages, "response_format": format }));

    tokio::time::sleep(Duration::from_millis(60)).await;
    let outcome = complete(played.chain(), &request_of(&chat)).await;
    assert_eq!(faults(&outcome), ["t0 unsupported_response_format"]);
    assert_eq!(outcome.attempts, 0);
    assert_eq!(played.phase("t0"), Phase::Open);
}

/// A silent tier opens its circuit, though hedging cancels its calls.
#[tokio::test]
async fn hedged_calls_of_a_silent_tier_open_its_circuit() {
    let breaker = json!({ "slow_after": 0.1, "minimum_calls": 3 });
    let settings = |at| match at {
        0 => json!({ "hedge_after": 0.15, "breaker": breaker }),
        _ => json!({}),
    };
    let played = ScriptedChain::with(&["silent", "good"], settings, None).await;

    for _ in 0..3 {
        assert_eq!(served_by(&played.ask().await), "t1");
    }
    assert_eq!(played.phase("t0"), Phase::Open);
}
