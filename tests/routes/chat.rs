//! `POST /v1/chat/completions`, through the HTTP API and through the REST API.

mod charges;
mod cors;
mod direct;
mod fields;
mod leaving;
mod own_route;
mod refusals;
mod streams;

use std::process::Command;

use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::provider;
use crate::support::{STACK, User, read};

const PATH: &str = "/v1/chat/completions";

/// The end of every scripted answer.
const LAST_WORDS: &str = "from the first word to the last.";

/// A request that the scripted tiers answer as `prompt` tells them.
fn ask(prompt: &str) -> Value {
    json!({ "model": "default", "messages": [{ "role": "user", "content": prompt }] })
}

/// The same request with another field.
fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

/// The same request, to be answered with events.
fn streamed(body: Value) -> Value {
    with(body, "stream", json!(true))
}

/// The same request to another chain.
fn to_chain(body: Value, chain: &str) -> Value {
    with(body, "model", json!(chain))
}

async fn post(user: &User, body: &Value) -> Response {
    user.post(PATH).json(body).send().await.unwrap()
}

/// Through the REST API, which streams on AWS.
async fn post_to_rest_api(token: Option<&str>, body: &Value) -> Response {
    provider::start();
    let client = Client::builder().pool_max_idle_per_host(0).build().unwrap();
    let url = format!("{}{PATH}", STACK.env("CHAT_URL").unwrap());

    let mut call = client.post(url).json(body);
    if let Some(token) = token {
        call = call.bearer_auth(token);
    }
    call.send().await.unwrap()
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    let value = answer.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

/// The headers that say how an answer came about.
#[derive(Debug, PartialEq)]
struct Served<'a> {
    by: &'a str,
    attempts: &'a str,
    degraded: &'a str,
}

fn served(answer: &Response) -> Served<'_> {
    Served {
        by: header(answer, "x-served-by"),
        attempts: header(answer, "x-attempts"),
        degraded: header(answer, "x-degraded"),
    }
}

/// The events of a stream: each one's data.
async fn read_events(answer: Response) -> Vec<String> {
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "content-type"), "text/event-stream");
    events_in(&answer.text().await.unwrap())
}

fn events_in(text: &str) -> Vec<String> {
    let events = text.split("\n\n");
    events
        .filter_map(|event| event.strip_prefix("data: "))
        .map(str::to_owned)
        .collect()
}

/// The answer's text that the events bring.
fn text_of(events: &[String]) -> String {
    let mut text = String::new();
    for event in events {
        let chunk: Value = serde_json::from_str(event).unwrap_or_default();
        let content = &chunk["choices"][0]["delta"]["content"];
        text += content.as_str().unwrap_or_default();
    }
    text
}

/// Checks an error in `OpenAI`'s shape and returns it.
async fn read_error(answer: Response, status: StatusCode) -> Value {
    let body = read(answer, status).await;
    let error = &body["error"];
    for field in ["message", "type", "param", "code"] {
        assert!(error.get(field).is_some(), "{field} in {body}");
    }

    let message = error["message"].as_str().unwrap_or_default();
    assert!(!message.is_empty(), "{body}");
    error.clone()
}

#[tokio::test]
async fn a_chain_answers_as_a_model_would() {
    let user = User::new().await;
    let answer = post(&user, &ask("hello")).await;
    let expected = Served {
        by: "primary",
        attempts: "1",
        degraded: "false",
    };
    assert_eq!(served(&answer), expected);
    assert!(!header(&answer, "x-request-id").is_empty());

    let body = read(answer, StatusCode::OK).await;
    assert_eq!(body["object"], json!("chat.completion"));
    assert_eq!(body["model"], json!("scripted-primary-2026"));
    let usage = json!({ "prompt_tokens": 11, "completion_tokens": 22, "total_tokens": 33 });
    assert_eq!(body["usage"], usage);

    let choice = &body["choices"][0];
    assert_eq!(choice["index"], json!(0));
    assert_eq!(choice["finish_reason"], json!("stop"));
    assert_eq!(choice["message"]["role"], "assistant");
    let text = choice["message"]["content"].as_str().unwrap();
    assert!(text.starts_with("The scripted answer"));
}

#[tokio::test]
async fn a_fallback_says_that_it_is_one() {
    let user = User::new().await;
    let answer = post(&user, &ask("[primary:500]")).await;
    let expected = Served {
        by: "secondary",
        attempts: "3",
        degraded: "served_by_fallback_tier",
    };
    assert_eq!(served(&answer), expected);

    let body = read(answer, StatusCode::OK).await;
    assert_eq!(body["model"], "scripted-secondary-2026");
}

