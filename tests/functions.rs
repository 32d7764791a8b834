//! The binary of the functions, as Lambda starts it: each function starts with the variables that
//! the template gives it, and with no others.

mod edge;
mod failures;
mod settings;
mod streaming;
mod watching;

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use serde_json::Value;
use wenzhen::lambda::{Function, find_function};
use wenzhen_functions::FUNCTIONS;

use crate::support::STACK;
use crate::support::runtime_api::RuntimeApi;
use crate::template::{deployed_functions, variables_of};

/// The variables of the platform that a function reads.
const PLATFORM_VARIABLES: [&str; 3] = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/// Between two looks at a process that starts.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Looks at a process that starts, at most: 30 seconds.
const MAX_POLLS: usize = 300;

/// The variables of a function, with the stack's values or none, as the template's defaults.
fn environment_of(name: &str) -> BTreeMap<String, String> {
    let mut variables = variables_of(&deployed_functions()[name]);
    variables.extend(PLATFORM_VARIABLES.map(str::to_owned));

    let with_values = variables.into_iter().map(|variable| {
        let value = STACK.env(&variable).unwrap_or_default();
        (variable, value)
    });

    with_values.collect()
}

/// Whether the function, with this environment, comes to ask for its first event.
async fn does_start(name: &str, environment: &BTreeMap<String, String>) -> bool {
    let binary = STACK.root.join("target/debug/wenzhen");
    let mut api = RuntimeApi::start().await;
    let mut child = api.spawn_function(&binary, name, environment);

    let mut has_polled = false;
    for _ in 0..MAX_POLLS {
        let poll = tokio::time::timeout(POLL_INTERVAL, api.wait_for_poll());
        has_polled = poll.await.is_ok();
        if has_polled || child.try_wait().unwrap().is_some() {
            break;
        }
    }

    child.kill().unwrap();
    child.wait().unwrap();
    has_polled
}

#[tokio::test]
async fn each_function_starts_with_its_templates_variables() {
    for function in FUNCTIONS {
        let name = function.name();
        let environment = environment_of(name);
        assert!(does_start(name, &environment).await, "{name}");
    }
}

/// All functions are told where the database is. Those that ask it do not start without, the others
/// do.
#[tokio::test]
async fn list_models_needs_no_database_and_get_job_does() {
    let mut without_database = environment_of("get-job");
    without_database.remove("DATABASE_URL");

    for name in ["list-models", "get-checklist"] {
        assert!(does_start(name, &without_database).await, "{name}");
    }

    assert!(!does_start("get-job", &without_database).await);
}

#[tokio::test]
async fn a_handler_that_is_no_function_does_not_start() {
    let environment = environment_of("get-job");
    assert!(!does_start("bootstrap", &environment).await);
}

/// The process answers an event, and only then asks for the next one.
#[tokio::test]
async fn an_event_without_a_token_gets_a_401() {
    let binary = STACK.root.join("target/debug/wenzhen");
    let mut api = RuntimeApi::start().await;
    let mut child = api.spawn_function(&binary, "get-job", &environment_of("get-job"));
    api.wait_for_poll().await;

    let path = STACK.root.join("events/get-job.now.json");
    let mut event: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    event["headers"]
        .as_object_mut()
        .unwrap()
        .remove("authorization");
    let answer = api.invoke_function(&event.to_string()).await;
    api.wait_for_poll().await;
    child.kill().unwrap();
    child.wait().unwrap();

    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["statusCode"], 401, "{answer}");
    assert_eq!(
        answer["headers"]["content-type"],
        "application/problem+json"
    );
    assert_eq!(answer["isBase64Encoded"], false);
}

/// Where no handler is named, as under `cargo lambda watch`, the event finds its function.
#[test]
fn every_sample_event_finds_its_function() {
    let names: Vec<_> = FUNCTIONS.iter().map(Function::name).collect();
    for entry in fs::read_dir(STACK.root.join("events")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        let expected = file.split('.').next().unwrap();

        let event = fs::read_to_string(&path).unwrap();
        let found = find_function(FUNCTIONS, &event);
        let found = found.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(found.name(), expected, "{file}");
        assert!(names.contains(&expected));
    }
}

#[test]
fn an_event_of_no_function_is_refused() {
    let unknown = [
        r#"{"requestContext": {"http": {"method": "GET"}}, "rawPath": "/v1/nothing"}"#,
        r#"{"requestContext": {"http": {"method": "PUT"}}, "rawPath": "/v1/users/me"}"#,
        r#"{"Records": [{"eventSourceARN": "arn:aws:sqs:eu-west-1:1:another"}]}"#,
        "{}",
    ];

    for event in unknown {
        assert!(find_function(FUNCTIONS, event).is_err(), "{event}");
    }
}
