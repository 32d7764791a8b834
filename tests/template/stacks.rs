//! The stacks around the application fit each other, the code and the runbook. They are not
//! deployed by the tests: the emulator lacks most of their resources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_norway::Value;
use wenzhen::config::CacheUser;

use super::permissions::{actions_of, statements_of};
use super::{
    Route, deployed_functions, deployed_routes, events_of_kind, repository_root, resolve_tags,
    resources_of_kind,
};

/// The stack that ties the others.
pub(super) const ROOT: &str = "infra/production.yaml";

const STACK: &str = "AWS::CloudFormation::Stack";

/// Routes that wait on purpose, so that their latency says nothing.
const WAITING: [(&str, &str); 3] = [
    ("GET", "/v1/consultations/{id}"),
    ("POST", "/v1/uploads/{id}/complete"),
    ("POST", "/v1/chat/completions"),
];

/// Measured together with every route: no patient waits for them.
const FOR_NO_PATIENT: [(&str, &str); 5] = [
    ("GET", "/health"),
    ("GET", "/health/live"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
];

/// A template of this repository, by its path.
pub fn read_stack(path: &str) -> Value {
    let text = fs::read_to_string(repository_root().join(path)).unwrap();
    resolve_tags(serde_norway::from_str(&text).unwrap())
}

/// Every template of `infra/`, by its path.
pub(super) fn stacks() -> BTreeMap<String, Value> {
    let entries = fs::read_dir(repository_root().join("infra")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let templates = names.filter(|name| Path::new(name).extension().is_some_and(|it| it == "yaml"));
    templates
        .map(|name| format!("infra/{name}"))
        .map(|path| (path.clone(), read_stack(&path)))
        .collect()
}

pub(super) fn names_in(section: &Value) -> BTreeSet<String> {
    let names = section.as_mapping().into_iter().flatten();
    names
        .map(|(name, _)| name.as_str().unwrap().to_owned())
        .collect()
}

/// The children of the root by their logical names, each with its resource and its template.
pub(super) fn children() -> BTreeMap<String, (Value, Value)> {
    let root = read_stack(ROOT);
    let resources = root["Resources"].as_mapping().unwrap();
    let stacks = resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == STACK);

    let read = stacks.map(|(name, resource)| {
        let url = resource["Properties"]["TemplateURL"].as_str().unwrap();
        let template = read_stack(&format!("infra/{url}"));
        let name = name.as_str().unwrap().to_owned();
        (name, (resource.clone(), template))
    });
    read.collect()
}

/// Calls `visit` with every text within a value, and the key under which it stands.
pub(super) fn visit_texts<'a>(
    value: &'a Value,
    key: &'a str,
    visit: &mut dyn FnMut(&'a str, &'a str),
) {
    match value {
        Value::String(text) => visit(key, text),
        Value::Sequence(items) => {
            for item in items {
                visit_texts(item, key, visit);
            }
        }
        Value::Mapping(map) => {
            for (key, value) in map {
                visit_texts(value, key.as_str().unwrap_or_default(), visit);
            }
        }
        _ => {}
    }
}

/// An output with a condition of the child's own could be missing.
#[test]
fn every_output_that_is_read_exists_in_its_stack() {
    let (root, children) = (read_stack(ROOT), children());
    let mut read = 0;
    visit_texts(&root, "", &mut |key, text| {
        let ("Fn::GetAtt", Some((child, output))) = (key, text.split_once(".Outputs.")) else {
            return;
        };

        read += 1;
        let (_, template) = &children[child];
        let found = &template["Outputs"][output];
        assert!(!found["Value"].is_null(), "{text}");
        assert!(found["Condition"].is_null(), "{text} may be missing");
    });
    assert!(read > 40, "{read}");
}

/// For IAM, ElastiCache wants a user's id and name to be the same, and the code a whole URL.
#[test]
fn the_functions_log_in_to_the_cache_by_iam() {
    let cache = read_stack("infra/cache.yaml");
    let user = &cache["Resources"]["CacheUser"]["Properties"];
    assert_eq!(user["UserId"], user["UserName"]);
    assert_eq!(user["AuthenticationMode"]["Type"], "iam");

    let url = cache["Outputs"]["CacheUrl"]["Value"]["Fn::Sub"].as_str();
    let url = url.unwrap().replace("${CacheUser}", "functions");
    let url = url.replace("${Cache.PrimaryEndPoint.Address}", "cache.example");
    let url = url.replace("${Cache}", "group").parse().unwrap();
    let user = CacheUser::of_url(&url).unwrap().unwrap();
    assert_eq!((&*user.user, &*user.cache), ("functions", "group"));
    assert!(!user.is_serverless);
}