/// Fields that shape an answer reach the provider, and those that are ours do not.
#[tokio::test]
async fn what_shapes_an_answer_reaches_the_provider() {
    let user = User::new().await;
    let marker = Uuid::new_v4().to_string();
    let messages = json!([{ "role": "user", "content": format!("{marker} [primary:tool]") }]);
    let tool = json!({ "type": "function", "function": { "name": "weather", "parameters": {} } });
    let body = json!({
        "model": "default", "messages": messages, "temperature": 0.2, "max_tokens": 9, "seed": 7,
        "top_k": 5, "metadata": null, "fallbacks": ["primary"], "tools": [tool],
    });

    let answer = read(post(&user, &body).await, StatusCode::OK).await;
    let sent = &provider::calls(&marker)[0].body;
    let passed_on = [
        "messages",
        "temperature",
        "max_tokens",
        "seed",
        "top_k",
        "tools",
    ];
    for field in passed_on {
        assert_eq!(sent[field], body[field], "{field}");
    }
    assert_eq!(sent["model"], json!("scripted-primary"));
    assert_eq!(sent.get("fallbacks"), None);
    assert_eq!(sent.get("metadata"), None, "no value, no field");

    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    let function = json!({ "name": "weather", "arguments": "{\"city\": \"Wuhan\"}" });
    let call = json!({ "id": "call_1", "type": "function", "function": function });
    assert_eq!(choice["message"]["tool_calls"], json!([call]));
}

#[tokio::test]
async fn the_order_of_the_tiers_can_be_overridden() {
    let user = User::new().await;
    let order = json!(["secondary", "primary"]);
    let answer = post(&user, &with(ask("hello"), "fallbacks", order)).await;
    assert_eq!(header(&answer, "x-served-by"), "secondary");
    assert_eq!(header(&answer, "x-degraded"), "false");
}

/// A deterministic request gets the same answer without a call, where the chain says so.
#[tokio::test]
async fn a_deterministic_request_is_repeated_without_a_call() {
    let user = User::new().await;
    let marker = Uuid::new_v4().to_string();
    let body = with(ask(&marker), "temperature", json!(0));
    let body = to_chain(body, "repeating");

    let first = post(&user, &body).await;
    assert_eq!(header(&first, "x-cache"), "");
    assert_eq!(header(&first, "x-attempts"), "1");
    let first = read(first, StatusCode::OK).await;

    let second = post(&user, &body).await;
    let expected = Served {
        by: "primary",
        attempts: "0",
        degraded: "false",
    };
    assert_eq!(header(&second, "x-cache"), "hit");
    assert_eq!(served(&second), expected);
    assert_eq!(read(second, StatusCode::OK).await, first);

    let events = read_events(post(&user, &streamed(body.clone())).await).await;
    let text = first["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(text_of(&events), text);
    assert_eq!(provider::calls(&marker).len(), 1);

    // Not for another tenant, another temperature, or a chain that does not say so.
    post(&User::new().await, &body).await;
    post(&user, &with(body.clone(), "temperature", json!(0.7))).await;
    post(&user, &to_chain(body, "default")).await;
    assert_eq!(provider::calls(&marker).len(), 4);
}

#[tokio::test]
async fn the_answer_of_a_fallback_is_not_kept() {
    let user = User::new().await;
    let prompt = format!("{} [primary:503]", Uuid::new_v4());
    let body = with(ask(&prompt), "temperature", json!(0));
    let body = to_chain(body, "repeating");

    for _ in 0..2 {
        let answer = post(&user, &body).await;
        let degraded = header(&answer, "x-degraded");
        assert_eq!(degraded, "served_by_fallback_tier");
    }
}

/// An answer that the next call may better is not kept: empty, filtered, refused, or cut.
#[tokio::test]
async fn an_answer_that_is_not_good_is_not_kept() {
    let user = User::new().await;
    for script in ["blank", "filtered", "declined", "length"] {
        let marker = Uuid::new_v4().to_string();
        let body = ask(&format!("{marker} [primary:{script}]"));
        let body = with(body, "temperature", json!(0));
        let body = to_chain(body, "repeating");

        for _ in 0..2 {
            let answer = post(&user, &body).await;
            assert_eq!(header(&answer, "x-cache"), "", "{script}");
            read(answer, StatusCode::OK).await;
        }
        assert_eq!(provider::calls(&marker).len(), 2, "{script}");
    }
}

#[tokio::test]
async fn the_chains_are_listed_as_models() {
    let user = User::new().await;
    let answer = user.get("/v1/models").send().await.unwrap();
    let list = read(answer, StatusCode::OK).await;
    assert_eq!(list["object"], "list");

    let models = list["data"].as_array().unwrap();
    let ids: Vec<_> = models.iter().map(|model| model["id"].clone()).collect();
    assert_eq!(ids, ["default", "live", "repeating", "resume"]);
    assert!(models.iter().all(|model| model["object"] == "model"));
}

/// The real client, unchanged: `tests/openai_client.py` says what it checks.
#[tokio::test]
async fn the_official_python_client_works() {
    let user = User::new().await;
    let python = STACK.tools().join("bin/python");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/openai_client.py");
    let api_url = format!("{}/v1", STACK.env("API_URL").unwrap());
    let chat_url = format!("{}/v1", STACK.env("CHAT_URL").unwrap());

    let run = move || {
        let mut command = Command::new(python);
        command.arg(script).args([api_url, chat_url, user.token]);
        command.env("NO_PROXY", "*").output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();

    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let said = format!("{stdout}{stderr}");
    assert!(output.status.success(), "{said}");
    assert!(said.contains("15 checks passed"), "{said}");
}
