//! AWS with faults: passes calls on to the emulator, refuses them, holds them up, or sends every
//! message twice.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::watch;

use uuid::Uuid;

use super::STACK;

/// What happens to a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The emulator answers it.
    Pass,
    /// It is answered with a 503.
    Fail,
    /// It waits until the mode changes.
    Hold,
    /// It does so if its path ends like this; others pass.
    HoldPath(&'static str),
    /// It does so if this is its action, such as `Query`, or its method, for S3; others pass.
    HoldAction(&'static str),
    /// It does so if this is its action, and its body has this text; others pass.
    HoldActionAbout(&'static str, &'static str),
    /// It is answered with the 400 by which DynamoDB throttles.
    Throttle,
    /// It is answered with a 503 if it is about this upload or consultation; others pass.
    FailAbout(Uuid),
    /// A message is sent twice; other calls pass.
    Twice,
}

struct Shared {
    mode: watch::Sender<Mode>,
    held: AtomicUsize,
    refused: AtomicUsize,
    taken: Mutex<Vec<String>>,
    hidings: AtomicUsize,
    client: reqwest::Client,
    target: String,
}

/// It serves as long as the runtime of its test.
pub struct AwsProxy {
    pub url: String,
    shared: Arc<Shared>,
}

impl AwsProxy {
    pub async fn start(mode: Mode) -> Self {
        Self::in_front_of(STACK.aws_endpoint(), mode).await
    }

    /// The same for another server than the emulator.
    pub async fn in_front_of(target: String, mode: Mode) -> Self {
        let client = reqwest::Client::builder()
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        let shared = Arc::new(Shared {
            mode: watch::Sender::new(mode),
            held: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            taken: Mutex::default(),
            hidings: AtomicUsize::new(0),
            client,
            target,
        });

        let serving = Arc::clone(&shared);
        let answer = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let shared = Arc::clone(&serving);
            let call = Call {
                method,
                uri,
                headers,
                body,
            };
            async move { shared.answer(&call).await }
        };
        let router = Router::new().fallback(answer);

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    pub fn set(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
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
        self.shared.taken.lock().unwrap().len()
    }

    /// Those of them that are about one of these tenants: a sweep sends what others have left, too.
    pub fn taken_of(&self, tenants: &[String]) -> usize {
        let taken = self.shared.taken.lock().unwrap();
        let is_theirs = |body: &&String| tenants.iter().any(|tenant| body.contains(tenant));
        taken.iter().filter(is_theirs).count()
    }

    /// Calls that changed the visibility of messages.
    pub fn hidings(&self) -> usize {
        self.shared.hidings.load(Ordering::SeqCst)
    }
}

struct Call {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    fn is(&self, name: &str) -> bool {
        let target = self.headers.get("x-amz-target");
        target.is_some_and(|target| target == name)
    }

    fn action(&self) -> &str {
        let target = self.headers.get("x-amz-target");
        let action = target.and_then(|target| target.to_str().ok()?.rsplit('.').next());
        action.unwrap_or(self.method.as_str())
    }

    /// Whether the text stands in its path or its body.
    fn is_about(&self, text: &str) -> bool {
        let body = String::from_utf8_lossy(&self.body);
        self.path().contains(text) || body.contains(text)
    }

    fn path(&self) -> &str {
        let path = self.uri.path_and_query();
        path.map_or("/", |path| path.as_str())
    }
}

/// As DynamoDB answers it ("Error handling with DynamoDB", Amazon DynamoDB developer guide).
fn throttled() -> Response {
    let body = json!({
        "__type": "com.amazon.coral.availability#ThrottlingException",
        "message": "Rate of requests exceeds the allowed throughput.",
    });
    let content_type = [("content-type", "application/x-amz-json-1.0")];
    (StatusCode::BAD_REQUEST, content_type, body.to_string()).into_response()
}

/// A call that waits; counted as long as its caller does.
struct Held<'a>(&'a AtomicUsize);

impl<'a> Held<'a> {
    fn count(held: &'a AtomicUsize) -> Self {
        held.fetch_add(1, Ordering::SeqCst);
        Self(held)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    async fn answer(&self, call: &Call) -> Response {
        if call.is("AmazonSQS.ChangeMessageVisibilityBatch") {
            self.hidings.fetch_add(1, Ordering::SeqCst);
        }

        let mode = *self.mode.borrow();
        match mode {
            Mode::Fail => {
                self.refused.fetch_add(1, Ordering::SeqCst);
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
            Mode::Throttle => {
                self.refused.fetch_add(1, Ordering::SeqCst);
                return throttled();
            }
            Mode::FailAbout(id) if call.is_about(&id.to_string()) => {
                self.refused.fetch_add(1, Ordering::SeqCst);
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
            Mode::HoldActionAbout(action, text)
                if call.action() == action && call.is_about(text) =>
            {
                self.wait_until_released(mode).await;
            }
            Mode::Hold => self.wait_until_released(mode).await,
            Mode::HoldPath(end) if call.path().ends_with(end) => {
                self.wait_until_released(mode).await;
            }
            Mode::Twice if call.is("AmazonSQS.SendMessageBatch") => {
                self.pass(call).await;
            }
            Mode::HoldAction(action) if call.action() == action => {
                self.wait_until_released(mode).await;
            }
            Mode::Pass
            | Mode::Twice
            | Mode::HoldPath(_)
            | Mode::HoldAction(_)
            | Mode::HoldActionAbout(..)
            | Mode::FailAbout(_) => {}
        }
        self.pass(call).await
    }

    async fn wait_until_released(&self, held_by: Mode) {
        let _held = Held::count(&self.held);
        let mut mode = self.mode.subscribe();
        mode.wait_for(|mode| *mode != held_by).await.unwrap();
    }

    async fn pass(&self, call: &Call) -> Response {
        let url = format!("{}{}", self.target, call.path());
        let mut request = self.client.request(call.method.clone(), url);
        for (name, value) in &call.headers {
            if !["host", "content-length"].contains(&name.as_str()) {
                request = request.header(name, value);
            }
        }

        let answer = request.body(call.body.clone()).send().await.unwrap();
        let status = answer.status();
        let content_type = answer.headers().get("content-type").cloned();
        let text = answer.text().await.unwrap();
        if call.is("AmazonSQS.SendMessageBatch") {
            self.note_taken(&call.body, &text);
        }

        let mut response = (status, text).into_response();
        if let Some(content_type) = content_type {
            response.headers_mut().insert("content-type", content_type);
        }
        response
    }

    /// Notes the bodies of the messages that the queue's answer calls successful.
    fn note_taken(&self, batch: &[u8], answer: &str) {
        let batch: Value = serde_json::from_slice(batch).unwrap_or_default();
        let answer: Value = serde_json::from_str(answer).unwrap_or_default();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();

        for taken in list(&answer["Successful"]) {
            let entries = list(&batch["Entries"]);
            let entry = entries.iter().find(|entry| entry["Id"] == taken["Id"]);
            let body = entry.and_then(|entry| entry["MessageBody"].as_str());
            let body = body.expect("the queue takes what it was sent");
            self.taken.lock().unwrap().push(body.to_owned());
        }
    }
}
