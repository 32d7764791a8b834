//! What a canary looks at: the failures of a function's version.

use std::fs::{self, File};

use serde_json::Value;
use uuid::Uuid;

use super::environment_of;
use crate::support::STACK;
use crate::support::runtime_api::RuntimeApi;

/// `GET /health`.
const HEALTH_EVENT: &str = "health.now.json";

/// Nobody listens there.
const NO_DATABASE: &str = "postgres://u:p@127.0.0.1:1/w?sslmode=disable";

/// The status of a function's answer to a sample event, and the lines that count failures.
async fn answer_and_failures(name: &str, event: &str, database: Option<&str>) -> (u64, Vec<Value>) {
    let mut environment = environment_of(name);
    if let Some(url) = database {
        environment.insert("DATABASE_URL".to_owned(), url.to_owned());
    }
    let file = std::env::temp_dir().join(format!("wenzhen-log-{}", Uuid::new_v4()));
    let log = File::create(&file).unwrap();

    let mut api = RuntimeApi::start().await;
    let binary = STACK.root.join("target/debug/wenzhen");
    let mut child = api.spawn_logging(&binary, name, &environment, log.into());
    api.wait_for_poll().await;
    let event = fs::read_to_string(STACK.root.join("events").join(event)).unwrap();
    let answer = api.invoke_function(&event).await;
    api.wait_for_poll().await;
    child.kill().unwrap();
    child.wait().unwrap();

    let logged = fs::read_to_string(&file).unwrap();
    fs::remove_file(file).unwrap();
    let lines = logged
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let failures = lines.filter(|line: &Value| !line["FunctionFailed"].is_null());
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    (answer["statusCode"].as_u64().unwrap(), failures.collect())
}

#[tokio::test]
async fn an_answer_with_a_5xx_counts_for_the_version_and_a_refusal_does_not() {
    let (status, failures) = answer_and_failures("health", HEALTH_EVENT, Some(NO_DATABASE)).await;
    assert_eq!(status, 503);
    assert_eq!(failures.len(), 1, "{failures:?}");
    let failure = &failures[0];
    assert_eq!(failure["FunctionFailed"], 1);
    assert_eq!(failure["function"], "health");
    assert_eq!(failure["version"], "$LATEST");
    let by = &failure["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0];
    assert_eq!(by, &serde_json::json!(["function", "version"]));

    // The sample's token is none.
    let (status, failures) = answer_and_failures("get-job", "get-job.now.json", None).await;
    assert_eq!(status, 401);
    assert!(failures.is_empty(), "{failures:?}");
}
