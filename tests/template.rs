//! The template tells the truth: what it deploys exists, and is what the code and the local tools think it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use aws_lambda_events::sqs::SqsEvent;
use lambda_http::request::LambdaRequest;
use serde_norway::Value;
use wenzhen::jobs::JobMessage;
use wenzhen::lambda::{Function, Trigger};
use wenzhen_functions::FUNCTIONS;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The template with its intrinsic functions (`!Ref x`) as plain mappings (`{Ref: x}`), as CloudFormation reads it.
fn template() -> Value {
    plain(
        serde_norway::from_str(&fs::read_to_string(root().join("template.yaml")).unwrap()).unwrap(),
    )
}

fn plain(value: Value) -> Value {
    match value {
        Value::Tagged(tagged) => {
            let name = tagged.tag.to_string().trim_start_matches('!').to_owned();
            let name = if name == "Ref" || name == "Condition" {
                name
            } else {
                format!("Fn::{name}")
            };
            Value::Mapping(
                [(Value::String(name), plain(tagged.value))]
                    .into_iter()
                    .collect(),
            )
        }
        Value::Mapping(map) => Value::Mapping(
            map.into_iter()
                .map(|(key, value)| (key, plain(value)))
                .collect(),
        ),
        Value::Sequence(items) => Value::Sequence(items.into_iter().map(plain).collect()),
        other => other,
    }
}

fn resources(kind: &str) -> BTreeMap<String, Value> {
    let template = template();
    let resources = template["Resources"].as_mapping().unwrap();
    let of_kind = resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == kind);
    of_kind
        .map(|(id, resource)| {
            (
                id.as_str().unwrap().to_owned(),
                resource["Properties"].clone(),
            )
        })
        .collect()
}

/// The deployed functions by their names, which are their handlers.
pub fn functions() -> BTreeMap<String, Value> {
    let functions = resources("AWS::Serverless::Function").into_values();
    functions
        .map(|function| (function["Handler"].as_str().unwrap().to_owned(), function))
        .collect()
}

/// The names of the variables that the template gives a function: all functions', then its own.
pub fn variables(function: &Value) -> Vec<String> {
    let template = template();
    let common = &template["Globals"]["Function"]["Environment"]["Variables"];
    let own = &function["Environment"]["Variables"];
    let names = [common, own]
        .into_iter()
        .filter_map(Value::as_mapping)
        .flatten();
    names
        .map(|(name, _)| name.as_str().unwrap().to_owned())
        .collect()
}

fn events(function: &Value, kind: &str) -> Vec<Value> {
    let events = function["Events"].as_mapping().into_iter().flatten();
    events
        .filter(|(_, event)| event["Type"] == kind)
        .map(|(_, event)| event["Properties"].clone())
        .collect()
}

fn timeout(function: &Value) -> u64 {
    let default = &template()["Globals"]["Function"]["Timeout"];
    function["Timeout"].as_u64().or(default.as_u64()).unwrap()
}

/// The resource that `!GetAtt Name.Arn` or `!Ref Name` points at.
fn target(value: &Value) -> String {
    let path = value["Fn::GetAtt"]
        .as_str()
        .or(value["Ref"].as_str())
        .unwrap();
    path.split('.').next().unwrap().to_owned()
}

#[test]
fn registry_and_template_have_the_same_functions() {
    let registered: BTreeSet<_> = FUNCTIONS.iter().map(Function::name).collect();
    let deployed = functions();
    let deployed: BTreeSet<_> = deployed.keys().map(String::as_str).collect();

    assert_eq!(registered, deployed);
    assert_eq!(registered.len(), FUNCTIONS.len(), "no name stands twice");
}

#[test]
fn every_function_has_the_file_of_its_name() {
    let sources = root().join("functions/src");
    for function in FUNCTIONS {
        let file = format!("{}.rs", function.name().replace('-', "_"));
        assert!(sources.join(&file).is_file(), "{file}");
    }
}

#[test]
fn every_trigger_is_the_one_that_the_template_has() {
    for function in FUNCTIONS {
        let (name, deployed) = (function.name(), &functions()[function.name()]);
        match function.trigger() {
            Trigger::Http { route, .. } => {
                let [event] = &events(deployed, "HttpApi")[..] else {
                    panic!("{name} has one route");
                };
                let (method, path) = (&event["Method"], &event["Path"]);
                let expected = format!("{} {}", method.as_str().unwrap(), path.as_str().unwrap());
                assert_eq!(route, expected, "{name}");
            }
            Trigger::Queue { queue, .. } => {
                let [event] = &events(deployed, "SQS")[..] else {
                    panic!("{name} has one queue");
                };
                assert_eq!(queue, target(&event["Queue"]), "{name}");
            }
            Trigger::Schedule { .. } => {
                assert_eq!(
                    events(deployed, "ScheduleV2").len(),
                    1,
                    "{name} has one schedule"
                );
            }
        }
    }
}

