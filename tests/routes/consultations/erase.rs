use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;
use xtask::users::Role;

use crate::support::{User, eventually, new_tenant, problem, read};

async fn erase(user: &User, accepted: &Value) -> Response {
    let path = format!("/v1/consultations/{}", accepted["id"].as_str().unwrap());
    user.delete(&path).send().await.unwrap()
}

/// A consultation with its assessment, which is cached.
async fn assessed(user: &User) -> Value {
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;
    user.outcome(&accepted).await;
    accepted
}

/// Every way to read a consultation.
fn paths(accepted: &Value) -> [String; 4] {
    let id = accepted["id"].as_str().unwrap();
    let job = accepted["job_id"].as_str().unwrap();
    [
        format!("/v1/consultations/{id}"),
        format!("/v1/consultations/{id}/messages"),
        format!("/v1/consultations/{id}/export"),
        format!("/v1/jobs/{job}"),
    ]
}

#[tokio::test]
async fn an_erased_consultation_is_nowhere_at_once_and_its_job_ends() {
    let user = User::new().await;
    let accepted = assessed(&user).await;
    let kept = assessed(&user).await;

    let answer = erase(&user, &accepted).await;
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let erased = read(answer, StatusCode::ACCEPTED).await;
    let job = erased["job_id"].as_str().unwrap();
    assert_eq!(location, format!("/v1/jobs/{job}"));
    assert_eq!(erased["consultation_id"], accepted["id"]);
    for path in paths(&accepted) {
        problem(user.get(&path).send().await.unwrap(), StatusCode::NOT_FOUND).await;
    }
    assert_eq!(user.count().await, 1, "the other one stays");
    user.outcome(&kept).await;

    let done = eventually("the job ends", async || {
        let job = read(user.get(&location).send().await.unwrap(), StatusCode::OK).await;
        (job["state"] == "completed").then_some(job)
    })
    .await;
    assert_eq!(done["kind"], "erase_consultation");

    // A client that has not heard of it asks again.
    let again = read(erase(&user, &accepted).await, StatusCode::ACCEPTED).await;
    assert_eq!(again, erased);
}

#[tokio::test]
async fn a_consultation_is_erased_while_it_is_being_processed() {
    let user = User::new().await;
    let accepted = user.complain("a cough [primary:slow]").await;
    read(erase(&user, &accepted).await, StatusCode::ACCEPTED).await;
    for path in paths(&accepted) {
        problem(user.get(&path).send().await.unwrap(), StatusCode::NOT_FOUND).await;
    }
}

#[tokio::test]
async fn only_the_owner_and_admins_erase() {
    let tenant = new_tenant();
    let owner = User::of(&tenant, "patient", Role::Patient).await;
    let accepted = owner.complain("a headache").await;
    let clinician = User::of(&tenant, "clinician", Role::Clinician).await;
    let refused = problem(erase(&clinician, &accepted).await, StatusCode::FORBIDDEN).await;
    assert!(refused["detail"].as_str().unwrap().contains("admins"));

    let strangers = [
        User::of(&tenant, "other", Role::Patient).await,
        User::of(&new_tenant(), "patient", Role::Patient).await,
        User::of(&new_tenant(), "admin", Role::Admin).await,
    ];
    for stranger in strangers {
        problem(erase(&stranger, &accepted).await, StatusCode::NOT_FOUND).await;
    }
    assert_eq!(owner.count().await, 1);

    let admin = User::of(&tenant, "admin", Role::Admin).await;
    read(erase(&admin, &accepted).await, StatusCode::ACCEPTED).await;
    assert_eq!(owner.count().await, 0);
    problem(erase(&clinician, &accepted).await, StatusCode::FORBIDDEN).await;

    let missing = json!({ "id": Uuid::now_v7().to_string() });
    problem(erase(&admin, &missing).await, StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn an_erasure_cannot_be_cancelled() {
    let user = User::new().await;
    let accepted = assessed(&user).await;
    let erased = read(erase(&user, &accepted).await, StatusCode::ACCEPTED).await;

    let path = format!("/v1/jobs/{}/cancel", erased["job_id"].as_str().unwrap());
    let refused = user.post(&path).send().await.unwrap();
    let refused = problem(refused, StatusCode::CONFLICT).await;
    assert!(refused["detail"].as_str().unwrap().contains("erasure"));
}
