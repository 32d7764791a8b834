//! A model that calls tools before it assesses: what it finds, whose records it sees, what it asks.

use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;
use xtask::users::Role;

use super::messages::say;
use crate::provider;
use crate::support::{User, new_tenant, read};

/// The names of the steps of the last turn's answer, as a clinician reads them.
async fn steps_of(clinician: &User, consultation: &Value) -> Vec<Value> {
    let id = consultation["id"].as_str().unwrap();
    let path = format!("/v1/consultations/{id}/trace");
    let traced = read(clinician.get(&path).send().await.unwrap(), StatusCode::OK).await;
    let last = traced["items"].as_array().unwrap().last().unwrap();
    last["steps"].as_array().unwrap().clone()
}

/// The first of the patient's consultations, as a list shows it.
async fn first_listed(patient: &User) -> Value {
    let listed = patient.get("/v1/consultations?limit=1").send().await;
    read(listed.unwrap(), StatusCode::OK).await["items"][0].clone()
}

/// A complaint, and what was answered.
async fn complain(patient: &User, symptoms: &str) -> (Value, Value) {
    let first = patient.complain(symptoms).await;
    let answered = patient.outcome(&first).await;
    (first, answered)
}

/// What tools replied to the model in its last call, in order.
fn replies(marker: &str) -> Vec<Value> {
    let calls = provider::calls(marker);
    let messages = calls.last().unwrap().body["messages"].as_array().unwrap();
    let replies = messages.iter().filter(|it| it["role"] == "tool");
    replies
        .map(|reply| serde_json::from_str(reply["content"].as_str().unwrap()).unwrap())
        .collect()
}

#[tokio::test]
async fn a_model_finds_more_and_cites_it() {
    let tenant = new_tenant();
    let patient = User::of(&tenant, "patient", Role::Patient).await;
    let clinician = User::of(&tenant, "clinician", Role::Clinician).await;
    let marker = Uuid::new_v4().to_string();
    let complaint = format!("a runny nose and a cough {marker} [primary:agent-looks-up]");
    let (first, answered) = complain(&patient, &complaint).await;

    let assessment = &answered["assessment"];
    assert_eq!(assessment["summary"], "So the passage says [1].");
    assert_eq!(assessment["degraded"], false);
    let cited = &assessment["citations"][0];
    let found = &replies(&marker)[0]["passages"];
    let last = found.as_array().unwrap().last().unwrap();
    assert_eq!(cited["number"], 1, "{assessment}");
    assert!(cited["document_id"].is_string(), "{cited}");
    assert!(last["text"].as_str().is_some_and(|text| !text.is_empty()));

    let steps = steps_of(&clinician, &first).await;
    let names: Vec<_> = steps.iter().map(|step| step["step"].clone()).collect();
    let expected = [
        "search",
        "model_step",
        "tool_call",
        "model_step",
        "tool_call",
        "model_step",
        "models",
        "citations",
    ];
    assert_eq!(names, expected);
    assert_eq!(steps[1]["calls"], json!(["search_knowledge"]));
    assert_eq!(steps[1]["usage"]["completion"], 22);
    assert_eq!(steps[2]["tool"], "search_knowledge");
    assert_eq!(steps[4]["tool"], "past_consultations");
    assert_eq!(steps[6]["attempts"], 3);
    assert_eq!(steps[6]["usage"]["completion"], 66, "of all steps");
}

