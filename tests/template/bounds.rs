//! What bounds the stack, what its functions may read, and what its access log says.

use std::collections::{BTreeMap, BTreeSet};

use serde_norway::Value;
use wenzhen::uploads::store::{MAX_VERIFICATIONS_OF_PERSON, MAX_VERIFICATIONS_OF_TENANT};
use xtask::variables::{self, ParameterValues};

use super::permissions::{actions_of, statements_of};
use super::{
    deployed_functions, events_of_kind, read_route, read_template, repository_root,
    resources_of_kind,
};

/// What docs/operations.md promises: so many bytes of `AiTiers`, `AiChains` and `Limits` together
/// fit beside the longest URLs.
const INLINE_SETTINGS_BYTES: usize = 1_200;

/// The longest URL of a service that fits beside them.
const URL_BYTES: usize = 250;

fn has_route(function: &Value) -> bool {
    !events_of_kind(function, "HttpApi").is_empty()
}

/// Functions that ask Valkey or read settings, and the policy for it, which they name.
struct PolicyCase {
    policy: &'static str,
    is_needed: fn(&str, &Value) -> bool,
}

/// Functions without an HTTP route whose limits, models or retention can be in a secret.
const WITH_SETTINGS: [&str; 5] = [
    "worker",
    "embed-passages",
    "ws-connect",
    "ws-message",
    "prune-expired",
];

const OF_NEARLY_ALL: [PolicyCase; 2] = [
    PolicyCase {
        policy: "UseValkey",
        // All count for the fleet, but those that ask no service, and the one of a deployment.
        is_needed: |name, function| asks_services(function) && name != "migrate",
    },
    PolicyCase {
        policy: "ReadSettings",
        is_needed: |name, function| {
            let has_route = !events_of_kind(function, "HttpApi").is_empty();
            (has_route && asks_services(function)) || WITH_SETTINGS.contains(&name)
        },
    },
];

/// The description of the API asks no service, and neither does liveness.
fn asks_services(function: &Value) -> bool {
    let asks_nothing = ["get-openapi", "get-docs", "get-liveness"].map(Value::from);
    !asks_nothing.contains(&function["Handler"])
}

#[test]
fn who_asks_valkey_or_reads_settings_may() {
    for case in OF_NEARLY_ALL {
        for (name, function) in deployed_functions() {
            let policies = function["Policies"].as_sequence().into_iter().flatten();
            let mut named = policies.filter_map(|policy| policy["Ref"].as_str());
            let is_named = named.any(|policy| policy == case.policy);
            let is_needed = (case.is_needed)(&name, &function);
            assert_eq!(is_named, is_needed, "{}: {name}", case.policy);
        }
    }
}

/// ElastiCache's IAM asks for the cache and for the user.
#[test]
fn who_asks_valkey_may_log_in_by_iam() {
    let policies = resources_of_kind("AWS::IAM::ManagedPolicy");
    let statements = policies["UseValkey"]["PolicyDocument"]["Statement"].as_sequence();
    let conditional = statements.unwrap().iter().map(|it| &it["Fn::If"]);
    let logins = conditional.filter(|it| it[0] == "UsesCacheIam");
    let resources: Vec<_> = logins
        .map(|login| {
            assert_eq!(login[1]["Action"], "elasticache:Connect");
            login[1]["Resource"]["Fn::Sub"].as_str().unwrap().to_owned()
        })
        .collect();
    let account = "arn:${AWS::Partition}:elasticache:${AWS::Region}:${AWS::AccountId}";
    let things = [":${CacheResource}", ":user:${CacheUser}"];
    assert_eq!(resources, things.map(|it| format!("{account}{it}")));

    let template = read_template();
    let condition = &template["Conditions"]["UsesCacheIam"]["Fn::Not"][0];
    assert_eq!(condition["Fn::Equals"][0]["Ref"], "CacheResource");
    assert_eq!(template["Parameters"]["CacheResource"]["Default"], "");
}

/// Secrets Manager decrypts in the name of whoever reads the secret.
#[test]
fn whoever_reads_a_secret_may_decrypt_it() {
    for (name, function) in deployed_functions() {
        let statements = statements_of(&function);
        let may = |action: &str| {
            let mut actions = statements.iter().flat_map(actions_of);
            actions.any(|allowed| allowed == action)
        };
        let reads_secrets = may("secretsmanager:GetSecretValue");
        assert_eq!(reads_secrets, may("kms:Decrypt"), "{name}");
    }
}

