//! Questions after danger signs, and what the patient's answers change.

mod kept;
mod lost;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::locale::Locale;
use wenzhen::triage::{Urgency, advice};
use xtask::users::Role;

use crate::support::{User, new_tenant, problem, read};

/// A complaint in which the rules find nothing.
const VAGUE: &str = "I feel unwell";

fn path(consultation: &Value) -> String {
    let id = consultation["id"].as_str().unwrap();
    format!("/v1/consultations/{id}")
}

async fn post_answers(user: &User, consultation: &Value, answers: &Value) -> Response {
    let request = user.post(&format!("{}/answers", path(consultation)));
    request.json(answers).send().await.unwrap()
}

/// Gives one answer, which must be taken.
async fn answer(user: &User, consultation: &Value, code: &str, answer: &str) -> Value {
    let body = json!({ "answers": { code: answer } });
    let taken = post_answers(user, consultation, &body).await;
    read(taken, StatusCode::OK).await
}

async fn get(user: &User, consultation: &Value) -> Value {
    let answer = user.get(&path(consultation)).send().await.unwrap();
    read(answer, StatusCode::OK).await
}

fn codes_of(questions: &Value) -> Vec<String> {
    let questions = questions.as_array().unwrap().iter();
    let codes = questions.map(|question| question["code"].as_str().unwrap());
    codes.map(str::to_owned).collect()
}

/// The first of the general danger signs that a consultation asks after: an emergency.
fn first_code(consultation: &Value) -> String {
    codes_of(&consultation["questions"]).remove(0)
}

#[tokio::test]
async fn a_complaint_without_an_emergency_is_asked() {
    let user = User::new().await;

    let vague = user.complain(VAGUE).await;
    let asked = vague["questions"].as_array().unwrap();
    assert!(!asked.is_empty() && asked.len() <= 16, "{vague}");
    assert_eq!(asked[0]["topic"], "general");
    for question in asked {
        let text = question["text"].as_str().unwrap();
        assert!(text.is_ascii() && text.ends_with('?'), "{question}");
        let url = question["source"]["url"].as_str().unwrap();
        assert!(url.starts_with("https://"), "{question}");
    }
    assert_eq!(get(&user, &vague).await["questions"], vague["questions"]);

    let chinese = user.complain("身体不舒服").await;
    let text = chinese["questions"][0]["text"].as_str().unwrap();
    assert!(text.ends_with('？'), "{chinese}");

    let emergency = user.complain("胸痛，放射到左臂，出冷汗").await;
    assert_eq!(emergency["urgency"], "emergency");
    assert_eq!(emergency["questions"], json!([]), "{emergency}");
}

#[tokio::test]
async fn a_yes_is_an_emergency_at_once() {
    let user = User::new().await;
    let accepted = user.complain(VAGUE).await;
    let code = first_code(&accepted);

    let taken = answer(&user, &accepted, &code, "yes").await;
    assert_eq!(taken["id"], accepted["id"]);
    assert_eq!(taken["urgency"], "emergency");
    let flag = &taken["red_flags"][0];
    assert_eq!(flag["status"], "present", "{taken}");
    assert_eq!(flag["urgency"], "emergency", "{taken}");
    let said = taken["advice"].as_str().unwrap();
    assert!(said.starts_with(advice(Urgency::Emergency, Locale::En)));
    assert_eq!(taken["questions"], json!([]));
    assert_eq!(taken["answers"], json!({ code: "yes" }));
    assert!(taken["disclaimer"].is_string());

    let stored = get(&user, &accepted).await;
    assert_eq!(stored["urgency"], "emergency");
    assert_eq!(stored["triage"]["red_flags"], taken["red_flags"]);
    assert_eq!(stored["answers"], taken["answers"]);
}

/// A "no" denies what was asked and nothing else; who is not sure is seen today.
#[tokio::test]
async fn a_no_lowers_nothing_and_a_doubt_is_urgent() {
    let user = User::new().await;
    let accepted = user.complain(VAGUE).await;
    let code = first_code(&accepted);

    let denied = answer(&user, &accepted, &code, "no").await;
    assert_eq!(denied["urgency"], accepted["urgency"]);
    assert_eq!(denied["red_flags"], json!([]));
    assert!(!codes_of(&denied["questions"]).contains(&code), "{denied}");

    let doubted = answer(&user, &accepted, &code, "unsure").await;
    assert_eq!(doubted["urgency"], "urgent");
    assert_eq!(doubted["red_flags"][0]["status"], "uncertain");

    // What the patient's own words say is not taken back by any answer.
    let chest_pain = user.complain("胸痛，放射到左臂，出冷汗").await;
    let kept = answer(&user, &chest_pain, &code, "no").await;
    assert_eq!(kept["urgency"], "emergency");
    assert_eq!(kept["red_flags"], chest_pain["red_flags"]);
}

