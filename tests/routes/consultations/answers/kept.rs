//! Answers before, while and after the assessment is made.

use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::jobs::JobMessage;
use wenzhen::locale::Locale;
use wenzhen::triage::{Urgency, advice};
use xtask::users::Role;

use super::{VAGUE, answer, codes_of, first_code, get, path};
use crate::jobs::{consultation_of, job_of};
use crate::provider;
use crate::support::{STACK, User, database, eventually, new_tenant, read};

fn new_marker() -> String {
    Uuid::new_v4().to_string()
}

/// What a model was told of a complaint, as the JSON of the user's message.
fn facts_of(call: &scripted_provider::Attempt) -> Value {
    let message = call.body["messages"][1]["content"].as_str().unwrap();
    serde_json::from_str(message).unwrap()
}

/// A consultation whose job is not sent.
async fn unsent_consultation(tenant: &str, symptoms: &str) -> (Value, JobMessage) {
    let message = job_of(tenant, json!({ "symptoms": symptoms })).await;
    let id = consultation_of(&message).await;
    (json!({ "id": id }), message)
}

async fn send(message: &JobMessage) {
    let client = aws_sdk_sqs::Client::new(&STACK.aws().await);
    let body = serde_json::to_string(message).unwrap();
    let sending = client
        .send_message()
        .queue_url(STACK.env("JOBS_QUEUE_URL").unwrap())
        .message_body(body);
    sending.send().await.unwrap();
}

#[tokio::test]
async fn the_model_is_shown_the_answers() {
    let tenant = new_tenant();
    let clinician = User::of(&tenant, "doctor", Role::Clinician).await;
    let marker = new_marker();
    let symptoms = format!("{VAGUE} {marker}");
    let (consultation, message) = unsent_consultation(&tenant, &symptoms).await;

    let asked = get(&clinician, &consultation).await["questions"].clone();
    let code = first_code(&json!({ "questions": asked }));
    answer(&clinician, &consultation, &code, "yes").await;
    send(&message).await;

    let assessed = clinician.outcome(&consultation).await;
    assert_eq!(assessed["assessment"]["urgency"], "emergency", "{assessed}");
    let calls = provider::calls(&marker);
    assert!(!calls.is_empty(), "no model was asked: {assessed}");
    let facts = facts_of(&calls[0]);
    let shown = json!([{ "question": asked[0]["text"], "answer": "yes" }]);
    assert_eq!(facts["answers"], shown);
    assert_eq!(facts["rules"]["urgency"], "emergency");
}

/// The worker has read the consultation before the answer, and completes it after.
#[tokio::test]
async fn an_answer_while_the_model_thinks_is_not_lowered() {
    let user = User::new().await;
    let marker = new_marker();
    let complaint = format!("{VAGUE} {marker} [primary:silent]");
    let accepted = user.complain(&complaint).await;
    eventually("the model is asked", async || {
        (!provider::calls(&marker).is_empty()).then_some(())
    })
    .await;

    answer(&user, &accepted, &first_code(&accepted), "yes").await;
    let assessed = user.outcome(&accepted).await;
    assert_eq!(assessed["status"], "completed");
    for call in provider::calls(&marker) {
        assert_eq!(facts_of(&call)["answers"], json!([]));
    }

    assert_eq!(assessed["urgency"], "emergency", "{assessed}");
    check_raised(&assessed);
}

/// What the assessment says is the emergency's now, with its sign and its source.
fn check_raised(consultation: &Value) {
    let assessment = &consultation["assessment"];
    assert_eq!(assessment["urgency"], "emergency", "{assessment}");

    let actions = assessment["recommended_actions"].as_array().unwrap();
    let instead = advice(Urgency::Routine, Locale::En);
    assert_eq!(actions[0], advice(Urgency::Emergency, Locale::En));
    assert!(!actions.contains(&json!(instead)), "{assessment}");

    let sign = &consultation["triage"]["red_flags"][0];
    assert_eq!(assessment["red_flags"][0], sign["label"]);
    let citations = assessment["citations"].as_array().unwrap();
    assert!(citations.contains(&sign["source"]), "{assessment}");
}