/// Each alarm of every stack, by its name.
pub(super) fn alarms() -> BTreeMap<String, Value> {
    let mut alarms = BTreeMap::new();
    for template in stacks().into_values() {
        for (name, resource) in template["Resources"].as_mapping().unwrap() {
            let kind = resource["Type"].as_str().unwrap();
            if kind.starts_with("AWS::CloudWatch::") && kind.ends_with("Alarm") {
                let name = name.as_str().unwrap().to_owned();
                assert!(
                    alarms
                        .insert(name, resource["Properties"].clone())
                        .is_none(),
                    "two alarms have one name"
                );
            }
        }
    }
    alarms
}

#[test]
fn every_alarm_tells_somebody_or_is_part_of_one_that_does() {
    let alarms = alarms();
    let composed: Vec<_> = alarms
        .values()
        .filter_map(|alarm| alarm["AlarmRule"]["Fn::Sub"].as_str())
        .collect();

    for (name, alarm) in &alarms {
        let reference = format!("\"${{{name}}}\"");
        let is_part = composed.iter().any(|rule| rule.contains(&reference));
        let tells = alarm["AlarmActions"].as_sequence().is_some();
        assert!(tells != is_part, "{name}");
    }
}

/// The names in double quotes in the code of functions and the crate that begin as a metric's do.
fn names_in_code() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut folders = ["shared/src", "functions/src"]
        .map(|folder| repository_root().join(folder))
        .to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            if text.contains("metrics::") || text.contains("_metric:") {
                names.extend(text.split('"').map(str::to_owned));
            }
        }
    }
    names
}

/// The metrics of our own that an alarm or the dashboard names.
fn watched_metrics() -> BTreeSet<String> {
    let template = read_stack("infra/observability.yaml");
    let mut watched = BTreeSet::new();
    let mut collect = |metric: &Value| {
        if metric["Namespace"]["Ref"] == "MetricsNamespace" {
            watched.insert(metric["MetricName"].as_str().unwrap().to_owned());
        }
    };

    for alarm in alarms().values() {
        collect(alarm);
        for query in alarm["Metrics"].as_sequence().into_iter().flatten() {
            collect(&query["MetricStat"]["Metric"]);
        }
    }
    visit_texts(&template, "", &mut |_, text| {
        let queried = text.split("SELECT SUM(").skip(1);
        let queried = queried.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()));
        watched.extend(queried);
    });

    watched.extend(drawn_metrics(&template));
    watched
}

/// Those of the dashboard.
fn drawn_metrics(template: &Value) -> BTreeSet<String> {
    let drawn = drawn_of_all_namespaces(template).into_iter();
    let own = drawn.filter(|(namespace, _)| namespace == "${MetricsNamespace}");
    own.map(|(_, metric)| metric).collect()
}

/// The dashboard of a stack that has all that the conditions ask for, or nothing of it.
pub(super) fn read_dashboard_of(template: &Value, has_all: bool) -> serde_json::Value {
    let body = &template["Resources"]["Dashboard"]["Properties"]["DashboardBody"];
    serde_json::from_str(&write_out(body, has_all)).expect("the dashboard is JSON")
}

/// A text as CloudFormation writes it, but for parameters.
fn write_out(value: &Value, has_all: bool) -> String {
    if let Some(text) = value.as_str() {
        return text.to_owned();
    }
    if let Some(branches) = value["Fn::If"].as_sequence() {
        return write_out(&branches[2 - usize::from(has_all)], has_all);
    }
    let Some(parts) = value["Fn::Sub"].as_sequence() else {
        return write_out(&value["Fn::Sub"], has_all);
    };

    let mut text = write_out(&parts[0], has_all);
    for (name, value) in parts[1].as_mapping().unwrap() {
        let name = format!("${{{}}}", name.as_str().unwrap());
        text = text.replace(&name, &write_out(value, has_all));
    }
    text
}

