use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;
use xtask::users::Role;

use crate::support::{STACK, User, eventually, new_tenant, problem, read};

fn path(accepted: &Value) -> String {
    format!(
        "/v1/consultations/{}/report",
        accepted["id"].as_str().unwrap()
    )
}

async fn ask(user: &User, accepted: &Value) -> Value {
    read(
        user.post(&path(accepted)).send().await.unwrap(),
        StatusCode::ACCEPTED,
    )
    .await
}

/// The consultation, once it has a report.
async fn reported(user: &User, accepted: &Value) -> Value {
    eventually("the report", async || {
        let path = format!("/v1/consultations/{}", accepted["id"].as_str().unwrap());
        let consultation = read(user.get(&path).send().await.unwrap(), StatusCode::OK).await;
        Some(consultation).filter(|consultation| consultation["report"].is_object())
    })
    .await
}

async fn open(url: &Value) -> reqwest::Response {
    let client = reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    client.get(url.as_str().unwrap()).send().await.unwrap()
}

#[tokio::test]
async fn a_report_is_written_and_the_consultation_links_to_it() {
    let user = User::new().await;
    let body = json!({ "symptoms": "胸痛，放射到左臂\n<script>alert(1)</script> **出冷汗**", "age": 58, "sex": "male" });
    let accepted = read(
        user.post("/v1/consultations")
            .json(&body)
            .send()
            .await
            .unwrap(),
        StatusCode::ACCEPTED,
    )
    .await;
    user.outcome(&accepted).await;
    // The cache has it without a report by now.
    let before = user.outcome(&accepted).await;
    assert_eq!(before["report"], Value::Null);
    let answer = user.post(&path(&accepted)).send().await.unwrap();
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let asked = read(answer, StatusCode::ACCEPTED).await;
    assert_eq!(
        location,
        format!("/v1/jobs/{}", asked["job_id"].as_str().unwrap())
    );
    assert_eq!(asked["consultation_id"], accepted["id"]);
    let consultation = reported(&user, &accepted).await;
    let job = read(user.get(&location).send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(
        (&job["kind"], &job["state"]),
        (&json!("generate_report"), &json!("completed"))
    );
    assert_eq!(consultation["status"], "completed");
    assert!(
        consultation["report"]["expires_at"].is_string()
            && consultation["report"]["generated_at"].is_string()
    );

    let html = open(&consultation["report"]["html_url"]).await;
    assert_eq!(html.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(html.headers()["cache-control"], "private, no-store");
    let html = html.text().await.unwrap();
    assert!(
        html.contains("问诊报告")
            && html.contains("58岁")
            && html.contains("The scripted summary."),
        "{html}"
    );
    assert!(
        html.contains("&#60;script&#62;") && !html.contains("<script"),
        "what a patient writes is no markup: {html}"
    );
    let markdown = open(&consultation["report"]["markdown_url"])
        .await
        .text()
        .await
        .unwrap();
    assert!(
        markdown.starts_with("# 问诊报告\n") && markdown.contains("\\*\\*出冷汗\\*\\*"),
        "{markdown}"
    );
    assert!(markdown.contains("\\<script\\>"), "{markdown}");
}

#[tokio::test]
async fn a_link_is_signed_for_a_quarter_of_an_hour_and_one_object() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;
    ask(&user, &accepted).await;
    let url = reported(&user, &accepted).await["report"]["html_url"]
        .as_str()
        .unwrap()
        .to_owned();
    let parsed = reqwest::Url::parse(&url).unwrap();
    let value = |name: &str| {
        parsed
            .query_pairs()
            .find(|(key, _)| key == name)
            .unwrap()
            .1
            .into_owned()
    };
    assert_eq!(value("X-Amz-Expires"), "900");
    assert_eq!(value("X-Amz-Signature").len(), 64);
    assert!(
        parsed.path().contains(&format!("/{}/", user.tenant)),
        "reports of tenants lie apart"
    );
}

#[tokio::test]
async fn reports_that_are_asked_for_together_are_one_job() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;
    let asked = futures::future::join_all((0..6).map(|_| ask(&user, &accepted))).await;
    let mut jobs: Vec<_> = asked.iter().map(|one| one["job_id"].to_string()).collect();
    jobs.sort();
    jobs.dedup();
    assert!(jobs.len() < 6, "{jobs:?}");
    reported(&user, &accepted).await;
}

#[tokio::test]
async fn a_report_needs_an_assessment_and_somebody_who_may_see_it() {
    let user = User::new().await;
    let accepted = user.complain("a headache [primary:silent]").await;
    let early = problem(
        user.post(&path(&accepted)).send().await.unwrap(),
        StatusCode::CONFLICT,
    )
    .await;
    assert!(
        early["detail"]
            .as_str()
            .unwrap()
            .contains("still being processed"),
        "{early}"
    );
    user.outcome(&accepted).await;
    let other = User::of(&user.tenant, "other", Role::Patient).await;
    let stranger = User::of(&new_tenant(), "chief", Role::Admin).await;
    for user in [&other, &stranger] {
        problem(
            user.post(&path(&accepted)).send().await.unwrap(),
            StatusCode::NOT_FOUND,
        )
        .await;
    }
    problem(
        user.post(&path(&json!({ "id": Uuid::now_v7() })))
            .send()
            .await
            .unwrap(),
        StatusCode::NOT_FOUND,
    )
    .await;
    let clinician = User::of(&user.tenant, "doctor", Role::Clinician).await;
    let job = ask(&clinician, &accepted).await["job_id"]
        .as_str()
        .unwrap()
        .to_owned();
    read(
        user.get(&format!("/v1/jobs/{job}")).send().await.unwrap(),
        StatusCode::OK,
    )
    .await;
}

#[tokio::test]
async fn the_links_to_a_report_are_never_logged() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;
    ask(&user, &accepted).await;
    let report = reported(&user, &accepted).await["report"].clone();
    let signature = report["html_url"]
        .as_str()
        .unwrap()
        .split("X-Amz-Signature=")
        .nth(1)
        .unwrap()
        .to_owned();
    let lines = xtask::logs::all(&STACK).await.unwrap();
    assert!(
        lines
            .iter()
            .all(|line| !line.contains(&signature) && !line.contains("X-Amz-Signature"))
    );
}
