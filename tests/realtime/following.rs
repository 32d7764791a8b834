//! What a client that follows a consultation gets, from the request to the end.

use reqwest::StatusCode;
use serde_json::{Value, json};
use xtask::users::Role;

use crate::jobs::{consultation_of, job_of};
use crate::support::socket::{Received, Socket};
use crate::support::{STACK, User, eventually, new_tenant, read};

#[tokio::test]
async fn events_come_in_order_until_the_assessment() {
    let user = User::new().await;
    let mut socket = Socket::open(&user).await;
    let accepted = user.complain("a headache [primary:late-3500]").await;

    let answer = socket.subscribe(&accepted["id"], 0).await;
    assert_eq!(answer["consultation_id"], accepted["id"]);
    assert_eq!(answer["after"], 0);

    let mut received = Received::default();
    received.until(&mut socket, "completed").await;
    let types = received.types();
    assert_eq!(types[0], "queued");
    assert_eq!(types[1], "progress");
    assert_eq!(types.last(), Some(&"completed"));
    assert_eq!(received.find("queued")["job_id"], accepted["job_id"]);
    assert_eq!(received.find("progress")["step"], "started");

    let consultation = user.outcome(&accepted).await;
    let completed = received.find("completed");
    assert_eq!(completed["urgency"], consultation["urgency"]);
    assert_eq!(completed["job"], "analyze");
    assert!(completed["at"].is_string());
}

#[tokio::test]
async fn progress_is_pushed_as_it_is_written() {
    let user = User::new().await;
    let mut socket = Socket::open(&user).await;
    let accepted = user.complain("a headache [primary:late-5000]").await;
    socket.subscribe(&accepted["id"], 0).await;

    let mut received = Received::default();
    received.until(&mut socket, "completed").await;
    let progress = received.types();
    let count = progress.iter().filter(|kind| **kind == "progress").count();
    assert!(count >= 2, "{progress:?}");
}

/// Between two connections, and while there is none, nothing is lost.
#[tokio::test]
async fn a_client_that_comes_back_gets_what_it_missed() {
    let user = User::new().await;
    let accepted = user.complain("a headache [primary:late-2500]").await;
    let mut received = Received::default();

    let mut socket = Socket::open(&user).await;
    socket.subscribe(&accepted["id"], 0).await;
    received.until(&mut socket, "queued").await;
    socket.close().await;

    user.outcome(&accepted).await;
    let mut socket = Socket::open(&user).await;
    socket.subscribe(&accepted["id"], received.last()).await;
    received.until(&mut socket, "completed").await;

    // A third one, which asks for all of it, gets the same.
    let mut again = Received::default();
    let mut socket = Socket::open(&user).await;
    socket.subscribe(&accepted["id"], 0).await;
    again.until(&mut socket, "completed").await;
    assert_eq!(again.types(), received.types());
}

#[tokio::test]
async fn without_a_position_only_what_is_new_comes() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;

    let mut socket = Socket::open(&user).await;
    let frame = json!({ "action": "subscribe", "consultation_id": accepted["id"] });
    let answer = socket.ask(&frame, "subscribed").await;
    let after = answer["after"].as_i64().unwrap();
    assert!(after >= 3, "{answer}");

    request_report(&user, &accepted).await;
    let events = socket.next_of("events").await;
    assert_eq!(events["events"][0]["id"], after + 1);
    assert_eq!(events["events"][0]["type"], "queued");
}

async fn request_report(user: &User, accepted: &Value) {
    let path = format!(
        "/v1/consultations/{}/report",
        accepted["id"].as_str().unwrap()
    );
    let answer = user.post(&path).send().await.unwrap();
    read(answer, StatusCode::ACCEPTED).await;
}

#[tokio::test]
async fn a_report_that_is_ready_is_told() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;

    let mut socket = Socket::open(&user).await;
    socket.subscribe(&accepted["id"], 0).await;
    request_report(&user, &accepted).await;
    let mut received = Received::default();
    received.until(&mut socket, "report_ready").await;
    let ready = received.find("report_ready");
    assert_eq!(ready["job"], "generate_report");
    assert_eq!(ready["urgency"], Value::Null);
}

#[tokio::test]
async fn an_answer_that_raises_the_urgency_is_told() {
    let user = User::new().await;
    let accepted = user.complain("I feel unwell since yesterday").await;
    user.outcome(&accepted).await;
    let mut socket = Socket::open(&user).await;
    socket.subscribe(&accepted["id"], 0).await;

    let question = &accepted["questions"][0]["code"];
    let id = accepted["id"].as_str().unwrap();
    let body = json!({ "answers": { question.as_str().unwrap(): "yes" } });
    let answers = user.post(&format!("/v1/consultations/{id}/answers"));
    let answer = answers.json(&body).send().await.unwrap();
    let answered = read(answer, StatusCode::OK).await;

    let mut received = Received::default();
    received.until(&mut socket, "questions").await;
    assert_eq!(received.find("questions")["urgency"], answered["urgency"]);
}

