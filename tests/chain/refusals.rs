//! Refusals and limits as providers other than `OpenAI` give them: a patient's words open no
//! circuit, and a wait is kept wherever it stands.

use serde_json::{Value, json};
use wenzhen::ai::{ChainOutcome, Completion, Fault};
use wenzhen::resilience::breaker::state::Phase;

use super::{ScriptedChain, chat_of, complete, faults, hello, request_of, served_by};
use crate::support::eventually;

/// Scripts of a content filter that does not answer 400.
const FILTERS: [&str; 4] = [
    "inspected",
    "inspected-midway",
    "filter-500",
    "filter-in-200",
];

/// A tier whose prompt chooses its script, and one that answers well.
async fn obedient_chain(settings: &Value) -> ScriptedChain {
    ScriptedChain::with_settings(&["scripted-first", "good"], settings).await
}

/// Asks a chain whose first tier is to play this script.
async fn ask_for(played: &ScriptedChain, script: &str) -> ChainOutcome<Completion> {
    let name = played.models[0].strip_prefix("scripted-").unwrap();
    let prompt = format!("[{name}:{script}]");
    let messages = json!([{ "role": "user", "content": prompt }]);
    let chat = chat_of(json!({ "messages": messages }));
    complete(played.chain(), &request_of(&chat)).await
}

#[tokio::test]
async fn three_filtered_complaints_leave_the_circuit_closed() {
    for script in FILTERS {
        let played = obedient_chain(&json!({})).await;
        for _ in 0..3 {
            let outcome = ask_for(&played, script).await;
            assert_eq!(served_by(&outcome), "t1", "{script}");
            assert_eq!(faults(&outcome), ["t0 content_filter"], "{script}");
        }

        assert_eq!(played.counts(), [3, 3], "{script}: none is asked twice");
        assert_eq!(played.consecutive_faults("t0"), 0, "{script}");
        assert_eq!(played.phase("t0"), Phase::Closed, "{script}");

        let innocent = ask_for(&played, "good").await;
        assert_eq!(served_by(&innocent), "t0", "{script}");
    }
}

/// Five would open the circuit, if they counted as faults; so no filter need be known beforehand.
#[tokio::test]
async fn errors_within_a_200_that_tell_no_failure_open_no_circuit() {
    for script in ["unlisted", "unlisted-in-200"] {
        let played = obedient_chain(&json!({})).await;
        for _ in 0..6 {
            let outcome = ask_for(&played, script).await;
            assert_eq!(served_by(&outcome), "t1", "{script}");
            assert_eq!(faults(&outcome), ["t0 refused_400"], "{script}");
        }

        assert_eq!(played.counts(), [6, 6], "{script}: none is asked twice");
        assert_eq!(played.consecutive_faults("t0"), 0, "{script}");
        assert_eq!(played.phase("t0"), Phase::Closed, "{script}");

        let innocent = ask_for(&played, "good").await;
        assert_eq!(served_by(&innocent), "t0", "{script}");
    }
}

/// A filter that answers is a provider that is back.
#[tokio::test]
async fn a_probe_that_meets_a_filter_closes_the_circuit() {
    for script in FILTERS {
        let breaker = json!({ "failures": 1, "open": 0.05, "reopen": 0.05, "ramp": 0 });
        let played = obedient_chain(&json!({ "breaker": breaker })).await;
        ask_for(&played, "503").await;
        assert_eq!(played.phase("t0"), Phase::Open, "{script}");

        eventually("the probe is let in", async || {
            let outcome = ask_for(&played, script).await;
            let is_asked = faults(&outcome) == ["t0 content_filter"];
            is_asked.then_some(())
        })
        .await;
        assert_eq!(played.phase("t0"), Phase::Closed, "{script}");

        let innocent = ask_for(&played, "good").await;
        assert_eq!(served_by(&innocent), "t0", "{script}");
    }
}

/// Also within a stream it is the answer, with the provider's own words, if the request says so.
#[tokio::test]
async fn a_filter_within_a_stream_has_the_last_word_if_asked_to() {
    for script in FILTERS {
        let played = ScriptedChain::new(&[script, "good"]).await;
        let chat = hello();
        let request = request_of(&chat).stop_at_content_filter();
        let outcome = complete(played.chain(), &request).await;

        assert!(outcome.answer.is_none(), "{script}");
        let Fault::ContentFiltered(error) = &outcome.failures[0].fault else {
            panic!("{script}: {:?}", faults(&outcome))
        };
        let message = "Input data may contain inappropriate content.";
        assert_eq!(error.error["message"], message, "{script}");
        assert_eq!(played.counts(), [1, 0], "{script}");
    }
}

#[tokio::test]
async fn an_error_without_content_spoils_no_answer() {
    for settings in [json!({}), json!({ "stream": false })] {
        let played = ScriptedChain::with_settings(&["empty-error", "good"], &settings).await;
        let outcome = played.ask().await;
        assert_eq!(served_by(&outcome), "t0", "{settings}");
        assert_eq!(played.counts(), [1, 0], "{settings}");
        assert_eq!(played.consecutive_faults("t0"), 0, "{settings}");
    }
}

/// As one in `Retry-After`: it is not waited out if that does not fit, and it is remembered.
#[tokio::test]
async fn a_wait_that_stands_only_in_a_body_is_kept() {
    for script in ["429-body", "gemini-429"] {
        let played = ScriptedChain::new(&[script, "good"]).await;
        assert_eq!(served_by(&played.ask().await), "t1", "{script}");
        assert_eq!(played.counts(), [1, 1], "{script}");

        let outcome = played.ask().await;
        assert_eq!(served_by(&outcome), "t1", "{script}");
        assert_eq!(faults(&outcome), ["t0 cooling_down"], "{script}");
        assert_eq!(played.counts(), [1, 2], "{script}");
    }
}

#[tokio::test]
async fn a_context_that_is_too_long_in_words_leads_to_a_larger_one() {
    let windows = [8_192, 4_096, 131_072];
    let settings = |at: usize| json!({ "context_window": windows[at] });
    let scripts = ["context-words", "good", "good"];
    let played = ScriptedChain::with(&scripts, settings, None).await;

    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t2");
    assert_eq!(faults(&outcome), ["t0 context_length_exceeded"]);
    assert_eq!(played.counts(), [1, 0, 1]);
    assert_eq!(played.consecutive_faults("t0"), 0);
}