#[tokio::test]
async fn the_same_answer_again_changes_nothing() {
    let user = User::new().await;
    let accepted = user.complain(VAGUE).await;
    user.outcome(&accepted).await;
    let code = first_code(&accepted);

    let first = answer(&user, &accepted, &code, "yes").await;
    let stored = get(&user, &accepted).await;

    // A later "no" takes no "yes" back.
    for again in ["yes", "unsure", "no"] {
        let same = answer(&user, &accepted, &code, again).await;
        assert_eq!(same, first, "{again}");
    }
    assert_eq!(get(&user, &accepted).await, stored);
}

struct WrongAnswers {
    body: &'static str,
    field: &'static str,
}

const WRONG: [WrongAnswers; 11] = [
    WrongAnswers {
        body: r#"{"answers":{"no_such_question":"yes"}}"#,
        field: "answers.no_such_question",
    },
    WrongAnswers {
        body: r#"{"answers":{"CODE":"maybe"}}"#,
        field: "answers.CODE",
    },
    WrongAnswers {
        body: r#"{"answers":{"CODE":true}}"#,
        field: "answers.CODE",
    },
    WrongAnswers {
        body: r#"{"answers":{"CODE":null}}"#,
        field: "answers.CODE",
    },
    // Of two answers to one question none may be lost.
    WrongAnswers {
        body: r#"{"answers":{"CODE":"yes","CODE":"no"}}"#,
        field: "answers.CODE",
    },
    WrongAnswers {
        body: r#"{"answers":{}}"#,
        field: "answers",
    },
    WrongAnswers {
        body: r#"{"answers":["CODE"]}"#,
        field: "answers",
    },
    WrongAnswers {
        body: r#"{"answers":{"CODE":"yes"},"answers":{}}"#,
        field: "answers",
    },
    WrongAnswers {
        body: r#"{"answers":{"CODE":"yes"},"urgency":"self_care"}"#,
        field: "urgency",
    },
    WrongAnswers {
        body: "{}",
        field: "answers",
    },
    WrongAnswers {
        body: r#"["CODE"]"#,
        field: "the body",
    },
];

#[tokio::test]
async fn wrong_answers_are_explained_and_change_nothing() {
    let user = User::new().await;
    let accepted = user.complain(VAGUE).await;
    user.outcome(&accepted).await;
    let before = get(&user, &accepted).await;
    let code = first_code(&accepted);

    for wrong in WRONG {
        let request = user
            .post(&format!("{}/answers", path(&accepted)))
            .header("content-type", "application/json")
            .body(wrong.body.replace("CODE", &code));
        let refused = request.send().await.unwrap();
        let said = problem(refused, StatusCode::UNPROCESSABLE_ENTITY).await;
        let field = wrong.field.replace("CODE", &code);
        assert_eq!(said["errors"][0]["field"], field, "{said}");
    }

    let names = (0..201).map(|number| (format!("q{number}"), json!("no")));
    let many = json!({ "answers": names.collect::<serde_json::Map<_, _>>() });
    let refused = post_answers(&user, &accepted, &many).await;
    let said = problem(refused, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(said["errors"][0]["field"], "answers");

    // One unknown code refuses all: the caller finds out that a "yes" was not understood.
    let mixed = json!({ "answers": { code: "yes", "zzz_no_such_question": "yes" } });
    let refused = post_answers(&user, &accepted, &mixed).await;
    problem(refused, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(get(&user, &accepted).await, before);
}

#[tokio::test]
async fn a_patient_and_the_tenants_clinicians_may_answer() {
    let patient = User::new().await;
    let accepted = patient.complain(VAGUE).await;
    let code = first_code(&accepted);
    let confirmed = json!({ "answers": { &code: "yes" } });

    let other = User::of(&patient.tenant, "other", Role::Patient).await;
    let stranger = User::of(&new_tenant(), "chief", Role::Admin).await;
    for user in [&other, &stranger] {
        let refused = post_answers(user, &accepted, &confirmed).await;
        problem(refused, StatusCode::NOT_FOUND).await;
    }
    for unknown in [Uuid::now_v7().to_string(), "no-id".to_owned()] {
        let refused = post_answers(&patient, &json!({ "id": unknown }), &confirmed).await;
        problem(refused, StatusCode::NOT_FOUND).await;
    }
    assert_eq!(get(&patient, &accepted).await["answers"], json!({}));

    // A nurse asks on the telephone, and writes the answer down.
    let clinician = User::of(&patient.tenant, "doctor", Role::Clinician).await;
    let admin = User::of(&patient.tenant, "chief", Role::Admin).await;
    let doubted = answer(&clinician, &accepted, &code, "unsure").await;
    assert_eq!(doubted["urgency"], "urgent");
    let raised = answer(&admin, &accepted, &code, "yes").await;
    assert_eq!(raised["urgency"], "emergency");
    assert_eq!(get(&patient, &accepted).await["urgency"], "emergency");
}
