//! Calls that our own edge has passed on: limits count its clients, not its servers.

use std::fs;

use serde_json::{Value, json};
use uuid::Uuid;

use super::environment_of;
use crate::support::STACK;
use crate::support::runtime_api::RuntimeApi;

const SECRET: &str = "the-secret-of-the-edge-in-this-test";

/// An address in a network that no other test has.
fn new_address() -> String {
    let id = Uuid::new_v4().simple().to_string();
    format!("2001:db8:{}:{}::1", &id[..4], &id[4..8])
}

/// A call without a token, which is charged by its address alone.
fn call(peer: &str, secret: &str, forwarded_for: &str) -> String {
    let path = STACK.root.join("events/get-checklist.of-a-child.json");
    let mut event: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    event["headers"] = json!({ "x-origin-verify": secret, "x-forwarded-for": forwarded_for });
    event["requestContext"]["http"]["sourceIp"] = json!(peer);
    event.to_string()
}

#[tokio::test]
async fn limits_count_the_clients_behind_our_edge() {
    let one_call = r#"{"address":{"limit":1,"window":3600,"algorithm":"sliding_window"}}"#;
    let mut environment = environment_of("get-checklist");
    environment.insert("LIMITS".to_owned(), one_call.to_owned());
    environment.insert("EDGE_SECRET".to_owned(), SECRET.to_owned());
    let binary = STACK.root.join("target/debug/wenzhen");
    let mut api = RuntimeApi::start().await;
    let mut child = api.spawn_function(&binary, "get-checklist", &environment);
    api.wait_for_poll().await;

    let (edge, stranger) = (new_address(), new_address());
    let (client, neighbour) = (new_address(), new_address());
    let forged = format!("{neighbour}, {client}");
    let mut statuses = Vec::new();
    for event in [
        call(&edge, SECRET, &client),
        call(&edge, SECRET, &forged),
        call(&edge, SECRET, &neighbour),
        call(&stranger, "guessed", &new_address()),
        call(&stranger, "guessed", &new_address()),
    ] {
        let answer = api.invoke_function(&event).await;
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        statuses.push(answer["statusCode"].as_u64().unwrap());
        api.wait_for_poll().await;
    }
    child.kill().unwrap();
    child.wait().unwrap();

    // Clients of one server of the edge do not count for each other, and what they write into the
    // header counts for nobody. Whoever has no secret is who they are.
    assert_eq!(statuses, [401, 429, 401, 401, 429]);
}
