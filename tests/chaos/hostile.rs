//! One hostile tenant, two tiers, and a tenant that wants nothing but its own: models for its
//! consultations, reads within its limit, and a bill for what it used. And one hostile patient,
//! and another one of the same tenant.

mod attackers;
mod neighbour;

use reqwest::Client;
use serde_json::{Value, json};
use xtask::users::Role;

use super::functions::Function;
use super::{Duration, Instant, STACK, pause, provider};
use crate::support::valkey::raw;
use crate::support::{User, new_tenant};
use attackers::{Attackers, Expected, Way, fail_models, throttle_models};
use neighbour::{
    Answered, Consultations, Neighbour, are_counted_alone, count_served, tokens_charged,
    tokens_used,
};

/// How long the attack lasts.
const ATTACK_TIME: Duration = Duration::from_mins(2);

/// How long one patient attacks the others of its tenant.
const PATIENT_ATTACK_TIME: Duration = Duration::from_secs(70);

/// Milliseconds between two looks at the circuits, and between two calls of the stray tenant.
const LOOK_PAUSE: u64 = 4_000;

/// For one call that is not made by a [`User`].
const CALL_TIMEOUT: Duration = Duration::from_secs(40);

/// The functions that ask models.
const ASKING_FUNCTIONS: [&str; 2] = ["CreateChatCompletion", "Worker"];

/// With a connection for each call, as those of a [`User`].
fn client_without_token() -> Client {
    let client = Client::builder()
        .timeout(CALL_TIMEOUT)
        .pool_max_idle_per_host(0);
    client.build().unwrap()
}

/// Lets the circuits of the deployed functions open as they do by default, and tokens come back so
/// slowly, one in five minutes, that a bill can be read off the limit to the token.
async fn set_settings(is_attacked: bool) {
    for logical in ASKING_FUNCTIONS {
        let function = Function::of(logical).await;
        let tiers = function.variable("AI_TIERS").await;
        let mut tiers: Value = serde_json::from_str(&tiers).unwrap();
        for tier in tiers.as_array_mut().unwrap() {
            tier["breaker"] = if is_attacked {
                json!({})
            } else {
                json!({ "failures": 10_000, "minimum_calls": 1_000_000 })
            };
        }
        function.set("AI_TIERS", Some(&tiers.to_string())).await;
    }

    let chat = Function::of("CreateChatCompletion").await;
    let mut limits: Value = serde_json::from_str(&chat.variable("LIMITS").await).unwrap();
    let limits_by_name = limits.as_object_mut().unwrap();
    limits_by_name.remove("tokens");
    if is_attacked {
        let slow = json!({ "limit": 300, "window": 86_400, "burst": 1_000_000 });
        limits_by_name.insert("tokens".to_owned(), slow);
    }
    chat.set("LIMITS", Some(&limits.to_string())).await;
}

/// Forgets what earlier tests did to the circuits: theirs were other tenants.
async fn forget_circuits() {
    let mut connection = raw(&STACK.env("VALKEY_URL").unwrap()).await;
    let prefix = STACK.env("VALKEY_PREFIX").unwrap();
    for name in ["primary", "secondary", "primary (chat)", "secondary (chat)"] {
        let mut delete = redis::cmd("DEL");
        delete.arg(format!("{prefix}:circuit2:{{{name}}}"));
        let _: () = delete.query_async(&mut connection).await.unwrap();
    }
}

/// A healthy tenant whose calls fail now and then, as anybody's do.
async fn stray(user: &User, until: Instant) {
    while Instant::now() < until {
        for words in ["a cough", "a cough [primary:500]", "a cough"] {
            let complaint = json!({ "symptoms": words });
            let complain = user.post("/v1/consultations").json(&complaint);
            complain.send().await.ok();
            pause(LOOK_PAUSE).await;
        }
    }
}

/// What the circuits looked like meanwhile.
#[derive(Debug, Default)]
struct Circuits {
    /// The most tenants, and users by themselves, that one circuit has left out.
    most_barred: u64,
    /// The most tenants of which a provider asked a user to leave it alone.
    most_throttled: u64,
    /// How often a circuit was open for all.
    open: usize,
}

