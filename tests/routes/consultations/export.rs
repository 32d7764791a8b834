use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use xtask::users::Role;

use crate::support::{User, new_tenant, problem, read, run_python};

async fn export(user: &User, accepted: &Value, query: &str) -> Response {
    let id = accepted["id"].as_str().unwrap();
    let path = format!("/v1/consultations/{id}/export{query}");
    user.get(&path).send().await.unwrap()
}

/// A consultation of two turns.
async fn two_turns(user: &User) -> Value {
    let body = json!({
        "symptoms": "胸痛，放射到左臂，出冷汗", "age": 58, "sex": "male", "history": "高血压",
    });
    let request = user.post("/v1/consultations").json(&body);
    let accepted = read(request.send().await.unwrap(), StatusCode::ACCEPTED).await;
    user.outcome(&accepted).await;

    let path = format!(
        "/v1/consultations/{}/messages",
        accepted["id"].as_str().unwrap()
    );
    let message = user.post(&path).json(&json!({ "text": "现在好一点了" }));
    read(message.send().await.unwrap(), StatusCode::ACCEPTED).await;
    user.outcome(&accepted).await;
    accepted
}

#[tokio::test]
async fn an_export_holds_everything_of_one_consultation() {
    let user = User::new().await;
    let accepted = two_turns(&user).await;
    let shown = user.outcome(&accepted).await;

    let answer = export(&user, &accepted, "").await;
    let disposition = answer.headers()["content-disposition"].clone();
    let file_name = format!("consultation-{}.json", accepted["id"].as_str().unwrap());
    assert_eq!(disposition, format!("attachment; filename=\"{file_name}\""));
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let exported = read(answer, StatusCode::OK).await;

    assert_eq!(exported["format"], "wenzhen.consultation.v1");
    assert_eq!(exported["consultation"], shown);
    assert_eq!(exported["consultation"]["user_id"], user.id().await);
    let messages = exported["messages"].as_array().unwrap();
    let roles: Vec<_> = messages.iter().map(|it| it["role"].clone()).collect();
    assert_eq!(roles, ["patient", "assistant", "patient", "assistant"]);
    assert_eq!(messages[2]["text"], "现在好一点了");
    let jobs = exported["jobs"].as_array().unwrap().iter();
    let kinds: Vec<_> = jobs.map(|job| job["kind"].clone()).collect();
    assert_eq!(kinds, ["analyze", "answer_message"]);
    let report = exported["report"]["markdown"].as_str().unwrap();
    assert!(report.contains("胸痛"), "{report}");
    assert_eq!(exported["traces"], Value::Null, "patients do not see them");
    let accesses = exported["accesses"].as_array().unwrap();
    assert_eq!(accesses[0]["action"], "export_consultation");
}

#[tokio::test]
async fn a_clinician_exports_with_traces_and_strangers_do_not() {
    let tenant = new_tenant();
    let user = User::of(&tenant, "patient", Role::Patient).await;
    let accepted = user.complain("a headache").await;
    user.outcome(&accepted).await;

    let clinician = User::of(&tenant, "clinician", Role::Clinician).await;
    let exported = read(export(&clinician, &accepted, "").await, StatusCode::OK).await;
    assert!(exported["traces"][0]["steps"].is_array(), "{exported}");
    let stranger = User::new().await;
    problem(
        export(&stranger, &accepted, "").await,
        StatusCode::NOT_FOUND,
    )
    .await;
    let wrong = export(&user, &accepted, "?format=xml").await;
    problem(wrong, StatusCode::UNPROCESSABLE_ENTITY).await;
}

/// The resources of a type in a bundle.
fn resources<'b>(bundle: &'b Value, name: &str) -> Vec<&'b Value> {
    let entries = bundle["entry"].as_array().unwrap().iter();
    let resources = entries.map(|entry| &entry["resource"]);
    resources
        .filter(|resource| resource["resourceType"] == name)
        .collect()
}

#[tokio::test]
async fn an_export_is_a_fhir_bundle_too() {
    let user = User::new().await;
    let accepted = two_turns(&user).await;
    let answer = export(&user, &accepted, "?format=fhir").await;
    assert_eq!(answer.headers()["content-type"], "application/fhir+json");
    let bundle = read(answer, StatusCode::OK).await;
    assert_eq!(bundle["resourceType"], "Bundle");

    let encounter = resources(&bundle, "Encounter")[0];
    assert_eq!(encounter["status"], "finished");
    assert_eq!(encounter["priority"]["coding"][0]["code"], "EM");
    let patient = resources(&bundle, "Patient")[0];
    assert_eq!(patient["gender"], "male");
    let [age, history] = resources(&bundle, "Observation")[..] else {
        panic!("two observations in {bundle}");
    };
    assert_eq!(age["valueQuantity"]["value"], 58);
    assert_eq!(history["valueString"], "高血压");
    let conditions = resources(&bundle, "Condition");
    assert_eq!(conditions[0]["code"]["text"], "胸痛，放射到左臂，出冷汗");
    assert!(conditions[0]["asserter"].is_object());
    assert!(conditions.len() > 1, "the danger signs: {conditions:?}");
    for condition in conditions {
        let status = &condition["verificationStatus"]["coding"][0]["code"];
        assert_eq!(status, "unconfirmed");
        assert_eq!(condition["category"], Value::Null, "no diagnosis");
    }
    let again = export(&user, &accepted, "?format=fhir").await;
    let again = read(again, StatusCode::OK).await;
    let addresses = |bundle: &Value| {
        let entries = bundle["entry"].as_array().unwrap().iter();
        let addresses = entries.map(|entry| entry["fullUrl"].clone());
        addresses.collect::<Vec<_>>()
    };
    assert_eq!(addresses(&again), addresses(&bundle), "ids stay");
    assert_eq!(resources(&bundle, "DocumentReference").len(), 2);
    validate(&bundle);
}

/// Every reference leads to a resource of the bundle, and an implementation of FHIR that is not
/// ours reads all of it.
fn validate(bundle: &Value) {
    let program = "\
import sys
from fhir.resources.R4B.bundle import Bundle
bundle = Bundle.model_validate_json(sys.argv[1])
print(len(bundle.entry))";
    let text = bundle.to_string();
    let read = run_python(program, &[&text]);
    let problems = String::from_utf8_lossy(&read.stderr).into_owned();
    let count = bundle["entry"].as_array().unwrap().len();
    let shown = String::from_utf8(read.stdout).unwrap();
    assert_eq!(shown.trim(), count.to_string(), "{problems}");

    let entries = bundle["entry"].as_array().unwrap().iter();
    let addresses: Vec<_> = entries
        .map(|entry| entry["fullUrl"].as_str().unwrap())
        .collect();
    for part in text.split("\"reference\":\"").skip(1) {
        let reference = part.split('"').next().unwrap();
        assert!(addresses.contains(&reference), "{reference}");
    }
}