#[test]
fn every_http_route_is_served_by_cargo_lambda_watch_and_nothing_else_is() {
    let cargo: toml::Table =
        toml::from_str(&fs::read_to_string(root().join("Cargo.toml")).unwrap()).unwrap();
    let router = cargo["workspace"]["metadata"]["lambda"]["watch"]["router"]
        .as_table()
        .unwrap();
    let watched: BTreeSet<_> = router
        .iter()
        .flat_map(|(path, routes)| {
            let route = |route: &toml::Value| {
                let text = |key: &str| route[key].as_str().unwrap().to_owned();
                assert_eq!(text("function"), "wenzhen", "one binary serves all routes");
                (text("method"), path.clone())
            };
            routes
                .as_array()
                .unwrap()
                .iter()
                .map(route)
                .collect::<Vec<_>>()
        })
        .collect();
    let deployed: BTreeSet<_> = functions()
        .iter()
        .flat_map(|(name, function)| {
            let route = |event: Value| {
                let text = |key: &str| event[key].as_str().unwrap().to_owned();
                (text("Method"), text("Path"))
            };
            events(function, "HttpApi")
                .into_iter()
                .map(route)
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(watched, deployed);
}

#[test]
fn every_route_that_is_not_public_needs_a_token() {
    for api in resources("AWS::Serverless::HttpApi").values() {
        let auth = &api["Auth"];
        let default = auth["DefaultAuthorizer"]
            .as_str()
            .expect("a default authorizer");
        assert!(!auth["Authorizers"][default]["JwtConfiguration"].is_null());
    }

    for function in FUNCTIONS {
        let (name, deployed) = (function.name(), &functions()[function.name()]);
        for event in events(deployed, "HttpApi") {
            if is_public(function) {
                assert_eq!(event["Auth"]["Authorizer"], "NONE", "{name}");
            } else {
                assert!(
                    event["Auth"].is_null(),
                    "{name} changes the API's authorizer"
                );
            }
        }
    }
}

#[test]
fn only_the_health_check_is_public() {
    let public: Vec<_> = FUNCTIONS
        .iter()
        .filter(|function| is_public(function))
        .collect();
    let names: Vec<_> = public.into_iter().map(Function::name).collect();
    assert_eq!(names, ["health"], "monitors have no token");
}

fn is_public(function: &Function) -> bool {
    matches!(
        function.trigger(),
        Trigger::Http {
            is_public: true,
            ..
        }
    )
}

#[test]
fn no_http_function_outlives_the_gateway() {
    for (name, function) in functions() {
        // A function with a URL of its own bounds the gateway's calls itself (`http::openai`).
        if !events(&function, "HttpApi").is_empty() && function["FunctionUrlConfig"].is_null() {
            assert!(
                timeout(&function) < 30,
                "{name}: API Gateway ends a call at 30 s"
            );
        }
    }
}

#[test]
fn functions_that_know_their_timeout_know_it_right() {
    for function in FUNCTIONS {
        let (Trigger::Queue { timeout: known, .. } | Trigger::Schedule { timeout: known }) =
            function.trigger()
        else {
            continue;
        };
        let deployed = &functions()[function.name()];
        assert_eq!(known.as_secs(), timeout(deployed), "{}", function.name());
    }
}

#[test]
fn every_queue_of_a_function_outwaits_it_and_buries_what_it_cannot_do() {
    let queues = resources("AWS::SQS::Queue");
    let mut consumed = 0;
    for (name, function) in functions() {
        for event in events(&function, "SQS") {
            consumed += 1;
            let queue = &queues[&target(&event["Queue"])];
            assert!(
                timeout(&function) * 6 < queue["VisibilityTimeout"].as_u64().unwrap(),
                "{name}"
            );
            assert_eq!(
                event["FunctionResponseTypes"][0], "ReportBatchItemFailures",
                "{name}"
            );
            if name == "process-dead-letters" {
                continue; // behind the dead-letter queue there is none
            }
            let redrive = &queue["RedrivePolicy"];
            assert!(
                queues.contains_key(&target(&redrive["deadLetterTargetArn"])),
                "{name}"
            );
            assert!(redrive["maxReceiveCount"].as_u64().unwrap() >= 1, "{name}");
        }
    }
    assert_eq!(consumed, 2);
    assert!(
        queues
            .values()
            .all(|queue| queue["SqsManagedSseEnabled"] == true),
        "queues are encrypted"
    );
}

/// Every statement within a function's policies, wherever an `!If` puts it.
fn statements<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Mapping(map) if map.contains_key("Effect") => found.push(value),
        Value::Mapping(map) => map.values().for_each(|value| statements(value, found)),
        Value::Sequence(items) => items.iter().for_each(|value| statements(value, found)),
        _ => {}
    }
}