async fn watch(until: Instant) -> Circuits {
    let admin = User::of(&new_tenant(), "watcher", Role::Admin).await;
    let mut circuits = Circuits::default();
    while Instant::now() < until {
        // Health has its own throttle: an answer may be a refusal.
        let answer = admin.get("/health").send().await.unwrap();
        let health: Value = answer.json().await.unwrap_or_default();
        let views = health["details"]["ai"].as_array().cloned();
        for circuit in views.unwrap_or_default() {
            let count = |name: &str| circuit[name].as_u64().unwrap();
            let barred = count("barred_tenants") + count("barred_users");
            circuits.most_barred = circuits.most_barred.max(barred);
            circuits.most_throttled = circuits.most_throttled.max(count("throttled_tenants"));
            circuits.open += usize::from(circuit["phase"] == "open");
        }
        pause(LOOK_PAUSE).await;
    }
    circuits
}

/// What came of the attack, and of its neighbour's calls meanwhile.
#[derive(Debug)]
struct Outcome {
    ways: Vec<Way>,
    redriven_runs: i64,
    consultations: Consultations,
    chats: Vec<Answered>,
    /// As many chats of a tenant like the neighbour, with no attack.
    calm_chats: Vec<Answered>,
    reads: Vec<Answered>,
    circuits: Circuits,
}

async fn attack() -> Outcome {
    let attackers = Attackers::gather().await;
    let (neighbour, calm) = futures::join!(Neighbour::gather(), Neighbour::gather());
    let third = User::of(&new_tenant(), "third", Role::Patient).await;

    let until = Instant::now() + ATTACK_TIME;
    let (ways, consultations, chats, reads, circuits, ()) = futures::join!(
        attackers.attack(until),
        neighbour.consult(until),
        neighbour.chat(until),
        neighbour.read(until),
        watch(until),
        stray(&third, until)
    );

    Outcome {
        redriven_runs: attackers.count_redriven_runs().await,
        calm_chats: calm.chat_times(chats.len()).await,
        ways,
        consultations,
        chats,
        reads,
        circuits,
    }
}

impl Outcome {
    fn count_served_by(&self, tiers: &[&str]) -> usize {
        let served_by = self.consultations.served_by.iter();
        served_by
            .filter(|tier| tiers.contains(&tier.as_str()))
            .count()
    }

    /// Prints the tables of docs/limits.md.
    fn print_tables(&self) {
        println!("\n| the hostile tenant, for two minutes | calls | 2xx | 4xx | 5xx |");
        println!("|---|---|---|---|---|");
        for way in &self.ways {
            let counts = [2, 4, 5].map(|class| way.count(class));
            let [good, refused, failed] = counts;
            let calls = way.statuses.len();
            println!("| {} | {calls} | {good} | {refused} | {failed} |", way.name);
        }

        let runs = self.redriven_runs;
        println!("| runs of these jobs | {runs} | | | |");

        println!("\n| its neighbour meanwhile | |\n|---|---|");
        for (name, value) in self.rows() {
            println!("| {name} | {value} |");
        }
    }

