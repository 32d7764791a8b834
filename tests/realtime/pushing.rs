//! Pushes that cannot be made: each harms nobody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use axum::extract::Path;
use axum::routing::post;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::deadline::Deadline;
use wenzhen::identity::TenantId;
use wenzhen::realtime::Pusher;

use super::{Item, Table};
use crate::jobs::{consultation_of, database_at, job_of};
use crate::support::socket::{Received, Socket, pusher, pusher_by};
use crate::support::{STACK, User, eventually, new_tenant};

/// Longer than any push.
const PUSH_TIMEOUT: Duration = Duration::from_secs(30);

/// A subscription of a connection that the gateway does not know.
fn subscription(tenant: &str, consultation: &Value, connection: &str) -> Item {
    let id = consultation.as_str().unwrap();
    let texts = [
        ("pk", format!("consultation#{tenant}#{id}")),
        ("sk", connection.to_owned()),
    ];
    let numbers = [("position", "0"), ("expires_at", "99999999999")];

    let texts = texts.map(|(name, text)| (name.to_owned(), AttributeValue::S(text)));
    let numbers = numbers.map(|(name, text)| (name.to_owned(), AttributeValue::N(text.to_owned())));
    texts.into_iter().chain(numbers).collect()
}

/// A consultation to which nothing happens but what the test does: its job is not sent.
async fn quiet_consultation() -> (String, Value) {
    let tenant = new_tenant();
    let message = job_of(&tenant, json!({ "symptoms": "a headache" })).await;
    (tenant, json!(consultation_of(&message).await))
}

async fn push(pusher: &Pusher, tenant: &str, consultation: &Value) {
    let database = database_at(&STACK.env("DATABASE_URL").unwrap()).await;
    let tenant = TenantId::try_from(tenant.to_owned()).unwrap();
    let id: Uuid = consultation.as_str().unwrap().parse().unwrap();
    let deadline = Deadline::after(PUSH_TIMEOUT);
    pusher.push(&database, &tenant, id, deadline).await;
}

#[tokio::test]
async fn a_connection_that_is_gone_is_forgotten_and_delays_nobody() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;
    let table = Table::of_stack().await;
    table
        .put(subscription(&user.tenant, &accepted["id"], "gone"))
        .await;

    let mut socket = Socket::open(&user).await;
    socket.subscribe(&accepted["id"], 0).await;
    Received::default().until(&mut socket, "completed").await;

    push(&pusher().await, &user.tenant, &accepted["id"]).await;
    let left = table.subscriptions(&user.tenant, &accepted["id"]).await;
    assert_eq!(left.len(), 1, "that of the open connection");
}

#[tokio::test]
async fn an_expired_connection_is_ended_by_a_push() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;
    let mut socket = Socket::open(&user).await;
    socket.subscribe(&accepted["id"], 0).await;
    Received::default().until(&mut socket, "completed").await;

    let table = Table::of_stack().await;
    let subscriptions = table.subscriptions(&user.tenant, &accepted["id"]).await;
    table.expire(subscriptions).await;
    push(&pusher().await, &user.tenant, &accepted["id"]).await;
    assert_eq!(socket.next().await, None, "the connection is closed");
    let left = table.subscriptions(&user.tenant, &accepted["id"]).await;
    assert!(left.is_empty());
}

/// A gateway at which one connection is slow. It counts the posts to the others.
async fn gateway_with_a_slow_connection() -> (String, Arc<AtomicUsize>) {
    let posts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&posts);
    let answer = async move |Path(connection): Path<String>| {
        if connection == "slow" {
            std::future::pending::<()>().await;
        }
        counted.fetch_add(1, Ordering::SeqCst);
        StatusCode::OK
    };
    let router = Router::new().route("/live/@connections/{id}", post(answer));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/live", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (endpoint, posts)
}

#[tokio::test]
async fn a_slow_connection_delays_no_other() {
    let (tenant, id) = quiet_consultation().await;
    let table = Table::of_stack().await;
    for connection in ["slow", "one", "two"] {
        let item = subscription(&tenant, &id, connection);
        table.put(item).await;
    }

    let (endpoint, posts) = gateway_with_a_slow_connection().await;
    let pusher = pusher_by(&endpoint).await;
    let pushing = push(&pusher, &tenant, &id);
    let others_have_it = eventually("the others have it", async || {
        (posts.load(Ordering::SeqCst) >= 2).then_some(())
    });
    futures::join!(pushing, others_have_it);

    // The slow one still stands where it stood, and gets all of it with the next push. A busy
    // machine may need one for the others, too.
    eventually("what was posted is noted", async || {
        let positions = table.subscriptions(&tenant, &id).await;
        let position_of = |connection: &str| {
            let mut items = positions.iter();
            let item = items.find(|item| item["sk"] == AttributeValue::S(connection.to_owned()));
            item.unwrap()["position"].as_n().unwrap().clone()
        };
        assert_eq!(position_of("slow"), "0");
        if position_of("one") == "0" {
            push(&pusher, &tenant, &id).await;
            return None;
        }
        Some(())
    })
    .await;
}

/// An order of events as each push posts it is without gaps, whatever other pushes do.
#[tokio::test]
async fn pushes_at_one_time_repeat_events_and_skip_none() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;
    let mut socket = Socket::open(&user).await;
    socket.subscribe(&accepted["id"], 0).await;

    let pusher = pusher().await;
    let five = (0..5).map(|_| push(&pusher, &user.tenant, &accepted["id"]));
    futures::future::join_all(five).await;
    let mut received = Received::default();
    received.until(&mut socket, "completed").await;
    assert_eq!(received.types()[0], "queued");
}

/// The gateway does not answer.
#[tokio::test]
async fn a_push_that_fails_is_no_error() {
    let (tenant, id) = quiet_consultation().await;
    let table = Table::of_stack().await;
    let item = subscription(&tenant, &id, "somebody");
    table.put(item).await;

    let nowhere = pusher_by("http://127.0.0.1:9/live").await;
    push(&nowhere, &tenant, &id).await;
    let left = table.subscriptions(&tenant, &id).await;
    assert_eq!(left.len(), 1, "it is tried again");
}
