//! What must never be logged: the patient's words, the model's answer, the token.

use crate::support::{STACK, User, eventually};

#[tokio::test]
async fn no_log_line_repeats_what_a_patient_or_a_model_wrote() {
    let user = User::new().await;
    let secret = "Zweiundvierzig";
    let accepted = user
        .complain(&format!("胸痛 {secret} [primary:prose] [secondary:good]"))
        .await;
    user.outcome(&accepted).await;
    let refused = [
        format!("{{\"symptoms\": [\"{secret}\"]}}"),
        format!("{{\"symptoms\": \"x\", \"age\": \"{secret}\"}}"),
        format!("{{\"symptoms\": \"x\", \"{secret}\": 1}}"),
        format!("{{\"symptoms\": {secret}"),
    ];
    for body in refused {
        let request = user
            .post("/v1/consultations")
            .header("content-type", "application/json");
        assert!(
            request
                .body(body)
                .send()
                .await
                .unwrap()
                .status()
                .is_client_error()
        );
    }
    user.get(&format!("/v1/consultations/{secret}"))
        .send()
        .await
        .unwrap();
    let job = accepted["job_id"].as_str().unwrap();
    let lines = eventually("the worker's line about the job", async || {
        let lines = xtask::logs::all(&STACK).await.unwrap();
        lines
            .iter()
            .any(|line| line.contains("analysed") && line.contains(job))
            .then_some(lines)
    })
    .await;
    let signature = user.token.rsplit('.').next().unwrap();
    for line in &lines {
        for never in [
            secret,
            "胸痛",
            "The scripted summary",
            "cannot answer with JSON",
            signature,
            "sk-test",
        ] {
            assert!(!line.contains(never), "logged: {line}");
        }
    }
}
