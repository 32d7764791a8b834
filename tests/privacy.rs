//! What must never be logged: the patient's words, the model's answer, the token.

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::routes::uploads::upload;
use crate::support::socket::Socket;
use crate::support::{STACK, User, database, eventually, problem};

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
    let upload = upload_and_remove(&user).await;
    follow_wrongly(&user).await;
    let unknown = format!("/v1/consultations/{SECRET}");
    user.get(&unknown).send().await.unwrap();

    let job = accepted["job_id"].as_str().unwrap();
    let lines = lines_until_done(job, &upload).await;
    let signature = user.token.rsplit('.').next().unwrap();
    let never_logged = [
        SECRET,
        "胸痛",
        "The scripted summary",
        "您说的情况已经记下",
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

/// A file whose name and text tell of an illness: it is verified, delivered, removed, and its path
/// is made invalid. Returns its id.
async fn upload_and_remove(user: &User) -> String {
    let wrong = json!({ "file_name": SECRET, "content_type": SECRET, "size": 1 });
    let refused = user.post("/v1/uploads").json(&wrong).send().await.unwrap();
    problem(refused, StatusCode::UNPROCESSABLE_ENTITY).await;

    let name = format!("{SECRET}.txt");
    let ready = upload(user, &name, "text/plain", SECRET.as_bytes()).await;
    assert_eq!(ready["state"], "ready");
    let rejected = upload(user, &name, "image/png", SECRET.as_bytes()).await;
    assert_eq!(rejected["state"], "rejected");

    let id = ready["id"].as_str().unwrap().to_owned();
    let removed = user.delete(&format!("/v1/uploads/{id}")).send().await;
    assert_eq!(removed.unwrap().status(), StatusCode::NO_CONTENT);
    eventually("the CDN has heard of it", async || {
        let sql = "SELECT count(*) FROM removed_uploads WHERE tenant_id = $1 AND NOT is_second";
        let left = sqlx::query_scalar(sql).bind(&user.tenant);
        let left: i64 = left.fetch_one(&mut database().await).await.unwrap();
        (left == 0).then_some(())
    })
    .await;
    id
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

/// All lines of the stack, once those about the end of the job and of the upload are there.
async fn lines_until_done(job: &str, upload: &str) -> Vec<String> {
    eventually("the lines about the job and the upload", async || {
        let lines = xtask::logs::all(&STACK).await.unwrap();
        let has = |what: &str, id: &str| {
            let mut lines = lines.iter();
            lines.any(|line| line.contains(what) && line.contains(id))
        };
        let is_there = has("analysed", job) && has("an upload was removed", upload);
        is_there.then_some(lines)
    })
    .await
}
