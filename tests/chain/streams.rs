//! Streams: when one is replaced, when it is broken off, and when it is complete.

use std::time::Duration;

use serde_json::{Value, json};
use wenzhen::ai::Degraded;

use super::{ScriptedChain, faults, hello, request_of, served_by, used_tokens};
use crate::support::eventually;

/// A stream that does not come to its end.
struct BrokenStream {
    script: &'static str,
    fault: &'static str,
}

const fn broken_stream(script: &'static str, fault: &'static str) -> BrokenStream {
    BrokenStream { script, fault }
}

const BROKEN_STREAMS: [BrokenStream; 6] = [
    broken_stream("cut", "cut"),
    broken_stream("stall", "stalled"),
    broken_stream("pings", "stalled"),
    broken_stream("error-midway", "status_503"),
    broken_stream("empty-reason", "cut"),
    broken_stream("interrupted", "interrupted"),
];

/// A stream that breaks or stops midway is replaced as a whole: model and usage are the fallback's.
#[tokio::test]
async fn a_stream_that_breaks_midway_is_replaced_as_a_whole() {
    for BrokenStream { script, fault } in BROKEN_STREAMS {
        let settings = json!({ "idle_timeout": 0.3 });
        let played = ScriptedChain::with_settings(&[script, "good"], &settings).await;
        let outcome = played.ask().await;
        assert_eq!(served_by(&outcome), "t1", "{script}");
        assert_eq!(played.counts()[1], 1, "{script}");
        assert_eq!(faults(&outcome), [format!("t0 {fault}")], "{script}");
        assert!(played.consecutive_faults("t0") >= 1, "{script}");

        let body = outcome.answer.unwrap().content.body();
        let model = format!("{}-2026", played.models[1]);
        assert_eq!(body["model"], model, "{script}");
        assert_eq!(body["usage"]["total_tokens"], 33, "{script}");
    }
}

#[tokio::test]
async fn a_live_stream_that_breaks_midway_says_so() {
    for script in ["cut", "stall", "error-midway", "malformed"] {
        let settings = json!({ "idle_timeout": 0.3 });
        let played = ScriptedChain::with_settings(&[script, "good"], &settings).await;
        let chat = hello();
        let outcome = played.chain().start_stream(&request_of(&chat)).await;

        let mut live = outcome.answer.unwrap().content;
        let mut chunks = 0;
        let fault = loop {
            match live.next_chunk().await {
                Ok(Some(_)) => chunks += 1,
                Ok(None) => panic!("{script}: presented as complete"),
                Err(fault) => break fault,
            }
        };
        assert!(chunks > 1, "{script}: {fault}");
        assert_eq!(played.counts(), [1, 0], "{script}");
    }
}

/// An event that brings no word is no first token.
#[tokio::test]
async fn a_live_stream_that_breaks_behind_its_role_is_replaced() {
    let played = ScriptedChain::new(&["role-cut", "good"]).await;
    let chat = hello();
    let outcome = played.chain().start_stream(&request_of(&chat)).await;
    assert_eq!(faults(&outcome), ["t0 cut"]);

    let answer = outcome.answer.unwrap();
    assert_eq!(answer.tier, "t1");
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t1");
}

#[tokio::test]
async fn a_live_stream_falls_back_until_its_first_token() {
    let scripts = ["503", "late-4000", "slow-tokens"];
    let settings = json!({ "first_token_timeout": 0.4 });
    let played = ScriptedChain::with_settings(&scripts, &settings).await;
    let chat = hello();
    let outcome = played.chain().start_stream(&request_of(&chat)).await;

    let answer = outcome.answer.unwrap();
    assert_eq!(answer.tier, "t2");
    assert_eq!(answer.degraded, Some(Degraded::ServedByFallbackTier));

    let mut live = answer.content;
    let mut text = String::new();
    while let Some(chunk) = live.next_chunk().await.unwrap() {
        let content = &chunk["choices"][0]["delta"]["content"];
        text += content.as_str().unwrap_or_default();
    }
    assert!(text.ends_with("from the first word to the last."), "{text}");
}

/// A chunk that cannot be read spoils the answer, unless that was complete before.
#[tokio::test]
async fn an_unreadable_chunk_spoils_an_unfinished_answer() {
    let played = ScriptedChain::new(&["malformed", "good"]).await;
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t1");
    assert_eq!(faults(&outcome), ["t0 malformed_chunk"]);
    let faults = played.consecutive_faults("t0");
    assert_eq!(faults, 0, "the provider is healthy");

    let played = ScriptedChain::new(&["malformed-end", "good"]).await;
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t0");
    assert_eq!(played.counts(), [1, 0]);
    assert_eq!(used_tokens(outcome), 33);
}

#[tokio::test]
async fn a_finished_answer_is_not_waited_for_any_longer() {
    for (script, tokens) in [("no-done", json!(33)), ("no-done-no-usage", Value::Null)] {
        let played = ScriptedChain::new(&[script, "good"]).await;
        let outcome = played.ask().await;
        assert_eq!(served_by(&outcome), "t0", "{script}");
        assert_eq!(played.counts(), [1, 0], "{script}");
        assert_eq!(used_tokens(outcome), tokens, "{script}");

        let attempt = eventually("we hang up", async || {
            let mut attempts = played.attempts(0).into_iter();
            attempts.find(|attempt| attempt.ended.is_some())
        })
        .await;

        // The stream stays open for ever: an end before the idle time-out is ours.
        let (how, at) = attempt.ended.unwrap();
        assert_eq!(how, "hung up", "{script}");
        let took = at - attempt.at;
        assert!(took < Duration::from_secs(5), "{script}: {took:?}");
    }
}
