//! `/v1/jobs`: looking at a job, cancelling it, redriving failed ones.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use xtask::users::Role;

use crate::support::{User, database, eventually, new_tenant, problem, read};

async fn read_job(user: &User, id: &Value) -> Value {
    let path = format!("/v1/jobs/{}", id.as_str().unwrap());
    let answer = user.get(&path).send().await.unwrap();
    read(answer, StatusCode::OK).await
}

async fn cancel(user: &User, id: &Value) -> Response {
    let path = format!("/v1/jobs/{}/cancel", id.as_str().unwrap());
    user.post(&path).send().await.unwrap()
}

async fn redrive(user: &User, query: &str) -> Response {
    let path = format!("/v1/jobs/redrive{query}");
    user.post(&path).send().await.unwrap()
}

#[tokio::test]
async fn a_job_says_how_far_it_is_until_it_has_ended() {
    let user = User::new().await;
    let silent = "a headache [primary:silent] [secondary:silent]";
    let accepted = user.complain(silent).await;

    let early = read_job(&user, &accepted["job_id"]).await;
    let state = early["state"].as_str().unwrap();
    assert!(["queued", "active"].contains(&state), "{early}");
    assert_eq!(early["kind"], "analyze");
    assert_eq!(early["consultation_id"], accepted["id"]);
    assert!(early["progress"].as_i64().unwrap() < 100, "{early}");
    assert!(early["finished_at"].is_null(), "{early}");

    user.outcome(&accepted).await;
    let done = read_job(&user, &accepted["job_id"]).await;
    assert_eq!(done["state"], "completed");
    assert_eq!(done["progress"], 100);
    assert_eq!(done["attempts"], 1);
    assert_eq!(done["max_attempts"], 3);
    assert_eq!(done["error"], Value::Null);
    for time in ["created_at", "started_at", "finished_at"] {
        assert!(done[time].is_string(), "{time}: {done}");
    }
}

