//! `GET /v1/knowledge/search`.

use reqwest::{Response, StatusCode, Url};
use serde_json::{Value, json};

use crate::support::{User, problem, read};

async fn get(user: &User, query: &[(&str, &str)]) -> Response {
    let query = encoded(query);
    let path = format!("/v1/knowledge/search?{query}");
    user.get(&path).send().await.unwrap()
}

fn encoded(query: &[(&str, &str)]) -> String {
    let mut url = Url::parse("http://localhost/").unwrap();
    url.query_pairs_mut().extend_pairs(query);
    url.query().unwrap_or_default().to_owned()
}

async fn found(user: &User, query: &[(&str, &str)]) -> Vec<Value> {
    let answer = read(get(user, query).await, StatusCode::OK).await;
    assert_eq!(answer["searched_by"], json!(["text"]));
    answer["items"].as_array().unwrap().clone()
}

/// A question, and the address of the document that answers it.
struct Asked {
    question: &'static str,
    language: &'static str,
    url: &'static str,
}

#[rustfmt::skip]
const ASKED: [Asked; 2] = [
    Asked { question: "my throat hurts when I swallow", language: "en", url: "https://www.nhs.uk/conditions/sore-throat/" },
    Asked { question: "嗓子疼，咽口水都疼", language: "zh", url: "https://www.nhs.uk/conditions/sore-throat/" },
];

#[tokio::test]
async fn the_shared_documents_are_found_in_both_languages() {
    let user = User::new().await;
    for asked in ASKED {
        let query = [("q", asked.question), ("lang", asked.language), ("k", "3")];
        let found = found(&user, &query).await;

        assert_eq!(found.len(), 3, "{}", asked.question);
        let best = &found[0];
        assert_eq!(best["source_url"], asked.url, "{best}");
        assert_eq!(best["language"], asked.language);
        let length = best["content"].as_str().unwrap().chars().count();
        let place = [&best["start_char"], &best["end_char"]].map(|at| at.as_u64().unwrap());
        assert!(
            place[1] - place[0] >= u64::try_from(length).unwrap(),
            "{best}"
        );
    }
}

#[tokio::test]
async fn a_question_that_no_document_has_a_word_of_finds_nothing() {
    let user = User::new().await;
    assert_eq!(
        found(&user, &[("q", "qwertyzxcvb")]).await,
        Vec::<Value>::new()
    );
    assert_eq!(
        found(&user, &[("q", "?!… & | :*")]).await,
        Vec::<Value>::new()
    );
}

#[tokio::test]
async fn a_query_that_breaks_a_rule_is_explained() {
    let user = User::new().await;
    let wrong = [
        ("q", vec![]),
        ("q", vec![("q", " ")]),
        ("k", vec![("q", "pain"), ("k", "0")]),
        ("lang", vec![("q", "pain"), ("lang", "fr")]),
    ];

    for (field, query) in wrong {
        let refused = get(&user, &query).await;
        let said = problem(refused, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(said["errors"][0]["field"], field, "{said}");
    }
}

#[tokio::test]
async fn nobody_searches_without_a_token() {
    let user = User::new().await;
    let request = user.get("/v1/knowledge/search?q=pain");
    let refused = request
        .header("authorization", "Bearer x")
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
}
