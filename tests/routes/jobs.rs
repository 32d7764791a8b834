//! `/v1/jobs`: looking at a job, calling it off, bringing failed ones back.

use reqwest::StatusCode;
use serde_json::{Value, json};
use xtask::users::Role;

use crate::support::{User, database, eventually, new_tenant, problem, read};

async fn job(user: &User, id: &Value) -> Value {
    read(
        user.get(&format!("/v1/jobs/{}", id.as_str().unwrap()))
            .send()
            .await
            .unwrap(),
        StatusCode::OK,
    )
    .await
}

async fn cancel(user: &User, id: &Value) -> reqwest::Response {
    user.post(&format!("/v1/jobs/{}/cancel", id.as_str().unwrap()))
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_job_says_how_far_it_is_until_it_has_ended() {
    let user = User::new().await;
    let accepted = user.complain("a headache [primary:late-1500]").await;
    let early = job(&user, &accepted["job_id"]).await;
    assert!(
        ["queued", "active"].contains(&early["state"].as_str().unwrap()),
        "{early}"
    );
    assert_eq!(
        (&early["kind"], &early["consultation_id"]),
        (&json!("analyze"), &accepted["id"])
    );
    assert!(early["progress"].as_i64().unwrap() < 100 && early["finished_at"].is_null());
    user.outcome(&accepted).await;
    let done = job(&user, &accepted["job_id"]).await;
    assert_eq!(
        (&done["state"], &done["progress"]),
        (&json!("completed"), &json!(100))
    );
    assert_eq!(
        (&done["attempts"], &done["max_attempts"], &done["error"]),
        (&json!(1), &json!(3), &Value::Null)
    );
    for time in ["created_at", "started_at", "finished_at"] {
        assert!(done[time].is_string(), "{time}: {done}");
    }
}

#[tokio::test]
async fn a_job_is_its_patients_and_their_clinicians() {
    let patient = User::new().await;
    let id = patient.complain("a headache").await["job_id"].clone();
    let clinician = User::of(&patient.tenant, "doctor", Role::Clinician).await;
    job(&clinician, &id).await;
    let other = User::of(&patient.tenant, "other", Role::Patient).await;
    let stranger = User::of(&new_tenant(), "chief", Role::Admin).await;
    for user in [&other, &stranger] {
        let path = format!("/v1/jobs/{}", id.as_str().unwrap());
        problem(user.get(&path).send().await.unwrap(), StatusCode::NOT_FOUND).await;
        problem(cancel(user, &id).await, StatusCode::NOT_FOUND).await;
    }
    problem(
        patient.get("/v1/jobs/no-id").send().await.unwrap(),
        StatusCode::NOT_FOUND,
    )
    .await;
}

#[tokio::test]
async fn a_job_that_is_called_off_ends_as_cancelled_and_its_consultation_with_it() {
    let user = User::new().await;
    let accepted = user
        .complain("a headache [primary:silent] [secondary:silent]")
        .await;
    let answer = read(cancel(&user, &accepted["job_id"]).await, StatusCode::OK).await;
    assert!(
        answer["state"] == "cancelled" || answer["cancel_requested"] == true,
        "{answer}"
    );
    let consultation = user.outcome(&accepted).await;
    assert_eq!(
        (&consultation["status"], &consultation["assessment"]),
        (&json!("cancelled"), &Value::Null)
    );
    assert_eq!(
        consultation["triage"]["urgency"], accepted["urgency"],
        "what the rules said stands"
    );
    assert_eq!(
        read(cancel(&user, &accepted["job_id"]).await, StatusCode::OK).await["state"],
        "cancelled"
    );
}

#[tokio::test]
async fn a_job_that_has_ended_cannot_be_called_off() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;
    let said = problem(
        cancel(&user, &accepted["job_id"]).await,
        StatusCode::CONFLICT,
    )
    .await;
    assert!(
        said["detail"].as_str().unwrap().contains("completed"),
        "{said}"
    );
}

#[tokio::test]
async fn a_consultation_that_requires_a_model_and_finds_none_fails_with_words_and_an_admin_brings_it_back()
 {
    let patient = User::new().await;
    let body = json!({ "symptoms": "头痛三天 [primary:prose] [secondary:prose]", "locale": "zh", "require_model": true });
    let accepted = read(
        patient
            .post("/v1/consultations")
            .json(&body)
            .send()
            .await
            .unwrap(),
        StatusCode::ACCEPTED,
    )
    .await;
    let failed = patient.outcome(&accepted).await;
    assert_eq!(
        (&failed["status"], &failed["failure"]["code"]),
        (&json!("failed"), &json!("models_failed")),
        "{failed}"
    );
    assert!(
        !failed["failure"]["message"].as_str().unwrap().is_ascii(),
        "in the patient's language: {failed}"
    );
    let seen = job(&patient, &accepted["job_id"]).await;
    assert_eq!(
        (&seen["state"], &seen["attempts"]),
        (&json!("failed"), &json!(3))
    );
    assert_eq!(seen["error"], failed["failure"]);

    let redrive = async |user: &User, query: &str| {
        user.post(&format!("/v1/jobs/redrive{query}"))
            .send()
            .await
            .unwrap()
    };
    problem(redrive(&patient, "").await, StatusCode::FORBIDDEN).await;
    let admin = User::of(&patient.tenant, "chief", Role::Admin).await;
    for limit in ["0", "1001", "x"] {
        let said = problem(
            redrive(&admin, &format!("?limit={limit}")).await,
            StatusCode::UNPROCESSABLE_ENTITY,
        )
        .await;
        assert_eq!(said["errors"][0]["field"], "limit");
    }
    // By now the model is able to answer.
    sqlx::query("UPDATE consultations SET symptoms = '头痛三天' WHERE tenant_id = $1")
        .bind(&patient.tenant)
        .execute(&mut database().await)
        .await
        .unwrap();
    let back = read(redrive(&admin, "?kind=analyze").await, StatusCode::OK).await;
    assert_eq!(back, json!({ "redriven": 1, "remaining": 0 }));
    let answered = patient.outcome(&accepted).await;
    assert_eq!(answered["status"], "completed", "{answered}");
    assert_eq!(answered["assessment"]["served_by"]["tier"], "primary");
    let done = eventually("the job is completed", async || {
        Some(job(&patient, &accepted["job_id"]).await).filter(|job| job["state"] == "completed")
    })
    .await;
    assert_eq!(
        (&done["attempts"], &done["error"]),
        (&json!(1), &Value::Null)
    );
}