#[tokio::test]
async fn a_job_is_its_patients_and_their_clinicians() {
    let patient = User::new().await;
    let id = patient.complain("a headache").await["job_id"].clone();
    let clinician = User::of(&patient.tenant, "doctor", Role::Clinician).await;
    read_job(&clinician, &id).await;

    let other = User::of(&patient.tenant, "other", Role::Patient).await;
    let stranger = User::of(&new_tenant(), "chief", Role::Admin).await;
    for user in [&other, &stranger] {
        let path = format!("/v1/jobs/{}", id.as_str().unwrap());
        let answer = user.get(&path).send().await.unwrap();
        problem(answer, StatusCode::NOT_FOUND).await;
        problem(cancel(user, &id).await, StatusCode::NOT_FOUND).await;
    }

    let answer = patient.get("/v1/jobs/no-id").send().await.unwrap();
    problem(answer, StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn an_admin_reads_the_jobs_of_all_page_by_page_or_the_failed_ones() {
    let tenant = new_tenant();
    let patient = User::of(&tenant, "patient", Role::Patient).await;
    let admin = User::of(&tenant, "chief", Role::Admin).await;
    let good = patient.complain("a headache").await;
    patient.outcome(&good).await;
    let body = json!({
        "symptoms": "a headache [primary:prose] [secondary:prose]",
        "require_model": true,
    });
    let created = patient.post("/v1/consultations").json(&body).send().await;
    let bad = read(created.unwrap(), StatusCode::ACCEPTED).await;
    patient.outcome(&bad).await;

    let list = async |query: String| {
        let answer = admin.get(&format!("/v1/jobs{query}")).send().await.unwrap();
        read(answer, StatusCode::OK).await
    };
    let first = list("?limit=1".to_owned()).await;
    assert_eq!(first["items"][0]["id"], bad["job_id"], "the newest one");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = list(format!("?limit=1&cursor={cursor}")).await;
    assert_eq!(second["items"][0]["id"], good["job_id"]);
    assert_eq!(second["next_cursor"], Value::Null);

    let failed = list("?state=failed".to_owned()).await;
    let [job] = &failed["items"].as_array().unwrap()[..] else {
        panic!("one has failed: {failed}");
    };
    assert_eq!(job["id"], bad["job_id"]);
    assert_eq!(job["error"]["code"], "models_failed");

    for query in ["?state=active", "?kind=analyze"] {
        let answer = admin.get(&format!("/v1/jobs{query}")).send().await.unwrap();
        problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let stranger = User::of(&new_tenant(), "chief", Role::Admin).await;
    let answer = stranger.get("/v1/jobs").send().await.unwrap();
    assert_eq!(read(answer, StatusCode::OK).await["items"], json!([]));
}

#[tokio::test]
async fn a_cancelled_job_cancels_its_consultation() {
    let user = User::new().await;
    let silent = "a headache [primary:silent] [secondary:silent]";
    // A run learns of it when it renews its lease. One that was asked later ends by itself.
    let (accepted, consultation) = eventually("a cancel comes in time", async || {
        let accepted = user.complain(silent).await;
        let answer = cancel(&user, &accepted["job_id"]).await;
        if answer.status() == StatusCode::CONFLICT {
            return None;
        }
        let answer = read(answer, StatusCode::OK).await;
        let is_at_once = answer["state"] == "cancelled";
        assert!(is_at_once || answer["cancel_requested"] == true, "{answer}");

        let consultation = user.outcome(&accepted).await;
        (consultation["status"] == "cancelled").then_some((accepted, consultation))
    })
    .await;
    assert_eq!(consultation["assessment"], Value::Null);
    let urgency = &consultation["triage"]["urgency"];
    assert_eq!(*urgency, accepted["urgency"], "what the rules said stands");

    let again = read(cancel(&user, &accepted["job_id"]).await, StatusCode::OK).await;
    assert_eq!(again["state"], "cancelled");
}

#[tokio::test]
async fn a_job_that_has_ended_cannot_be_cancelled() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;

    let answer = cancel(&user, &accepted["job_id"]).await;
    let conflict = problem(answer, StatusCode::CONFLICT).await;
    let detail = conflict["detail"].as_str().unwrap();
    assert!(detail.contains("completed"), "{conflict}");
}

/// A consultation that requires a model and finds none fails, with words for the patient, until an
/// admin redrives it.
#[tokio::test]
async fn an_admin_redrives_a_consultation_without_its_model() {
    let patient = User::new().await;
    let body = json!({
        "symptoms": "头痛三天 [primary:prose] [secondary:prose]",
        "locale": "zh",
        "require_model": true,
    });
    let create = patient.post("/v1/consultations").json(&body);
    let accepted = read(create.send().await.unwrap(), StatusCode::ACCEPTED).await;

    let failed = patient.outcome(&accepted).await;
    assert_eq!(failed["status"], "failed", "{failed}");
    assert_eq!(failed["failure"]["code"], "models_failed", "{failed}");
    let message = failed["failure"]["message"].as_str().unwrap();
    assert!(!message.is_ascii(), "in the patient's language: {failed}");

    let job = read_job(&patient, &accepted["job_id"]).await;
    assert_eq!(job["state"], "failed");
    assert_eq!(job["attempts"], 3);
    assert_eq!(job["error"], failed["failure"]);

    problem(redrive(&patient, "").await, StatusCode::FORBIDDEN).await;
    let admin = User::of(&patient.tenant, "chief", Role::Admin).await;
    for limit in ["0", "1001", "x"] {
        let answer = redrive(&admin, &format!("?limit={limit}")).await;
        let refused = problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(refused["errors"][0]["field"], "limit");
    }

    for query in ["?kinds=analyze", "?kind=", "?kind=report", "?x=1"] {
        let answer = redrive(&admin, query).await;
        problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
    }

    // By now the model is able to answer.
    let mend = "UPDATE consultations SET symptoms = '头痛三天' WHERE tenant_id = $1";
    let mended = sqlx::query(mend).bind(&patient.tenant);
    mended.execute(&mut database().await).await.unwrap();
    let redriven = read(redrive(&admin, "?kind=analyze").await, StatusCode::OK).await;
    assert_eq!(redriven, json!({ "redriven": 1, "remaining": 0 }));

    let answered = patient.outcome(&accepted).await;
    assert_eq!(answered["status"], "completed", "{answered}");
    assert_eq!(answered["assessment"]["served_by"]["tier"], "primary");
    let done = eventually("the job is completed", async || {
        Some(read_job(&patient, &accepted["job_id"]).await)
            .filter(|job| job["state"] == "completed")
    })
    .await;
    assert_eq!(
        (&done["attempts"], &done["error"]),
        (&json!(1), &Value::Null)
    );
}

/// The further message is answered instead.
#[tokio::test]
async fn a_failed_job_is_not_brought_back_after_a_further_message() {
    let tenant = new_tenant();
    let patient = User::of(&tenant, "patient", Role::Patient).await;
    let admin = User::of(&tenant, "chief", Role::Admin).await;
    let body = json!({
        "symptoms": "a headache [primary:prose] [secondary:prose]",
        "require_model": true,
    });
    let created = patient.post("/v1/consultations").json(&body).send().await;
    let failed = read(created.unwrap(), StatusCode::ACCEPTED).await;
    patient.outcome(&failed).await;
    let list = async || {
        let answer = admin.get("/v1/jobs?state=failed").send().await.unwrap();
        let page = read(answer, StatusCode::OK).await;
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(list().await, 1);

    let path = format!(
        "/v1/consultations/{}/messages",
        failed["id"].as_str().unwrap()
    );
    let message = patient
        .post(&path)
        .json(&json!({ "text": "it is better now" }));
    read(message.send().await.unwrap(), StatusCode::ACCEPTED).await;
    assert_eq!(list().await, 0);
    let redriven = read(redrive(&admin, "").await, StatusCode::OK).await;
    assert_eq!(redriven["redriven"], 0);
}