/// The namespaces and names of the dashboard, in whose lists `.` repeats what stands above.
fn drawn_of_all_namespaces(template: &Value) -> BTreeSet<(String, String)> {
    let body = read_dashboard_of(template, true);
    let mut drawn = BTreeSet::new();
    for widget in body["widgets"].as_array().unwrap() {
        let mut namespace = "";
        let metrics = widget["properties"]["metrics"].as_array();
        for metric in metrics.into_iter().flatten() {
            match metric[0].as_str() {
                None | Some("...") => continue, // an expression, or the metric above once more
                Some(".") => {}
                Some(other) => namespace = other,
            }
            let name = metric[1].as_str().unwrap();
            drawn.insert((namespace.to_owned(), name.to_owned()));
        }
    }
    drawn
}

/// The namespaces and names of AWS' metrics that an alarm or the dashboard has.
pub fn watched_metrics_of_aws() -> BTreeSet<(String, String)> {
    let mut watched = drawn_of_all_namespaces(&read_stack("infra/observability.yaml"));
    let mut collect = |metric: &Value| {
        if let (Some(namespace), Some(name)) =
            (metric["Namespace"].as_str(), metric["MetricName"].as_str())
        {
            watched.insert((namespace.to_owned(), name.to_owned()));
        }
    };
    for alarm in alarms().values() {
        collect(alarm);
        for query in alarm["Metrics"].as_sequence().into_iter().flatten() {
            collect(&query["MetricStat"]["Metric"]);
        }
    }
    watched.retain(|(namespace, _)| namespace.starts_with("AWS/"));
    watched
}

#[test]
fn every_metric_that_is_watched_is_counted_by_the_code() {
    let (watched, counted) = (watched_metrics(), names_in_code());
    for metric in ["JobFailed", "CircuitChanged", "PromptTokens"] {
        assert!(watched.contains(metric), "{metric}");
    }

    let unknown: Vec<_> = watched.difference(&counted).collect();
    assert!(unknown.is_empty(), "nothing counts {unknown:?}");
}

/// Its latency raises an alarm, unless it waits on purpose.
#[test]
fn every_route_is_watched() {
    let mut watched = BTreeSet::new();
    for alarm in alarms().values() {
        for query in alarm["Metrics"].as_sequence().into_iter().flatten() {
            let metric = &query["MetricStat"]["Metric"];
            let dimensions = metric["Dimensions"].as_sequence().into_iter().flatten();
            let value = |name: &str| {
                let mut named = dimensions.clone().filter(|it| it["Name"] == name);
                named.next().and_then(|it| it["Value"].as_str())
            };
            if let (Some(method), Some(path)) = (value("Method"), value("Resource")) {
                let (method, path) = (method.to_owned(), path.to_owned());
                watched.insert(Route { method, path });
            }
        }
    }

    let mut expected = deployed_routes();
    expected.retain(|Route { method, path }| is_watched_for_latency(method, path));
    assert_eq!(watched, expected);
}

pub(super) fn is_watched_for_latency(method: &str, path: &str) -> bool {
    let route = (method, path);
    !WAITING.contains(&route) && !FOR_NO_PATIENT.contains(&route)
}

/// A path that no behaviour names would be answered by the web client's first page.
#[test]
fn the_edge_passes_every_route_on() {
    let edge = read_stack("infra/edge.yaml");
    let config = &edge["Resources"]["Distribution"]["Properties"]["DistributionConfig"];
    let behaviours = config["CacheBehaviors"].as_sequence().unwrap();
    let patterns = behaviours
        .iter()
        .map(|it| it["PathPattern"].as_str().unwrap());

    for Route { path, .. } in deployed_routes() {
        let is_passed_on = patterns
            .clone()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(prefix) => path.starts_with(prefix),
                None => path == pattern,
            });
        assert!(is_passed_on, "{path}");
    }
}

/// `CloudFront` keeps an error by its path alone, whatever the error's headers say.
#[test]
fn the_edge_keeps_no_error_and_changes_none() {
    let edge = read_stack("infra/edge.yaml");
    let config = &edge["Resources"]["Distribution"]["Properties"]["DistributionConfig"];
    let mut errors = BTreeSet::new();
    for error in config["CustomErrorResponses"].as_sequence().unwrap() {
        assert_eq!(error["ErrorCachingMinTTL"], 0, "{error:?}");
        assert!(error["ResponsePagePath"].is_null(), "{error:?}");
        errors.insert(error["ErrorCode"].as_u64().unwrap());
    }
    // Those that it keeps without being told to (Amazon CloudFront developer guide).
    for kept in [404, 405, 414, 500, 501, 502, 503, 504] {
        assert!(errors.contains(&kept), "{kept}");
    }
}

