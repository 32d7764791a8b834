//! The template tells the truth: what it deploys exists, and is what the code and the local tools
//! think it is.

mod actions;
mod alarms;
mod bounds;
mod calls;
mod canary;
mod dashboards;
mod deployment;
mod events;
mod figures;
mod network;
mod parameters;
mod permissions;
mod rules;
mod runbook;
mod stacks;
mod streaming;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_norway::Value;
use wenzhen::lambda::{Function, Trigger};
use wenzhen_functions::FUNCTIONS;

const FUNCTION: &str = "AWS::Serverless::Function";

/// Seconds after which API Gateway ends a call.
const GATEWAY_TIMEOUT: u64 = 30;

/// A method and a path.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    pub method: String,
    pub path: String,
}

fn repository_root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The template with its intrinsic functions (`!Ref x`) as plain mappings (`{Ref: x}`), as
/// CloudFormation reads it.
fn read_template() -> Value {
    let text = fs::read_to_string(repository_root().join("template.yaml")).unwrap();
    resolve_tags(serde_norway::from_str(&text).unwrap())
}

fn resolve_tags(value: Value) -> Value {
    match value {
        Value::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                name @ ("Ref" | "Condition") => name.to_owned(),
                name => format!("Fn::{name}"),
            };
            let pair = (Value::String(name), resolve_tags(tagged.value));
            Value::Mapping([pair].into_iter().collect())
        }
        Value::Mapping(map) => {
            let pairs = map.into_iter();
            let resolved = pairs.map(|(key, value)| (key, resolve_tags(value)));
            Value::Mapping(resolved.collect())
        }
        Value::Sequence(items) => {
            let resolved = items.into_iter().map(resolve_tags);
            Value::Sequence(resolved.collect())
        }
        other => other,
    }
}

/// The properties of all resources of a kind, by their logical names.
fn resources_of_kind(kind: &str) -> BTreeMap<String, Value> {
    let template = read_template();
    let resources = template["Resources"].as_mapping().unwrap();

    let mut properties = BTreeMap::new();
    for (id, resource) in resources {
        if resource["Type"] == kind {
            let id = id.as_str().unwrap().to_owned();
            properties.insert(id, resource["Properties"].clone());
        }
    }

    properties
}

/// The deployed functions by their names, which are their handlers.
pub fn deployed_functions() -> BTreeMap<String, Value> {
    let functions = resources_of_kind(FUNCTION).into_values();
    let named = functions.map(|function| {
        let name = function["Handler"].as_str().unwrap().to_owned();
        (name, function)
    });

    named.collect()
}