/// Also in the answer that the cache has kept, in the list, and in a report.
#[tokio::test]
async fn an_answer_after_the_assessment_is_seen_at_once() {
    let user = User::new().await;
    let accepted = user.complain(VAGUE).await;
    user.outcome(&accepted).await;
    let before = user.get(&path(&accepted)).send().await.unwrap();
    let tag = before.headers()["etag"].clone();
    let before = read(before, StatusCode::OK).await;
    assert_ne!(before["assessment"]["urgency"], "emergency");

    answer(&user, &accepted, &first_code(&accepted), "yes").await;
    let request = user.get(&path(&accepted)).header("if-none-match", tag);
    let after = read(request.send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(after["urgency"], "emergency");
    assert_eq!(after["status"], "completed");
    check_raised(&after);
    let summary = &after["assessment"]["summary"];
    let said_before = before["assessment"]["summary"].as_str().unwrap();
    let summary = summary.as_str().unwrap();
    assert!(summary.ends_with(said_before) && summary != said_before);

    let list = user.get("/v1/consultations").send().await.unwrap();
    let list = read(list, StatusCode::OK).await;
    assert_eq!(list["items"][0]["urgency"], "emergency");

    let markdown = report_of(&user, &accepted).await;
    assert!(markdown.contains("**Urgency: emergency**"), "{markdown}");
    assert!(markdown.contains("## Danger signs asked after"));
}

/// The report of a consultation, as Markdown.
async fn report_of(user: &User, accepted: &Value) -> String {
    let path = format!("{}/report", path(accepted));
    let requested = user.post(&path).send().await.unwrap();
    read(requested, StatusCode::ACCEPTED).await;

    let link = eventually("the report", async || {
        let report = get(user, accepted).await["report"].clone();
        report["markdown_url"].as_str().map(str::to_owned)
    })
    .await;
    reqwest::get(link).await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn with_every_model_down_a_yes_still_decides() {
    let user = User::new().await;
    let complaint = format!("{VAGUE} [primary:500] [secondary:prose]");
    let accepted = user.complain(&complaint).await;
    let assessed = user.outcome(&accepted).await;
    let reason = &assessed["assessment"]["degraded_reason"];
    assert_eq!(reason, "all_ai_tiers_failed", "{assessed}");

    let raised = answer(&user, &accepted, &first_code(&accepted), "yes").await;
    assert_eq!(raised["urgency"], "emergency");
    check_raised(&get(&user, &accepted).await);
}

/// The model has seen an emergency: nothing more is asked, and an answer is told its advice.
#[tokio::test]
async fn the_models_urgency_stands_beside_the_answers() {
    let user = User::new().await;
    let accepted = user.complain(&format!("{VAGUE} [primary:emergency]")).await;
    let assessed = user.outcome(&accepted).await;
    assert_eq!(assessed["urgency"], "emergency");
    assert_eq!(assessed["questions"], json!([]));

    let denied = answer(&user, &accepted, &first_code(&accepted), "no").await;
    assert_eq!(denied["urgency"], "emergency");
    assert_eq!(denied["questions"], json!([]));
    let said = denied["advice"].as_str().unwrap();
    assert_eq!(said, advice(Urgency::Emergency, Locale::En));
}

#[tokio::test]
async fn a_consultation_that_has_ended_takes_answers() {
    for state in ["failed", "cancelled"] {
        let tenant = new_tenant();
        let clinician = User::of(&tenant, "doctor", Role::Clinician).await;
        let (consultation, message) = unsent_consultation(&tenant, VAGUE).await;
        let sql = "UPDATE jobs SET state = $1, last_error = 'models_failed', finished_at = now()
                   WHERE tenant_id = $2 AND id = $3";
        let ended = sqlx::query(sql)
            .bind(state)
            .bind(&tenant)
            .bind(message.job_id);
        ended.execute(&mut database().await).await.unwrap();

        let asked = get(&clinician, &consultation).await;
        assert_eq!(asked["status"], state);
        answer(&clinician, &consultation, &first_code(&asked), "yes").await;
        let raised = get(&clinician, &consultation).await;
        assert_eq!(raised["urgency"], "emergency", "{raised}");
        assert_eq!(raised["status"], state);
    }
}

/// Each question is answered by a call of its own, all at the same time.
#[tokio::test]
async fn answers_that_come_together_are_all_kept() {
    let user = User::new().await;
    let accepted = user.complain(VAGUE).await;
    let codes = codes_of(&accepted["questions"]);
    let words = |index: usize| if index == 0 { "unsure" } else { "no" };

    let calls = codes
        .iter()
        .enumerate()
        .map(|(index, code)| answer(&user, &accepted, code, words(index)));
    join_all(calls).await;

    let stored = get(&user, &accepted).await;
    for (index, code) in codes.iter().enumerate() {
        assert_eq!(stored["answers"][code], words(index), "{stored}");
    }
    assert_eq!(stored["urgency"], "urgent");
    assert_eq!(stored["questions"], json!([]));

    // And of contradicting ones the alarming one, whichever comes first.
    let calls = ["no", "yes", "unsure", "no", "yes", "no"]
        .map(|word| answer(&user, &accepted, &codes[0], word));
    join_all(calls).await;
    let stored = get(&user, &accepted).await;
    assert_eq!(stored["answers"][&codes[0]], "yes");
    assert_eq!(stored["urgency"], "emergency");
}
