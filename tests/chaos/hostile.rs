//! One hostile tenant, two tiers, and a tenant that wants nothing but its consultations.

use reqwest::Response;
use serde_json::{Value, json};
use xtask::users::Role;

use super::functions::Function;
use super::{Duration, Instant, STACK, join_all, provider};
use crate::support::{User, new_tenant};

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

/// Another tenant's chats and reads meanwhile: each one's status, and what its error says.
async fn chat(user: &User, until: Instant) -> Vec<String> {
    let mut answered = Vec::new();
    while Instant::now() < until {
        let body = json!({
            "model": "default", "messages": [{ "role": "user", "content": "hello" }],
        });
        let answer = user.post("/v1/chat/completions").json(&body).send().await;
        answered.push(status_of(answer.unwrap()).await);
        let list = user.get("/v1/consultations?limit=1").send().await;
        answered.push(status_of(list.unwrap()).await);
        tokio::time::sleep(COMPLAINT_PAUSE).await;
    }
    answered
}

async fn status_of(answer: Response) -> String {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap_or_default();
    let said = body["error"]["message"].as_str().unwrap_or_default();
    format!("{status} {said}")
}

/// A healthy tenant whose calls fail now and then, as anybody's do.
async fn stray(user: &User, until: Instant) {
    while Instant::now() < until {
        for words in ["a cough", "a cough [primary:500]", "a cough"] {
            let complaint = json!({ "symptoms": words });
            user.post("/v1/consultations")
                .json(&complaint)
                .send()
                .await
                .ok();
            tokio::time::sleep(COMPLAINT_PAUSE).await;
        }
    }
}

/// What the circuits looked like meanwhile.
#[derive(Debug, Default)]
struct Circuits {
    /// The most tenants that one circuit has left out.
    most_barred: u64,
    /// How often a circuit was open for all.
    open: usize,
}

async fn watch(until: Instant) -> Circuits {
    let url = format!("{}/health", STACK.env("API_URL").unwrap());
    let mut circuits = Circuits::default();
    while Instant::now() < until {
        // Health has its own throttle: an answer may be a refusal.
        let answer = reqwest::get(&url).await.unwrap();
        let health: Value = answer.json().await.unwrap_or_default();
        let views = health["checks"]["ai"]["circuits"].as_array().cloned();
        for circuit in views.unwrap_or_default() {
            let barred = circuit["barred_tenants"].as_u64().unwrap();
            circuits.most_barred = circuits.most_barred.max(barred);
            circuits.open += usize::from(circuit["phase"] == "open");
        }
        tokio::time::sleep(COMPLAINT_PAUSE).await;
    }
    circuits
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
    let third = User::of(&new_tenant(), "third", Role::Patient).await;

    let until = Instant::now() + ATTACK_TIME;
    let attacks = join_all(hostile.iter().map(|user| attack(user, until)));
    let (attacks, served_by, answered, circuits, ()) = futures::join!(
        attacks,
        consult(&patient, until),
        chat(&app, until),
        watch(until),
        stray(&third, until)
    );
    set_usual_circuits(false).await;

    let calls: usize = attacks.iter().sum();
    let (consultations, all_answers) = (served_by.len(), answered.len());
    let is_model = |tier: &&String| matches!(tier.as_str(), "primary" | "secondary");
    let by_model = served_by.iter().filter(is_model).count();
    let by_first = served_by.iter().filter(|tier| *tier == "primary").count();
    let served = answered.iter().filter(|said| *said == "200 ").count();
    let its_calls = 2 * calls;
    println!(
        "\n| one hostile tenant for 2 minutes | its calls {its_calls} \
         | consultations of another {consultations}, by a model {by_model}, \
         the first tier {by_first} \
         | chats and reads of another {all_answers}, served {served} \
         | tenants left out, at most {} | open for all {} |",
        circuits.most_barred, circuits.open
    );

    assert!(calls > 10, "{attacks:?}");
    assert!(consultations > 5, "{served_by:?}");
    assert_eq!(by_model, consultations, "{served_by:?}");
    assert_eq!(served, all_answers, "{answered:?}");
    assert!(
        circuits.most_barred >= 1,
        "the attack was felt: {circuits:?}"
    );
    assert_eq!(circuits.open, 0, "{circuits:?}");
}
