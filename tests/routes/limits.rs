//! Limits as a client meets them.

use futures::StreamExt;
use futures::stream;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{User, problem, read};

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    let value = answer.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

async fn list_models(user: &User) -> Response {
    user.get("/v1/models").send().await.unwrap()
}

/// Checks an error of `OpenAI`'s protocol and returns it.
async fn openai_error(answer: Response, status: StatusCode) -> Value {
    let body = read(answer, status).await;
    body["error"].clone()
}

/// The 101st call in a minute is refused and told when to come back, on every route, in the shape
/// of that route.
#[tokio::test]
async fn the_hundred_and_first_call_in_a_minute_is_refused() {
    let user = User::new().await;
    let calls = stream::iter(0..100).map(|_| list_models(&user));
    let answers: Vec<_> = calls.buffer_unordered(8).collect().await;

    for answer in &answers {
        let policy = header(answer, "ratelimit-policy");
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(header(answer, "x-ratelimit-mode"), "shared");
        assert!(policy.contains(r#""user";q=100;w=60"#), "{policy}");
    }
    let is_last = |answer: &Response| header(answer, "ratelimit").contains(r#""user";r=0;t=60"#);
    assert!(answers.iter().any(is_last));

    // All routes share it, and each answers in its own shape.
    let refused = user.get("/v1/consultations").send().await.unwrap();
    let wait: u64 = header(&refused, "retry-after").parse().unwrap();
    let left = header(&refused, "ratelimit");
    assert!((1..=60).contains(&wait), "{refused:?}");
    assert!(left.contains("\"user\";r=0;"), "{refused:?}");
    let body = problem(refused, StatusCode::TOO_MANY_REQUESTS).await;
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.starts_with("The limit `user` is reached."), "{body}");

    let refused = list_models(&user).await;
    let error = openai_error(refused, StatusCode::TOO_MANY_REQUESTS).await;
    assert_eq!(error["type"], "rate_limit_error");
    assert_eq!(error["code"], "rate_limit_exceeded");

    // Another person is not held up.
    let other = User::new().await;
    assert_eq!(list_models(&other).await.status(), StatusCode::OK);
}

/// What is left of the tenant's tokens, by the header.
fn tokens_left(answer: &Response) -> u64 {
    let mut parts = header(answer, "ratelimit").split("\"tokens\";r=");
    let status = parts.nth(1).unwrap();
    status.split(';').next().unwrap().parse().unwrap()
}

/// The estimate is charged before the answer, and 33 tokens after it; a failure costs nothing.
#[tokio::test]
async fn tokens_are_charged_by_what_was_really_used() {
    let user = User::new().await;
    let ask = async |prompt: &str, max_tokens: u64| {
        let message = json!({ "role": "user", "content": prompt });
        let body = json!({
            "model": "default",
            "max_tokens": max_tokens,
            "messages": [message],
        });
        let request = user.post("/v1/chat/completions").json(&body);
        request.send().await.unwrap()
    };

    let first = ask("hello", 100_000).await;
    assert_eq!(first.status(), StatusCode::OK);
    let left = tokens_left(&first);
    assert!(left < 100_000, "{left}");

    let failed = ask("[primary:503] [secondary:503]", 100_000).await;
    assert_eq!(failed.status(), StatusCode::SERVICE_UNAVAILABLE);
    let third = ask("hello", 100_000).await;
    let reason = "the first two estimates were given back";
    assert_eq!(third.status(), StatusCode::OK, "{reason}");

    let never = ask("hello", 300_000).await;
    let retry_after = header(&never, "retry-after");
    assert!(retry_after.is_empty(), "it would never be let in");
    let error = openai_error(never, StatusCode::TOO_MANY_REQUESTS).await;
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("`tokens`"), "{error}");
}
