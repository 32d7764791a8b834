//! Each function has sample events, for `cargo lambda invoke`, that are what it reads.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use aws_lambda_events::cloudformation::CloudFormationCustomResourceRequest;
use aws_lambda_events::cloudwatch_logs::LogsEvent;
use aws_lambda_events::sqs::SqsEvent;
use lambda_http::request::LambdaRequest;
use serde::de::DeserializeOwned;
use serde_norway::Value;
use wenzhen::jobs::JobMessage;
use wenzhen::uploads::UploadMessage;

use super::{deployed_functions, events_of_kind, repository_root, socket_routes};

/// The one sample event of a queue that holds no job.
const NOT_A_JOB: &str = "process-dead-letters.not-a-job.json";

#[test]
fn every_function_has_sample_events_that_it_can_read() {
    let functions = deployed_functions();
    let mut sampled = BTreeSet::new();
    for entry in fs::read_dir(repository_root().join("events")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        let [name, _case, "json"] = file.split('.').collect::<Vec<_>>()[..] else {
            panic!("{file} is not named <function>.<case>.json");
        };

        let function = functions.get(name);
        let function = function.unwrap_or_else(|| panic!("{file}: there is no function {name}"));
        check_sample_event(function, &path, file);
        sampled.insert(name.to_owned());
    }

    assert_eq!(sampled, functions.into_keys().collect());
}

/// A schedule's event is JSON from the scheduler, a queue's holds jobs or arrivals of uploads, and
/// any other is a request.
fn check_sample_event(function: &Value, path: &Path, file: &str) {
    if !events_of_kind(function, "ScheduleV2").is_empty() {
        let event: serde_json::Value = read_json(path);
        assert_eq!(event["source"], "aws.scheduler", "{file}");
        return;
    }

    if file.starts_with("forward-traces") {
        let event: LogsEvent = read_json(path);
        assert!(!event.aws_logs.data.log_events.is_empty(), "{file}");
        return;
    }

    if file.starts_with("migrate") {
        let event: CloudFormationCustomResourceRequest = read_json(path);
        let is_update = matches!(event, CloudFormationCustomResourceRequest::Update(_));
        assert!(is_update, "{file}");
        return;
    }

    if file.starts_with("ws-") {
        let event: ApiGatewayWebsocketProxyRequest = read_json(path);
        let route = event.request_context.route_key.unwrap();
        assert!(socket_routes().contains_key(&route), "{file}");
        return;
    }

    if events_of_kind(function, "SQS").is_empty() {
        let request: LambdaRequest = read_json(path);
        let is_of_a_rest_api = matches!(request, LambdaRequest::ApiGatewayV1(_));
        assert_eq!(is_of_a_rest_api, file.contains(".streamed."), "{file}");
        return;
    }

    let event: SqsEvent = read_json(path);
    for record in event.records {
        if file.starts_with("verify-upload") {
            assert!(
                UploadMessage::read(&record.body.unwrap()).is_some(),
                "{file}"
            );
            continue;
        }
        let job = JobMessage::read(&record.body.unwrap());
        assert_eq!(job.is_some(), file != NOT_A_JOB, "{file}");
    }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> T {
    let text = fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
