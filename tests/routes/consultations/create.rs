use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use xtask::users::Role;

use crate::support::{User, database, problem, read};

#[tokio::test]
async fn a_complaint_is_accepted_with_the_rules_verdict_at_once() {
    let user = User::new().await;
    let body = json!({ "symptoms": "胸痛，放射到左臂，出冷汗", "age": 58, "sex": "male", "history": "高血压" });
    let answer = user
        .post("/v1/consultations")
        .json(&body)
        .send()
        .await
        .unwrap();
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let accepted = read(answer, StatusCode::ACCEPTED).await;
    assert_eq!(
        location,
        format!("/v1/consultations/{}", accepted["id"].as_str().unwrap())
    );
    assert_eq!(accepted["status"], "processing");
    assert_eq!(accepted["urgency"], "emergency");
    assert!(
        accepted["advice"].as_str().unwrap().contains("120"),
        "{accepted}"
    );
    assert!(
        accepted["red_flags"][0]["source"]["url"]
            .as_str()
            .unwrap()
            .starts_with("https://"),
        "{accepted}"
    );
    assert!(accepted["job_id"].is_string() && accepted["disclaimer"].is_string());
    let stored = read(user.get(&location).send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(stored["symptoms"], body["symptoms"]);
    assert_eq!(
        (&stored["age"], &stored["sex"], &stored["history"]),
        (&body["age"], &body["sex"], &body["history"])
    );
}

#[tokio::test]
async fn a_denied_symptom_is_no_red_flag() {
    let user = User::new().await;
    let accepted = user.complain("没有胸痛，只是咳嗽").await;
    assert_eq!(accepted["red_flags"], json!([]), "{accepted}");
    assert_ne!(accepted["urgency"], "emergency");
}

#[tokio::test]
async fn the_job_is_recorded_with_the_consultation_and_its_announcement_ends_with_it() {
    let user = User::new().await;
    let accepted = user.complain("a sore throat since yesterday").await;
    user.outcome(&accepted).await;
    let (kind, state, is_announced): (String, String, bool) = sqlx::query_as(
        "SELECT j.kind, j.state, o.job_id IS NOT NULL FROM jobs j
         LEFT JOIN outbox o ON (o.tenant_id, o.job_id) = (j.tenant_id, j.id) WHERE j.tenant_id = $1 AND j.id = $2::uuid",
    )
    .bind(&user.tenant)
    .bind(accepted["job_id"].as_str().unwrap())
    .fetch_one(&mut database().await)
    .await
    .unwrap();
    assert_eq!((kind.as_str(), state.as_str()), ("analyze", "completed"));
    assert!(!is_announced, "the outbox forgets a job that has ended");
}

async fn with_key(user: &User, key: &str, body: &Value) -> reqwest::Response {
    user.post("/v1/consultations")
        .header("idempotency-key", key)
        .json(body)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn the_same_key_and_body_get_the_same_answer_and_one_consultation() {
    let user = User::new().await;
    let body = json!({ "symptoms": "胸痛，放射到左臂，出冷汗", "age": 58 });
    let first = read(with_key(&user, "key-1", &body).await, StatusCode::ACCEPTED).await;
    user.outcome(&first).await;
    let again = read(with_key(&user, "key-1", &body).await, StatusCode::ACCEPTED).await;
    assert_eq!(first, again, "also when the assessment is there by then");
    assert_eq!(user.count().await, 1);
}

#[tokio::test]
async fn requests_with_one_key_that_arrive_together_create_one_consultation() {
    let user = User::new().await;
    let body = json!({ "symptoms": "dizzy since this morning" });
    let answers = join_all((0..8).map(|_| with_key(&user, "together", &body))).await;
    let bodies = join_all(
        answers
            .into_iter()
            .map(|answer| read(answer, StatusCode::ACCEPTED)),
    )
    .await;
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    assert_eq!(user.count().await, 1);
}

#[tokio::test]
async fn a_key_used_for_another_body_is_refused() {
    let user = User::new().await;
    read(
        with_key(&user, "key-2", &json!({ "symptoms": "cough" })).await,
        StatusCode::ACCEPTED,
    )
    .await;
    let refused = with_key(&user, "key-2", &json!({ "symptoms": "fever" })).await;
    problem(refused, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(user.count().await, 1);
}

#[tokio::test]
async fn a_key_is_its_users_own() {
    let one = User::new().await;
    let other = User::of(&one.tenant, "other", Role::Patient).await;
    let body = json!({ "symptoms": "cough" });
    let first = read(with_key(&one, "shared", &body).await, StatusCode::ACCEPTED).await;
    let second = read(
        with_key(&other, "shared", &body).await,
        StatusCode::ACCEPTED,
    )
    .await;
    assert_ne!(first["id"], second["id"]);
}

#[tokio::test]
async fn bad_input_is_explained_and_writes_nothing() {
    let user = User::new().await;
    let long = "痛".repeat(8_001);
    let upload = ["0199c0de-0000-7000-8000-000000000000"];
    let cases: Vec<(Value, &str)> = vec![
        (json!({}), "symptoms"),
        (json!({ "symptoms": "" }), "symptoms"),
        (json!({ "symptoms": " \n\t\u{3000}" }), "symptoms"),
        (json!({ "symptoms": long }), "symptoms"),
        (json!({ "symptoms": "pain\u{0}" }), "symptoms"),
        (json!({ "symptoms": 7 }), "symptoms"),
        (json!({ "symptoms": null }), "symptoms"),
        (json!({ "symptoms": ["pain"] }), "symptoms"),
        (json!({ "symptoms": "x", "age": -1 }), "age"),
        (json!({ "symptoms": "x", "age": 131 }), "age"),
        (json!({ "symptoms": "x", "age": 4.5 }), "age"),
        (json!({ "symptoms": "x", "age": "four" }), "age"),
        (json!({ "symptoms": "x", "sex": "unknown" }), "sex"),
        (json!({ "symptoms": "x", "history": " " }), "history"),
        (json!({ "symptoms": "x", "locale": "fr" }), "locale"),
        (
            json!({ "symptoms": "x", "attachments": upload }),
            "attachments",
        ),
        (
            json!({ "symptoms": "x", "attachments": ["no id"] }),
            "attachments[0]",
        ),
        (
            json!({ "symptoms": "x", "tenant_id": "other" }),
            "tenant_id",
        ),
        (json!(["symptoms"]), "the body"),
    ];
    for (body, field) in cases {
        let answer = user
            .post("/v1/consultations")
            .json(&body)
            .send()
            .await
            .unwrap();
        let said = problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(said["errors"][0]["field"], field, "{said}");
    }
    assert_eq!(user.count().await, 0);
}

#[tokio::test]
async fn every_broken_rule_is_named_at_once() {
    let user = User::new().await;
    let body = json!({ "symptoms": " ", "age": 200 });
    let answer = user
        .post("/v1/consultations")
        .json(&body)
        .send()
        .await
        .unwrap();
    let said = problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(said["errors"].as_array().unwrap().len(), 2, "{said}");
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_by_its_fault() {
    let user = User::new().await;
    let large = json!({ "symptoms": "x", "history": "y".repeat(70_000) }).to_string();
    let json_type = "application/json";
    let cases = [
        ("{\"symptoms\":", json_type, StatusCode::BAD_REQUEST),
        ("", json_type, StatusCode::BAD_REQUEST),
        (
            "{\"symptoms\":\"x\"} trailing",
            json_type,
            StatusCode::BAD_REQUEST,
        ),
        (
            "{\"symptoms\":\"x\"}",
            "text/plain",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            "symptoms=x",
            "application/x-www-form-urlencoded",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (large.as_str(), json_type, StatusCode::PAYLOAD_TOO_LARGE),
    ];
    for (body, content_type, status) in cases {
        let request = user
            .post("/v1/consultations")
            .header("content-type", content_type)
            .body(body.to_owned());
        problem(request.send().await.unwrap(), status).await;
    }
    let key = with_key(&user, "a key with spaces", &json!({ "symptoms": "x" })).await;
    problem(key, StatusCode::BAD_REQUEST).await;
    assert_eq!(user.count().await, 0);
}

#[tokio::test]
async fn the_language_is_the_complaints_unless_another_is_asked_for() {
    let user = User::new().await;
    let zh = user.complain("嗓子疼两天了").await;
    let body = json!({ "symptoms": "嗓子疼两天了", "locale": "en-GB" });
    let en = read(
        user.post("/v1/consultations")
            .json(&body)
            .send()
            .await
            .unwrap(),
        StatusCode::ACCEPTED,
    )
    .await;
    assert!(!zh["advice"].as_str().unwrap().is_ascii());
    assert!(en["disclaimer"].as_str().unwrap().is_ascii(), "{en}");
}
