//! Who is let in, for how long, and how often.

use std::fs;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use serde_json::{Value, json};

use super::Table;
use crate::support::socket::Socket;
use crate::support::tokens::{sign_again, sign_without};
use crate::support::{STACK, User, eventually};

/// What `ws-connect` answers to a client that offers these subprotocols. The emulator turns every
/// refusal into 403.
pub async fn answer_to(subprotocols: &str, connection: &str) -> Value {
    let path = STACK.root.join("events/ws-connect.with-token.json");
    let mut event: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    event["headers"]["Sec-WebSocket-Protocol"] = json!(subprotocols);
    event["requestContext"]["connectionId"] = json!(connection);

    let client = Client::new(&STACK.aws().await);
    let functions = client.list_functions().max_items(100).send().await.unwrap();
    let mut functions = functions.functions().iter();
    let function = functions.find(|function| function.handler() == Some("ws-connect"));
    let invoked = client
        .invoke()
        .function_name(function.unwrap().function_name().unwrap())
        .payload(Blob::new(event.to_string()))
        .send()
        .await
        .unwrap();
    serde_json::from_slice(invoked.payload().unwrap().as_ref()).unwrap()
}

#[tokio::test]
async fn an_accepted_client_is_told_the_subprotocol() {
    let user = User::new().await;
    let offer = format!("wenzhen, {}", user.token);
    let answer = answer_to(&offer, &user.tenant).await;
    assert_eq!(answer["statusCode"], 200, "{answer}");
    assert_eq!(answer["headers"]["Sec-WebSocket-Protocol"], "wenzhen");
}

#[tokio::test]
async fn only_a_good_token_opens_a_connection() {
    let user = User::new().await;
    let [head, claims, _] = user.token.split('.').collect::<Vec<_>>()[..] else {
        panic!("a token has three parts");
    };
    let forged = format!("wenzhen, {head}.{claims}.AAAA");
    let expired = sign_again(&user.token, "exp iat auth_time");
    let expired = format!("wenzhen, {expired}");
    let without_role = sign_without(&user.token, "cognito:groups");
    let without_role = format!("wenzhen, {without_role}");
    for (offer, status) in [
        ("", 401),
        ("wenzhen", 401),
        (&user.token, 401),
        ("wenzhen, a.b.c", 401),
        (&forged, 401),
        (&expired, 401),
        (&without_role, 403),
    ] {
        let answer = answer_to(offer, "refused").await;
        assert_eq!(answer["statusCode"], status, "{offer}: {answer}");
        assert!(Socket::offer(offer, "").await.is_err(), "{offer}");
    }

    let in_the_url = format!("?token={}", user.token);
    assert!(Socket::offer("wenzhen", &in_the_url).await.is_err());
    let table = Table::of_stack().await;
    assert!(table.connections(&user.tenant).await.is_empty());
}

#[tokio::test]
async fn a_user_has_ten_connections_and_no_more() {
    let user = User::new().await;
    let mut sockets = Vec::new();
    for _ in 0..10 {
        sockets.push(Socket::open(&user).await);
    }
    let offer = format!("wenzhen, {}", user.token);
    let answer = answer_to(&offer, "too-many").await;
    assert_eq!(answer["statusCode"], 429, "{answer}");
    assert!(Socket::offer(&offer, "").await.is_err());

    // Another user of the tenant has ten of their own.
    let other = User::of(&user.tenant, "other", xtask::users::Role::Patient).await;
    Socket::open(&other).await.close().await;

    sockets.pop().unwrap().close().await;
    eventually("the place is free", async || {
        Socket::offer(&offer, "").await.ok()
    })
    .await;
}

/// The gateway may never tell that a connection is gone: its place is free when its token expires.
#[tokio::test]
async fn a_lost_connection_counts_until_its_token_expires() {
    let user = User::new().await;
    let table = Table::of_stack().await;
    let mut sockets = Vec::new();
    for _ in 0..10 {
        sockets.push(Socket::open(&user).await);
    }

    table.expire(table.places(&user.tenant).await).await;
    Socket::open(&user).await;
}

#[tokio::test]
async fn a_closed_connection_leaves_nothing() {
    let user = User::new().await;
    let table = Table::of_stack().await;
    let accepted = user.complain("a headache").await;
    let mut socket = Socket::open(&user).await;
    socket.subscribe(&accepted["id"], 0).await;
    assert_eq!(table.connections(&user.tenant).await.len(), 1);
    assert_eq!(table.places(&user.tenant).await.len(), 1);

    socket.close().await;
    eventually("nothing is left", async || {
        let left = [
            table.connections(&user.tenant).await,
            table.places(&user.tenant).await,
            table.subscriptions(&user.tenant, &accepted["id"]).await,
        ];
        left.iter().all(Vec::is_empty).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_expired_token_ends_its_connection_at_a_frame() {
    let user = User::new().await;
    let table = Table::of_stack().await;
    let mut socket = Socket::open(&user).await;
    table.expire(table.connections(&user.tenant).await).await;

    let error = socket.ask(&json!({ "action": "ping" }), "error").await;
    assert_eq!(error["status"], 401, "{error}");
    assert_eq!(socket.next().await, None, "the connection is closed");
    assert!(table.connections(&user.tenant).await.is_empty());
}
