//! Limits as a client meets them.

use futures::StreamExt;
use futures::stream;
use reqwest::{Response, StatusCode};
use serde_json::json;

use crate::support::{User, problem, read};

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_hundred_and_first_call_in_a_minute_is_refused_and_told_when_to_come_back() {
    let user = User::new().await;
    let calls =
        stream::iter(0..100).map(|_| async { user.get("/v1/models").send().await.unwrap() });
    let answers: Vec<_> = calls.buffer_unordered(8).collect().await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.status() == StatusCode::OK
                && header(answer, "x-ratelimit-mode") == "shared")
    );
    assert!(
        answers
            .iter()
            .all(|answer| header(answer, "ratelimit-policy").contains(r#""user";q=100;w=60"#))
    );
    assert!(
        answers
            .iter()
            .any(|answer| header(answer, "ratelimit").contains(r#""user";r=0;t=60"#))
    );
    // All routes share it, and each answers in its own shape.
    let refused = user.get("/v1/consultations").send().await.unwrap();
    let wait: u64 = header(&refused, "retry-after").parse().unwrap();
    assert!(
        (1..=60).contains(&wait) && header(&refused, "ratelimit").contains("\"user\";r=0;"),
        "{refused:?}"
    );
    let body = problem(refused, StatusCode::TOO_MANY_REQUESTS).await;
    assert!(
        body["detail"]
            .as_str()
            .unwrap()
            .starts_with("The limit `user` is reached."),
        "{body}"
    );
    let refused = user.get("/v1/models").send().await.unwrap();
    let error = read(refused, StatusCode::TOO_MANY_REQUESTS).await["error"].clone();
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("rate_limit_error"), &json!("rate_limit_exceeded"))
    );
    // Somebody else is not held up.
    assert_eq!(
        User::new()
            .await
            .get("/v1/models")
            .send()
            .await
            .unwrap()
            .status(),
        StatusCode::OK
    );
}

/// What is left of the tenant's tokens, by the header.
fn tokens(answer: &Response) -> u64 {
    let standing = header(answer, "ratelimit")
        .split("\"tokens\";r=")
        .nth(1)
        .unwrap();
    standing.split(';').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn tokens_are_charged_by_what_was_really_used() {
    let user = User::new().await;
    let ask = async |prompt: &str, most: u64| {
        let body = json!({ "model": "default", "max_tokens": most, "messages": [{ "role": "user", "content": prompt }] });
        user.post("/v1/chat/completions")
            .json(&body)
            .send()
            .await
            .unwrap()
    };
    // The estimate is charged before the answer, 33 tokens after it; a failure costs nothing.
    let first = ask("hello", 100_000).await;
    assert_eq!(first.status(), StatusCode::OK);
    assert!(tokens(&first) < 100_000, "{}", tokens(&first));
    assert_eq!(
        ask("[primary:503] [secondary:503]", 100_000).await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    let third = ask("hello", 100_000).await;
    assert_eq!(
        third.status(),
        StatusCode::OK,
        "the first two estimates were given back"
    );
    let never = ask("hello", 300_000).await;
    assert!(
        header(&never, "retry-after").is_empty(),
        "it would never be let in"
    );
    let error = read(never, StatusCode::TOO_MANY_REQUESTS).await["error"].clone();
    assert!(
        error["message"].as_str().unwrap().contains("`tokens`"),
        "{error}"
    );
}
