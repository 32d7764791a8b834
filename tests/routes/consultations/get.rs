use reqwest::{Response, StatusCode};
use serde_json::Value;
use uuid::Uuid;
use xtask::users::Role;

use crate::support::{User, new_tenant, problem, read};

fn path(accepted: &Value) -> String {
    format!("/v1/consultations/{}", accepted["id"].as_str().unwrap())
}

async fn get(user: &User, path: &str) -> Response {
    user.get(path).send().await.unwrap()
}

async fn get_unless_held(user: &User, path: &str, tag: &str) -> Response {
    let request = user.get(path).header("if-none-match", tag);
    request.send().await.unwrap()
}

fn tag_of(answer: &Response) -> String {
    answer.headers()["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn waiting_returns_the_assessment_when_it_is_there() {
    let user = User::new().await;
    let accepted = user.complain("a dull headache for three days").await;

    let consultation = user.outcome(&accepted).await;
    assert_eq!(consultation["status"], "completed");
    assert_eq!(consultation["assessment"]["served_by"]["tier"], "primary");
    assert_eq!(consultation["job_id"], accepted["job_id"]);
    assert_eq!(consultation["triage"]["urgency"], accepted["urgency"]);
}

#[tokio::test]
async fn waiting_ends_with_the_present_state_when_the_time_is_up() {
    let user = User::new().await;
    let complaint = "a headache [primary:silent] [secondary:silent]";
    let accepted = user.complain(complaint).await;

    let answer = get(&user, &format!("{}?wait=1", path(&accepted))).await;
    let now = read(answer, StatusCode::OK).await;
    assert_eq!(now["status"], "processing");

    let later = user.outcome(&accepted).await;
    let reason = &later["assessment"]["degraded_reason"];
    assert_eq!(reason, "all_ai_tiers_failed");
}

#[tokio::test]
async fn a_wait_outside_its_range_is_refused() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;

    for wait in ["21", "-1", "soon", "1.5", ""] {
        let answer = get(&user, &format!("{}?wait={wait}", path(&accepted))).await;
        let said = problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(said["errors"][0]["field"], "wait");
    }
}

#[tokio::test]
async fn a_representation_that_the_caller_holds_is_not_sent_again() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;
    let path = path(&accepted);

    let first = get(&user, &path).await;
    let tag = tag_of(&first);
    assert_eq!(first.headers()["cache-control"], "private, no-cache");

    let again = get_unless_held(&user, &path, &tag).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(again.headers()["etag"], tag);

    let other = get_unless_held(&user, &path, "\"other\"").await;
    assert_eq!(other.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_tag_changes_when_the_assessment_arrives() {
    let user = User::new().await;
    let silent = "a headache [primary:silent] [secondary:silent]";
    let accepted = user.complain(silent).await;
    let path = path(&accepted);

    let tag = tag_of(&get(&user, &path).await);
    user.outcome(&accepted).await;
    let after = get_unless_held(&user, &path, &tag).await;
    assert_eq!(after.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_consultation_is_its_patients_and_their_clinicians() {
    let patient = User::new().await;
    let accepted = patient.complain("a headache").await;
    let path = path(&accepted);

    let clinician = User::of(&patient.tenant, "doctor", Role::Clinician).await;
    let admin = User::of(&patient.tenant, "chief", Role::Admin).await;
    for user in [&clinician, &admin] {
        assert_eq!(get(user, &path).await.status(), StatusCode::OK);
    }

    let other = User::of(&patient.tenant, "other", Role::Patient).await;
    let stranger = User::of(&new_tenant(), "chief", Role::Admin).await;
    for user in [&other, &stranger] {
        problem(get(user, &path).await, StatusCode::NOT_FOUND).await;
    }
}

#[tokio::test]
async fn what_does_not_exist_looks_like_what_is_not_yours() {
    let user = User::new().await;
    let unknown = format!("/v1/consultations/{}", Uuid::now_v7());
    let accepted = User::new().await.complain("a headache").await;

    let missing = problem(get(&user, &unknown).await, StatusCode::NOT_FOUND).await;
    let foreign = get(&user, &path(&accepted)).await;
    let foreign = problem(foreign, StatusCode::NOT_FOUND).await;
    assert_eq!(missing["title"], foreign["title"]);
    assert_eq!(missing["detail"], foreign["detail"]);

    let garbage = get(&user, "/v1/consultations/'; DROP TABLE jobs--").await;
    problem(garbage, StatusCode::NOT_FOUND).await;
}