/// The names of the variables that the template gives a function: all functions', then its own.
pub fn variables_of(function: &Value) -> Vec<String> {
    let template = read_template();
    let common = &template["Globals"]["Function"]["Environment"]["Variables"];
    let own = &function["Environment"]["Variables"];

    let mappings = [common, own].into_iter().filter_map(Value::as_mapping);
    let names = mappings.flatten().map(|(name, _)| name);
    names
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

fn events_of_kind(function: &Value, kind: &str) -> Vec<Value> {
    let events = function["Events"].as_mapping().into_iter().flatten();
    let of_kind = events.filter(|(_, event)| event["Type"] == kind);
    of_kind
        .map(|(_, event)| event["Properties"].clone())
        .collect()
}

/// Seconds.
fn timeout_of(function: &Value) -> u64 {
    let default = &read_template()["Globals"]["Function"]["Timeout"];
    let own = function["Timeout"].as_u64();
    own.or(default.as_u64()).unwrap()
}

/// The resource that `!GetAtt Name.Arn` or `!Ref Name` points at.
fn target_of(value: &Value) -> String {
    let attribute = value["Fn::GetAtt"].as_str();
    let path = attribute.or(value["Ref"].as_str()).unwrap();
    path.split('.').next().unwrap().to_owned()
}

#[test]
fn registry_and_template_have_the_same_functions() {
    let registered: BTreeSet<_> = FUNCTIONS.iter().map(Function::name).collect();
    let deployed = deployed_functions();
    let deployed: BTreeSet<_> = deployed.keys().map(String::as_str).collect();

    assert_eq!(registered, deployed);
    assert_eq!(registered.len(), FUNCTIONS.len(), "no name stands twice");
}

#[test]
fn every_function_has_the_file_of_its_name() {
    let sources = repository_root().join("functions/src");
    for function in FUNCTIONS {
        let file = format!("{}.rs", function.name().replace('-', "_"));
        assert!(sources.join(&file).is_file(), "{file}");
    }
}

#[test]
fn every_trigger_is_the_one_that_the_template_has() {
    for function in FUNCTIONS {
        let name = function.name();
        let deployed = &deployed_functions()[name];

        match function.trigger() {
            Trigger::Http { route, .. } => {
                let [event] = &events_of_kind(deployed, "HttpApi")[..] else {
                    panic!("{name} has one route");
                };
                let Route { method, path } = read_route(event);
                assert_eq!(route, format!("{method} {path}"), "{name}");
            }
            Trigger::Socket { route } => {
                let routes = socket_routes();
                let function = routes.get(route).map(String::as_str);
                assert_eq!(function, Some(&*logical_name(name)), "{route}");
            }
            Trigger::Queue { queue, .. } => {
                let [event] = &events_of_kind(deployed, "SQS")[..] else {
                    panic!("{name} has one queue");
                };
                assert_eq!(queue, target_of(&event["Queue"]), "{name}");
            }
            // A filter of the log group hands it the lines (`every_function_keeps_its_logs_…`).
            Trigger::Logs { .. } => {}
            Trigger::Deployment { .. } => {
                let resource = &read_template()["Resources"]["Schema"]["Properties"];
                let function = target_of(&resource["ServiceToken"]);
                assert_eq!(function, logical_name(name), "{name}");
            }
            Trigger::Schedule { .. } => {
                let schedules = events_of_kind(deployed, "ScheduleV2");
                assert_eq!(schedules.len(), 1, "{name} has one schedule");
            }
        }
    }
}

/// The routes of the WebSocket API, each with its function.
fn socket_routes() -> BTreeMap<String, String> {
    let apis = resources_of_kind("AWS::Serverless::WebSocketApi");
    let routes = apis.values().filter_map(|api| api["Routes"].as_mapping());
    let routes = routes.flatten().map(|(key, route)| {
        let function = target_of(&route["FunctionArn"]);
        (key.as_str().unwrap().to_owned(), function)
    });
    routes.collect()
}

/// The function's logical name in the template.
fn logical_name(function: &str) -> String {
    let functions = resources_of_kind(FUNCTION).into_iter();
    let mut named = functions.filter(|(_, properties)| properties["Handler"] == function);
    named.next().unwrap().0
}

#[test]
fn every_socket_route_has_its_function() {
    let registered: BTreeSet<_> = FUNCTIONS
        .iter()
        .filter_map(|function| match function.trigger() {
            Trigger::Socket { route } => Some(route.to_owned()),
            _ => None,
        })
        .collect();
    let deployed: BTreeSet<_> = socket_routes().into_keys().collect();
    assert_eq!(registered, deployed);
}

/// The route of an event of kind `HttpApi`.
fn read_route(event: &Value) -> Route {
    Route {
        method: event["Method"].as_str().unwrap().to_owned(),
        path: event["Path"].as_str().unwrap().to_owned(),
    }
}

/// Every route of the template is in the router of `cargo lambda watch`, and nothing else is.
#[test]
fn cargo_lambda_watch_serves_the_routes_of_the_template() {
    assert_eq!(watched_routes(), deployed_routes());
}

/// The routes of the template.
pub fn deployed_routes() -> BTreeSet<Route> {
    let mut deployed = BTreeSet::new();
    for function in deployed_functions().values() {
        let events = events_of_kind(function, "HttpApi");
        deployed.extend(events.iter().map(read_route));
    }
    deployed
}

fn watched_routes() -> BTreeSet<Route> {
    let text = fs::read_to_string(repository_root().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&text).unwrap();
    let watch = &manifest["workspace"]["metadata"]["lambda"]["watch"];

    let mut watched = BTreeSet::new();
    for (path, entries) in watch["router"].as_table().unwrap() {
        for entry in entries.as_array().unwrap() {
            let function = entry["function"].as_str().unwrap();
            assert_eq!(function, "wenzhen", "one binary serves all routes");
            watched.insert(Route {
                method: entry["method"].as_str().unwrap().to_owned(),
                path: path.clone(),
            });
        }
    }

    watched
}

#[test]
fn every_route_that_is_not_public_needs_a_token() {
    for api in resources_of_kind("AWS::Serverless::HttpApi").values() {
        let auth = &api["Auth"];
        let default = auth["DefaultAuthorizer"].as_str();
        let authorizer = &auth["Authorizers"][default.expect("a default authorizer")];
        assert!(!authorizer["JwtConfiguration"].is_null());
    }

    for function in FUNCTIONS {
        let name = function.name();
        for event in events_of_kind(&deployed_functions()[name], "HttpApi") {
            let auth = &event["Auth"];
            if is_public(function) {
                assert_eq!(auth["Authorizer"], "NONE", "{name}");
            } else {
                assert!(auth.is_null(), "{name} changes the API's authorizer");
            }
        }
    }
}

#[test]
fn only_what_is_the_same_for_everybody_is_public() {
    let functions = FUNCTIONS.iter();
    let public = functions.filter(|function| is_public(function));
    let names: Vec<_> = public.map(Function::name).collect();
    // Monitors have no token, scrapers have one of their own, and who reads what the API is has
    // none yet.
    let expected = [
        "health",
        "get-liveness",
        "get-metrics",
        "get-openapi",
        "get-docs",
    ];
    assert_eq!(names, expected);
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
    for (name, function) in deployed_functions() {
        let has_route = !events_of_kind(&function, "HttpApi").is_empty();
        let streams = !events_of_kind(&function, "Api").is_empty();

        // A function that streams too bounds the HTTP API's calls itself (`http::openai`).
        if has_route && !streams {
            let timeout = timeout_of(&function);
            assert!(
                timeout < GATEWAY_TIMEOUT,
                "{name}: API Gateway ends a call at 30 s"
            );
        }
    }
}

#[test]
fn functions_that_know_their_timeout_know_it_right() {
    for function in FUNCTIONS {
        let (Trigger::Queue { timeout: known, .. }
        | Trigger::Schedule { timeout: known }
        | Trigger::Logs { timeout: known }
        | Trigger::Deployment { timeout: known }) = function.trigger()
        else {
            continue;
        };

        let name = function.name();
        let deployed = timeout_of(&deployed_functions()[name]);
        assert_eq!(known.as_secs(), deployed, "{name}");
    }
}

/// A message is not visible to others while a function works on it, with AWS's advice of six
/// time-outs, and a message that was received too often goes to a dead-letter queue. Behind the
/// dead-letter queue there is none.
#[test]
fn every_queue_outwaits_its_function_and_has_dead_letters() {
    let queues = resources_of_kind("AWS::SQS::Queue");
    let mut consumed = 0;
    for (name, function) in deployed_functions() {
        for event in events_of_kind(&function, "SQS") {
            consumed += 1;
            let response_type = &event["FunctionResponseTypes"][0];
            assert_eq!(response_type, "ReportBatchItemFailures", "{name}");

            let queue = &queues[&target_of(&event["Queue"])];
            let visibility_timeout = queue["VisibilityTimeout"].as_u64().unwrap();
            assert!(timeout_of(&function) * 6 < visibility_timeout, "{name}");
            if name != "process-dead-letters" {
                let dead_letters = target_of(&queue["RedrivePolicy"]["deadLetterTargetArn"]);
                let max_receives = &queue["RedrivePolicy"]["maxReceiveCount"];
                assert!(queues.contains_key(&dead_letters), "{name}");
                assert!(max_receives.as_u64().unwrap() >= 1, "{name}");
            }
        }
    }

    assert_eq!(consumed, 3);
    let is_encrypted = |queue: &Value| queue["SqsManagedSseEnabled"] == true;
    assert!(queues.values().all(is_encrypted), "queues are encrypted");
}

/// All functions share a log group; `forward-traces` alone has its own, since it is handed the
/// lines of the others, and its own would make lines.
#[test]
fn every_function_keeps_its_logs_for_a_stated_time() {
    let groups = resources_of_kind("AWS::Logs::LogGroup");
    let has_retention = |group: &Value| !group["RetentionInDays"].is_null();
    assert!(groups.values().all(has_retention));

    let common = &read_template()["Globals"]["Function"]["LoggingConfig"];
    assert_eq!(common["LogFormat"], "JSON");
    assert_eq!(target_of(&common["LogGroup"]), "FunctionLogs");
    for (name, function) in deployed_functions() {
        let own = &function["LoggingConfig"];
        if name == "forward-traces" {
            assert_eq!(target_of(&own["LogGroup"]), "ForwardTracesLogs");
        } else {
            assert!(own.is_null(), "{name} logs with the others");
        }
    }

    let filters = resources_of_kind("AWS::Logs::SubscriptionFilter");
    let [filter] = &filters.into_values().collect::<Vec<_>>()[..] else {
        panic!("one filter");
    };
    assert_eq!(target_of(&filter["LogGroupName"]), "FunctionLogs");
    assert_eq!(target_of(&filter["DestinationArn"]), "ForwardTraces");
}

/// It would have neither an authorizer nor a throttle, and not stream within a VPC.
#[test]
fn no_function_has_a_url() {
    for (name, function) in deployed_functions() {
        assert!(function["FunctionUrlConfig"].is_null(), "{name}");
    }
}

/// `CloudFormation` calls `migrate` when its resource changes, so the template names the newest
/// migration there, and whatever decides which database it is and who logs in; and every function
/// waits for the resource, but for the one that makes it.
#[test]
fn every_function_waits_for_the_newest_migration() {
    let template = read_template();
    let newest = template["Resources"]["Schema"]["Properties"]["Newest"].as_i64();
    assert_eq!(newest, Some(wenzhen::migrations::newest_version()));
    let properties = &template["Resources"]["Schema"]["Properties"];
    let properties = serde_norway::to_string(properties).unwrap();
    for parameter in [
        "MigrationsUrl",
        "MigrationsSecretArn",
        "DatabaseUrl",
        "DatabaseSecret",
        "DatabaseAuth",
        "FunctionsUserSecretArn",
    ] {
        assert!(
            properties.contains(&format!("Ref: {parameter}")),
            "{parameter}"
        );
    }

    let common = &template["Globals"]["Function"]["Environment"]["Variables"];
    let waits_for = &common["SCHEMA_VERSION"]["Fn::If"];
    assert_eq!(waits_for[0], "Migrates");
    assert_eq!(target_of(&waits_for[1]), "Schema");
    for (name, function) in deployed_functions() {
        let own = &function["Environment"]["Variables"]["SCHEMA_VERSION"];
        assert_eq!(own.is_null(), name != "migrate", "{name}");
    }
}

#[test]
fn no_client_may_choose_its_tenant() {
    for client in resources_of_kind("AWS::Cognito::UserPoolClient").values() {
        let writable = client["WriteAttributes"].as_sequence();
        let mut writable = writable.expect("a list of attributes").iter();
        assert!(writable.all(|attribute| attribute != "custom:tenant_id"));
    }

    for pool in resources_of_kind("AWS::Cognito::UserPool").values() {
        let creation = &pool["AdminCreateUserConfig"];
        assert_eq!(creation["AllowAdminCreateUserOnly"], true);
    }
}
