//! What attempts without an answer have used.

use serde_json::{Value, json};
use wenzhen::ai::{Completion, InvalidAnswer};

use super::{ScriptedChain, chat_of, complete, request_of, served_by};

/// Tiers that end each of the scripts within two seconds.
async fn playing(scripts: &[&str]) -> ScriptedChain {
    let times = json!({ "first_token_timeout": 1, "idle_timeout": 0.5, "total_timeout": 2 });
    ScriptedChain::with_settings(scripts, &times).await
}

#[tokio::test]
async fn a_tier_that_breaks_after_its_first_token_has_used_some() {
    for script in ["cut", "stall", "malformed", "interrupted", "error-midway"] {
        let played = playing(&[script, "good"]).await;
        let outcome = played.ask().await;
        assert_eq!(served_by(&outcome), "t1");
        assert!(outcome.wasted_tokens > 0, "{script}");
    }
}

/// It went on all the time, and was given up: `took_too_long`.
#[tokio::test]
async fn a_tier_that_takes_too_long_has_used_what_was_read() {
    let short = [
        "connect_timeout",
        "first_token_timeout",
        "idle_timeout",
        "total_timeout",
    ];
    let times = short.map(|name| (name.to_owned(), json!(0.5)));
    let times = Value::Object(times.into_iter().collect());
    let settings = |at| if at == 0 { times.clone() } else { json!({}) };
    let played = ScriptedChain::with(&["slow-tokens", "good"], settings, None).await;
    let outcome = played.ask().await;
    assert_eq!(super::faults(&outcome), ["t0 took_too_long"]);
    assert!(outcome.wasted_tokens > 0);
}

#[tokio::test]
async fn a_tier_without_a_first_token_has_used_none() {
    for script in [
        "500",
        "429-always-60",
        "reset",
        "404",
        "silent",
        "role-cut",
        "html",
    ] {
        let played = playing(&[script, "good"]).await;
        let outcome = played.ask().await;
        assert_eq!(served_by(&outcome), "t1");
        assert_eq!(outcome.wasted_tokens, 0, "{script}");
    }
}

/// Where the endpoint says nothing, the request counts by its length.
#[tokio::test]
async fn what_is_not_said_is_estimated_with_the_request() {
    let wasted = async |words: usize| {
        let prompt = "word ".repeat(words);
        let messages = json!([{ "role": "user", "content": prompt }]);
        let chat = chat_of(json!({ "messages": messages }));
        let played = playing(&["cut"]).await;
        let outcome = complete(played.chain(), &request_of(&chat)).await;
        let attempts = u64::from(outcome.attempts);
        outcome.wasted_tokens / attempts
    };

    let (short, long) = (wasted(1).await, wasted(4_001).await);
    assert!((4_990..5_010).contains(&(long - short)), "{short} {long}");
}

/// An answer that is not accepted was paid for, and so was its repair turn.
#[tokio::test]
async fn answers_that_are_not_accepted_have_used_what_they_say() {
    let check = |_: &Completion| -> Result<(), InvalidAnswer> {
        let feedback = "It is not what was asked for.".to_owned();
        Err(InvalidAnswer::mendable("not wanted", feedback))
    };
    let chat = super::hello();
    let played = playing(&["good"]).await;

    let once = played.chain().complete(&request_of(&chat), check).await;
    assert_eq!(once.wasted_tokens, 33);
    let request = request_of(&chat).with_repair_turn();
    let twice = played.chain().complete(&request, check).await;
    assert_eq!(twice.wasted_tokens, 66);
}
