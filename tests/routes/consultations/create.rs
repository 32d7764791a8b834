use futures::future::join_all;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sqlx::FromRow;
use xtask::users::Role;

use crate::support::{User, database, problem, read};

async fn post(user: &User, body: &Value) -> Response {
    let request = user.post("/v1/consultations").json(body);
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_complaint_is_accepted_with_the_rules_verdict_at_once() {
    let user = User::new().await;
    let body = json!({
        "symptoms": "胸痛，放射到左臂，出冷汗",
        "age": 58,
        "sex": "male",
        "history": "高血压",
    });

    let answer = post(&user, &body).await;
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let accepted = read(answer, StatusCode::ACCEPTED).await;
    let id = accepted["id"].as_str().unwrap();
    assert_eq!(location, format!("/v1/consultations/{id}"));

    assert_eq!(accepted["status"], "processing");
    assert_eq!(accepted["urgency"], "emergency");
    let advice = accepted["advice"].as_str().unwrap();
    assert!(advice.contains("120"), "{accepted}");
    let source = accepted["red_flags"][0]["source"]["url"].as_str().unwrap();
    assert!(source.starts_with("https://"), "{accepted}");
    assert!(accepted["job_id"].is_string() && accepted["disclaimer"].is_string());

    let stored = read(user.get(&location).send().await.unwrap(), StatusCode::OK).await;
    for field in ["symptoms", "age", "sex", "history"] {
        assert_eq!(stored[field], body[field], "{field}");
    }
}

#[tokio::test]
async fn a_denied_symptom_is_no_red_flag() {
    let user = User::new().await;
    let accepted = user.complain("没有胸痛，只是咳嗽").await;
    assert_eq!(accepted["red_flags"], json!([]), "{accepted}");
    assert_ne!(accepted["urgency"], "emergency");
}

#[derive(FromRow)]
struct JobRow {
    kind: String,
    state: String,
    is_in_outbox: bool,
}

/// The outbox row, which announces the job, ends with it.
#[tokio::test]
async fn the_job_is_recorded_with_the_consultation() {
    let user = User::new().await;
    let accepted = user.complain("a sore throat since yesterday").await;
    user.outcome(&accepted).await;

    let sql = "SELECT j.kind, j.state, o.job_id IS NOT NULL AS is_in_outbox
               FROM jobs j
               LEFT JOIN outbox o ON (o.tenant_id, o.job_id) = (j.tenant_id, j.id)
               WHERE j.tenant_id = $1 AND j.id = $2::uuid";
    let job: JobRow = sqlx::query_as(sql)
        .bind(&user.tenant)
        .bind(accepted["job_id"].as_str().unwrap())
        .fetch_one(&mut database().await)
        .await
        .unwrap();
    assert_eq!(job.kind, "analyze");
    assert_eq!(job.state, "completed");
    assert!(!job.is_in_outbox, "the outbox forgets a job that has ended");
}

async fn post_with_key(user: &User, key: &str, body: &Value) -> Response {
    user.post("/v1/consultations")
        .header("idempotency-key", key)
        .json(body)
        .send()
        .await
        .unwrap()
}

async fn accepted_with_key(user: &User, key: &str, body: &Value) -> Value {
    let answer = post_with_key(user, key, body).await;
    read(answer, StatusCode::ACCEPTED).await
}

/// And there is one consultation.
#[tokio::test]
async fn the_same_key_and_body_get_the_same_answer() {
    let user = User::new().await;
    let body = json!({ "symptoms": "胸痛，放射到左臂，出冷汗", "age": 58 });

    let first = accepted_with_key(&user, "key-1", &body).await;
    user.outcome(&first).await;
    let again = accepted_with_key(&user, "key-1", &body).await;
    assert_eq!(first, again, "also when the assessment is there by then");
    assert_eq!(user.count().await, 1);
}

/// Requests with one key that arrive together.
#[tokio::test]
async fn simultaneous_requests_with_one_key_create_one_consultation() {
    let user = User::new().await;
    let body = json!({ "symptoms": "dizzy since this morning" });

    let calls = (0..8).map(|_| accepted_with_key(&user, "together", &body));
    let bodies = join_all(calls).await;
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    assert_eq!(user.count().await, 1);
}

#[tokio::test]
async fn a_key_used_for_another_body_is_refused() {
    let user = User::new().await;
    accepted_with_key(&user, "key-2", &json!({ "symptoms": "cough" })).await;

    let refused = post_with_key(&user, "key-2", &json!({ "symptoms": "fever" })).await;
    problem(refused, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(user.count().await, 1);
}

#[tokio::test]
async fn a_key_is_its_users_own() {
    let one = User::new().await;
    let other = User::of(&one.tenant, "other", Role::Patient).await;
    let body = json!({ "symptoms": "cough" });

    let first = accepted_with_key(&one, "shared", &body).await;
    let second = accepted_with_key(&other, "shared", &body).await;
    assert_ne!(first["id"], second["id"]);
}

struct WrongBody {
    body: Value,
    field: &'static str,
}

fn wrong_bodies() -> Vec<WrongBody> {
    let long = "痛".repeat(8_001);
    let upload = ["0199c0de-0000-7000-8000-000000000000"];

    let wrong = |field, body| WrongBody { body, field };
    vec![
        wrong("symptoms", json!({})),
        wrong("symptoms", json!({ "symptoms": "" })),
        wrong("symptoms", json!({ "symptoms": " \n\t\u{3000}" })),
        wrong(
            "symptoms",
            json!({ "symptoms": "\u{200b}\u{2060}\u{3164}" }),
        ),
        wrong(
            "symptoms",
            json!({ "symptoms": "\u{fe0f}\u{2800}&nbsp;<br>" }),
        ),
        wrong("symptoms", json!({ "symptoms": long })),
        wrong("symptoms", json!({ "symptoms": "pain\u{0}" })),
        wrong("symptoms", json!({ "symptoms": 7 })),
        wrong("symptoms", json!({ "symptoms": null })),
        wrong("symptoms", json!({ "symptoms": ["pain"] })),
        wrong("age", json!({ "symptoms": "x", "age": -1 })),
        wrong("age", json!({ "symptoms": "x", "age": 131 })),
        wrong("age", json!({ "symptoms": "x", "age": 4.5 })),
        wrong("age", json!({ "symptoms": "x", "age": "four" })),
        wrong("sex", json!({ "symptoms": "x", "sex": "unknown" })),
        wrong("history", json!({ "symptoms": "x", "history": " " })),
        wrong(
            "history",
            json!({ "symptoms": "x", "history": "\u{200d}\u{feff}" }),
        ),
        wrong("locale", json!({ "symptoms": "x", "locale": "fr" })),
        wrong(
            "attachments[0]",
            json!({ "symptoms": "x", "attachments": upload }),
        ),
        wrong(
            "attachments[0]",
            json!({ "symptoms": "x", "attachments": ["no id"] }),
        ),
        wrong(
            "attachments",
            json!({ "symptoms": "x", "attachments": [upload[0], upload[0]] }),
        ),
        wrong(
            "tenant_id",
            json!({ "symptoms": "x", "tenant_id": "other" }),
        ),
        wrong("the body", json!(["symptoms"])),
    ]
}

#[tokio::test]
async fn bad_input_is_explained_and_writes_nothing() {
    let user = User::new().await;

    for wrong in wrong_bodies() {
        let answer = post(&user, &wrong.body).await;
        let said = problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(said["errors"][0]["field"], wrong.field, "{said}");
    }
    assert_eq!(user.count().await, 0);
}

#[tokio::test]
async fn every_broken_rule_is_named_at_once() {
    let user = User::new().await;
    let answer = post(&user, &json!({ "symptoms": " ", "age": 200 })).await;

    let said = problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(said["errors"].as_array().unwrap().len(), 2, "{said}");
}

struct UnreadableBody {
    body: String,
    content_type: &'static str,
    status: StatusCode,
}

fn unreadable_bodies() -> Vec<UnreadableBody> {
    let large = json!({ "symptoms": "x", "history": "y".repeat(70_000) }).to_string();
    let json_type = "application/json";

    let unreadable = |status, content_type, body: &str| UnreadableBody {
        body: body.to_owned(),
        content_type,
        status,
    };
    vec![
        unreadable(StatusCode::BAD_REQUEST, json_type, r#"{"symptoms":"#),
        unreadable(StatusCode::BAD_REQUEST, json_type, ""),
        unreadable(
            StatusCode::BAD_REQUEST,
            json_type,
            r#"{"symptoms":"x"} trailing"#,
        ),
        unreadable(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "text/plain",
            r#"{"symptoms":"x"}"#,
        ),
        unreadable(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "application/x-www-form-urlencoded",
            "symptoms=x",
        ),
        unreadable(StatusCode::PAYLOAD_TOO_LARGE, json_type, &large),
    ]
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_by_its_fault() {
    let user = User::new().await;

    for unreadable in unreadable_bodies() {
        let request = user
            .post("/v1/consultations")
            .header("content-type", unreadable.content_type)
            .body(unreadable.body);
        problem(request.send().await.unwrap(), unreadable.status).await;
    }

    let body = json!({ "symptoms": "x" });
    let refused = post_with_key(&user, "a key with spaces", &body).await;
    problem(refused, StatusCode::BAD_REQUEST).await;
    assert_eq!(user.count().await, 0);
}

#[tokio::test]
async fn the_language_is_the_complaints_unless_another_is_asked_for() {
    let user = User::new().await;

    let zh = user.complain("嗓子疼两天了").await;
    assert!(!zh["advice"].as_str().unwrap().is_ascii());

    let body = json!({ "symptoms": "嗓子疼两天了", "locale": "en-GB" });
    let en = read(post(&user, &body).await, StatusCode::ACCEPTED).await;
    assert!(en["disclaimer"].as_str().unwrap().is_ascii(), "{en}");
}