#[tokio::test]
async fn a_further_message_is_followed_like_the_first() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;
    let mut socket = Socket::open(&user).await;
    let frame = json!({ "action": "subscribe", "consultation_id": accepted["id"] });
    let answer = socket.ask(&frame, "subscribed").await;

    let id = accepted["id"].as_str().unwrap();
    let body = json!({ "text": "it is worse today" });
    let messages = user.post(&format!("/v1/consultations/{id}/messages"));
    let answer_to_message = messages.json(&body).send().await.unwrap();
    read(answer_to_message, StatusCode::ACCEPTED).await;

    let mut expected = answer["after"].as_i64().unwrap() + 1;
    let mut jobs = Vec::new();
    while !jobs.contains(&"completed".to_owned()) {
        let frame = socket.next_of("events").await;
        for event in frame["events"].as_array().unwrap() {
            if event["id"] == expected {
                expected += 1;
                jobs.push(event["type"].as_str().unwrap().to_owned());
            }
        }
    }
    assert!(jobs.contains(&"queued".to_owned()), "{jobs:?}");
}

#[tokio::test]
async fn a_cancelled_job_is_told() {
    // No worker gets its message, so none can be through before it is cancelled.
    let message = job_of(&new_tenant(), json!({ "symptoms": "a headache" })).await;
    let clinician = User::of(message.tenant_id.as_str(), "clinician", Role::Clinician).await;
    let mut socket = Socket::open(&clinician).await;
    let consultation = consultation_of(&message).await;
    socket.subscribe(&json!(consultation), 0).await;

    let path = format!("/v1/jobs/{}/cancel", message.job_id);
    let answer = clinician.post(&path).send().await.unwrap();
    read(answer, StatusCode::OK).await;
    let mut received = Received::default();
    received.until(&mut socket, "cancelled").await;
}

#[tokio::test]
async fn a_failed_job_is_told_with_its_reason() {
    let user = User::new().await;
    let body = json!({
        "symptoms": "a headache [primary:prose] [secondary:prose]",
        "require_model": true,
    });
    let created = user.post("/v1/consultations").json(&body).send().await;
    let accepted = read(created.unwrap(), StatusCode::ACCEPTED).await;
    let mut socket = Socket::open(&user).await;
    socket.subscribe(&accepted["id"], 0).await;

    let mut received = Received::default();
    received.until(&mut socket, "failed").await;
    assert_eq!(received.find("failed")["reason"], "models_failed");
}

/// The answers differ in nothing by which one could tell whether there is such a consultation.
#[tokio::test]
async fn a_foreign_consultation_looks_like_a_missing_one() {
    let patient = User::new().await;
    let accepted = patient.complain("a headache").await;
    let missing = json!("019b7a00-0000-7000-8000-000000000009");

    let other = User::of(&patient.tenant, "other", Role::Patient).await;
    let stranger = User::of(&new_tenant(), "chief", Role::Admin).await;
    for user in [&other, &stranger] {
        let mut socket = Socket::open(user).await;
        let mut answers = Vec::new();
        for id in [&accepted["id"], &missing] {
            let frame = json!({ "action": "subscribe", "consultation_id": id, "after": 0 });
            let mut error = socket.ask(&frame, "error").await;
            assert_eq!(error["status"], 404, "{error}");
            error["instance"].take();
            answers.push(error);
        }
        assert_eq!(answers[0], answers[1]);
    }

    let clinician = User::of(&patient.tenant, "doctor", Role::Clinician).await;
    let mut socket = Socket::open(&clinician).await;
    socket.subscribe(&accepted["id"], 0).await;
    Received::default().until(&mut socket, "completed").await;
}

/// What is erased is told to nobody any more, and is found by nobody.
#[tokio::test]
async fn an_erased_consultation_is_followed_no_more() {
    let user = User::new().await;
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;
    let mut socket = Socket::open(&user).await;
    socket.subscribe(&accepted["id"], 0).await;
    let id = accepted["id"].as_str().unwrap();
    assert_eq!(items_about(id).await, 2, "the subscription, and its note");

    let path = format!("/v1/consultations/{id}");
    let erased = read(
        user.delete(&path).send().await.unwrap(),
        StatusCode::ACCEPTED,
    )
    .await;
    let job = format!("/v1/jobs/{}", erased["job_id"].as_str().unwrap());
    eventually("the erasure ends", async || {
        let job = read(user.get(&job).send().await.unwrap(), StatusCode::OK).await;
        (job["state"] == "completed").then_some(())
    })
    .await;
    assert_eq!(items_about(id).await, 0);
    assert_eq!(socket.next_of("erased").await["consultation_id"], id);
    let again = json!({ "action": "subscribe", "consultation_id": id });
    assert_eq!(socket.ask(&again, "error").await["status"], 404);
}

/// The items of the connections' table that name a consultation.
async fn items_about(consultation: &str) -> usize {
    let client = aws_sdk_dynamodb::Client::new(&STACK.aws().await);
    let table = STACK.env("CONNECTIONS_TABLE").unwrap();
    let mut items = client
        .scan()
        .table_name(table)
        .into_paginator()
        .items()
        .send();
    let mut count = 0;
    while let Some(item) = items.next().await {
        count += usize::from(format!("{:?}", item.unwrap()).contains(consultation));
    }
    count
}
