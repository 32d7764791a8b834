//! Frames of clients: what is taken, and what is refused.

use futures::future::join_all;
use serde_json::{Value, json};

use super::Table;
use crate::support::User;
use crate::support::socket::{Received, Socket};

#[tokio::test]
async fn a_ping_is_answered_by_its_name() {
    let user = User::new().await;
    let mut socket = Socket::open(&user).await;
    let pong = socket.ask(&json!({ "action": "ping" }), "pong").await;
    assert_eq!(pong, json!({ "type": "pong" }));

    let frame = json!({ "action": "ping", "request": "7" });
    let pong = socket.ask(&frame, "pong").await;
    assert_eq!(pong, json!({ "type": "pong", "request": "7" }));
}

struct Case {
    frame: String,
    status: u16,
    says: &'static str,
}

fn case(frame: impl Into<String>, status: u16, says: &'static str) -> Case {
    let frame = frame.into();
    Case {
        frame,
        status,
        says,
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_frame_is_said() {
    let user = User::new().await;
    let id = "019b7a00-0000-7000-8000-000000000001";
    let cases = [
        case("hello", 400, "not valid JSON"),
        case("[]", 422, "`action`"),
        case("{}", 422, "`action`"),
        case(
            r#"{"action": "dance"}"#,
            422,
            "subscribe, unsubscribe or ping",
        ),
        case(r#"{"action": 7}"#, 422, "`action`"),
        // No action chooses a route of the gateway's.
        case(r#"{"action": "$disconnect"}"#, 422, "`action`"),
        case(r#"{"action": "$connect"}"#, 422, "`action`"),
        case(r#"{"action": "ping", "request": 7}"#, 422, "`request`"),
        case("[".repeat(2_000), 400, "not valid JSON"),
        case(r#"{"action": "subscribe"}"#, 422, "`consultation_id`"),
        case(
            r#"{"action": "subscribe", "consultation_id": "x"}"#,
            422,
            "`consultation_id`",
        ),
        case(
            format!(r#"{{"action": "subscribe", "consultation_id": "{id}", "after": -1}}"#),
            422,
            "`after`",
        ),
        case(r#"{"action": "ping", "extra": 1}"#, 422, "`extra`"),
        case(
            format!(r#"{{"action": "ping", "request": "{}"}}"#, "x".repeat(65)),
            422,
            "`request`",
        ),
        case(
            format!(
                r#"{{"action": "ping", "request": "{}"}}"#,
                "x".repeat(5_000)
            ),
            413,
            "4096 bytes",
        ),
        case("x".repeat(5_000), 413, "4096 bytes"),
    ];

    let mut socket = Socket::open(&user).await;
    for Case {
        frame,
        status,
        says,
    } in cases
    {
        socket.send_text(&frame).await;
        let error = socket.next_of("error").await;
        assert_eq!(error["status"], status, "{frame}: {error}");
        let detail = error["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{frame}: {error}");
        for member in ["title", "instance"] {
            assert!(error[member].is_string(), "{error}");
        }
    }

    // It still works, and nothing was stored.
    socket.ask(&json!({ "action": "ping" }), "pong").await;
    let connections = Table::of_stack().await.connections(&user.tenant).await;
    assert!(!connections[0].contains_key("follows"));
}

#[tokio::test]
async fn a_connection_follows_twenty_consultations_and_no_more() {
    let user = User::new().await;
    let mut socket = Socket::open(&user).await;
    let mut accepted = Vec::new();
    for _ in 0..21 {
        accepted.push(user.complain("a headache").await);
    }

    for consultation in &accepted[..20] {
        socket.subscribe(&consultation["id"], 0).await;
    }
    let last = &accepted[20]["id"];
    let frame = json!({ "action": "subscribe", "consultation_id": last, "request": "one more" });
    let error = socket.ask(&frame, "error").await;
    assert_eq!(error["status"], 429, "{error}");
    assert_eq!(error["request"], "one more");
    let table = Table::of_stack().await;
    assert!(table.subscriptions(&user.tenant, last).await.is_empty());

    // One that is followed already may be asked for again, and another one makes room.
    socket.subscribe(&accepted[0]["id"], 0).await;
    let frame = json!({ "action": "unsubscribe", "consultation_id": accepted[0]["id"] });
    socket.ask(&frame, "unsubscribed").await;
    socket.subscribe(last, 0).await;
}

#[tokio::test]
async fn what_is_not_followed_any_more_is_not_told() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;
    let mut socket = Socket::open(&user).await;
    socket.subscribe(&accepted["id"], 0).await;
    let frame = json!({ "action": "unsubscribe", "consultation_id": accepted["id"] });
    socket.ask(&frame, "unsubscribed").await;

    let table = Table::of_stack().await;
    let subscriptions = table.subscriptions(&user.tenant, &accepted["id"]).await;
    assert!(subscriptions.is_empty());
    // Again, and of what was never followed: nothing is wrong with it.
    socket.ask(&frame, "unsubscribed").await;
}

/// Sends many pings at once. Returns the statuses of the errors.
async fn flood(socket: &mut Socket, frames: usize) -> Vec<Value> {
    for _ in 0..frames {
        socket.send(&json!({ "action": "ping" })).await;
    }

    let mut errors = Vec::new();
    for _ in 0..frames {
        let answer = socket.next().await.unwrap();
        if answer["type"] == "error" {
            errors.push(answer);
        }
    }
    errors
}

#[tokio::test]
async fn frames_faster_than_the_limit_are_refused() {
    let user = User::new().await;
    let mut sockets = Vec::new();
    for _ in 0..6 {
        sockets.push(Socket::open(&user).await);
    }
    let floods = sockets.iter_mut().map(|socket| flood(socket, 60));
    let errors: Vec<_> = join_all(floods).await.into_iter().flatten().collect();
    for error in &errors {
        assert_eq!(error["status"], 429, "{error}");
        assert!(error["retry_after"].as_u64().unwrap() >= 1, "{error}");
    }
    assert!(!errors.is_empty(), "the limit is reached");

    // Another user is not held to it.
    let other = User::new().await;
    let mut socket = Socket::open(&other).await;
    let accepted = other.complain("a headache").await;
    socket.subscribe(&accepted["id"], 0).await;
    Received::default().until(&mut socket, "completed").await;
}