#[test]
fn every_permission_is_one_action_on_one_thing() {
    for (name, function) in functions() {
        let mut found = Vec::new();
        statements(&function["Policies"], &mut found);
        assert_eq!(
            found.is_empty(),
            name == "list-models",
            "{name} has the permissions it needs"
        );
        for statement in found {
            let text = serde_norway::to_string(statement).unwrap();
            let actions = serde_norway::to_string(&statement["Action"]).unwrap();
            assert!(!actions.contains('*'), "{name}: {text}");
            assert!(
                statement["NotAction"].is_null() && statement["NotResource"].is_null(),
                "{name}: {text}"
            );
            let resource = &statement["Resource"];
            let scoped = match resource["Fn::Sub"].as_str() {
                // A prefix is a scope; a bare wildcard is none.
                Some(arn) => arn
                    .rsplit(':')
                    .next()
                    .is_some_and(|last| last.starts_with("${")),
                None => resource["Fn::GetAtt"].is_string(),
            };
            assert!(scoped, "{name}: {text}");
        }
    }
}

#[test]
fn every_function_keeps_its_logs_for_a_stated_time() {
    let groups = resources("AWS::Logs::LogGroup");
    assert!(
        groups
            .values()
            .all(|group| !group["RetentionInDays"].is_null())
    );
    for (name, function) in functions() {
        let group = &groups[&target(&function["LoggingConfig"]["LogGroup"])];
        assert!(
            group["LogGroupName"]["Fn::Sub"]
                .as_str()
                .unwrap()
                .ends_with(&format!("/{name}"))
        );
    }
}

#[test]
fn what_has_a_url_of_its_own_verifies_tokens_itself() {
    let with_url: Vec<_> = functions()
        .into_iter()
        .filter(|(_, function)| !function["FunctionUrlConfig"].is_null())
        .collect();
    assert_eq!(
        with_url
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>(),
        ["create-chat-completion"]
    );
    for (name, function) in with_url {
        assert_eq!(
            function["FunctionUrlConfig"]["InvokeMode"],
            "RESPONSE_STREAM"
        );
        let function = FUNCTIONS.iter().find(|function| function.name() == name);
        assert!(!is_public(function.unwrap()), "{name}");
    }
}

#[test]
fn no_client_may_choose_its_tenant() {
    for client in resources("AWS::Cognito::UserPoolClient").values() {
        let writable = client["WriteAttributes"]
            .as_sequence()
            .expect("a list of what a client may write");
        assert!(
            writable
                .iter()
                .all(|attribute| attribute != "custom:tenant_id")
        );
    }
    for pool in resources("AWS::Cognito::UserPool").values() {
        assert_eq!(
            pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"],
            true
        );
    }
}

#[test]
fn every_function_has_sample_events_that_it_can_read() {
    let mut sampled = BTreeSet::new();
    for entry in fs::read_dir(root().join("events")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let [name, _case, "json"] = file.split('.').collect::<Vec<_>>()[..] else {
            panic!("{file} is not named <function>.<case>.json");
        };
        let function = functions()
            .remove(name)
            .unwrap_or_else(|| panic!("{file}: there is no function {name}"));
        let text = fs::read_to_string(&path).unwrap();
        if !events(&function, "ScheduleV2").is_empty() {
            let event: serde_json::Value =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!(event["source"], "aws.scheduler", "{file}");
        } else if events(&function, "SQS").is_empty() {
            let request: LambdaRequest =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(matches!(request, LambdaRequest::ApiGatewayV2(_)), "{file}");
        } else {
            let event: SqsEvent =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
            for record in event.records {
                let is_job = JobMessage::read(&record.body.unwrap()).is_some();
                assert_eq!(
                    is_job,
                    file != "process-dead-letters.not-a-job.json",
                    "{file}"
                );
            }
        }
        sampled.insert(name.to_owned());
    }
    assert_eq!(sampled, functions().into_keys().collect());
}