    fn rows(&self) -> [(&'static str, String); 7] {
        let consultations = self.consultations.served_by.len();
        let by_model = self.count_served_by(&["primary", "secondary"]);
        let by_first = self.count_served_by(&["primary"]);
        let model_calls = self.consultations.model_calls;
        let served = |answered| format!("{} of {}", count_served(answered), answered.len());
        let charged = tokens_charged(&self.chats);
        let (used, calm) = (tokens_used(&self.chats), tokens_charged(&self.calm_chats));
        let (barred, open) = (self.circuits.most_barred, self.circuits.open);

        [
            (
                "consultations served by a model",
                format!("{by_model} of {consultations}"),
            ),
            (
                "by the first one, and calls of models for all",
                format!("{by_first}; {model_calls}"),
            ),
            ("chats served", served(&self.chats)),
            (
                "tokens charged for them, used by them, and charged with no attack",
                format!("{charged}; {used}; {calm}"),
            ),
            ("reads served, at most 94 a minute", served(&self.reads)),
            (
                "tenants and users that a circuit left out at most",
                barred.to_string(),
            ),
            ("times that a circuit was open for all", open.to_string()),
        ]
    }
}

#[tokio::test]
async fn one_hostile_tenant_takes_nothing_from_another() {
    provider::start();
    set_settings(true).await;
    forget_circuits().await;
    let outcome = attack().await;
    set_settings(false).await;
    outcome.print_tables();

    // The attack was felt, and none of its forgeries was let in. How many calls there are is the
    // machine's speed, not what is tested.
    for way in &outcome.ways {
        assert!(way.statuses.len() > 5, "{}: {:?}", way.name, way.statuses);
        let accepted = way.count(2) > 0;
        match way.expected {
            Expected::Accepted => assert!(accepted, "{}: {:?}", way.name, way.statuses),
            Expected::Refused => assert!(!accepted, "{}: {:?}", way.name, way.statuses),
            Expected::Either => {}
        }
    }
    assert!(outcome.redriven_runs > 200, "{}", outcome.redriven_runs);
    let circuits = &outcome.circuits;
    assert!(circuits.most_barred >= 1, "{circuits:?}");
    assert!(circuits.most_throttled >= 1, "{circuits:?}");
    assert_eq!(circuits.open, 0, "{circuits:?}");

    let consultations = &outcome.consultations;
    let count = consultations.served_by.len();
    let by_model = outcome.count_served_by(&["primary", "secondary"]);
    assert!(count > 2, "{consultations:?}");
    assert_eq!(by_model, count, "{consultations:?}");

    let (chats, reads) = (&outcome.chats, &outcome.reads);
    assert!(chats.len() > 5, "{chats:?}");
    assert_eq!(count_served(chats), chats.len(), "{chats:?}");
    assert!(reads.len() > 15, "{reads:?}");
    assert_eq!(count_served(reads), reads.len(), "{reads:?}");
    assert!(are_counted_alone(reads), "{reads:?}");

    // The bill is what the chats used, to the token, and no other than with no attack.
    assert!(tokens_used(chats) > 0, "{chats:?}");
    assert_eq!(tokens_charged(chats), tokens_used(chats), "{chats:?}");
    let calm_chats = &outcome.calm_chats;
    assert_eq!(
        tokens_charged(calm_chats),
        tokens_charged(chats),
        "{calm_chats:?}"
    );
}

/// No other tenant calls meanwhile: the two patients are all that the circuits know.
#[tokio::test]
async fn one_hostile_patient_takes_nothing_from_its_tenant() {
    provider::start();
    set_settings(true).await;
    forget_circuits().await;
    let tenant = new_tenant();
    let other = Neighbour::of(&tenant).await;
    let hostile = User::of(&tenant, "hostile", Role::Patient).await;

    let until = Instant::now() + PATIENT_ATTACK_TIME;
    let (consultations, statuses, circuits) = futures::join!(
        other.consult(until),
        fail_models(&hostile, until),
        watch(until)
    );
    let throttled = throttle_models(&hostile, Instant::now()).await;
    let last = other.consult(Instant::now() + Duration::from_secs(1)).await;
    let chats = other.chat_times(1).await;
    set_settings(false).await;

    assert!(statuses.len() > 5, "{statuses:?}");
    assert!(!throttled.is_empty());
    assert_eq!(count_served(&chats), 1, "{chats:?}");
    assert!(circuits.most_barred >= 1, "{circuits:?}");
    assert_eq!(circuits.open, 0, "{circuits:?}");
    for consultations in [consultations, last] {
        let mut tiers = consultations.served_by.iter();
        let by_model = |tier: &String| ["primary", "secondary"].contains(&tier.as_str());
        assert!(!consultations.served_by.is_empty());
        assert!(tiers.all(by_model), "{consultations:?}");
    }
}