/// A policy needs a statement, so these are there without their parameter too. Then they are about
/// no secret: Secrets Manager adds six characters to each name, which is not empty.
#[test]
fn a_permission_for_a_secret_that_is_not_named_is_for_none() {
    let template = read_template();
    let policies = resources_of_kind("AWS::IAM::ManagedPolicy");
    for (policy, parameter) in [
        ("UseDatabase", "DatabaseSecret"),
        ("UseValkey", "CacheSecret"),
        ("ReadSettings", "SettingsSecret"),
    ] {
        let statement = &policies[policy]["PolicyDocument"]["Statement"][0];
        let resource = statement["Resource"]["Fn::Sub"].as_str().unwrap();
        let secret = format!(":secret:${{{parameter}}}-??????");
        assert!(resource.ends_with(&secret), "{resource}");
        assert_eq!(template["Parameters"][parameter]["Default"], "");
    }
}

/// With the tags of CloudFormation, as `cargo xtask up` measures it.
fn tagged_template() -> Value {
    let text = std::fs::read_to_string(repository_root().join("template.yaml")).unwrap();
    serde_norway::from_str(&text).unwrap()
}

fn largest_function(parameters: &[(&str, &str)]) -> variables::FunctionVariables {
    let values: ParameterValues<'_> = parameters.iter().copied().collect();
    variables::find_largest(&tagged_template(), &values).unwrap()
}

/// Lambda takes 4 KB of a function's variables in all.
#[test]
fn the_documented_maximum_of_settings_fits() {
    let url = "u".repeat(URL_BYTES);
    let settings = "s".repeat(INLINE_SETTINGS_BYTES);
    let parameters = [
        ("DatabaseUrl", &*url),
        ("CacheUrl", &url),
        ("AiTiers", &settings),
        ("AllowPlaintext", "database,cache,models,identity"),
    ];

    let largest = largest_function(&parameters);
    assert!(largest.bytes <= variables::MAX_BYTES, "{largest:?}");
}

/// As Lambda measures it: as JSON, in which a quote is two characters.
#[test]
fn what_lambda_would_refuse_is_refused() {
    let quotes = "\"".repeat(1_800);
    let letters = "s".repeat(3_600);
    for settings in [quotes, letters] {
        let values: ParameterValues<'_> = [("AiTiers", &*settings)].into();
        let refused = variables::check_size(&tagged_template(), &values).unwrap_err();
        assert!(
            refused.to_string().starts_with("the variables of "),
            "{refused}"
        );
    }

    let values: ParameterValues<'_> = [("SettingsSecret", "wenzhen-settings")].into();
    variables::check_size(&tagged_template(), &values).unwrap();
}

/// A new account has a concurrency of 10, of which nothing can be reserved.
#[test]
fn nothing_is_reserved_unless_a_parameter_says_so() {
    let template = read_template();
    for (name, function) in deployed_functions() {
        let reserved = &function["ReservedConcurrentExecutions"];
        // Lambda calls the last one for each line of a log, however long a service lets it wait.
        let is_called = has_route(&function) || name.starts_with("ws-") || name == "forward-traces";
        assert_eq!(reserved.is_null(), !is_called, "{name}");
        if reserved.is_null() {
            continue;
        }

        let [condition, parameter, otherwise] = &reserved["Fn::If"].as_sequence().unwrap()[..]
        else {
            panic!("{name} has a condition");
        };
        let parameter = parameter["Ref"].as_str().unwrap();
        assert_eq!(otherwise["Ref"], "AWS::NoValue", "{name}");
        assert_eq!(template["Parameters"][parameter]["Default"], 0, "{name}");

        let condition = &template["Conditions"][condition]["Fn::Not"][0];
        assert_eq!(condition["Fn::Equals"][0]["Ref"], parameter, "{name}");
    }
}

/// Every route has a throttle, and those that anyone may call, or that hold an environment for
/// long, one of their own.
#[test]
fn every_route_is_throttled() {
    let functions = deployed_functions();
    let routes = functions.values().flat_map(|function| {
        let events = events_of_kind(function, "HttpApi");
        events.iter().map(read_route).collect::<Vec<_>>()
    });
    let routes: BTreeSet<_> = routes
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();

    for api in resources_of_kind("AWS::Serverless::WebSocketApi").values() {
        let default = &api["DefaultRouteSettings"];
        assert!(!default["ThrottlingRateLimit"].is_null());
        assert!(!default["ThrottlingBurstLimit"].is_null());
    }

    for api in resources_of_kind("AWS::Serverless::HttpApi").values() {
        let default = &api["DefaultRouteSettings"];
        assert!(!default["ThrottlingRateLimit"].is_null());
        assert!(!default["ThrottlingBurstLimit"].is_null());

        let own = api["RouteSettings"].as_mapping().unwrap();
        for (route, settings) in own {
            assert!(routes.contains(route.as_str().unwrap()), "{route:?}");
            assert!(settings["ThrottlingRateLimit"].as_u64().unwrap() > 0);
            assert!(settings["ThrottlingBurstLimit"].as_u64().unwrap() > 0);
        }
        for route in ["GET /health", "POST /v1/chat/completions"] {
            assert!(own.contains_key(route), "{route}");
        }
    }
}

