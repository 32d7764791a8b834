//! SQS with a will of its own: passes calls on to the emulator, refuses them, holds them, or sends everything twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::support::STACK;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Pass,
    Fail,
    Hold,
    Twice,
}

const MODES: [Mode; 4] = [Mode::Pass, Mode::Fail, Mode::Hold, Mode::Twice];

struct Shared {
    mode: AtomicU8,
    held: AtomicUsize,
    refused: AtomicUsize,
    taken: AtomicUsize,
    client: reqwest::Client,
    target: String,
}

/// It serves as long as the runtime of its test.
pub struct SqsProxy {
    pub url: String,
    shared: Arc<Shared>,
}

impl SqsProxy {
    pub async fn start(mode: Mode) -> Self {
        let shared = Arc::new(Shared {
            mode: AtomicU8::new(mode as u8),
            held: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            taken: AtomicUsize::new(0),
            client: reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap(),
            target: STACK.aws_endpoint(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = Arc::clone(&shared);
        let answer = move |headers: HeaderMap, body: Bytes| {
            let shared = Arc::clone(&serving);
            async move { shared.answer(headers, body).await }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        Self { url, shared }
    }

    pub fn set(&self, mode: Mode) {
        self.shared.mode.store(mode as u8, Ordering::SeqCst);
    }

    /// Calls that wait now.
    pub fn held(&self) -> usize {
        self.shared.held.load(Ordering::SeqCst)
    }

    /// Calls that were answered with an error.
    pub fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::SeqCst)
    }

    /// Messages that the queue has taken.
    pub fn taken(&self) -> usize {
        self.shared.taken.load(Ordering::SeqCst)
    }
}

/// A call that waits; counted as long as its caller does.
struct Held<'a>(&'a AtomicUsize);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    async fn answer(&self, headers: HeaderMap, body: Bytes) -> Response {
        let is_send = headers.get("x-amz-target").is_some_and(|target| target == "AmazonSQS.SendMessageBatch");
        match MODES[usize::from(self.mode.load(Ordering::SeqCst))] {
            Mode::Fail => {
                self.refused.fetch_add(1, Ordering::SeqCst);
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
            Mode::Hold => {
                self.held.fetch_add(1, Ordering::SeqCst);
                let _held = Held(&self.held);
                std::future::pending().await
            }
            Mode::Twice if is_send => {
                self.pass(&headers, &body, is_send).await;
                self.pass(&headers, &body, is_send).await
            }
            Mode::Pass | Mode::Twice => self.pass(&headers, &body, is_send).await,
        }
    }

    async fn pass(&self, headers: &HeaderMap, body: &Bytes, is_send: bool) -> Response {
        let mut request = self.client.post(&self.target).body(body.clone());
        for (name, value) in headers.iter().filter(|(name, _)| !["host", "content-length"].contains(&name.as_str())) {
            request = request.header(name, value);
        }
        let answer = request.send().await.unwrap();
        let (status, content_type) = (answer.status(), answer.headers().get("content-type").cloned());
        let text = answer.text().await.unwrap();
        if is_send {
            let sent: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            self.taken.fetch_add(sent["Successful"].as_array().map_or(0, Vec::len), Ordering::SeqCst);
        }
        let mut response = (status, text).into_response();
        if let Some(content_type) = content_type {
            response.headers_mut().insert("content-type", content_type);
        }
        response
    }
}
