//! The knowledge base over HTTP: documents in, found, listed and out again.

use reqwest::{Response, StatusCode, Url};
use serde_json::{Value, json};
use uuid::Uuid;
use xtask::users::Role;

use crate::support::{User, eventually, new_tenant, problem, read};

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

fn document(content: &str) -> Value {
    json!({
        "title": "Glow worm bites",
        "source": { "title": "Our clinic", "url": "https://example.org/glow" },
        "language": "en",
        "content": content,
    })
}

async fn create(user: &User, document: &Value) -> Response {
    let request = user.post("/v1/knowledge/documents").json(document);
    request.send().await.unwrap()
}

/// Waits until a search finds exactly these passages.
async fn await_found(user: &User, question: &str, wanted: &[&str]) {
    eventually("the passages are found", async || {
        let found = found(user, &[("q", question), ("k", "20")]).await;
        let contents: Vec<_> = found
            .iter()
            .map(|found| found["content"].as_str().unwrap())
            .collect();
        (contents == wanted).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_document_is_brought_in_found_replaced_and_removed() {
    let tenant = new_tenant();
    let clinician = User::of(&tenant, "clinician", Role::Clinician).await;
    let patient = User::of(&tenant, "patient", Role::Patient).await;

    let accepted = create(&clinician, &document("Rub the glimmerspot with mint.")).await;
    let location = accepted.headers()["location"].to_str().unwrap().to_owned();
    let accepted = read(accepted, StatusCode::ACCEPTED).await;
    assert_eq!(
        location,
        format!("/v1/jobs/{}", accepted["job_id"].as_str().unwrap())
    );
    await_found(&patient, "glimmerspot", &["Rub the glimmerspot with mint."]).await;

    let again = create(&clinician, &document("Rub the glimmerspot with mint.")).await;
    problem(again, StatusCode::CONFLICT).await;
    let replaced = create(&clinician, &document("Rub the glimmerspot with thyme.")).await;
    let replaced = read(replaced, StatusCode::ACCEPTED).await;
    assert_eq!(replaced["id"], accepted["id"]);
    await_found(
        &patient,
        "glimmerspot",
        &["Rub the glimmerspot with thyme."],
    )
    .await;

    let listed = clinician
        .get("/v1/knowledge/documents")
        .send()
        .await
        .unwrap();
    let listed = read(listed, StatusCode::OK).await;
    let item = &listed["items"][0];
    assert_eq!(
        [&item["id"], &item["version"]],
        [&accepted["id"], &json!(2)]
    );
    assert_eq!(item["status"], "ready");
    assert!(item.get("content").is_none());

    let path = format!(
        "/v1/knowledge/documents/{}",
        accepted["id"].as_str().unwrap()
    );
    let deleted = clinician.delete(&path).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        found(&patient, &[("q", "glimmerspot")]).await,
        Vec::<Value>::new()
    );
    problem(
        clinician.delete(&path).send().await.unwrap(),
        StatusCode::NOT_FOUND,
    )
    .await;
}

#[tokio::test]
async fn another_tenant_neither_finds_nor_removes_a_document() {
    let clinician = User::of(&new_tenant(), "clinician", Role::Clinician).await;
    let stranger = User::of(&new_tenant(), "admin", Role::Admin).await;
    let accepted = create(&clinician, &document("Beware of the shimmerfang.")).await;
    let accepted = read(accepted, StatusCode::ACCEPTED).await;
    await_found(&clinician, "shimmerfang", &["Beware of the shimmerfang."]).await;

    assert_eq!(
        found(&stranger, &[("q", "shimmerfang")]).await,
        Vec::<Value>::new()
    );
    let path = format!(
        "/v1/knowledge/documents/{}",
        accepted["id"].as_str().unwrap()
    );
    problem(
        stranger.delete(&path).send().await.unwrap(),
        StatusCode::NOT_FOUND,
    )
    .await;
    await_found(&clinician, "shimmerfang", &["Beware of the shimmerfang."]).await;
}

#[tokio::test]
async fn a_patient_writes_lists_and_removes_nothing() {
    let patient = User::new().await;
    let path = format!("/v1/knowledge/documents/{}", Uuid::now_v7());

    let refused = create(&patient, &document("Rub it with mint.")).await;
    problem(refused, StatusCode::FORBIDDEN).await;
    let refused = patient.get("/v1/knowledge/documents").send().await.unwrap();
    problem(refused, StatusCode::FORBIDDEN).await;
    problem(
        patient.delete(&path).send().await.unwrap(),
        StatusCode::FORBIDDEN,
    )
    .await;
}

#[tokio::test]
async fn a_document_of_one_endless_word_is_brought_in() {
    let clinician = User::of(&new_tenant(), "clinician", Role::Clinician).await;
    let content = format!("The moonquill. {}", "x".repeat(900_000));
    read(
        create(&clinician, &document(&content)).await,
        StatusCode::ACCEPTED,
    )
    .await;

    eventually("its beginning is found", async || {
        let found = found(&clinician, &[("q", "moonquill"), ("k", "1")]).await;
        (!found.is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_bad_document_is_explained_and_changes_nothing() {
    let clinician = User::of(&new_tenant(), "clinician", Role::Clinician).await;
    let changed = |key: &str, value: Value| {
        let mut document = document("Rub it with mint.");
        document[key] = value;
        document
    };
    let wrong = [
        ("content", changed("content", json!("\u{0}\u{1}"))),
        ("language", changed("language", json!("tlh"))),
        ("title", changed("title", json!(""))),
        (
            "source.url",
            changed(
                "source",
                json!({ "title": "x", "url": "file:///etc/passwd" }),
            ),
        ),
    ];

    for (field, document) in wrong {
        let said = problem(
            create(&clinician, &document).await,
            StatusCode::UNPROCESSABLE_ENTITY,
        )
        .await;
        assert_eq!(said["errors"][0]["field"], field, "{said}");
    }
    let large = document(&"x".repeat(2_000_000));
    problem(
        create(&clinician, &large).await,
        StatusCode::PAYLOAD_TOO_LARGE,
    )
    .await;

    let listed = clinician
        .get("/v1/knowledge/documents")
        .send()
        .await
        .unwrap();
    assert_eq!(read(listed, StatusCode::OK).await["items"], json!([]));
}
