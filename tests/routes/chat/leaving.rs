//! Clients that leave in the middle of a stream: what their tenant is charged, and what the next
//! call finds.

use futures::StreamExt;
use serde_json::{Value, json};
use wenzhen::chat::Meter;
use wenzhen::http::openai::Reply;

use super::own_route::{OwnRoute, RESERVED_TOKENS, reserving};
use super::{ask, streamed, to_chain, with};
use crate::support::valkey::{of_stack, prefix};

/// A route with one tier, counted by the fleet.
async fn playing(script: &str) -> OwnRoute {
    OwnRoute::new(&[script], &json!({}), Some(of_stack(&prefix()))).await
}

/// The stream of a call that reserves [`RESERVED_TOKENS`].
async fn stream_of(route: &OwnRoute) -> Reply {
    let body = to_chain(streamed(reserving(RESERVED_TOKENS)), "live");
    let answered = route.answer(&body).await;
    answered.unwrap_or_else(|error| panic!("refused: {}", error.body()))
}

/// The data of the next event.
async fn next_event(reply: &mut Reply) -> Value {
    let event = reply.body.next().await.unwrap();
    let data = event.strip_prefix(b"data: ").unwrap();
    serde_json::from_slice(data).unwrap()
}

/// What was reserved is what is charged: nothing can be awaited once the client has gone.
#[tokio::test]
async fn a_client_that_leaves_is_charged_what_was_reserved() {
    let route = playing("slow-tokens").await;
    let mut reply = stream_of(&route).await;
    assert!(next_event(&mut reply).await["choices"].is_array());
    drop(reply);

    let left = route.tokens_left().await;
    assert!((59_000..60_001).contains(&left), "{left}");

    // The tier is as well as before, and the next call is served and settled.
    let reply = stream_of(&route).await;
    let rest: Vec<_> = reply.body.collect().await;
    assert_eq!(rest.last().unwrap(), "data: [DONE]\n\n");
    let after = route.tokens_left().await;
    assert!(left - after < 1_000, "{left} {after}");
}

#[tokio::test]
async fn a_client_that_stays_is_charged_what_was_used() {
    let route = playing("slow-tokens").await;
    let reply = stream_of(&route).await;
    assert_eq!(reply.headers["x-served-by"], "t0");
    let events: Vec<_> = reply.body.collect().await;
    assert_eq!(events.last().unwrap(), "data: [DONE]\n\n");

    let left = route.tokens_left().await;
    assert!((99_000..100_001).contains(&left), "{left}");
}

/// Also of a request that reserved less than it got.
#[tokio::test]
async fn a_client_that_leaves_is_charged_what_was_read_if_that_is_more() {
    for is_shared in [false, true] {
        let valkey = is_shared.then(|| of_stack(&prefix()));
        let route = OwnRoute::new(&["slow-tokens"], &json!({}), valkey).await;
        let body = with(ask("x"), "max_tokens", json!(1));
        let body = to_chain(streamed(body), "live");
        let reserved = (Meter::CHARGE.cost)(body.to_string().as_bytes());
        let before = route.tokens_left().await;

        let answered = route.answer(&body).await;
        let mut reply = answered.unwrap_or_else(|error| panic!("refused: {}", error.body()));
        for _ in 0..6 {
            assert!(next_event(&mut reply).await["choices"].is_array());
        }
        drop(reply);

        // The first one brings the charge to the server.
        route.tokens_left().await;
        let charged = before - route.tokens_left().await - 2;
        assert!(charged > reserved, "{charged} of {reserved}, {is_shared}");
    }
}
