//! What the tiers of a chain have to do with each other: shares of the time, hedging, order.

use std::sync::Arc;
use std::time::Duration;

use scripted_provider::Provider;
use serde_json::{Value, json};
use wenzhen::ai::Chains;
use wenzhen::aws::Secrets;
use wenzhen::config::{Models, Tiers};

use super::{ScriptedChain, complete, faults, hello, model_of, request_of, served_by};
use crate::support::{STACK, eventually};

#[tokio::test]
async fn the_last_tier_always_has_its_turn() {
    let played = ScriptedChain::new(&["silent", "stall", "silent", "good"]).await;
    let outcome = played.ask_within(Duration::from_secs(4)).await;
    assert_eq!(served_by(&outcome), "t3");

    // Of 4 s less the reserve, the last one has half of a share at least.
    let started = played.attempts(3)[0].at - played.attempts(0)[0].at;
    assert!(started < Duration::from_millis(3_700), "after {started:?}");
}

#[tokio::test]
async fn a_tier_that_speaks_is_not_cut_off_at_its_share() {
    // Nine pieces, 100 ms apart: more than a third of the time, less than what leaves the others
    // half of theirs.
    let played = ScriptedChain::new(&["slow-tokens", "good", "good"]).await;
    let outcome = played.ask_within(Duration::from_millis(2_600)).await;
    assert_eq!(served_by(&outcome), "t0");
    assert_eq!(played.counts(), [1, 0, 0]);
}

#[tokio::test]
async fn a_dead_provider_is_not_called_once_its_circuit_is_open() {
    let played = ScriptedChain::new(&["503", "good"]).await;
    for _ in 0..10 {
        assert_eq!(served_by(&played.ask().await), "t1");
    }

    // Two attempts a call: the fifth fault comes with the third call.
    assert_eq!(played.counts(), [5, 10]);
    assert_eq!(faults(&played.ask().await), ["t0 circuit_open"]);
}

/// A late tier is hedged within the budget, and the loser is cancelled.
#[tokio::test]
async fn a_late_tier_is_hedged_and_the_loser_is_cancelled() {
    let settings = |at| match at {
        0 => json!({ "hedge_after": 0.2 }),
        _ => json!({}),
    };
    let played = ScriptedChain::with(&["late-4000", "good"], settings, None).await;
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t1");
    assert_eq!(outcome.attempts, 2);
    assert!(faults(&outcome).is_empty());

    let loser = eventually("the loser is told", async || {
        let mut attempts = played.attempts(0).into_iter();
        attempts.find(|attempt| attempt.ended.is_some())
    })
    .await;
    assert_eq!(loser.ended.unwrap().0, "hung up");
    let faults = played.consecutive_faults("t0");
    assert_eq!(faults, 0, "a call that is cancelled has not failed");
}

#[tokio::test]
async fn the_first_answer_wins_also_if_it_is_the_hedged_tiers() {
    let settings = |at| match at {
        0 => json!({ "hedge_after": 0.1 }),
        _ => json!({}),
    };
    let played = ScriptedChain::with(&["late-600", "late-4000"], settings, None).await;
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t0");
    assert_eq!(outcome.attempts, 2);
    assert_eq!(outcome.answer.unwrap().degraded, None);
}

#[tokio::test]
async fn without_a_budget_nothing_is_hedged() {
    let provider = Provider::anywhere();
    let tier = |name: &str, script: &str| {
        json!({
            "name": name, "base_url": provider.url(), "model": model_of(script),
            "hedge_after": 0.05,
        })
    };
    let tiers = json!([tier("t0", "late-300"), tier("t1", "good")]).to_string();
    let chains = r#"{"default":{"tiers":["t0","t1"],"hedge_budget":0}}"#;
    let models = Models::new(Tiers::parse(&tiers).unwrap(), Some(chains)).unwrap();

    let secrets = Arc::new(Secrets::new(&STACK.aws().await));
    let chains = Chains::new(&models, None, &secrets).unwrap();
    let chain = chains.get("default").unwrap();
    let outcome = complete(chain, &request_of(&hello())).await;
    assert_eq!(served_by(&outcome), "t0");
    assert_eq!(outcome.attempts, 1);
}

#[tokio::test]
async fn the_order_can_be_another() {
    let played = ScriptedChain::new(&["good", "503", "good"]).await;
    let order = ["t1".to_owned(), "t2".to_owned()];
    let chat = hello();
    let request = request_of(&chat).with_tier_order(Some(&order));

    let outcome = complete(played.chain(), &request).await;
    assert_eq!(served_by(&outcome), "t2");
    assert_eq!(played.counts(), [0, 2, 1]);
}

#[tokio::test]
async fn a_tier_that_does_not_stream_is_asked_in_its_way() {
    let settings = json!({ "stream": false });
    let played = ScriptedChain::with_settings(&["good"], &settings).await;
    assert_eq!(served_by(&played.ask().await), "t0");
    let body = &played.attempts(0)[0].body;
    assert_eq!(body["stream"], json!(false));
    assert_eq!(body["stream_options"], Value::Null);

    let settings = json!({
        "stream": false, "total_timeout": 0.5, "first_token_timeout": 0.5,
        "idle_timeout": 0.5, "connect_timeout": 0.5,
    });
    let played = ScriptedChain::with_settings(&["silent", "good"], &settings).await;
    let outcome = played.ask().await;
    assert_eq!(served_by(&outcome), "t1");
    assert_eq!(faults(&outcome), ["t0 silent"]);
}

#[tokio::test]
async fn when_the_time_is_over_no_tier_is_blamed() {
    let played = ScriptedChain::new(&["late-4000"]).await;
    let outcome = played.ask_within(Duration::from_millis(700)).await;
    assert_eq!(faults(&outcome), ["t0 out_of_time"]);
    assert_eq!(played.consecutive_faults("t0"), 0);
}
