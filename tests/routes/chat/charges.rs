//! What a tenant is charged for calls that fail.

use futures::StreamExt;
use serde_json::json;

use super::own_route::{OwnRoute, RESERVED_TOKENS, reserving};
use super::{streamed, to_chain};

/// Ends each of the scripts within two seconds.
fn short_times() -> serde_json::Value {
    json!({ "first_token_timeout": 1, "idle_timeout": 0.5, "total_timeout": 2 })
}

/// The tokens that a failing call costs, asked for at once or as a stream of the chain `live`.
async fn charge_of(scripts: &[&str], is_live: bool) -> u64 {
    let route = OwnRoute::new(scripts, &short_times(), None).await;
    let before = route.tokens_left().await;
    let body = reserving(RESERVED_TOKENS);

    if is_live {
        let body = to_chain(streamed(body), "live");
        if let Ok(reply) = route.answer(&body).await {
            let events: Vec<_> = reply.body.collect().await;
            assert_ne!(events.last().unwrap(), "data: [DONE]\n\n");
        }
    } else {
        assert!(route.answer(&body).await.is_err(), "{scripts:?}");
    }
    before - route.tokens_left().await - 1
}

/// What was read, of each tier and each attempt, and not what was reserved.
#[tokio::test]
async fn a_call_that_fails_after_its_first_token_is_charged_what_was_read() {
    for script in [
        "cut",
        "stall",
        "malformed",
        "interrupted",
        "error-midway",
        "pings",
    ] {
        for is_live in [false, true] {
            let one = charge_of(&[script], is_live).await;
            assert!((10..1_000).contains(&one), "{script} {one} {is_live}");
        }

        let two = charge_of(&[script, script], false).await;
        let one = charge_of(&[script], false).await;
        assert!(two > one, "{script}: {two} of two tiers, {one} of one");
    }
}

#[tokio::test]
async fn a_call_for_which_no_token_came_is_free() {
    let scripts = [
        "500",
        "429-always-60",
        "404",
        "context",
        "filter",
        "reset",
        "silent",
        "headers-only",
        "role-cut",
        "error-first",
        "html",
    ];
    for script in scripts {
        for is_live in [false, true] {
            let charged = charge_of(&[script], is_live).await;
            assert_eq!(charged, 0, "{script} {is_live}");
        }
    }
}

/// The tier that broke is charged besides the one that answered.
#[tokio::test]
async fn a_fallback_costs_what_the_first_tier_has_used_too() {
    let charge_of = async |scripts: &[&str]| {
        let route = OwnRoute::new(scripts, &short_times(), None).await;
        let before = route.tokens_left().await;
        let answered = route.answer(&reserving(RESERVED_TOKENS)).await;
        answered.unwrap_or_else(|error| panic!("refused: {}", error.body()));
        before - route.tokens_left().await - 1
    };

    let alone = charge_of(&["good"]).await;
    let refused = charge_of(&["500", "good"]).await;
    let broken = charge_of(&["cut", "good"]).await;
    assert_eq!(refused, alone);
    assert!(broken > alone + 10, "{broken} {alone}");
}
