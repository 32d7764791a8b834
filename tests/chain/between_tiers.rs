//! What the tiers of a chain have to do with each other: shares of the time, hedging, order.

use std::sync::Arc;
use std::time::Duration;

use scripted_provider::Provider;
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::ai::{Ask, Chains};
use wenzhen::aws::Secrets;
use wenzhen::config::{Models, Tiers};
use wenzhen::deadline::Deadline;

use super::{PATIENCE, Played, faults, hello, served_by, whole};
use crate::support::{STACK, eventually};

#[tokio::test]
async fn the_last_tier_always_has_its_turn() {
    let played = Played::new(&["silent", "stall", "silent", "good"]).await;
    let outcome = played.ask_within(Duration::from_secs(4)).await;
    assert_eq!(served_by(&outcome), "t3");
    let started = |tier: usize| played.attempts(tier)[0].at - played.attempts(0)[0].at;
    // Of 4 s less the reserve, the last one has half of a share at least.
    assert!(
        started(3) < Duration::from_millis(3_700),
        "after {:?}",
        started(3)
    );
}

#[tokio::test]
async fn a_tier_that_speaks_is_not_cut_off_at_its_share() {
    // Nine pieces, 100 ms apart: more than a third of the time, less than what leaves the others half of theirs.
    let played = Played::new(&["slow-tokens", "good", "good"]).await;
    let outcome = played.ask_within(Duration::from_millis(2_600)).await;
    assert_eq!(
        (served_by(&outcome), played.counts()),
        ("t0", vec![1, 0, 0])
    );
}

#[tokio::test]
async fn a_dead_provider_is_not_called_once_its_circuit_is_open() {
    let played = Played::new(&["503", "good"]).await;
    for _ in 0..10 {
        assert_eq!(served_by(&played.ask().await), "t1");
    }
    // Two attempts a call: the fifth fault comes with the third call.
    assert_eq!(played.counts(), [5, 10]);
    assert_eq!(faults(&played.ask().await), ["t0 circuit_open"]);
}

#[tokio::test]
async fn a_late_tier_is_hedged_within_the_budget_and_the_loser_is_cancelled() {
    let hedged = |at| {
        if at == 0 {
            json!({ "hedge_after": 0.2 })
        } else {
            json!({})
        }
    };
    let played = Played::with(&["late-4000", "good"], hedged, None).await;
    let outcome = played.ask().await;
    assert_eq!(
        (served_by(&outcome), outcome.attempts, faults(&outcome)),
        ("t1", 2, Vec::new())
    );
    let loser = eventually("the loser is told", async || {
        played
            .attempts(0)
            .into_iter()
            .find(|attempt| attempt.ended.is_some())
    })
    .await;
    assert_eq!(loser.ended.unwrap().0, "hung up");
    assert_eq!(
        played.faults("t0"),
        0,
        "whoever is cancelled has not failed"
    );
}

#[tokio::test]
async fn whoever_is_first_wins_also_if_it_is_the_hedged_one() {
    let hedged = |at| {
        if at == 0 {
            json!({ "hedge_after": 0.1 })
        } else {
            json!({})
        }
    };
    let played = Played::with(&["late-600", "late-4000"], hedged, None).await;
    let outcome = played.ask().await;
    assert_eq!((served_by(&outcome), outcome.attempts), ("t0", 2));
    assert_eq!(outcome.answer.unwrap().degraded, None);
}

#[tokio::test]
async fn without_a_budget_nothing_is_hedged() {
    let provider = Provider::anywhere();
    let model = |script: &str| format!("{script}/{}", Uuid::new_v4().simple());
    let tier = |name: &str, model: &str| json!({ "name": name, "base_url": provider.url(), "model": model, "hedge_after": 0.05 });
    let late = model("late-300");
    let tiers = json!([tier("t0", &late), tier("t1", &model("good"))]).to_string();
    let settings = r#"{"default":{"tiers":["t0","t1"],"hedge_budget":0}}"#;
    let models = Models::new(Tiers::parse(&tiers).unwrap(), Some(settings)).unwrap();
    let chains = Chains::new(&models, None, &Arc::new(Secrets::new(&STACK.aws().await))).unwrap();
    let request = hello();
    let outcome = whole(
        chains.get("default").unwrap(),
        &Ask::new(&request, Deadline::after(PATIENCE)),
    )
    .await;
    assert_eq!((served_by(&outcome), outcome.attempts), ("t0", 1));
}

#[tokio::test]
async fn the_order_can_be_another() {
    let played = Played::new(&["good", "503", "good"]).await;
    let request = hello();
    let order = ["t1".to_owned(), "t2".to_owned()];
    let ask = Ask::new(&request, Deadline::after(PATIENCE)).in_order(Some(&order));
    let outcome = whole(played.chain(), &ask).await;
    assert_eq!(
        (served_by(&outcome), played.counts()),
        ("t2", vec![0, 2, 1])
    );
}

#[tokio::test]
async fn a_tier_that_does_not_stream_is_asked_in_its_way() {
    let played = Played::with(&["good"], |_| json!({ "stream": false }), None).await;
    assert_eq!(served_by(&played.ask().await), "t0");
    let body = &played.attempts(0)[0].body;
    assert_eq!(
        (&body["stream"], &body["stream_options"]),
        (&json!(false), &Value::Null)
    );
    let played = Played::with(
        &["silent", "good"],
        |_| {
            json!({ "stream": false, "total_timeout": 0.5,
        "first_token_timeout": 0.5, "idle_timeout": 0.5, "connect_timeout": 0.5 })
        },
        None,
    )
    .await;
    let outcome = played.ask().await;
    assert_eq!(
        (served_by(&outcome), faults(&outcome)),
        ("t1", vec!["t0 silent".to_owned()])
    );
}

#[tokio::test]
async fn when_the_time_is_over_nobody_is_blamed() {
    let played = Played::new(&["late-4000"]).await;
    let outcome = played.ask_within(Duration::from_millis(700)).await;
    assert_eq!(faults(&outcome), ["t0 out_of_time"]);
    assert_eq!(played.faults("t0"), 0);
}
