//! A client of the WebSocket API.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use http::{HeaderValue, header};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use wenzhen::realtime::{Connections, Gateway, Pusher};

use super::{STACK, User};

/// The longest that a frame is waited for.
const FRAME_TIMEOUT: Duration = Duration::from_mins(2);

/// An open connection.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Opens a connection that must be let in.
    pub async fn open(user: &User) -> Self {
        let opened = Self::offer(&format!("wenzhen, {}", user.token), "").await;
        opened.unwrap_or_else(|status| panic!("the connection was refused: {status}"))
    }

    /// Opens a connection that offers these subprotocols, or gets the status of the refusal.
    pub async fn offer(subprotocols: &str, query: &str) -> Result<Self, u16> {
        let url = STACK.env("WEBSOCKET_URL").unwrap() + query;
        let mut request = url.into_client_request().unwrap();
        if !subprotocols.is_empty() {
            let offered = HeaderValue::from_str(subprotocols).unwrap();
            let headers = request.headers_mut();
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, offered);
        }

        // Like a browser, it hangs up if none of the subprotocols is chosen.
        match connect_async(request).await {
            Ok((stream, _)) => Ok(Self(stream)),
            Err(Error::Http(refusal)) => Err(refusal.status().as_u16()),
            Err(error) => panic!("no answer that is understood: {error}"),
        }
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: &Value) {
        self.send_text(&frame.to_string()).await;
    }

    /// Sends a frame that may be no JSON.
    pub async fn send_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The next frame; `None` if the connection was closed.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            let next = tokio::time::timeout(FRAME_TIMEOUT, self.0.next()).await;
            match next.expect("a frame in time")? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next frame of this type. Others before it are passed over.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await.expect("the connection is open");
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// Sends a frame, and returns the answer to it.
    pub async fn ask(&mut self, frame: &Value, answer: &str) -> Value {
        self.send(frame).await;
        self.next_of(answer).await
    }

    /// Follows a consultation behind `after`.
    pub async fn subscribe(&mut self, consultation: &Value, after: i64) -> Value {
        let frame = json!({
            "action": "subscribe",
            "consultation_id": consultation,
            "after": after,
        });
        self.ask(&frame, "subscribed").await
    }

    /// Leaves as a client should.
    pub async fn close(mut self) {
        drop(self.0.close(None).await);
    }
}

/// What a client has got of a consultation's events. It takes an event only if it is the next one:
/// others are repeated, or come again.
#[derive(Default)]
pub struct Received(Vec<Value>);

impl Received {
    /// The number of the last event.
    pub fn last(&self) -> i64 {
        i64::try_from(self.0.len()).unwrap()
    }

    /// Takes what is new of a frame.
    pub fn take(&mut self, frame: &Value) {
        for event in frame["events"].as_array().into_iter().flatten() {
            if event["id"] == self.last() + 1 {
                self.0.push(event.clone());
            }
        }
    }

    /// Takes a frame that may repeat events, and skips none: they come in their order.
    pub fn take_in_order(&mut self, frame: &Value) {
        let events = frame["events"].as_array().unwrap();
        let ids: Vec<_> = events
            .iter()
            .map(|event| event["id"].as_i64().unwrap())
            .collect();
        assert!(ids[0] <= self.last() + 1, "{ids:?} after {}", self.last());
        assert!(ids.is_sorted_by(|one, next| one + 1 == *next), "{ids:?}");
        self.take(frame);
    }

    /// Takes frames until an event of this type has come.
    pub async fn until(&mut self, socket: &mut Socket, kind: &str) {
        let has_come = |events: &[Value]| events.iter().any(|event| event["type"] == kind);
        while !has_come(&self.0) {
            let frame = socket.next_of("events").await;
            self.take(&frame);
        }
    }

    /// All events, in their order.
    pub fn events(&self) -> &[Value] {
        &self.0
    }

    /// The types of all events, in their order.
    pub fn types(&self) -> Vec<&str> {
        let types = self.0.iter().map(|event| event["type"].as_str().unwrap());
        types.collect()
    }

    /// The first event of this type.
    pub fn find(&self, kind: &str) -> &Value {
        let mut events = self.0.iter();
        let found = events.find(|event| event["type"] == kind);
        found.unwrap_or_else(|| panic!("no {kind} in {:?}", self.types()))
    }
}

/// The table of the stack's connections.
pub async fn connections() -> Connections {
    let table = STACK.env("CONNECTIONS_TABLE").unwrap();
    Connections::new(&STACK.aws().await, table)
}

/// A pusher to the stack's connections.
pub async fn pusher() -> Pusher {
    let url = STACK.env("WEBSOCKET_URL").unwrap();
    pusher_by(&url.replacen("ws", "http", 1)).await
}

/// A pusher that posts to the gateway at this endpoint.
pub async fn pusher_by(endpoint: &str) -> Pusher {
    let gateway = Gateway::new(&STACK.aws().await, &endpoint.parse().unwrap());
    Pusher::new(connections().await, Some(gateway))
}
