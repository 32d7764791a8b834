//! What bounds the stack, what its functions may read, and what its access log says.

use std::collections::{BTreeMap, BTreeSet};

use serde_norway::Value;
use xtask::variables::{self, ParameterValues};

use super::{
    deployed_functions, events_of_kind, read_route, read_template, repository_root,
    resources_of_kind, variables_of,
};

/// What docs/operations.md promises: so many bytes of `AiTiers`, `AiChains` and `Limits` together
/// fit beside the longest URLs.
const INLINE_SETTINGS_BYTES: usize = 1_200;

/// The longest URL of a service that fits beside them.
const URL_BYTES: usize = 250;

/// A secret that a parameter names, the policy that lets functions read it, and the setting by
/// which they are told of it.
struct SecretCase {
    policy: &'static str,
    parameter: &'static str,
    is_reader: fn(&str, &Value) -> bool,
}

/// Functions without an HTTP route that ask Valkey, and whose settings can be a secret.
const WITH_LIMITS_OR_MODELS: [&str; 4] = ["worker", "embed-passages", "ws-connect", "ws-message"];

/// The policy of those who read any secret, for the operator's own key.
const DECRYPT: &str = "DecryptSecrets";

/// The policy of those who ask Valkey, for a login by IAM.
const CONNECT_CACHE: &str = "ConnectCache";

const SECRETS: [SecretCase; 3] = [
    SecretCase {
        policy: "ReadDatabaseSecret",
        parameter: "DatabaseSecret",
        is_reader: |_, function| has_variable(function, "DATABASE_URL"),
    },
    SecretCase {
        policy: "ReadCacheSecret",
        parameter: "CacheSecret",
        // All count for the fleet, but those that ask no service.
        is_reader: |_, function| !has_route(function) || has_asking_route(function),
    },
    SecretCase {
        policy: "ReadSettingsSecret",
        parameter: "SettingsSecret",
        is_reader: |name, function| {
            let is_named = WITH_LIMITS_OR_MODELS.contains(&name) || name == "prune-expired";
            has_asking_route(function) || is_named
        },
    },
];

fn has_variable(function: &Value, name: &str) -> bool {
    variables_of(function)
        .iter()
        .any(|variable| variable == name)
}

fn has_route(function: &Value) -> bool {
    !events_of_kind(function, "HttpApi").is_empty()
}

/// Whether it has a route that asks a service: the description of the API asks none, and neither
/// does liveness.
fn has_asking_route(function: &Value) -> bool {
    let asks_nothing = ["get-openapi", "get-docs", "get-liveness"]
        .map(Value::from)
        .contains(&function["Handler"]);
    has_route(function) && !asks_nothing
}

/// The functions by the roles that SAM makes for them.
fn functions_by_role() -> BTreeMap<String, Value> {
    let functions = resources_of_kind("AWS::Serverless::Function");
    let by_role = functions.into_iter();
    by_role
        .map(|(id, function)| (format!("{id}Role"), function))
        .collect()
}

#[test]
fn a_secret_is_readable_by_those_who_need_it() {
    let mut policies = resources_of_kind("AWS::IAM::Policy");
    for other in [DECRYPT, CONNECT_CACHE] {
        policies.remove(other).unwrap();
    }
    assert_eq!(policies.len(), SECRETS.len());

    for case in SECRETS {
        let policy = &policies[case.policy];
        let statements = policy["PolicyDocument"]["Statement"].as_sequence().unwrap();
        let [statement] = &statements[..] else {
            panic!("{} has one statement", case.policy);
        };
        let action = &statement["Action"];
        assert_eq!(action, "secretsmanager:GetSecretValue", "{}", case.policy);

        // Secrets Manager adds six characters to each name.
        let resource = statement["Resource"]["Fn::Sub"].as_str().unwrap();
        let secret = format!(":secret:${{{}}}-??????", case.parameter);
        assert!(resource.ends_with(&secret), "{resource}");

        let roles = policy["Roles"].as_sequence().unwrap().iter();
        let allowed: BTreeSet<_> = roles.map(|role| role["Ref"].as_str().unwrap()).collect();
        for (role, function) in functions_by_role() {
            let name = function["Handler"].as_str().unwrap();
            let is_reader = (case.is_reader)(name, &function);
            assert_eq!(
                allowed.contains(&*role),
                is_reader,
                "{}: {role}",
                case.policy
            );
        }
    }
}

