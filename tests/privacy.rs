//! What must never be logged: the patient's words, the model's answer, the token.

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::socket::Socket;
use crate::support::{STACK, User, eventually, problem};

/// A word that no log line has by accident.
const SECRET: &str = "Zweiundvierzig";

#[tokio::test]
async fn no_log_line_repeats_what_a_patient_or_a_model_wrote() {
    let user = User::new().await;
    let complaint = format!("胸痛 {SECRET} [primary:prose] [secondary:good]");
    let accepted = user.complain(&complaint).await;
    user.outcome(&accepted).await;

    let refused = [
        format!("{{\"symptoms\": [\"{SECRET}\"]}}"),
        format!("{{\"symptoms\": \"x\", \"age\": \"{SECRET}\"}}"),
        format!("{{\"symptoms\": \"x\", \"{SECRET}\": 1}}"),
        format!("{{\"symptoms\": {SECRET}"),
    ];
    for body in refused {
        let answer = post_json(&user, body).send().await.unwrap();
        assert!(answer.status().is_client_error());
    }
    answer_wrongly(&user, &accepted).await;
    follow_wrongly(&user).await;
    let unknown = format!("/v1/consultations/{SECRET}");
    user.get(&unknown).send().await.unwrap();

    let job = accepted["job_id"].as_str().unwrap();
    let lines = lines_until_analysed(job).await;
    let signature = user.token.rsplit('.').next().unwrap();
    let never_logged = [
        SECRET,
        "胸痛",
        "The scripted summary",
        "cannot answer with JSON",
        signature,
        "sk-test",
        &user.tenant,
    ];
    for line in &lines {
        for secret in never_logged {
            assert!(!line.contains(secret), "logged: {line}");
        }
    }
}

/// With words where the code of a question, or an answer, should stand.
async fn answer_wrongly(user: &User, accepted: &Value) {
    let id = accepted["id"].as_str().unwrap();
    let path = format!("/v1/consultations/{id}/answers");

    for answers in [json!({ SECRET: "yes" }), json!({ "a": SECRET })] {
        let body = json!({ "answers": answers });
        let refused = user.post(&path).json(&body).send().await.unwrap();
        problem(refused, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
}

/// With words where an action or an id should stand. The token is a header of the connection.
async fn follow_wrongly(user: &User) {
    let mut socket = Socket::open(user).await;
    let frames = [
        SECRET.to_owned(),
        json!({ "action": SECRET }).to_string(),
        json!({ "action": "subscribe", "consultation_id": SECRET }).to_string(),
        json!({ "action": "ping", "request": "1", SECRET: 1 }).to_string(),
    ];

    for frame in frames {
        socket.send_text(&frame).await;
        socket.next_of("error").await;
    }
}

fn post_json(user: &User, body: String) -> RequestBuilder {
    user.post("/v1/consultations")
        .header("content-type", "application/json")
        .body(body)
}

/// All lines of the stack, once the worker's line about the job is there.
async fn lines_until_analysed(job: &str) -> Vec<String> {
    eventually("the worker's line about the job", async || {
        let lines = xtask::logs::all(&STACK).await.unwrap();
        let is_there = lines
            .iter()
            .any(|line| line.contains("analysed") && line.contains(job));
        is_there.then_some(lines)
    })
    .await
}
