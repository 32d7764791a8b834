//! A scripted OpenAI-compatible provider. It listens where the deployed worker's tiers point.
//!
//! What it plays stands in the patient's own words, which reach it in the prompt: `[primary:500]` makes the tier whose
//! model is `scripted-primary` answer 500. Without a script it gives a good answer.

use std::sync::{LazyLock, Mutex, Once};
use std::time::Duration;

use axum::Router;
use axum::extract::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

use crate::support::STACK;

/// One call that the provider got.
#[derive(Clone)]
pub struct Asked {
    pub authorization: Option<String>,
    pub body: Value,
}

static CALLS: LazyLock<Mutex<Vec<Asked>>> = LazyLock::new(Mutex::default);

/// The calls whose prompt contains `marker`, in order.
pub fn calls(marker: &str) -> Vec<Asked> {
    let calls = CALLS.lock().unwrap();
    calls.iter().filter(|call| call.body["messages"].to_string().contains(marker)).cloned().collect()
}

/// Starts the provider, once, on a thread of its own: it must outlive the runtime of any single test.
pub fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let port: u16 = STACK.env("PROVIDER_PORT").unwrap().parse().unwrap();
        let listener = std::net::TcpListener::bind(("127.0.0.1", port)).expect("the provider's port is taken");
        listener.set_nonblocking(true).unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let routes = Router::new().route("/v1/chat/completions", post(complete));
                axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), routes).await.unwrap();
            });
        });
    });
}

async fn complete(headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let model = body["model"].as_str().unwrap_or_default().to_owned();
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    CALLS.lock().unwrap().push(Asked { authorization, body: body.clone() });
    let prompt = body["messages"].to_string();
    let tier = model.trim_start_matches("scripted-");
    let script = prompt.split(&format!("[{tier}:")).nth(1).and_then(|rest| rest.split(']').next()).unwrap_or("good");
    play(script, &model).await
}

async fn play(script: &str, model: &str) -> Response {
    match script {
        "good" => completion(model, "stop", &answer("routine").to_string()),
        "self_care" | "urgent" | "emergency" => completion(model, "stop", &answer(script).to_string()),
        "slow" => {
            tokio::time::sleep(Duration::from_secs(1)).await;
            completion(model, "stop", &answer("routine").to_string())
        }
        "fenced" => completion(model, "stop", &format!("```json\n{}\n```", answer("routine"))),
        "prose" => completion(model, "stop", "I am sorry, but I cannot answer with JSON."),
        "cut" => completion(model, "length", &answer("routine").to_string()),
        "filtered" => completion(model, "content_filter", ""),
        "empty" => Json(json!({ "model": model, "choices": [] })).into_response(),
        "html" => "<html>Bad gateway</html>".into_response(),
        "error-in-200" => Json(json!({ "error": { "message": "overloaded" } })).into_response(),
        "silent" => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            StatusCode::OK.into_response()
        }
        status => StatusCode::from_u16(status.parse().expect("a known script")).unwrap().into_response(),
    }
}

fn completion(model: &str, finish_reason: &str, text: &str) -> Response {
    let message = json!({ "role": "assistant", "content": text });
    let choice = json!({ "index": 0, "message": message, "finish_reason": finish_reason });
    Json(json!({ "id": "c-1", "object": "chat.completion", "model": format!("{model}-2026"), "choices": [choice] }))
        .into_response()
}

fn answer(urgency: &str) -> Value {
    json!({
        "summary": "The scripted summary.",
        "possible_causes": ["a cause"],
        "urgency": urgency,
        "red_flags": [],
        "recommended_actions": ["rest and drink"],
        "questions": ["Since when?"],
    })
}
