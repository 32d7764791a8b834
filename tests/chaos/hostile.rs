//! One hostile tenant, two tiers, and a tenant that wants nothing but its consultations.

use reqwest::StatusCode;
use serde_json::{Value, json};
use xtask::users::Role;

use super::functions::Function;
use super::{Duration, Instant, STACK, join_all, provider};
use crate::support::{User, new_tenant, read};

/// How long the attack lasts.
const ATTACK_TIME: Duration = Duration::from_mins(2);

/// The pause between two consultations of the other tenant.
const COMPLAINT_PAUSE: Duration = Duration::from_secs(4);

/// What the hostile tenant's words make both tiers do.
const ATTACKS: [&str; 4] = [
    "[primary:500] [secondary:500]",
    "[primary:silent] [secondary:silent]",
    "[primary:cut] [secondary:cut]",
    "[primary:reset] [secondary:late-4000]",
];

/// The functions that ask models.
const ASKING_FUNCTIONS: [&str; 2] = ["CreateChatCompletion", "Worker"];

/// Lets the circuits of the deployed functions open as they do by default.
async fn set_usual_circuits(is_usual: bool) {
    for logical in ASKING_FUNCTIONS {
        let function = Function::of(logical).await;
        let tiers = function.variable("AI_TIERS").await;
        let mut tiers: Value = serde_json::from_str(&tiers).unwrap();
        for tier in tiers.as_array_mut().unwrap() {
            tier["breaker"] = if is_usual {
                json!({})
            } else {
                json!({ "failures": 10_000, "minimum_calls": 1_000_000 })
            };
        }
        function.set("AI_TIERS", Some(&tiers.to_string())).await;
    }
}

/// Chats and consultations of the hostile tenant, as many as its limits allow, until the end.
async fn attack(user: &User, until: Instant) -> usize {
    let mut calls = 0;
    while Instant::now() < until {
        let words = ATTACKS[calls % ATTACKS.len()];
        let chat = json!({
            "model": "default", "messages": [{ "role": "user", "content": words }],
        });
        let chat = user.post("/v1/chat/completions").json(&chat).send();
        let complaint = json!({ "symptoms": format!("a cough {words}") });
        let complaint = user.post("/v1/consultations").json(&complaint).send();

        let (chat, complaint) = futures::join!(chat, complaint);
        drop((chat, complaint)); // refused or failed: it goes on
        calls += 1;
    }
    calls
}

/// The tiers that served the consultations of a tenant meanwhile.
async fn consult(user: &User, until: Instant) -> Vec<String> {
    let mut served_by = Vec::new();
    while Instant::now() < until {
        let accepted = user.complain("a cough since yesterday").await;
        let outcome = user.outcome(&accepted).await;
        let tier = outcome["assessment"]["served_by"]["tier"].as_str();
        served_by.push(tier.unwrap_or("none").to_owned());
        tokio::time::sleep(COMPLAINT_PAUSE).await;
    }
    served_by
}

/// Another tenant's chats meanwhile: each one's status, and the code of its error.
async fn chat(user: &User, until: Instant) -> Vec<String> {
    let mut answered = Vec::new();
    while Instant::now() < until {
        let body = json!({
            "model": "default", "messages": [{ "role": "user", "content": "hello" }],
        });
        let answer = user.post("/v1/chat/completions").json(&body).send().await;
        let answer = answer.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap_or_default();
        let said = body["error"]["message"].as_str().unwrap_or_default();
        answered.push(format!("{} {said}", status.as_u16()));
        tokio::time::sleep(COMPLAINT_PAUSE).await;
    }
    answered
}

#[tokio::test]
async fn one_hostile_tenant_takes_no_model_from_another() {
    provider::start();
    set_usual_circuits(true).await;
    let hostile_tenant = new_tenant();
    let hostile = (0..4).map(async |number: usize| {
        let name = format!("hostile-{number}");
        User::of(&hostile_tenant, &name, Role::Patient).await
    });
    let hostile = join_all(hostile).await;
    let other_tenant = new_tenant();
    let patient = User::of(&other_tenant, "patient", Role::Patient).await;
    let app = User::of(&other_tenant, "app", Role::Patient).await;

    let until = Instant::now() + ATTACK_TIME;
    let attacks = join_all(hostile.iter().map(|user| attack(user, until)));
    let (attacks, served_by, answered) =
        futures::join!(attacks, consult(&patient, until), chat(&app, until));
    let calls: usize = attacks.iter().sum();
    let consultations = served_by.len();
    let by_model = served_by
        .iter()
        .filter(|tier| *tier != "fixed_text")
        .count();
    let chats = answered.iter().filter(|said| *said == "200 ").count();
    let (its_calls, all_chats) = (2 * calls, answered.len());
    println!(
        "\n| one hostile tenant for 2 minutes | its calls {its_calls} \
         | consultations of another {consultations}, by a model {by_model} \
         | chats of another {all_chats}, answered {chats} |"
    );

    set_usual_circuits(false).await;
    assert!(calls > 10, "{attacks:?}");
    assert!(consultations > 5, "{served_by:?}");
    assert_eq!(by_model, consultations, "{served_by:?}");
    assert_eq!(chats, answered.len(), "{answered:?}");

    // The circuits say for whom they are open, if they are.
    let url = format!("{}/health", STACK.env("API_URL").unwrap());
    let health = read(reqwest::get(url).await.unwrap(), StatusCode::OK).await;
    assert_ne!(health["checks"]["ai"]["status"], "down", "{health}");
}
