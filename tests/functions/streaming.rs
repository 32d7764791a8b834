//! The function of chat completions as a REST API calls it that streams: the first token leaves
//! before the model has finished. The emulator cannot show it, since it holds answers back. Source
//! of the form: "Set up a Lambda proxy integration with payload response streaming in API Gateway",
//! Amazon API Gateway developer guide.

use std::collections::BTreeMap;
use std::fs;
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::StreamExt;
use futures::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::environment_of;
use crate::support::runtime_api::{AnswerBody, RuntimeApi};
use crate::support::{STACK, User};

const NAME: &str = "create-chat-completion";

/// Between what is said about an answer and the answer.
const DELIMITER: [u8; 8] = [0; 8];

const PAGE: &str = "https://app.example";

/// The longest that the function may take to ask for its first event.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A model that says one token, and the other once it may.
struct WaitingModel {
    port: u16,
    may_go_on: Arc<Notify>,
}

impl WaitingModel {
    async fn start() -> Self {
        let may_go_on = Arc::new(Notify::new());
        let router = Router::new()
            .route("/v1/chat/completions", post(answer_in_two_parts))
            .with_state(Arc::clone(&may_go_on));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, may_go_on }
    }

    /// The function's settings with this model alone, whose tokens are passed on as they come.
    fn environment(&self) -> BTreeMap<String, String> {
        let url = format!("http://127.0.0.1:{}/v1", self.port);
        let tiers = json!([{ "name": "waiting", "base_url": url, "model": "m" }]);
        let chains = json!({ "default": { "tiers": ["waiting"], "mode": "live" } });

        let mut environment = environment_of(NAME);
        environment.insert("AI_TIERS".to_owned(), tiers.to_string());
        environment.insert("AI_CHAINS".to_owned(), chains.to_string());
        environment.insert("ALLOWED_ORIGINS".to_owned(), PAGE.to_owned());
        environment
    }
}

async fn answer_in_two_parts(State(may_go_on): State<Arc<Notify>>) -> Response {
    let first = stream::iter([token("first")]);
    let second = stream::once(async move {
        may_go_on.notified().await;
        let end = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
        format!("{}data: {end}\n\ndata: [DONE]\n\n", token(" second"))
    });

    let events = first.chain(second).map(Ok::<_, std::convert::Infallible>);
    let content_type = [(header::CONTENT_TYPE, "text/event-stream")];
    (content_type, Body::from_stream(events)).into_response()
}

fn token(text: &str) -> String {
    let choice = json!({ "index": 0, "delta": { "content": text }, "finish_reason": null });
    format!(
        "data: {}\n\n",
        json!({ "id": "1", "model": "m", "choices": [choice] })
    )
}

/// The sample event of a REST API, from a page of [`PAGE`], with this token.
fn event_with(token: &str) -> String {
    let path = STACK.root.join(format!("events/{NAME}.streamed.json"));
    let mut event: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let bearer = format!("Bearer {token}");
    event["headers"]["Authorization"] = json!(bearer);
    event["headers"]["Origin"] = json!(PAGE);
    event["multiValueHeaders"]["Authorization"] = json!([bearer]);
    event["multiValueHeaders"]["Origin"] = json!([PAGE]);

    let messages = json!([{ "role": "user", "content": "hello" }]);
    let body = json!({ "model": "default", "stream": true, "messages": messages });
    event["body"] = json!(body.to_string());
    event.to_string()
}

/// Starts the function, and waits until it asks for its first event.
async fn start_function(environment: &BTreeMap<String, String>) -> (RuntimeApi, Child) {
    let binary = STACK.root.join("target/debug/wenzhen");
    let mut api = RuntimeApi::start().await;
    let child = api.spawn_function(&binary, NAME, environment);

    let polled = tokio::time::timeout(START_TIMEOUT, api.wait_for_poll());
    polled.await.expect("the function starts");
    (api, child)
}

fn stop(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Reads on until `end` has come; returns all that was read.
async fn read_until(body: &mut AnswerBody, end: &[u8]) -> Vec<u8> {
    let mut read = Vec::new();
    while !read.windows(end.len()).any(|window| window == end) {
        let chunk: Bytes = body.next_chunk().await.expect("the answer goes on");
        read.extend(chunk);
    }
    read
}

/// What is said about the answer, and what has come of the answer itself.
fn split_prelude(answer: &[u8]) -> (Value, &[u8]) {
    let mut windows = answer.windows(DELIMITER.len());
    let at = windows.position(|window| window == DELIMITER).unwrap();
    let prelude = serde_json::from_slice(&answer[..at]).unwrap();
    (prelude, &answer[at + DELIMITER.len()..])
}

#[tokio::test]
async fn tokens_leave_before_the_model_has_finished() {
    let (user, model) = (User::new().await, WaitingModel::start().await);
    let (mut api, child) = start_function(&model.environment()).await;

    let event = event_with(&user.token);
    let (headers, mut body) = api.begin_invocation(&event).await;
    assert_eq!(
        headers["lambda-runtime-function-response-mode"],
        "streaming"
    );
    let content_type = &headers["content-type"];
    assert_eq!(
        content_type,
        "application/vnd.awslambda.http-integration-response"
    );

    // The model waits until this has come.
    let begun = read_until(&mut body, b"\"first\"").await;
    let (prelude, events) = split_prelude(&begun);
    assert_eq!(prelude["statusCode"], 200, "{prelude}");
    let told = &prelude["headers"];
    assert_eq!(told["content-type"], "text/event-stream");
    assert_eq!(told["x-served-by"], "waiting");
    assert_eq!(told["access-control-allow-origin"], PAGE);
    assert_eq!(told["vary"], "origin");
    assert!(told["ratelimit"].is_string(), "{prelude}");
    assert_eq!(prelude["cookies"], json!([]));
    assert!(!String::from_utf8_lossy(events).contains("second"));

    model.may_go_on.notify_one();
    let rest = body.read_rest().await;
    let rest = String::from_utf8_lossy(&rest);
    assert!(rest.contains("\" second\""), "{rest}");
    assert!(rest.ends_with("data: [DONE]\n\n"), "{rest}");

    api.wait_for_poll().await;
    stop(child);
}

/// The API takes no answer without a prelude, so what is refused has one too.
#[tokio::test]
async fn a_refusal_is_a_stream_too() {
    let model = WaitingModel::start().await;
    let (mut api, child) = start_function(&model.environment()).await;

    let (headers, body) = api.begin_invocation(&event_with("no-token")).await;
    assert_eq!(
        headers["lambda-runtime-function-response-mode"],
        "streaming"
    );
    let answer = body.read_rest().await;
    stop(child);

    let (prelude, body) = split_prelude(&answer);
    assert_eq!(prelude["statusCode"], 401, "{prelude}");
    assert_eq!(prelude["headers"]["content-type"], "application/json");
    assert_eq!(prelude["headers"]["access-control-allow-origin"], PAGE);
    let error: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(error["error"]["code"], "invalid_api_key");
}
