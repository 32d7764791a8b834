use futures::future::join_all;
use reqwest::{Response, StatusCode, Url};
use serde_json::{Value, json};
use uuid::Uuid;
use xtask::users::Role;

use crate::support::{STACK, User, eventually, new_tenant, problem, read};

fn path(accepted: &Value) -> String {
    let id = accepted["id"].as_str().unwrap();
    format!("/v1/consultations/{id}/report")
}

async fn post(user: &User, accepted: &Value) -> Response {
    user.post(&path(accepted)).send().await.unwrap()
}

/// Requests a report, which must be accepted.
async fn request_report(user: &User, accepted: &Value) -> Value {
    read(post(user, accepted).await, StatusCode::ACCEPTED).await
}

/// A consultation with its assessment, of a complaint about a headache.
async fn assessed(user: &User) -> Value {
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;
    accepted
}

/// The consultation, once it has a report.
async fn reported(user: &User, accepted: &Value) -> Value {
    let path = format!("/v1/consultations/{}", accepted["id"].as_str().unwrap());

    eventually("the report", async || {
        let answer = user.get(&path).send().await.unwrap();
        let consultation = read(answer, StatusCode::OK).await;
        Some(consultation).filter(|consultation| consultation["report"].is_object())
    })
    .await
}

async fn open(url: &Value) -> Response {
    let client = reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    client.get(url.as_str().unwrap()).send().await.unwrap()
}

#[tokio::test]
async fn a_report_is_written_and_the_consultation_links_to_it() {
    let user = User::new().await;
    let symptoms = "胸痛，放射到左臂\n<script>alert(1)</script> **出冷汗**";
    let body = json!({ "symptoms": symptoms, "age": 58, "sex": "male" });
    let request = user.post("/v1/consultations").json(&body);
    let accepted = read(request.send().await.unwrap(), StatusCode::ACCEPTED).await;
    user.outcome(&accepted).await;

    // The cache has it without a report by now.
    let before = user.outcome(&accepted).await;
    assert_eq!(before["report"], Value::Null);

    let answer = post(&user, &accepted).await;
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let requested = read(answer, StatusCode::ACCEPTED).await;
    let job_id = requested["job_id"].as_str().unwrap();
    assert_eq!(location, format!("/v1/jobs/{job_id}"));
    assert_eq!(requested["consultation_id"], accepted["id"]);

    let consultation = reported(&user, &accepted).await;
    let job = read(user.get(&location).send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(job["kind"], "generate_report");
    assert_eq!(job["state"], "completed");

    let report = &consultation["report"];
    assert_eq!(consultation["status"], "completed");
    assert!(report["expires_at"].is_string());
    assert!(report["generated_at"].is_string());
    check_html(&report["html_url"]).await;
    check_markdown(&report["markdown_url"]).await;
}

async fn check_html(url: &Value) {
    let html = open(url).await;
    assert_eq!(html.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(html.headers()["cache-control"], "private, no-store");

    let html = html.text().await.unwrap();
    for shown in ["问诊报告", "58岁", "您说的情况已经记下"] {
        assert!(html.contains(shown), "{html}");
    }
    let is_escaped = html.contains("&#60;script&#62;") && !html.contains("<script");
    assert!(is_escaped, "what a patient writes is no markup: {html}");
}

async fn check_markdown(url: &Value) {
    let markdown = open(url).await.text().await.unwrap();
    assert!(markdown.starts_with("# 问诊报告\n"), "{markdown}");
    assert!(markdown.contains("\\*\\*出冷汗\\*\\*"), "{markdown}");
    assert!(markdown.contains("\\<script\\>"), "{markdown}");
}

#[tokio::test]
async fn a_link_is_signed_for_a_quarter_of_an_hour_and_one_object() {
    let user = User::new().await;
    let accepted = assessed(&user).await;
    request_report(&user, &accepted).await;

    let consultation = reported(&user, &accepted).await;
    let url = consultation["report"]["html_url"].as_str().unwrap();
    let url = Url::parse(url).unwrap();
    let value = |name: &str| {
        let mut pairs = url.query_pairs();
        let (_, value) = pairs.find(|(key, _)| key == name).unwrap();
        value.into_owned()
    };
    assert_eq!(value("X-Amz-Expires"), "900");
    assert_eq!(value("X-Amz-Signature").len(), 64);

    let folder = format!("/{}/", user.tenant);
    assert!(url.path().contains(&folder), "reports of tenants lie apart");
}

#[tokio::test]
async fn reports_that_are_asked_for_together_are_one_job() {
    let user = User::new().await;
    let accepted = assessed(&user).await;

    let requests = (0..6).map(|_| request_report(&user, &accepted));
    let requested = join_all(requests).await;
    let mut jobs: Vec<_> = requested
        .iter()
        .map(|requested| requested["job_id"].to_string())
        .collect();
    jobs.sort();
    jobs.dedup();
    assert!(jobs.len() < 6, "{jobs:?}");
    reported(&user, &accepted).await;
}

#[tokio::test]
async fn a_report_needs_an_assessment_and_a_caller_who_may_see_it() {
    let user = User::new().await;
    let silent = "a headache [primary:silent] [secondary:silent]";
    let accepted = user.complain(silent).await;

    let early = problem(post(&user, &accepted).await, StatusCode::CONFLICT).await;
    let detail = early["detail"].as_str().unwrap();
    assert!(detail.contains("still being processed"), "{early}");
    user.outcome(&accepted).await;

    let other = User::of(&user.tenant, "other", Role::Patient).await;
    let stranger = User::of(&new_tenant(), "chief", Role::Admin).await;
    for user in [&other, &stranger] {
        problem(post(user, &accepted).await, StatusCode::NOT_FOUND).await;
    }
    let unknown = json!({ "id": Uuid::now_v7() });
    problem(post(&user, &unknown).await, StatusCode::NOT_FOUND).await;

    // A patient may follow the report that their clinician has requested.
    let clinician = User::of(&user.tenant, "doctor", Role::Clinician).await;
    let requested = request_report(&clinician, &accepted).await;
    let job = format!("/v1/jobs/{}", requested["job_id"].as_str().unwrap());
    read(user.get(&job).send().await.unwrap(), StatusCode::OK).await;
}

#[tokio::test]
async fn the_links_to_a_report_are_never_logged() {
    let user = User::new().await;
    let accepted = assessed(&user).await;
    request_report(&user, &accepted).await;

    let consultation = reported(&user, &accepted).await;
    let url = consultation["report"]["html_url"].as_str().unwrap();
    let (_, signature) = url.split_once("X-Amz-Signature=").unwrap();

    for line in xtask::logs::all(&STACK).await.unwrap() {
        assert!(!line.contains(signature) && !line.contains("X-Amz-Signature"));
    }
}