/// Also when the model names another person or tenant in its arguments.
#[tokio::test]
async fn a_model_sees_this_patients_earlier_complaints_alone() {
    let tenant = new_tenant();
    let patient = User::of(&tenant, "patient", Role::Patient).await;
    let neighbour = User::of(&tenant, "neighbour", Role::Patient).await;
    let theirs = neighbour.complain("the neighbour has a rash").await;
    neighbour.outcome(&theirs).await;
    let earlier = patient.complain("my own earlier earache").await;
    patient.outcome(&earlier).await;

    let marker = Uuid::new_v4().to_string();
    let complaint = format!("a dull headache {marker} [primary:agent-looks-up]");
    let now = patient.complain(&complaint).await;
    patient.outcome(&now).await;
    let shown = replies(&marker)[1]["consultations"].clone();
    assert_eq!(shown.as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(shown[0]["symptoms"], "my own earlier earache");
    assert_eq!(shown[0]["answered"], "The scripted summary.");

    let marker = Uuid::new_v4().to_string();
    let complaint = format!("a dull headache {marker} [primary:agent-escapes]");
    let now = patient.complain(&complaint).await;
    patient.outcome(&now).await;
    let shown = replies(&marker)[0]["consultations"].clone();
    assert_eq!(shown.as_array().unwrap().len(), 2, "{shown}");
    assert!(!shown.to_string().contains("rash"), "{shown}");
}

/// Families share accounts, and clinicians enter complaints of others.
#[tokio::test]
async fn who_cannot_be_the_same_person_is_not_shown() {
    let tenant = new_tenant();
    let account = User::of(&tenant, "family", Role::Patient).await;
    let create = async |user: &User, body: &Value| {
        let accepted = user.post("/v1/consultations").json(body).send().await;
        let accepted = read(accepted.unwrap(), StatusCode::ACCEPTED).await;
        user.outcome(&accepted).await;
    };
    for child in [
        json!({ "symptoms": "the son has a cough", "age": 2, "sex": "male" }),
        json!({ "symptoms": "the daughter has a cough", "age": 2, "sex": "female" }),
        json!({ "symptoms": "my own cough", "age": 45, "sex": "female" }),
    ] {
        create(&account, &child).await;
    }

    let marker = Uuid::new_v4().to_string();
    let symptoms = format!("a dull headache {marker} [primary:agent-looks-up]");
    let now = json!({ "symptoms": symptoms, "age": 45, "sex": "female" });
    create(&account, &now).await;
    let shown = replies(&marker)[1]["consultations"].clone();
    assert_eq!(shown.as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(shown[0]["symptoms"], "my own cough");
    assert_eq!(shown[0]["age"], 45);

    let clinician = User::of(&tenant, "clinician", Role::Clinician).await;
    create(&clinician, &json!({ "symptoms": "somebody's rash" })).await;
    let marker = Uuid::new_v4().to_string();
    create(
        &clinician,
        &json!({ "symptoms": format!("somebody's headache {marker}") }),
    )
    .await;
    let offered = provider::calls(&marker)[0].body["tools"].to_string();
    assert!(!offered.contains("past_consultations"), "{offered}");
}

#[tokio::test]
async fn a_question_ends_the_turn_and_its_answer_goes_on() {
    let patient = User::new().await;
    let marker = Uuid::new_v4().to_string();
    let complaint = format!("my belly feels odd {marker} [primary:agent-asks]");
    let (first, asked) = complain(&patient, &complaint).await;

    let assessment = &asked["assessment"];
    assert_eq!(asked["status"], "completed");
    assert_eq!(assessment["awaits_answer"], true, "{assessment}");
    let question = "Does it hurt when you press there?";
    assert_eq!(assessment["questions"], json!([question]));
    assert_eq!(assessment["summary"], "It may be several things.");
    let advice = assessment["recommended_actions"].as_array().unwrap();
    assert!(!advice.is_empty(), "the rules' advice stands: {assessment}");
    let listed = first_listed(&patient).await;
    assert_eq!(
        (&listed["awaits_answer"], &listed["turns"]),
        (&json!(true), &json!(1))
    );

    let (_, answered) = say(&patient, &first, "No, it does not.").await;
    let assessment = &answered["assessment"];
    assert_eq!(assessment["awaits_answer"], Value::Null, "{assessment}");
    let listed = first_listed(&patient).await;
    assert_eq!(
        (&listed["awaits_answer"], &listed["turns"]),
        (&json!(false), &json!(2))
    );
    let facts = provider::calls(&marker).last().unwrap().body["messages"][1]["content"].clone();
    let facts: Value = serde_json::from_str(facts.as_str().unwrap()).unwrap();
    assert_eq!(facts["conversation"][0]["questions"], json!([question]));
}

/// The tool is not offered, and a model that calls it all the same has to answer.
#[tokio::test]
async fn who_may_be_in_danger_is_not_asked_first() {
    let tenant = new_tenant();
    let patient = User::of(&tenant, "patient", Role::Patient).await;
    let clinician = User::of(&tenant, "clinician", Role::Clinician).await;
    let marker = Uuid::new_v4().to_string();
    let danger = "crushing chest pain and I am sweating";
    let complaint = format!("{danger} {marker} [primary:agent-asks]");
    let (first, answered) = complain(&patient, &complaint).await;

    let assessment = &answered["assessment"];
    assert_eq!(assessment["urgency"], "emergency");
    assert_eq!(assessment["awaits_answer"], Value::Null);
    assert_eq!(assessment["summary"], "The scripted summary.");
    let calls = provider::calls(&marker);
    let offered = calls[0].body["tools"].to_string();
    assert!(!offered.contains("ask_patient"), "{offered}");
    assert_eq!(calls.len(), 2);
    let steps = steps_of(&clinician, &first).await;
    assert_eq!(steps[1]["calls"], json!(["ask_patient"]));
}

/// What a model fears is not taken back by asking, nor by asking again in other words.
#[tokio::test]
async fn a_model_that_fears_an_emergency_does_not_ask_first() {
    for script in ["agent-fears", "agent-feared"] {
        let patient = User::new().await;
        let complaint = format!("my belly feels odd [primary:{script}]");
        let (first, answered) = complain(&patient, &complaint).await;

        let assessment = &answered["assessment"];
        assert_eq!(assessment["urgency"], "emergency", "{script}: {assessment}");
        assert_eq!(assessment["awaits_answer"], Value::Null, "{script}");
        assert_eq!(assessment["questions"], json!([]), "{script}");

        // It stands in the turns that follow: they do not ask either.
        let (_, answered) = say(&patient, &first, "It is still odd.").await;
        assert_eq!(answered["assessment"]["urgency"], "emergency", "{script}");
        assert_eq!(answered["assessment"]["awaits_answer"], Value::Null);
    }
}

#[tokio::test]
async fn questions_in_two_calls_are_asked_together() {
    let patient = User::new().await;
    let (_, asked) = complain(&patient, "my belly feels odd [primary:agent-asks-twice]").await;
    let assessment = &asked["assessment"];
    assert_eq!(assessment["questions"].as_array().unwrap().len(), 2);
    assert_eq!(assessment["urgency"], "urgent");
}

/// An answer to the rules' question that raises the urgency ends the wait for the model's.
#[tokio::test]
async fn what_was_asked_in_calm_does_not_hold_up_an_emergency() {
    let patient = User::new().await;
    let (first, asked) = complain(&patient, "my belly feels odd [primary:agent-asks]").await;
    assert_eq!(asked["assessment"]["awaits_answer"], true);

    let id = first["id"].as_str().unwrap();
    let code = asked["questions"][0]["code"].as_str().unwrap();
    let body = json!({ "answers": { code: "yes" } });
    let path = format!("/v1/consultations/{id}");
    let answers = format!("{path}/answers");
    let answered = patient.post(&answers).json(&body).send().await.unwrap();
    read(answered, StatusCode::OK).await;

    let seen = read(patient.get(&path).send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(seen["urgency"], "emergency");
    assert_eq!(first_listed(&patient).await["awaits_answer"], false);
    assert_eq!(seen["assessment"]["awaits_answer"], Value::Null, "{seen}");
    assert_eq!(seen["assessment"]["questions"], json!([]));
}

#[tokio::test]
async fn nobody_is_asked_for_ever() {
    let patient = User::new().await;
    let first = patient
        .complain("my belly feels odd [primary:agent-asks-again]")
        .await;
    patient.outcome(&first).await;
    say(&patient, &first, "No.").await;
    let (_, third) = say(&patient, &first, "No, not that either.").await;
    assert_eq!(third["assessment"]["awaits_answer"], true);

    let (_, fourth) = say(&patient, &first, "Still odd.").await;
    let assessment = &fourth["assessment"];
    assert_eq!(assessment["awaits_answer"], Value::Null, "{assessment}");
    assert_eq!(assessment["served_by"]["tier"], "secondary");
}

/// A second mistake is the next tier's turn, which is given what was found for the complaint.
#[tokio::test]
async fn a_model_that_cannot_use_its_tools_is_replaced() {
    let patient = User::new().await;
    let marker = Uuid::new_v4().to_string();
    let complaint = format!("a runny nose {marker} [primary:agent-unknown] [secondary:cites]");
    let (_, answered) = complain(&patient, &complaint).await;

    let assessment = &answered["assessment"];
    assert_eq!(assessment["served_by"]["tier"], "secondary");
    assert_eq!(assessment["degraded_reason"], "served_by_fallback_tier");
    assert_eq!(assessment["summary"], "It may be a cold [1].");
    assert_eq!(provider::calls(&marker).len(), 3);
}
