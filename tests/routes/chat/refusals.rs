//! Requests that are refused, and errors of the tiers.

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::{PATH, ask, header, post, post_to_rest_api, read_error, to_chain, with};
use crate::support::{STACK, User};

#[tokio::test]
async fn when_every_tier_fails_the_client_is_told_when_to_come_back() {
    let user = User::new().await;
    for stream in [false, true] {
        let body = ask("[primary:503] [secondary:html]");
        let answer = post(&user, &with(body, "stream", json!(stream))).await;
        assert_eq!(header(&answer, "retry-after"), "5");
        assert_eq!(header(&answer, "x-attempts"), "3");

        let error = read_error(answer, StatusCode::SERVICE_UNAVAILABLE).await;
        assert_eq!(error["type"], json!("server_error"));
        assert_eq!(error["code"], json!("all_tiers_failed"));
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("primary: status_503"), "{error}");
    }
}

#[tokio::test]
async fn what_a_provider_refuses_is_passed_on_as_it_is() {
    let user = User::new().await;
    let answer = post(&user, &ask("[primary:filter]")).await;
    let filtered = read_error(answer, StatusCode::BAD_REQUEST).await;
    let expected = json!({
        "message": "The prompt was filtered.", "type": "invalid_request_error",
        "param": "messages", "code": "content_filter",
    });
    assert_eq!(filtered, expected);

    let both = ask("[primary:context] [secondary:context]");
    let answer = post(&user, &both).await;
    let error = read_error(answer, StatusCode::BAD_REQUEST).await;
    assert_eq!(error["code"], "context_length_exceeded");
}

/// A filter and a long context have `OpenAI`'s codes and 400, however the provider says them.
#[tokio::test]
async fn a_refusal_has_openais_code_however_it_is_said() {
    let user = User::new().await;
    let filters = [
        "inspected",
        "inspected-midway",
        "filter-500",
        "filter-in-200",
    ];
    for script in filters {
        let answer = post(&user, &ask(&format!("[primary:{script}]"))).await;
        assert_eq!(header(&answer, "x-attempts"), "1", "{script}");
        let error = read_error(answer, StatusCode::BAD_REQUEST).await;
        assert_eq!(error["code"], "content_filter", "{script}");
        assert_eq!(error["type"], "data_inspection_failed", "{script}");
        let message = "Input data may contain inappropriate content.";
        assert_eq!(error["message"], message, "{script}");
    }

    let both = ask("[primary:context-words] [secondary:context-words]");
    let answer = post(&user, &both).await;
    let error = read_error(answer, StatusCode::BAD_REQUEST).await;
    assert_eq!(error["code"], "context_length_exceeded");
}

/// A request that is refused, and the place that the error names.
struct WrongField {
    body: Value,
    param: &'static str,
}

/// The usual request with one wrong field.
fn wrong_field(field: &str, value: Value, param: &'static str) -> WrongField {
    WrongField {
        body: with(ask("x"), field, value),
        param,
    }
}

/// A wrong request is refused in the shape that `OpenAI`'s clients know.
#[tokio::test]
async fn a_wrong_field_is_refused_by_its_place() {
    let user = User::new().await;
    let doctor = json!([{ "role": "doctor", "content": "x" }]);
    let unknown_tier = json!(["primary", "tertiary"]);
    let same_tier = json!(["primary", "primary"]);
    let cases = [
        wrong_field("messages", json!([]), "messages"),
        wrong_field("messages", doctor, "messages[0].role"),
        wrong_field("stream", json!("yes"), "stream"),
        wrong_field("n", json!(0), "n"),
        wrong_field("model", Value::Null, "model"),
        wrong_field("fallbacks", json!([]), "fallbacks"),
        wrong_field("fallbacks", unknown_tier, "fallbacks[1]"),
        wrong_field("fallbacks", same_tier, "fallbacks[1]"),
    ];

    for WrongField { body, param } in cases {
        let answer = post(&user, &body).await;
        let error = read_error(answer, StatusCode::BAD_REQUEST).await;
        assert_eq!(error["type"], json!("invalid_request_error"), "{body}");
        assert_eq!(error["param"], json!(param), "{body}");
    }

    let unknown = to_chain(ask("x"), "gpt-4o");
    let answer = post(&user, &unknown).await;
    let error = read_error(answer, StatusCode::NOT_FOUND).await;
    assert_eq!(error["code"], json!("model_not_found"));
    assert_eq!(error["param"], json!("model"));
}

/// A body that cannot be read is refused in the shape that `OpenAI`'s clients know.
#[tokio::test]
async fn an_unreadable_body_is_refused() {
    let user = User::new().await;
    let unreadable = [
        "",
        "{",
        "[]",
        "null",
        "\"text\"",
        "{\"model\":\"default\"",
        "\u{feff}{}",
    ];
    for body in unreadable {
        let call = user.post(PATH).header("content-type", "application/json");
        let answer = call.body(body).send().await.unwrap();
        read_error(answer, StatusCode::BAD_REQUEST).await;
    }

    let padding = json!("x".repeat(1024 * 1024));
    let answer = post(&user, &with(ask("x"), "pad", padding)).await;
    read_error(answer, StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn a_schema_is_asked_only_of_tiers_that_can_be_held_to_it() {
    let user = User::new().await;
    let format = json!({ "type": "json_schema", "json_schema": { "name": "a", "schema": {} } });
    let body = with(ask("[primary:503]"), "response_format", format);
    let answer = post(&user, &body).await;
    let error = read_error(answer, StatusCode::SERVICE_UNAVAILABLE).await;

    let unsupported = "secondary: unsupported_response_format";
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(unsupported), "{error}");

    let only_secondary = with(body, "fallbacks", json!(["secondary"]));
    let answer = post(&user, &only_secondary).await;
    let error = read_error(answer, StatusCode::BAD_REQUEST).await;
    assert_eq!(error["param"], "response_format");
}

/// The gateway's own answers: no function is called.
#[tokio::test]
async fn the_rest_api_asks_for_a_token() {
    let user = User::new().await;
    let answer = post_to_rest_api(None, &ask("x")).await;
    assert_eq!(header(&answer, "www-authenticate"), "Bearer");
    assert_eq!(header(&answer, "x-request-id"), "");
    let error = read_error(answer, StatusCode::UNAUTHORIZED).await;
    assert_eq!(error["code"], "invalid_api_key");

    let forged = format!("{}x", user.token);
    let answer = post_to_rest_api(Some(&forged), &ask("x")).await;
    assert_eq!(header(&answer, "x-request-id"), "");
    read_error(answer, StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn the_rest_api_serves_only_its_route() {
    let user = User::new().await;
    let url = STACK.env("CHAT_URL").unwrap();
    for path in ["", "/v1/consultations", "/v1/chat/completions/x"] {
        let call = Client::new().post(format!("{url}{path}"));
        let call = call.bearer_auth(&user.token).json(&ask("x"));
        let error = read_error(call.send().await.unwrap(), StatusCode::NOT_FOUND).await;
        assert_eq!(error["code"], "not_found", "{path}");
    }
}