/// A throttle is shared by all: one client within its limits must leave room for others. An address
/// may send a hundred calls a second, and two hundred at once.
#[test]
fn a_throttle_is_above_what_one_client_may_send() {
    let template = read_template();
    let parameters = &template["Parameters"];
    let default = |parameter: &str| parameters[parameter]["Default"].as_u64().unwrap();
    assert!(default("ApiRateLimit") >= 200);
    assert!(default("ApiBurstLimit") >= 400);

    for api in resources_of_kind("AWS::Serverless::HttpApi").values() {
        let chat = &api["RouteSettings"]["POST /v1/chat/completions"];
        assert!(chat["ThrottlingRateLimit"].as_u64().unwrap() >= 200);
        assert!(chat["ThrottlingBurstLimit"].as_u64().unwrap() >= 400);
    }
    for api in resources_of_kind("AWS::Serverless::Api").values() {
        let all = &api["MethodSettings"][0];
        assert_eq!(
            (all["ResourcePath"].as_str(), all["HttpMethod"].as_str()),
            (Some("/*"), Some("*"))
        );
        assert!(all["ThrottlingRateLimit"].as_u64().unwrap() >= 200);
        assert!(all["ThrottlingBurstLimit"].as_u64().unwrap() >= 400);
    }
}

/// Lambda takes no `MaximumConcurrency` of 1.
#[test]
fn a_worker_of_one_batch_is_refused_before_a_deployment() {
    let template = read_template();
    let rule = &template["Rules"]["WorkerIsNotAlone"];
    assert!(rule["RuleCondition"].is_null(), "it holds always");

    let refused = &rule["Assertions"][0]["Assert"]["Fn::Not"][0]["Fn::Equals"];
    assert_eq!(refused[0]["Ref"], "WorkerConcurrency");
    assert_eq!(refused[1], "1");
}

/// One person's files, and one tenant's, leave verifiers to others.
#[test]
fn verifiers_are_more_than_one_tenant_may_occupy() {
    let function = &deployed_functions()["verify-upload"];
    let queue = &events_of_kind(function, "SQS")[0];
    let verifiers = queue["ScalingConfig"]["MaximumConcurrency"]
        .as_i64()
        .unwrap();
    const { assert!(MAX_VERIFICATIONS_OF_PERSON < MAX_VERIFICATIONS_OF_TENANT) };
    assert!(MAX_VERIFICATIONS_OF_TENANT < verifiers);
}

/// A stream holds an environment for up to two minutes, which no throttle counts.
#[test]
fn a_function_that_streams_can_be_bounded() {
    for (name, function) in deployed_functions() {
        if !events_of_kind(&function, "Api").is_empty() {
            let reserved = &function["ReservedConcurrentExecutions"];
            let parameter = &reserved["Fn::If"][1]["Ref"];
            assert_eq!(parameter, "ChatConcurrency", "{name}");
        }
    }
}

/// Variables of the access log that API Gateway makes by itself, from a fixed set of characters.
const LOGGED: [&str; 8] = [
    "$context.eventType",
    "$context.requestId",
    "$context.integration.requestId",
    "$context.resourcePath",
    "$context.routeKey",
    "$context.status",
    "$context.error.responseType",
    "$context.responseLatency",
];

/// Each value is a string, since an absent one is `-`, and none can hold a quote.
#[test]
fn the_access_log_is_json_whatever_happens() {
    let mut apis = resources_of_kind("AWS::Serverless::HttpApi");
    apis.extend(resources_of_kind("AWS::Serverless::WebSocketApi"));
    let rest_apis = resources_of_kind("AWS::Serverless::Api").into_values();
    let rest_apis = rest_apis.map(|api| api["AccessLogSetting"].clone());
    let others = apis.values().map(|api| api["AccessLogSettings"].clone());
    for settings in others.chain(rest_apis) {
        let settings = &settings;
        let chosen = &settings["Fn::If"][1];
        let settings = if chosen.is_null() { settings } else { chosen };
        let format = settings["Format"].as_str().unwrap();
        let line: BTreeMap<String, String> = serde_json::from_str(format).unwrap();
        for (field, variable) in line {
            assert!(LOGGED.contains(&&*variable), "{field}: {variable}");
        }
    }
}
