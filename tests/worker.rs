//! The queue side, through the deployed worker.

use serde_json::{Value, json};
use wenzhen::locale::Locale;
use wenzhen::triage::{Urgency, advice};

use crate::provider;
use crate::support::{STACK, User, database, eventually};

async fn assessed(symptoms: &str) -> Value {
    let user = User::new().await;
    let accepted = user.complain(symptoms).await;
    let consultation = user.outcome(&accepted).await;
    assert_eq!(consultation["status"], "completed", "{consultation}");
    consultation["assessment"].clone()
}

#[tokio::test]
async fn the_first_tier_answers_with_its_own_name_and_model() {
    let answer = assessed("a dull headache for three days").await;
    assert_eq!(
        answer["served_by"],
        json!({ "tier": "primary", "model": "scripted-primary-2026" })
    );
    assert_eq!(
        (&answer["degraded"], &answer["degraded_reason"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(answer["summary"], "The scripted summary.");
    assert_eq!(
        answer["recommended_actions"][0],
        advice(Urgency::Routine, Locale::En)
    );
    assert_eq!(answer["recommended_actions"][1], "rest and drink");
    assert!(answer["disclaimer"].is_string());
}

#[tokio::test]
async fn the_provider_gets_the_key_the_schema_and_the_rules_findings() {
    let marker = uuid::Uuid::new_v4().to_string();
    assessed(&format!("胸痛，放射到左臂，出冷汗 {marker}")).await;
    let calls = provider::calls(&marker);
    assert_eq!(calls.len(), 1);
    let call = &calls[0];
    assert_eq!(call.authorization.as_deref(), Some("Bearer sk-test"));
    assert_eq!(call.body["response_format"]["json_schema"]["strict"], true);
    let facts: Value =
        serde_json::from_str(call.body["messages"][1]["content"].as_str().unwrap()).unwrap();
    assert_eq!(facts["rules"]["urgency"], "emergency");
    assert_eq!(facts["rules"]["red_flags"][0]["status"], "present");
    assert!(
        call.body["messages"][0]["content"]
            .as_str()
            .unwrap()
            .contains("Simplified Chinese")
    );
}

#[tokio::test]
async fn whatever_the_first_tier_does_wrong_the_second_answers() {
    let faults = [
        "500",
        "429",
        "401",
        "404",
        "silent",
        "prose",
        "cut",
        "filtered",
        "empty",
        "html",
        "error-in-200",
    ];
    let answers = futures::future::join_all(faults.map(assessed_with)).await;
    for (fault, answer) in faults.iter().zip(answers) {
        assert_eq!(
            answer["served_by"]["tier"], "secondary",
            "{fault}: {answer}"
        );
        assert_eq!(
            answer["degraded_reason"], "served_by_fallback_tier",
            "{fault}: {answer}"
        );
    }
}

async fn assessed_with(fault: &str) -> Value {
    assessed(&format!("a dull headache [primary:{fault}]")).await
}

#[tokio::test]
async fn json_in_a_fence_is_json() {
    assert_eq!(
        assessed("a dull headache [primary:fenced]").await["served_by"]["tier"],
        "primary"
    );
}

#[tokio::test]
async fn when_every_tier_fails_the_rules_answer_and_say_so() {
    let answer = assessed("胸痛，放射到左臂，出冷汗 [primary:500] [secondary:prose]").await;
    assert_eq!(
        answer["served_by"],
        json!({ "tier": "fixed_text", "model": null })
    );
    assert_eq!(
        (&answer["degraded"], &answer["degraded_reason"]),
        (&json!(true), &json!("all_ai_tiers_failed"))
    );
    assert_eq!(answer["urgency"], "emergency");
    assert!(
        answer["summary"]
            .as_str()
            .unwrap()
            .contains("AI服务暂时不可用")
    );
    assert_eq!(
        answer["recommended_actions"],
        json!([advice(Urgency::Emergency, Locale::Zh)])
    );
    assert!(!answer["citations"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_model_raises_the_urgency_and_never_lowers_it() {
    let user = User::new().await;
    let raised = user
        .complain("an itchy rash on my elbow [primary:urgent]")
        .await;
    let kept = user
        .complain("胸痛，放射到左臂，出冷汗 [primary:self_care]")
        .await;
    let (raised, kept) = (user.outcome(&raised).await, user.outcome(&kept).await);
    assert_eq!(
        (&raised["urgency"], &raised["assessment"]["urgency"]),
        (&json!("urgent"), &json!("urgent"))
    );
    assert_eq!(
        (&kept["urgency"], &kept["assessment"]["urgency"]),
        (&json!("emergency"), &json!("emergency"))
    );
}

async fn send(body: &str) {
    let queue = STACK.env("JOBS_QUEUE_URL").unwrap();
    let client = aws_sdk_sqs::Client::new(&STACK.aws().await);
    client
        .send_message()
        .queue_url(queue)
        .message_body(body)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_message_delivered_again_does_no_second_work() {
    let user = User::new().await;
    let marker = uuid::Uuid::new_v4().to_string();
    let accepted = user.complain(&format!("a cough {marker}")).await;
    let message =
        json!({ "tenant_id": user.tenant, "job_id": accepted["job_id"], "kind": "analyze" })
            .to_string();
    send(&message).await;
    user.outcome(&accepted).await;
    send(&message).await;
    let job = accepted["job_id"].as_str().unwrap().to_owned();
    eventually("a duplicate was looked at", async || {
        let lines = xtask::logs::all(&STACK).await.unwrap();
        let looked_at = |line: &&String| line.contains(&job) && line.contains("done before");
        (lines.iter().filter(looked_at).count() >= 1).then_some(())
    })
    .await;
    assert_eq!(provider::calls(&marker).len(), 1);
    let done: i16 =
        sqlx::query_scalar("SELECT attempts FROM jobs WHERE tenant_id = $1 AND id = $2::uuid")
            .bind(&user.tenant)
            .bind(accepted["job_id"].as_str().unwrap())
            .fetch_one(&mut database().await)
            .await
            .unwrap();
    assert_eq!(done, 1);
}

#[tokio::test]
async fn a_message_that_is_no_job_ends_in_quarantine_and_harms_no_other() {
    let marker = uuid::Uuid::new_v4().to_string();
    let body = format!("{{\"not\": \"a job\", \"marker\": \"{marker}\"}}");
    send(&body).await;
    let user = User::new().await;
    let accepted = user.complain("a cough").await;
    assert_eq!(user.outcome(&accepted).await["status"], "completed");
    let kept: Vec<(String,)> = eventually("the message in quarantine", async || {
        let kept = sqlx::query_as("SELECT reason FROM quarantine WHERE body = $1").bind(&body);
        Some(kept.fetch_all(&mut database().await).await.unwrap())
            .filter(|kept: &Vec<_>| !kept.is_empty())
    })
    .await;
    assert_eq!(kept, [("not_a_job".to_owned(),)]);
    let lines = xtask::logs::all(&STACK).await.unwrap();
    assert!(
        lines.iter().all(|line| !line.contains(&marker)),
        "its body is logged nowhere"
    );
}
