//! `GET /v1/consultations/{id}/trace`: how an answer was made, for clinicians.

use reqwest::StatusCode;
use serde_json::{Value, json};
use xtask::users::Role;

use crate::support::{User, new_tenant, problem, read};

fn path_of(consultation: &Value) -> String {
    format!(
        "/v1/consultations/{}/trace",
        consultation["id"].as_str().unwrap()
    )
}

#[tokio::test]
async fn the_steps_of_each_turn_can_be_read_without_anybodys_words() {
    let tenant = new_tenant();
    let patient = User::of(&tenant, "patient", Role::Patient).await;
    let clinician = User::of(&tenant, "clinician", Role::Clinician).await;
    let first = patient
        .complain("a runny nose and a cough [primary:500]")
        .await;
    patient.outcome(&first).await;
    let message = json!({ "text": "and a sore throat" });
    let messages = format!(
        "/v1/consultations/{}/messages",
        first["id"].as_str().unwrap()
    );
    let accepted = patient.post(&messages).json(&message).send().await.unwrap();
    read(accepted, StatusCode::ACCEPTED).await;
    patient.outcome(&first).await;

    let traced = clinician.get(&path_of(&first)).send().await.unwrap();
    let traced = read(traced, StatusCode::OK).await;
    let items = traced["items"].as_array().unwrap();
    assert_eq!(
        (&items[0]["turn"], &items[1]["turn"]),
        (&json!(1), &json!(2))
    );

    for item in items {
        let steps = item["steps"].as_array().unwrap();
        let names: Vec<_> = steps
            .iter()
            .map(|step| step["step"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["search", "models", "citations"], "{item}");
        assert!(!steps[0]["passages"].as_array().unwrap().is_empty());
        let failure = json!({ "tier": "primary", "fault": "status_500" });
        assert_eq!(steps[1]["failures"], json!([failure]));
        assert_eq!(steps[1]["tier"], "secondary");
    }
    let text = traced.to_string();
    for words in ["runny", "sore throat", "scripted summary"] {
        assert!(!text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn patients_and_other_tenants_do_not_read_it() {
    let patient = User::new().await;
    let stranger = User::of(&new_tenant(), "clinician", Role::Clinician).await;
    let first = patient.complain("a dull headache").await;

    let refused = patient.get(&path_of(&first)).send().await.unwrap();
    problem(refused, StatusCode::FORBIDDEN).await;
    let refused = stranger.get(&path_of(&first)).send().await.unwrap();
    problem(refused, StatusCode::NOT_FOUND).await;
}
