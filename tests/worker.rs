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
    let served_by = json!({ "tier": "primary", "model": "scripted-primary-2026" });
    assert_eq!(answer["served_by"], served_by);
    assert_eq!(answer["degraded"], false);
    assert_eq!(answer["degraded_reason"], Value::Null);

    assert_eq!(answer["summary"], "The scripted summary.");
    let actions = &answer["recommended_actions"];
    assert_eq!(actions[0], advice(Urgency::Routine, Locale::En));
    assert_eq!(actions[1], "rest and drink");
    assert!(answer["disclaimer"].is_string());
}

#[tokio::test]
async fn the_provider_gets_the_key_the_tools_and_the_rules_findings() {
    let marker = uuid::Uuid::new_v4().to_string();
    assessed(&format!("胸痛，放射到左臂，出冷汗 {marker}")).await;
    let calls = provider::calls(&marker);
    assert_eq!(calls.len(), 1);
    let call = &calls[0];
    assert_eq!(call.authorization.as_deref(), Some("Bearer sk-test"));
    let tools = call.body["tools"].as_array().unwrap();
    let functions: Vec<_> = tools.iter().map(|tool| &tool["function"]).collect();
    let names: Vec<_> = functions
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["search_knowledge", "past_consultations", "assess"]);
    let schema = &functions[2]["parameters"];
    assert_eq!(schema["properties"]["urgency"]["enum"][0], "self_care");

    let content = |number: usize| call.body["messages"][number]["content"].as_str().unwrap();
    assert!(content(0).contains("Simplified Chinese"));
    let facts: Value = serde_json::from_str(content(1)).unwrap();
    assert_eq!(facts["rules"]["urgency"], "emergency");
    assert_eq!(facts["rules"]["red_flags"][0]["status"], "present");
}

#[tokio::test]
async fn a_model_is_given_passages_and_only_those_are_cited() {
    let marker = uuid::Uuid::new_v4().to_string();
    let answer = assessed(&format!(
        "a runny nose and a cough {marker} [primary:cites]"
    ))
    .await;

    let facts = provider::calls(&marker)[0].body["messages"][1]["content"].clone();
    let facts: Value = serde_json::from_str(facts.as_str().unwrap()).unwrap();
    assert_eq!(facts["passages"][0]["id"], "p1");
    let about = facts["passages"][0]["about"].as_str().unwrap();

    assert_eq!(answer["summary"], "It may be a cold [1].");
    let actions = answer["recommended_actions"].as_array().unwrap();
    assert_eq!(
        actions[actions.len() - 2..],
        [json!("Rest [1]"), json!("Drink")]
    );
    let cited = &answer["citations"][0];
    assert_eq!(cited["number"], 1, "{cited}");
    let title = cited["title"].as_str().unwrap();
    assert!(title.contains(about), "{title} is the source of {about}");
    assert_eq!(answer["trace"], Value::Null, "patients do not see it");
    let disclaimer = answer["disclaimer"].as_str().unwrap();
    assert!(
        disclaimer.contains("number in square brackets"),
        "{disclaimer}"
    );
}

#[tokio::test]
async fn the_second_tier_answers_for_any_fault_of_the_first() {
    let answers = futures::future::join_all(FAULTS.map(assessed_with)).await;
    for (fault, answer) in FAULTS.iter().zip(answers) {
        let tier = &answer["served_by"]["tier"];
        assert_eq!(tier, "secondary", "{fault}: {answer}");
        let reason = &answer["degraded_reason"];
        assert_eq!(reason, "served_by_fallback_tier", "{fault}: {answer}");
    }
}

