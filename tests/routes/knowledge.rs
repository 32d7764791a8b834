//! The knowledge base over HTTP: documents in, found, listed and out again.

use std::time::Duration;

use reqwest::{Response, StatusCode, Url};
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::deadline::Deadline;
use wenzhen::identity::{TenantId, UserId};
use wenzhen::jobs::queue::Queue;
use wenzhen::jobs::{NewJob, outbox, store};
use wenzhen::knowledge::IngestDocument;
use wenzhen::locale::Locale;
use xtask::users::Role;

use crate::support::{STACK, User, database, eventually, new_tenant, problem, read};

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
    let sides = answer["searched_by"].as_array().unwrap();
    assert_eq!(sides[0], "text");
    // The model makes vectors for other tests too, and a question does not wait for long.
    assert_eq!(
        sides.contains(&json!("vector")),
        answer["degraded"] == json!(false)
    );
    answer["items"].as_array().unwrap().clone()
}

/// A question, and the address of the document that answers it.
struct Asked {
    question: &'static str,
    language: &'static str,
    url: &'static str,
}

const SORE_THROAT: &str = "https://www.nhs.uk/conditions/sore-throat/";

const ASKED: [Asked; 2] = [
    Asked {
        question: "my throat hurts when I swallow",
        language: "en",
        url: SORE_THROAT,
    },
    Asked {
        question: "嗓子疼，咽口水都疼",
        language: "zh",
        url: SORE_THROAT,
    },
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
async fn a_question_that_no_document_has_a_word_of_finds_nothing_by_words() {
    let user = User::new().await;
    for question in ["qwertyzxcvb", "?!… & | :*"] {
        find_nothing(&user, question).await;
    }
}

/// No word of the complaint stands in the document.
#[tokio::test]
async fn a_complaint_in_other_words_is_found_by_its_meaning() {
    let user = User::new().await;
    let query = [("q", "I keep puking"), ("lang", "en"), ("k", "5")];
    let found = eventually("the model has time for the question", async || {
        let found = found(&user, &query).await;
        found[0]["vector_place"].is_number().then_some(found)
    })
    .await;

    let mut titles = found.iter().map(|found| found["title"].as_str().unwrap());
    assert!(titles.any(|title| title.contains("vomiting")), "{found:?}");
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

fn path_of(accepted: &Value) -> String {
    format!(
        "/v1/knowledge/documents/{}",
        accepted["id"].as_str().unwrap()
    )
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

/// Sends a document, which must be accepted.
async fn accept(user: &User, document: &Value) -> Value {
    read(create(user, document).await, StatusCode::ACCEPTED).await
}

async fn delete(user: &User, accepted: &Value) -> Response {
    user.delete(&path_of(accepted)).send().await.unwrap()
}

/// The passages that have a word of the question: by meaning, something is always the nearest.
async fn found_by_words(user: &User, question: &str) -> Vec<Value> {
    let mut found = found(user, &[("q", question), ("k", "20")]).await;
    found.retain(|found| !found["text_place"].is_null());
    found
}

async fn find_nothing(user: &User, question: &str) {
    assert_eq!(found_by_words(user, question).await, Vec::<Value>::new());
}

async fn list(user: &User) -> Response {
    user.get("/v1/knowledge/documents").send().await.unwrap()
}

/// Waits until a search finds exactly these passages.
async fn await_found(user: &User, question: &str, wanted: &[&str]) {
    eventually("the passages are found", async || {
        let found = found_by_words(user, question).await;
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
    let job = accepted["job_id"].as_str().unwrap();
    assert_eq!(location, format!("/v1/jobs/{job}"));
    await_found(&patient, "glimmerspot", &["Rub the glimmerspot with mint."]).await;

    let again = create(&clinician, &document("Rub the glimmerspot with mint.")).await;
    problem(again, StatusCode::CONFLICT).await;
    let replaced = accept(&clinician, &document("Rub the glimmerspot with thyme.")).await;
    assert_eq!(replaced["id"], accepted["id"]);
    let thyme = "Rub the glimmerspot with thyme.";
    await_found(&patient, "glimmerspot", &[thyme]).await;

    let listed = read(list(&clinician).await, StatusCode::OK).await;
    let item = &listed["items"][0];
    let named = [&item["id"], &item["version"], &item["status"]];
    assert_eq!(named, [&accepted["id"], &json!(2), &json!("ready")]);
    assert!(item.get("content").is_none());

    let deleted = delete(&clinician, &accepted).await;
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    find_nothing(&patient, "glimmerspot").await;
    problem(delete(&clinician, &accepted).await, StatusCode::NOT_FOUND).await;
}

/// Each version's job may run in any order with the others: the last version is the one that stays.
#[tokio::test]
async fn of_versions_that_come_at_once_the_last_one_is_found() {
    let clinician = User::of(&new_tenant(), "clinician", Role::Clinician).await;
    for number in 1..=8 {
        accept(
            &clinician,
            &document(&format!("Version {number} of the quillmoss.")),
        )
        .await;
    }

    await_found(&clinician, "quillmoss", &["Version 8 of the quillmoss."]).await;
    eventually("every job has ended", async || {
        let states: Vec<String> = sqlx::query_scalar("SELECT state FROM jobs WHERE tenant_id = $1")
            .bind(&clinician.tenant)
            .fetch_all(&mut database().await)
            .await
            .unwrap();
        states
            .iter()
            .all(|state| state == "completed")
            .then_some(())
    })
    .await;
    await_found(&clinician, "quillmoss", &["Version 8 of the quillmoss."]).await;
}

#[tokio::test]
async fn another_tenant_neither_finds_nor_removes_a_document() {
    let clinician = User::of(&new_tenant(), "clinician", Role::Clinician).await;
    let stranger = User::of(&new_tenant(), "admin", Role::Admin).await;
    let accepted = accept(&clinician, &document("Beware of the shimmerfang.")).await;
    await_found(&clinician, "shimmerfang", &["Beware of the shimmerfang."]).await;

    find_nothing(&stranger, "shimmerfang").await;
    problem(delete(&stranger, &accepted).await, StatusCode::NOT_FOUND).await;
    await_found(&clinician, "shimmerfang", &["Beware of the shimmerfang."]).await;
}

#[tokio::test]
async fn a_patient_writes_lists_and_removes_nothing() {
    let patient = User::new().await;
    let refused = create(&patient, &document("Rub it with mint.")).await;

    problem(refused, StatusCode::FORBIDDEN).await;
    problem(list(&patient).await, StatusCode::FORBIDDEN).await;
    let some = json!({ "id": Uuid::now_v7() });
    problem(delete(&patient, &some).await, StatusCode::FORBIDDEN).await;
}

/// Its job was enqueued, and the document deleted before it ran.
#[tokio::test]
async fn a_job_whose_document_is_gone_ends_and_says_so() {
    let tenant = TenantId::try_from(new_tenant()).unwrap();
    let user = UserId::try_from("clinician".to_owned()).unwrap();
    let payload = IngestDocument {
        document_id: Uuid::now_v7(),
    };
    let job = NewJob::new(&tenant, &user, Locale::En, &payload).unwrap();
    store::enqueue(&mut database().await, &job).await.unwrap();
    let queue = Queue::new(&STACK.aws().await, STACK.env("JOBS_QUEUE_URL").unwrap());
    let deadline = Deadline::after(Duration::from_secs(10));
    outbox::dispatch(&queue, &[job.message()], deadline).await;

    let reason = eventually("the job has failed", async || {
        let failed: Option<Option<String>> =
            sqlx::query_scalar("SELECT last_error FROM jobs WHERE id = $1 AND state = 'failed'")
                .bind(job.id())
                .fetch_optional(&mut database().await)
                .await
                .unwrap();
        failed.flatten()
    })
    .await;
    assert_eq!(reason, IngestDocument::DOCUMENT_DELETED);
}

#[tokio::test]
async fn a_document_of_one_endless_word_is_brought_in() {
    let clinician = User::of(&new_tenant(), "clinician", Role::Clinician).await;
    let content = format!("The moonquill. {}", "x".repeat(900_000));
    let accepted = accept(&clinician, &document(&content)).await;

    eventually("its beginning is found", async || {
        let found = found(&clinician, &[("q", "moonquill"), ("k", "1")]).await;
        (!found.is_empty()).then_some(())
    })
    .await;
    // Its passages would keep the tests' model busy for a quarter of an hour.
    let deleted = delete(&clinician, &accepted).await;
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
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
        let refused = create(&clinician, &document).await;
        let said = problem(refused, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(said["errors"][0]["field"], field, "{said}");
    }
    let large = document(&"x".repeat(2_000_000));
    let refused = create(&clinician, &large).await;
    problem(refused, StatusCode::PAYLOAD_TOO_LARGE).await;

    let listed = read(list(&clinician).await, StatusCode::OK).await;
    assert_eq!(listed["items"], json!([]));
}
