//! The binary of the functions, as Lambda starts it: each function starts with the variables that
//! the template gives it, and with no others.

use std::collections::BTreeMap;
use std::time::Duration;

use wenzhen::lambda::{Function, find_function};
use wenzhen_functions::FUNCTIONS;

use crate::support::STACK;
use crate::support::runtime_api::RuntimeApi;
use crate::template::{functions, variables};

/// A value for a variable of the template: the stack's own, or nothing, as the template's default.
fn value_of(variable: &str) -> String {
    STACK.env(variable).unwrap_or_default()
}

fn environment(name: &str) -> BTreeMap<String, String> {
    let aws = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let variables = variables(&functions()[name]);
    let names = variables.into_iter().chain(aws.map(str::to_owned));
    names.map(|name| (name.clone(), value_of(&name))).collect()
}

/// Whether the function, with this environment, comes to ask for its first event.
async fn starts(name: &str, environment: &BTreeMap<String, String>) -> bool {
    let binary = STACK.root.join("target/debug/wenzhen");
    let mut api = RuntimeApi::start().await;
    let mut child = api.spawn(&binary, name, environment);

    let mut has_polled = false;
    for _ in 0..300 {
        let poll = tokio::time::timeout(Duration::from_millis(100), api.polled());
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
        assert!(starts(name, &environment(name)).await, "{name}");
    }
}

/// It has no database: with the variable that every other function with one needs, it would fail.
#[tokio::test]
async fn list_models_needs_no_database_and_get_job_does() {
    let mut without_database = environment("get-job");
    without_database.remove("DATABASE_URL");

    assert!(!environment("list-models").contains_key("DATABASE_URL"));
    assert!(starts("list-models", &without_database).await);
    assert!(!starts("get-job", &without_database).await);
}

#[tokio::test]
async fn a_handler_that_is_no_function_does_not_start() {
    assert!(!starts("bootstrap", &environment("get-job")).await);
}

/// Where no handler is named, as under `cargo lambda watch`, the event finds its function.
#[test]
fn every_sample_event_finds_its_function() {
    let names: Vec<_> = FUNCTIONS.iter().map(Function::name).collect();
    for entry in std::fs::read_dir(STACK.root.join("events")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        let expected = file.split('.').next().unwrap();

        let event = std::fs::read_to_string(&path).unwrap();
        let found = find_function(FUNCTIONS, &event).unwrap_or_else(|error| panic!("{error}"));
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
