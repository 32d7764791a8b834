//! `POST /v1/chat/completions`, through the gateway and through the function URL.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use reqwest::{Client, Response, StatusCode};
use scripted_provider::Provider;
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::ai::Chains;
use wenzhen::aws::Secrets;
use wenzhen::cache::Cache;
use wenzhen::chat::Backend;
use wenzhen::config::{LimitSettings, Models, Tiers};
use wenzhen::deadline::Deadline;
use wenzhen::http::Call;
use wenzhen::http::openai::{ApiError, Origin, Reply};
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen::limits::Limiter;

use crate::provider;
use crate::support::{STACK, User, read};

const PATH: &str = "/v1/chat/completions";

/// A request that the scripted tiers answer as `prompt` tells them.
fn ask(prompt: &str) -> Value {
    json!({ "model": "default", "messages": [{ "role": "user", "content": prompt }] })
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

async fn post(user: &User, body: &Value) -> Response {
    user.post(PATH).json(body).send().await.unwrap()
}

/// Through the function URL.
async fn post_to_url(token: Option<&str>, body: &Value) -> Response {
    provider::start();
    let client = Client::builder().pool_max_idle_per_host(0).build().unwrap();
    let call = client
        .post(format!("{}{PATH}", STACK.env("CHAT_URL").unwrap()))
        .json(body);
    let call = if let Some(token) = token {
        call.bearer_auth(token)
    } else {
        call
    };
    call.send().await.unwrap()
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

/// The events of a stream: each one's data.
async fn events(answer: Response) -> Vec<String> {
    assert_eq!(
        (answer.status(), header(&answer, "content-type")),
        (StatusCode::OK, "text/event-stream")
    );
    let text = answer.text().await.unwrap();
    text.split("\n\n")
        .filter_map(|event| event.strip_prefix("data: "))
        .map(str::to_owned)
        .collect()
}

fn text_of(events: &[String]) -> String {
    let pieces = events
        .iter()
        .filter_map(|event| serde_json::from_str::<Value>(event).ok());
    pieces
        .filter_map(|piece| {
            piece["choices"][0]["delta"]["content"]
                .as_str()
                .map(str::to_owned)
        })
        .collect()
}

async fn error(answer: Response, status: StatusCode) -> Value {
    let body = read(answer, status).await;
    for field in ["message", "type", "param", "code"] {
        assert!(body["error"].get(field).is_some(), "{field} in {body}");
    }
    assert!(
        body["error"]["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{body}"
    );
    body["error"].clone()
}

#[tokio::test]
async fn a_chain_answers_as_a_model_would() {
    let user = User::new().await;
    let answer = post(&user, &ask("hello")).await;
    let headers =
        ["x-served-by", "x-attempts", "x-degraded"].map(|name| header(&answer, name).to_owned());
    assert_eq!(headers, ["primary", "1", "false"]);
    assert!(!header(&answer, "x-request-id").is_empty());
    let body = read(answer, StatusCode::OK).await;
    assert_eq!(
        (&body["object"], &body["model"]),
        (&json!("chat.completion"), &json!("scripted-primary-2026"))
    );
    let choice = &body["choices"][0];
    assert_eq!(
        (&choice["index"], &choice["finish_reason"]),
        (&json!(0), &json!("stop"))
    );
    assert_eq!(choice["message"]["role"], "assistant");
    assert!(
        choice["message"]["content"]
            .as_str()
            .unwrap()
            .starts_with("The scripted answer")
    );
    assert_eq!(
        body["usage"],
        json!({ "prompt_tokens": 11, "completion_tokens": 22, "total_tokens": 33 })
    );
}

#[tokio::test]
async fn a_fallback_says_that_it_is_one() {
    let user = User::new().await;
    let answer = post(&user, &ask("[primary:500]")).await;
    let headers =
        ["x-served-by", "x-attempts", "x-degraded"].map(|name| header(&answer, name).to_owned());
    assert_eq!(headers, ["secondary", "3", "served_by_fallback_tier"]);
    assert_eq!(
        read(answer, StatusCode::OK).await["model"],
        "scripted-secondary-2026"
    );
}

#[tokio::test]
async fn what_we_do_not_know_reaches_the_provider_and_what_is_ours_does_not() {
    let user = User::new().await;
    let marker = Uuid::new_v4().to_string();
    let body = json!({ "model": "default", "messages": [{ "role": "user", "content": format!("{marker} [primary:tool]") }],
        "temperature": 0.2, "max_tokens": 9, "seed": 7, "from_the_future": { "a": 1 }, "fallbacks": ["primary"],
        "tools": [{ "type": "function", "function": { "name": "weather", "parameters": {} } }] });
    let answer = read(post(&user, &body).await, StatusCode::OK).await;
    let sent = &provider::calls(&marker)[0].body;
    for field in [
        "messages",
        "temperature",
        "max_tokens",
        "seed",
        "from_the_future",
        "tools",
    ] {
        assert_eq!(sent[field], body[field], "{field}");
    }
    assert_eq!(
        (&sent["model"], &sent["fallbacks"]),
        (&json!("scripted-primary"), &Value::Null)
    );
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    let call = json!({ "id": "call_1", "type": "function",
        "function": { "name": "weather", "arguments": "{\"city\": \"Wuhan\"}" } });
    assert_eq!(choice["message"]["tool_calls"], json!([call]));
}

#[tokio::test]
async fn the_order_of_the_tiers_can_be_overridden() {
    let user = User::new().await;
    let answer = post(
        &user,
        &with(ask("hello"), "fallbacks", json!(["secondary", "primary"])),
    )
    .await;
    assert_eq!(
        (
            header(&answer, "x-served-by"),
            header(&answer, "x-degraded")
        ),
        ("secondary", "false")
    );
}

#[tokio::test]
async fn a_stream_is_whole_wherever_it_comes_through() {
    let user = User::new().await;
    let body = with(ask("[primary:cut]"), "stream", json!(true));
    for answer in [
        post(&user, &body).await,
        post_to_url(Some(&user.token), &body).await,
    ] {
        assert_eq!(header(&answer, "x-served-by"), "secondary");
        let events = events(answer).await;
        assert!(
            text_of(&events).ends_with("from the first word to the last."),
            "{events:?}"
        );
        assert!(
            !text_of(&events).contains("scripted-primary"),
            "a half answer is not shown"
        );
        assert_eq!(events.last().unwrap(), "[DONE]");
        assert!(
            events.iter().all(|event| !event.contains("usage")),
            "nobody asked for the usage"
        );
    }
}

#[tokio::test]
async fn the_usage_comes_last_if_it_is_asked_for() {
    let user = User::new().await;
    let body = with(
        with(ask("hello"), "stream", json!(true)),
        "stream_options",
        json!({ "include_usage": true }),
    );
    let events = events(post(&user, &body).await).await;
    let [.., usage, done] = &events[..] else {
        panic!("{events:?}")
    };
    let usage: Value = serde_json::from_str(usage).unwrap();
    assert_eq!(
        (
            done.as_str(),
            &usage["choices"],
            &usage["usage"]["total_tokens"]
        ),
        ("[DONE]", &json!([]), &json!(33))
    );
}

#[tokio::test]
async fn a_live_stream_that_breaks_ends_with_an_error_and_without_done() {
    let user = User::new().await;
    let body = with(
        with(ask("[primary:cut]"), "stream", json!(true)),
        "model",
        json!("live"),
    );
    let answer = post_to_url(Some(&user.token), &body).await;
    assert_eq!(header(&answer, "x-served-by"), "primary");
    let events = events(answer).await;
    assert!(text_of(&events).starts_with("The scripted answer"));
    let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
    assert_eq!(last["error"]["code"], "stream_broken");

    let body = with(
        body,
        "messages",
        json!([{ "role": "user", "content": "hello" }]),
    );
    let events = self::events(post_to_url(Some(&user.token), &body).await).await;
    assert!(text_of(&events).ends_with("to the last.") && events.last().unwrap() == "[DONE]");
}

#[tokio::test]
async fn when_every_tier_fails_the_client_is_told_when_to_come_back() {
    let user = User::new().await;
    for stream in [false, true] {
        let answer = post(
            &user,
            &with(
                ask("[primary:503] [secondary:html]"),
                "stream",
                json!(stream),
            ),
        )
        .await;
        assert_eq!(
            (
                header(&answer, "retry-after"),
                header(&answer, "x-attempts")
            ),
            ("5", "3")
        );
        let error = error(answer, StatusCode::SERVICE_UNAVAILABLE).await;
        assert_eq!(
            (&error["type"], &error["code"]),
            (&json!("server_error"), &json!("all_tiers_failed"))
        );
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("primary: status_503"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_a_provider_refuses_is_passed_on_as_it_is() {
    let user = User::new().await;
    let filtered = error(
        post(&user, &ask("[primary:filter]")).await,
        StatusCode::BAD_REQUEST,
    )
    .await;
    assert_eq!(
        filtered,
        json!({ "message": "The prompt was filtered.", "type": "invalid_request_error",
        "param": "messages", "code": "content_filter" })
    );
    let both = ask("[primary:context] [secondary:context]");
    let error = error(post(&user, &both).await, StatusCode::BAD_REQUEST).await;
    assert_eq!(error["code"], "context_length_exceeded");
}

/// The handler itself, with tiers `t0`, `t1` … of its own that play these scripts.
async fn handled(
    scripts: &[&str],
    more: Value,
    body: &Value,
    origin: Origin,
) -> Result<Reply, ApiError> {
    let provider = Provider::anywhere();
    let tier = |(at, script): (usize, &&str)| {
        let mut tier =
            json!({ "name": format!("t{at}"), "base_url": provider.url(), "model": script });
        tier.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        tier
    };
    let tiers: Vec<_> = scripts.iter().enumerate().map(tier).collect();
    let names: Vec<_> = (0..scripts.len()).map(|at| format!("t{at}")).collect();
    let chains =
        json!({ "default": { "tiers": names }, "live": { "tiers": names, "mode": "live" } })
            .to_string();
    let models = Models::new(
        Tiers::parse(&json!(tiers).to_string()).unwrap(),
        Some(&chains),
    )
    .unwrap();
    let secrets = Arc::new(Secrets::new(&STACK.aws().await));
    let limiter = Arc::new(Limiter::new(None, &[], &LimitSettings::default()).unwrap());
    let chains = Arc::new(Chains::new(&models, None, &secrets).unwrap());
    let backend = Backend {
        chains,
        cache: Arc::new(Cache::new(None)),
        limiter,
    };
    let caller = Caller {
        tenant: TenantId::try_from("t".to_owned()).unwrap(),
        user: UserId::try_from("u".to_owned()).unwrap(),
        role: Role::Patient,
    };
    let call = Call::new(
        caller,
        Deadline::after(Duration::from_secs(25)),
        http::Request::new(body.to_string().into()),
    );
    create_chat_completion::handle(Arc::new(backend), call, origin).await
}

#[tokio::test]
async fn limits_everywhere_are_a_limit_and_say_when_to_come_back() {
    let refused = handled(
        &["429-always-30", "429-always-40"],
        json!({}),
        &ask("x"),
        Origin::HttpApi,
    )
    .await;
    let Err(error) = refused else {
        panic!("answered")
    };
    assert_eq!(
        (error.status, &error.error["code"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("rate_limit_exceeded"))
    );
    assert_eq!(Reply::from(error).headers["retry-after"], "30");
}

#[tokio::test]
async fn a_stream_that_takes_long_is_kept_alive() {
    let body = with(ask("x"), "stream", json!(true));
    for model in ["default", "live"] {
        let body = with(body.clone(), "model", json!(model));
        let reply = handled(
            &["late-6000"],
            json!({ "first_token_timeout": 9 }),
            &body,
            Origin::FunctionUrl,
        )
        .await;
        let Ok(mut reply) = reply else {
            panic!("refused")
        };
        assert!(
            !reply.headers.contains_key("x-served-by"),
            "nobody knows yet"
        );
        assert_eq!(reply.body.next().await.unwrap(), ": still working\n\n");
        let rest = String::from_utf8(reply.body.collect::<Vec<_>>().await.concat()).unwrap();
        assert!(
            rest.contains(": x-served-by=t0 x-attempts=1 x-degraded=false\n\n"),
            "{rest}"
        );
        let events: Vec<_> = rest
            .split("\n\n")
            .filter_map(|event| event.strip_prefix("data: "))
            .map(str::to_owned)
            .collect();
        assert!(
            text_of(&events).ends_with("from the first word to the last."),
            "{rest}"
        );
        assert_eq!(events.last().unwrap(), "[DONE]");
    }
}

#[tokio::test]
async fn a_stream_that_fails_after_its_head_ends_with_an_error() {
    let body = with(ask("x"), "stream", json!(true));
    let reply = handled(
        &["silent"],
        json!({ "first_token_timeout": 5.5 }),
        &body,
        Origin::FunctionUrl,
    )
    .await;
    let Ok(reply) = reply else { panic!("refused") };
    let text = String::from_utf8(reply.body.collect::<Vec<_>>().await.concat()).unwrap();
    let last = text
        .trim_end()
        .rsplit("\n\n")
        .next()
        .unwrap()
        .strip_prefix("data: ")
        .unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(last).unwrap()["error"]["code"],
        "all_tiers_failed"
    );
    assert!(!text.contains("[DONE]"), "{text}");
}

#[tokio::test]
async fn live_tokens_are_passed_on_as_they_come() {
    let body = with(
        with(ask("x"), "stream", json!(true)),
        "model",
        json!("live"),
    );
    let Ok(mut reply) = handled(&["slow-tokens"], json!({}), &body, Origin::FunctionUrl).await
    else {
        panic!("refused")
    };
    assert_eq!(reply.headers["x-served-by"], "t0");
    let mut arrivals = Vec::new();
    while let Some(chunk) = reply.body.next().await {
        arrivals.push((Instant::now(), chunk));
    }
    // The provider pauses between its tokens, so those that come together were held back.
    let first_to_last = arrivals.last().unwrap().0 - arrivals[0].0;
    assert!(
        arrivals.len() > 5 && first_to_last > Duration::from_millis(300),
        "{first_to_last:?}"
    );
}

#[tokio::test]
async fn a_wrong_request_is_refused_in_the_shape_that_clients_know() {
    let user = User::new().await;
    let cases = [
        (with(ask("x"), "messages", json!([])), "messages"),
        (
            with(
                ask("x"),
                "messages",
                json!([{ "role": "doctor", "content": "x" }]),
            ),
            "messages[0].role",
        ),
        (with(ask("x"), "stream", json!("yes")), "stream"),
        (with(ask("x"), "n", json!(0)), "n"),
        (with(ask("x"), "model", Value::Null), "model"),
        (with(ask("x"), "fallbacks", json!([])), "fallbacks"),
        (
            with(ask("x"), "fallbacks", json!(["primary", "tertiary"])),
            "fallbacks[1]",
        ),
        (
            with(ask("x"), "fallbacks", json!(["primary", "primary"])),
            "fallbacks[1]",
        ),
    ];
    for (body, param) in cases {
        let error = error(post(&user, &body).await, StatusCode::BAD_REQUEST).await;
        assert_eq!(
            (&error["type"], &error["param"]),
            (&json!("invalid_request_error"), &json!(param)),
            "{body}"
        );
    }
    for body in [
        "",
        "{",
        "[]",
        "null",
        "\"text\"",
        "{\"model\":\"default\"",
        "\u{feff}{}",
    ] {
        let answer = user
            .post(PATH)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        error(answer, StatusCode::BAD_REQUEST).await;
    }
    let large = with(ask("x"), "pad", json!("x".repeat(1024 * 1024)));
    error(post(&user, &large).await, StatusCode::BAD_REQUEST).await;
    let error = error(
        post(&user, &with(ask("x"), "model", json!("gpt-4o"))).await,
        StatusCode::NOT_FOUND,
    )
    .await;
    assert_eq!(
        (&error["code"], &error["param"]),
        (&json!("model_not_found"), &json!("model"))
    );
}

#[tokio::test]
async fn a_schema_is_asked_only_of_tiers_that_can_be_held_to_it() {
    let user = User::new().await;
    let format = json!({ "type": "json_schema", "json_schema": { "name": "a", "schema": {} } });
    let body = with(ask("[primary:503]"), "response_format", format);
    let error = error(post(&user, &body).await, StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("secondary: unsupported_response_format"),
        "{error}"
    );
    let only = with(body, "fallbacks", json!(["secondary"]));
    let error = self::error(post(&user, &only).await, StatusCode::BAD_REQUEST).await;
    assert_eq!(error["param"], "response_format");
}

#[tokio::test]
async fn the_function_url_lets_nobody_in_without_a_token_and_serves_only_its_route() {
    let user = User::new().await;
    let answer = post_to_url(None, &ask("x")).await;
    assert!(header(&answer, "www-authenticate").starts_with("Bearer"));
    assert_eq!(
        error(answer, StatusCode::UNAUTHORIZED).await["code"],
        "invalid_api_key"
    );
    let forged = format!("{}x", user.token);
    error(
        post_to_url(Some(&forged), &ask("x")).await,
        StatusCode::UNAUTHORIZED,
    )
    .await;
    for path in ["", "/v1/consultations", "/v1/chat/completions/x"] {
        let call = Client::new()
            .post(format!("{}{path}", STACK.env("CHAT_URL").unwrap()))
            .bearer_auth(&user.token);
        error(
            call.json(&ask("x")).send().await.unwrap(),
            StatusCode::NOT_FOUND,
        )
        .await;
    }
}

#[tokio::test]
async fn a_deterministic_request_is_repeated_without_a_call_where_the_chain_says_so() {
    let user = User::new().await;
    let marker = Uuid::new_v4().to_string();
    let body = with(
        with(ask(&marker), "temperature", json!(0)),
        "model",
        json!("repeating"),
    );
    let first = post(&user, &body).await;
    assert_eq!(
        (header(&first, "x-cache"), header(&first, "x-attempts")),
        ("", "1")
    );
    let first = read(first, StatusCode::OK).await;
    let second = post(&user, &body).await;
    let headers = ["x-cache", "x-attempts", "x-served-by", "x-degraded"]
        .map(|name| header(&second, name).to_owned());
    assert_eq!(headers, ["hit", "0", "primary", "false"]);
    assert_eq!(read(second, StatusCode::OK).await, first);
    let events = events(post(&user, &with(body.clone(), "stream", json!(true))).await).await;
    assert_eq!(
        text_of(&events),
        first["choices"][0]["message"]["content"].as_str().unwrap()
    );
    assert_eq!(provider::calls(&marker).len(), 1);
    // Not for another tenant, another temperature, or a chain that does not say so.
    post(&User::new().await, &body).await;
    post(&user, &with(body.clone(), "temperature", json!(0.7))).await;
    post(&user, &with(body.clone(), "model", json!("default"))).await;
    assert_eq!(provider::calls(&marker).len(), 4);
    // What a fallback gave is not kept.
    let degraded = with(
        body,
        "messages",
        json!([{ "role": "user", "content": format!("{marker}-2 [primary:503]") }]),
    );
    for _ in 0..2 {
        assert_eq!(
            header(&post(&user, &degraded).await, "x-degraded"),
            "served_by_fallback_tier"
        );
    }
}

#[tokio::test]
async fn the_chains_are_listed_as_models() {
    let user = User::new().await;
    let list = read(user.get("/v1/models").send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(list["object"], "list");
    let ids: Vec<_> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["id"].clone())
        .collect();
    assert_eq!(ids, [json!("default"), json!("live"), json!("repeating")]);
    assert!(
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|model| model["object"] == "model")
    );
}

/// The real client, unchanged: `tests/openai_client.py` says what it checks.
#[tokio::test]
async fn the_official_python_client_works() {
    let user = User::new().await;
    let python = STACK.tools().join("bin/python");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/openai_client.py");
    let (api, chat) = (
        STACK.env("API_URL").unwrap(),
        STACK.env("CHAT_URL").unwrap(),
    );
    let output = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(python);
        command
            .arg(script)
            .args([format!("{api}/v1"), format!("{chat}/v1"), user.token]);
        command.env("NO_PROXY", "*").output().unwrap()
    })
    .await
    .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("11 checks passed"), "{said}");
}
