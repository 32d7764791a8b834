//! Functions as processes of the real binary: the stack that they use, their settings, and the
//! events that they are called with.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Child;

use scripted_provider::Provider;
use serde_json::{Value, json};
use xtask::stack::Stack;
use xtask::users::{self, Person, Role};

use crate::runtime_api::RuntimeApi;

/// The stack, and how functions are started and called on it.
pub struct FunctionStack {
    pub stack: Stack,
    /// The variables of every function, so that any of them starts.
    pub environment: BTreeMap<String, String>,
    /// The demo patient's.
    token: String,
}

impl FunctionStack {
    pub async fn new(provider: &Provider) -> Self {
        let env_file = std::env::var("WENZHEN_STACK_ENV").expect("run `cargo xtask bench`");
        let stack = Stack::running(Path::new(&env_file)).unwrap();
        let patient = Person::demo(Role::Patient);
        let token = users::token(&stack, &patient).await.unwrap();

        Self {
            environment: make_environment(&stack, provider),
            stack,
            token,
        }
    }

    /// A consultation of the demo patient. Nothing works on it. Returns its id.
    pub async fn create_consultation(&self, binary: &Path) -> String {
        let function = "create-consultation";
        let event = self.sample_event("create-consultation.sprained-ankle", "");

        let mut api = RuntimeApi::start().await;
        let mut child = api.spawn_function(binary, function, &self.environment);
        api.wait_for_poll().await;
        let answer = api.invoke_function(&event).await;
        stop_process(&mut child);

        let answer: Value = serde_json::from_slice(&answer).unwrap();
        let accepted: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        accepted["id"].as_str().unwrap().to_owned()
    }

    /// A sample event with a real token, and the id of a consultation that exists.
    pub fn sample_event(&self, sample: &str, consultation: &str) -> String {
        let file = self.stack.root.join(format!("events/{sample}.json"));
        let mut event: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        event["headers"]["authorization"] = json!(format!("Bearer {}", self.token));

        if sample.starts_with("get-consultation") {
            let path = format!("/v1/consultations/{consultation}");
            event["pathParameters"]["id"] = json!(consultation);
            event["rawPath"] = json!(path);
            event["requestContext"]["http"]["path"] = json!(path);
        }

        event.to_string()
    }
}

/// The settings of the stack, and those that let every call pass and be answered at once.
fn make_environment(stack: &Stack, provider: &Provider) -> BTreeMap<String, String> {
    let text = fs::read_to_string(stack.env_file()).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let pairs = lines.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut environment: BTreeMap<_, _> = pairs.collect();

    let tiers = json!([{ "name": "instant", "base_url": provider.url(), "model": "good" }]);
    // So high that no measured call is refused.
    let limits = json!({
        "address": { "limit": 10_000, "burst": 100_000_000 },
        "user": { "limit": 100_000_000 },
        "tokens": { "limit": 600_000, "burst": 100_000_000 },
    });

    environment.insert("AI_TIERS".to_owned(), tiers.to_string());
    environment.insert("LIMITS".to_owned(), limits.to_string());
    environment
}

pub fn check_status(function: &str, answer: &[u8]) {
    let answer: Value = serde_json::from_slice(answer).unwrap();
    let status = answer["statusCode"].as_u64().unwrap_or_default();
    assert!((200..300).contains(&status), "{function}: {answer}");
}

pub fn stop_process(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}
