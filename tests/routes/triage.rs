//! `GET /v1/triage/checklist`.

use std::collections::HashSet;

use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::support::{User, problem, read};

async fn get(user: &User, query: &str) -> Response {
    let path = format!("/v1/triage/checklist{query}");
    user.get(&path).send().await.unwrap()
}

async fn questions(user: &User, query: &str) -> Vec<Value> {
    let checklist = read(get(user, query).await, StatusCode::OK).await;
    checklist["questions"].as_array().unwrap().clone()
}

fn codes(questions: &[Value]) -> HashSet<&str> {
    let codes = questions.iter().map(|question| &question["code"]);
    codes.map(|code| code.as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_checklist_begins_with_the_general_danger_signs() {
    let user = User::new().await;
    let all = questions(&user, "").await;
    assert_eq!(codes(&all).len(), all.len(), "no code stands twice");

    let is_general = |question: &&Value| question["topic"] == "general";
    let first = all.iter().take_while(is_general).count();
    assert_eq!(first, all.iter().filter(is_general).count());
    assert!((1..=8).contains(&first), "{first}");
    for question in &all {
        let text = question["text"].as_str().unwrap();
        let url = question["source"]["url"].as_str().unwrap();
        assert!(text.is_ascii() && url.starts_with("https://"), "{question}");
    }
}

#[tokio::test]
async fn the_checklist_is_in_the_language_that_is_asked_for() {
    let user = User::new().await;
    let english = questions(&user, "?locale=en-GB").await;
    let chinese = questions(&user, "?locale=zh-Hans").await;

    assert_eq!(codes(&english), codes(&chinese));
    for question in &chinese {
        let text = question["text"].as_str().unwrap();
        assert!(text.contains('？'), "{question}");
    }
}

/// What is not told excludes nothing.
#[tokio::test]
async fn age_and_sex_only_leave_questions_out() {
    let user = User::new().await;
    let all = questions(&user, "").await;

    for query in ["?age=1", "?age=70&sex=male", "?sex=female", "?sex=other"] {
        let some = questions(&user, query).await;
        assert!(!some.is_empty(), "{query}");
        assert!(codes(&some).is_subset(&codes(&all)), "{query}");
    }
}

struct WrongQuery {
    query: &'static str,
    field: &'static str,
}

#[rustfmt::skip]
const WRONG: [WrongQuery; 7] = [
    WrongQuery { query: "?age=131", field: "age" },
    WrongQuery { query: "?age=-1", field: "age" },
    WrongQuery { query: "?age=four", field: "age" },
    WrongQuery { query: "?age=", field: "age" },
    WrongQuery { query: "?sex=unknown", field: "sex" },
    WrongQuery { query: "?locale=fr", field: "locale" },
    WrongQuery { query: "?locale=", field: "locale" },
];

#[tokio::test]
async fn a_query_that_breaks_a_rule_is_explained() {
    let user = User::new().await;
    for wrong in WRONG {
        let refused = get(&user, wrong.query).await;
        let said = problem(refused, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(said["errors"][0]["field"], wrong.field, "{said}");
    }
}

#[tokio::test]
async fn a_checklist_that_the_caller_holds_is_not_sent_again() {
    let user = User::new().await;
    let first = get(&user, "?locale=zh").await;
    let tag = first.headers()["etag"].clone();

    let request = user.get("/v1/triage/checklist?locale=zh");
    let again = request.header("if-none-match", tag.clone()).send().await;
    assert_eq!(again.unwrap().status(), StatusCode::NOT_MODIFIED);

    let request = user.get("/v1/triage/checklist?locale=en");
    let other = request.header("if-none-match", tag).send().await;
    assert_eq!(other.unwrap().status(), StatusCode::OK);
}