/// What a route's settings leave out is the gateway's own, and not the stage's.
#[test]
fn a_route_with_a_throttle_of_its_own_is_measured_as_all_others() {
    let template = read_stack("template.yaml");
    let api = &template["Resources"]["HttpApi"]["Properties"];
    let routes = api["RouteSettings"].as_mapping().unwrap();
    assert!(!routes.is_empty());
    for (route, settings) in routes {
        for setting in [
            "ThrottlingRateLimit",
            "ThrottlingBurstLimit",
            "DetailedMetricsEnabled",
        ] {
            assert!(!settings[setting].is_null(), "{route:?}: {setting}");
        }
        let is_measured = settings["DetailedMetricsEnabled"]["Fn::If"][0].as_str();
        assert_eq!(is_measured, Some("MeasuresRoutes"), "{route:?}");
    }
}

/// The scheduler hands a run over and knows no more of it: Lambda alone would start it again, an
/// old one too.
#[test]
fn a_scheduled_run_is_started_again_only_as_its_function_says() {
    for (name, function) in deployed_functions() {
        let is_scheduled = !events_of_kind(&function, "ScheduleV2").is_empty();
        let retries = &function["EventInvokeConfig"];
        assert_eq!(is_scheduled, !retries.is_null(), "{name}");
        for setting in ["MaximumRetryAttempts", "MaximumEventAgeInSeconds"] {
            assert_eq!(is_scheduled, retries[setting].is_u64(), "{name}: {setting}");
        }
    }
}

/// Without it, the limits count the CDN's servers; elsewhere it has no business.
#[test]
fn the_edge_shows_the_apis_alone_that_it_is_ours() {
    let edge = read_stack("infra/edge.yaml");
    let config = &edge["Resources"]["Distribution"]["Properties"]["DistributionConfig"];
    for origin in config["Origins"].as_sequence().unwrap() {
        let header = &origin["OriginCustomHeaders"][0];
        // Frames are counted by the tokens of their connections.
        if origin["Id"] == "web" || origin["Id"] == "live" {
            assert!(header.is_null(), "{header:?}");
            continue;
        }
        assert_eq!(header["HeaderName"], "x-origin-verify", "{origin:?}");
        // CloudFront adds no header of these names, and refuses the whole distribution.
        let name = header["HeaderName"].as_str().unwrap();
        assert!(
            !["x-amz-", "x-edge-"]
                .iter()
                .any(|own| name.starts_with(own))
        );
        assert_eq!(header["HeaderValue"]["Ref"], "EdgeSecret", "{origin:?}");
    }

    let given = |child: &str| {
        let root = read_stack(ROOT);
        root["Resources"][child]["Properties"]["Parameters"]["EdgeSecret"].clone()
    };
    assert_eq!(given("Edge"), given("Application"));
}

/// The emulator enforces no permissions: what the boundary forgets, AWS alone would refuse.
#[test]
fn the_boundary_lets_every_permission_through() {
    let policies = resources_of_kind("AWS::IAM::ManagedPolicy");
    let document = &policies["FunctionsBoundary"]["PolicyDocument"];
    let allowed = actions_of(&document["Statement"][0]);

    for function in deployed_functions().values() {
        let statements = statements_of(function);
        for action in statements.iter().flat_map(actions_of) {
            assert!(allowed.contains(&action), "{action}");
        }
    }
}

/// Names of schedules are unique in a group: without one, two stacks of an account meet.
#[test]
fn every_schedule_is_in_the_group_of_its_stack() {
    for (name, function) in deployed_functions() {
        for schedule in events_of_kind(&function, "ScheduleV2") {
            assert_eq!(schedule["GroupName"]["Ref"], "Schedules", "{name}");
        }
    }

    let groups = resources_of_kind("AWS::Scheduler::ScheduleGroup");
    assert!(
        groups["Schedules"]["Name"].is_null(),
        "a name would be fixed"
    );
}
