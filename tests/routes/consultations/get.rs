use reqwest::StatusCode;
use serde_json::Value;
use uuid::Uuid;
use xtask::users::Role;

use crate::support::{User, new_tenant, problem, read};

fn path(accepted: &Value) -> String {
    format!("/v1/consultations/{}", accepted["id"].as_str().unwrap())
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
    let accepted = user
        .complain("a headache [primary:silent] [secondary:silent]")
        .await;
    let now = read(
        user.get(&format!("{}?wait=1", path(&accepted)))
            .send()
            .await
            .unwrap(),
        StatusCode::OK,
    )
    .await;
    assert_eq!(now["status"], "processing");
    assert_eq!(
        user.outcome(&accepted).await["assessment"]["degraded_reason"],
        "all_ai_tiers_failed"
    );
}

#[tokio::test]
async fn a_wait_outside_its_range_is_refused() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;
    for wait in ["21", "-1", "soon", "1.5", ""] {
        let answer = user
            .get(&format!("{}?wait={wait}", path(&accepted)))
            .send()
            .await
            .unwrap();
        let said = problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(said["errors"][0]["field"], "wait");
    }
}

#[tokio::test]
async fn a_representation_that_the_caller_holds_is_not_sent_again() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;
    let first = user.get(&path(&accepted)).send().await.unwrap();
    let tag = first.headers()["etag"].clone();
    assert_eq!(first.headers()["cache-control"], "private, no-cache");
    let again = user
        .get(&path(&accepted))
        .header("if-none-match", &tag)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(again.headers()["etag"], tag);
    let other = user
        .get(&path(&accepted))
        .header("if-none-match", "\"other\"")
        .send()
        .await
        .unwrap();
    assert_eq!(other.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_tag_changes_when_the_assessment_arrives() {
    let user = User::new().await;
    let accepted = user.complain("a headache [primary:silent]").await;
    let before = user.get(&path(&accepted)).send().await.unwrap().headers()["etag"].clone();
    user.outcome(&accepted).await;
    let after = user
        .get(&path(&accepted))
        .header("if-none-match", before)
        .send()
        .await
        .unwrap();
    assert_eq!(after.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_consultation_is_its_patients_and_their_clinicians() {
    let patient = User::new().await;
    let accepted = patient.complain("a headache").await;
    let other = User::of(&patient.tenant, "other", Role::Patient).await;
    let clinician = User::of(&patient.tenant, "doctor", Role::Clinician).await;
    let admin = User::of(&patient.tenant, "chief", Role::Admin).await;
    let stranger = User::of(&new_tenant(), "chief", Role::Admin).await;
    for (user, status) in [(&clinician, StatusCode::OK), (&admin, StatusCode::OK)] {
        assert_eq!(
            user.get(&path(&accepted)).send().await.unwrap().status(),
            status
        );
    }
    for user in [&other, &stranger] {
        problem(
            user.get(&path(&accepted)).send().await.unwrap(),
            StatusCode::NOT_FOUND,
        )
        .await;
    }
}

#[tokio::test]
async fn what_does_not_exist_looks_like_what_is_not_yours() {
    let user = User::new().await;
    let unknown = format!("/v1/consultations/{}", Uuid::now_v7());
    let accepted = User::new().await.complain("a headache").await;
    let missing = problem(
        user.get(&unknown).send().await.unwrap(),
        StatusCode::NOT_FOUND,
    )
    .await;
    let foreign = problem(
        user.get(&path(&accepted)).send().await.unwrap(),
        StatusCode::NOT_FOUND,
    )
    .await;
    assert_eq!(
        (&missing["title"], &missing["detail"]),
        (&foreign["title"], &foreign["detail"])
    );
    let garbage = user
        .get("/v1/consultations/'; DROP TABLE jobs--")
        .send()
        .await
        .unwrap();
    problem(garbage, StatusCode::NOT_FOUND).await;
}