/// What the first tier does wrong.
const FAULTS: [&str; 11] = [
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

async fn assessed_with(fault: &str) -> Value {
    assessed(&format!("a dull headache [primary:{fault}]")).await
}

#[tokio::test]
async fn json_in_a_fence_is_json() {
    let answer = assessed("a dull headache [primary:fenced]").await;
    assert_eq!(answer["served_by"]["tier"], "primary");
}

#[tokio::test]
async fn when_every_tier_fails_the_rules_answer_with_guidance_and_say_so() {
    let answer = assessed("胸痛，放射到左臂，出冷汗 [primary:500] [secondary:prose]").await;
    let served_by = json!({ "tier": "extractive", "model": null });
    assert_eq!(answer["served_by"], served_by);
    assert_eq!(answer["degraded"], true);
    assert_eq!(answer["degraded_reason"], "all_ai_tiers_failed");

    assert_eq!(answer["urgency"], "emergency");
    let summary = answer["summary"].as_str().unwrap();
    assert!(summary.contains("AI服务暂时不可用"), "{summary}");
    let first = &answer["recommended_actions"][0];
    assert_eq!(first, advice(Urgency::Emergency, Locale::Zh));
    let cited = answer["citations"].as_array().unwrap();
    assert!(cited.len() > 1, "the guidance and the rules: {cited:?}");
}

/// No document has a word of the complaint.
#[tokio::test]
async fn without_guidance_a_fixed_text_answers() {
    let answer = assessed("qwertyzxcvb [primary:500] [secondary:500]").await;
    assert_eq!(answer["served_by"]["tier"], "fixed_text");
    assert_eq!(answer["degraded_reason"], "all_ai_tiers_failed");
}

#[tokio::test]
async fn a_model_raises_the_urgency_and_never_lowers_it() {
    let user = User::new().await;
    let rash = "an itchy rash on my elbow [primary:urgent]";
    let chest_pain = "胸痛，放射到左臂，出冷汗 [primary:self_care]";
    let raised = user.complain(rash).await;
    let kept = user.complain(chest_pain).await;

    let raised = user.outcome(&raised).await;
    assert_eq!(raised["urgency"], "urgent");
    assert_eq!(raised["assessment"]["urgency"], "urgent");

    let kept = user.outcome(&kept).await;
    assert_eq!(kept["urgency"], "emergency");
    assert_eq!(kept["assessment"]["urgency"], "emergency");
}

async fn send(body: &str) {
    let queue = STACK.env("JOBS_QUEUE_URL").unwrap();
    let client = aws_sdk_sqs::Client::new(&STACK.aws().await);
    let message = client.send_message().queue_url(queue).message_body(body);
    message.send().await.unwrap();
}

#[tokio::test]
async fn a_message_delivered_again_does_no_second_work() {
    let user = User::new().await;
    let marker = uuid::Uuid::new_v4().to_string();
    let accepted = user.complain(&format!("a cough {marker}")).await;
    let job = accepted["job_id"].as_str().unwrap();
    let message = json!({ "tenant_id": user.tenant, "job_id": job, "kind": "analyze" });
    let message = message.to_string();

    send(&message).await;
    user.outcome(&accepted).await;
    send(&message).await;
    eventually("a duplicate was claimed", async || {
        let lines = xtask::logs::all(&STACK).await.unwrap();
        let is_duplicate = |line: &String| line.contains(job) && line.contains("done before");
        lines.iter().any(is_duplicate).then_some(())
    })
    .await;

    assert_eq!(provider::calls(&marker).len(), 1);
    let attempts: i16 =
        sqlx::query_scalar("SELECT attempts FROM jobs WHERE tenant_id = $1 AND id = $2::uuid")
            .bind(&user.tenant)
            .bind(job)
            .fetch_one(&mut database().await)
            .await
            .unwrap();
    assert_eq!(attempts, 1);
}

/// A message that no parser understands ends in quarantine, harms no other, and is logged nowhere.
#[tokio::test]
async fn a_message_that_is_no_job_ends_in_quarantine() {
    let marker = uuid::Uuid::new_v4().to_string();
    let body = format!("{{\"not\": \"a job\", \"marker\": \"{marker}\"}}");
    send(&body).await;
    let user = User::new().await;
    let accepted = user.complain("a cough").await;
    assert_eq!(user.outcome(&accepted).await["status"], "completed");

    let reasons = eventually("the message in quarantine", async || {
        let query = sqlx::query_scalar("SELECT reason FROM quarantine WHERE body = $1").bind(&body);
        let reasons: Vec<String> = query.fetch_all(&mut database().await).await.unwrap();
        Some(reasons).filter(|reasons| !reasons.is_empty())
    })
    .await;
    assert_eq!(reasons, ["not_a_job"]);

    let lines = xtask::logs::all(&STACK).await.unwrap();
    let is_logged = lines.iter().any(|line| line.contains(&marker));
    assert!(!is_logged, "its body is logged nowhere");
}