fn roles_of(policy: &Value) -> BTreeSet<String> {
    let roles = policy["Roles"].as_sequence().unwrap().iter();
    roles
        .map(|role| role["Ref"].as_str().unwrap().to_owned())
        .collect()
}

/// Those who read a secret decrypt it: the secrets of the parameters, and those below
/// `SecretPrefix`.
#[test]
fn whoever_reads_a_secret_may_decrypt_it() {
    let policies = resources_of_kind("AWS::IAM::Policy");
    let mut readers: BTreeSet<_> = SECRETS
        .iter()
        .flat_map(|case| roles_of(&policies[case.policy]))
        .collect();
    for (role, function) in functions_by_role() {
        let policies = serde_norway::to_string(&function["Policies"]).unwrap();
        if policies.contains("secretsmanager:GetSecretValue") {
            readers.insert(role);
        }
    }

    assert_eq!(roles_of(&policies[DECRYPT]), readers);
}

/// Whoever may read where Valkey is may log in there, and nowhere else.
#[test]
fn whoever_asks_valkey_may_log_in_by_iam() {
    let policies = resources_of_kind("AWS::IAM::Policy");
    let policy = &policies[CONNECT_CACHE];
    assert_eq!(roles_of(policy), roles_of(&policies["ReadCacheSecret"]));

    let statements = policy["PolicyDocument"]["Statement"].as_sequence().unwrap();
    let [statement] = &statements[..] else {
        panic!("{CONNECT_CACHE} has one statement");
    };
    assert_eq!(statement["Action"], "elasticache:Connect");
    let resources = statement["Resource"].as_sequence().unwrap().iter();
    let resources: Vec<_> = resources
        .map(|resource| resource["Fn::Sub"].as_str().unwrap())
        .collect();
    let account = "arn:${AWS::Partition}:elasticache:${AWS::Region}:${AWS::AccountId}";
    let [cache, user] = [":${CacheResource}", ":user:${CacheUser}"];
    assert_eq!(resources, [cache, user].map(|it| format!("{account}{it}")));

    let template = read_template();
    let condition = template["Resources"][CONNECT_CACHE]["Condition"].as_str();
    let condition = &template["Conditions"][condition.unwrap()]["Fn::Not"][0];
    assert_eq!(condition["Fn::Equals"][0]["Ref"], "CacheResource");
    assert_eq!(template["Parameters"]["CacheResource"]["Default"], "");
}

/// A policy for a secret that no parameter names would be of no use, and CloudFormation refuses it.
#[test]
fn a_policy_for_a_secret_is_there_with_the_secret() {
    let template = read_template();
    for SecretCase {
        policy, parameter, ..
    } in SECRETS
    {
        let condition = template["Resources"][policy]["Condition"].as_str().unwrap();
        assert_eq!(condition, format!("Has{parameter}"));
        let default = &template["Parameters"][parameter]["Default"];
        assert_eq!(default, "", "{parameter}");
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
    assert_eq!(largest.function, "Worker");
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
        assert!(refused.to_string().contains("Worker"), "{refused}");
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

/// A function URL has neither an authorizer nor a throttle: only reserved concurrency bounds it.
#[test]
fn a_function_with_a_url_can_be_bounded() {
    for (name, function) in deployed_functions() {
        if !function["FunctionUrlConfig"].is_null() {
            let reserved = &function["ReservedConcurrentExecutions"];
            let parameter = &reserved["Fn::If"][1]["Ref"];
            assert_eq!(parameter, "ChatConcurrency", "{name}");
        }
    }
}

/// Variables of the access log that API Gateway makes by itself, from a fixed set of characters.
const LOGGED: [&str; 7] = [
    "$context.eventType",
    "$context.requestId",
    "$context.integration.requestId",
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
    for api in apis.values() {
        let settings = &api["AccessLogSettings"];
        let chosen = &settings["Fn::If"][1];
        let settings = if chosen.is_null() { settings } else { chosen };
        let format = settings["Format"].as_str().unwrap();
        let line: BTreeMap<String, String> = serde_json::from_str(format).unwrap();
        for (field, variable) in line {
            assert!(LOGGED.contains(&&*variable), "{field}: {variable}");
        }
    }
}
