//! A client of the WebSocket API.
//!
//! It opens the connection by hand: the emulator names no subprotocol in its answer, at which a
//! browser and the library's own handshake hang up. What the function answers is tested apart.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use url::Url;
use wenzhen::realtime::{Connections, Gateway, Pusher};

use super::{STACK, User};

/// The longest that a frame is waited for.
const FRAME_TIMEOUT: Duration = Duration::from_mins(1);

/// The bytes of an answer's head, at most.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// An open connection.
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Opens a connection that must be let in.
    pub async fn open(user: &User) -> Self {
        let opened = Self::offer(&format!("wenzhen, {}", user.token), "").await;
        opened.unwrap_or_else(|status| panic!("the connection was refused: {status}"))
    }

    /// Opens a connection that offers these subprotocols, or gets the status of the refusal.
    pub async fn offer(subprotocols: &str, query: &str) -> Result<Self, u16> {
        let url: Url = STACK.env("WEBSOCKET_URL").unwrap().parse().unwrap();
        let (host, port) = (url.host_str().unwrap(), url.port().unwrap());
        let mut stream = TcpStream::connect((host, port)).await.unwrap();

        let path = url.path();
        let mut head = format!(
            "GET {path}{query} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        );
        if !subprotocols.is_empty() {
            head += &format!("Sec-WebSocket-Protocol: {subprotocols}\r\n");
        }
        head += "\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();

        match read_status(&mut stream).await {
            101 => Ok(Self(
                WebSocketStream::from_raw_socket(stream, Role::Client, None).await,
            )),
            refused => Err(refused),
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

/// The status of an answer whose head ends here.
async fn read_status(stream: &mut TcpStream) -> u16 {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert!(head.len() < MAX_HEAD_BYTES, "the head ends");
        head.push(stream.read_u8().await.expect("an answer"));
    }

    let head = String::from_utf8(head).unwrap();
    let status = head.split(' ').nth(1).expect("a status");
    status.parse().unwrap()
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

    /// Takes frames until an event of this type has come.
    pub async fn until(&mut self, socket: &mut Socket, kind: &str) {
        let has_come = |events: &[Value]| events.iter().any(|event| event["type"] == kind);
        while !has_come(&self.0) {
            let frame = socket.next_of("events").await;
            self.take(&frame);
        }
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
