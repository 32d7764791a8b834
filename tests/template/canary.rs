//! What SAM makes of the template with a canary: CodeDeploy has each function's alias and looks at
//! its new version, and what calls a function calls the alias. Nothing of it is deployed here,
//! since the emulator has no `CodeDeploy`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use wenzhen_functions::FUNCTIONS;

use super::repository_root;
use crate::support::STACK;

/// What calls them names no alias: AWS' own services, which know the function.
const CALLED_BY_NAME: [&str; 2] = ["Migrate", "ForwardTraces"];

/// They run too seldom for a tenth of their runs to tell anything.
const SCHEDULED: usize = 5;

/// The most that a stack may have (CloudFormation quotas).
const MAX_RESOURCES: usize = 500;

/// Reads templates as the SAM CLI does.
const READ_TEMPLATES: &str = "import sys; from samtranslator.yaml_helper import yaml_parse; \
                              [yaml_parse(open(path).read()) for path in sys.argv[1:]]";

/// The resources by their logical names.
pub fn transformed() -> BTreeMap<String, Value> {
    static TRANSFORMED: LazyLock<BTreeMap<String, Value>> =
        LazyLock::new(|| transformed_for("2026-01-01", "true"));
    TRANSFORMED.clone()
}

/// The same of a deployment of that name, and with the parameter `Canary`.
fn transformed_for(deployment: &str, canary: &str) -> BTreeMap<String, Value> {
    let python = xtask::tools::bin_folder(&STACK).join("python");
    let root = repository_root();
    let changed = Command::new(&python)
        .arg(root.join("infra/canary.py"))
        .arg("--print")
        .env("DEPLOYMENT", deployment)
        .output()
        .unwrap();
    assert!(changed.status.success(), "{changed:?}");

    let mut transform = Command::new(&python)
        .arg(root.join("tests/template/canary.py"))
        .arg(format!("Canary={canary}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = transform.stdin.take().unwrap();
    stdin.write_all(&changed.stdout).unwrap();
    drop(stdin);
    let output = transform.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let template: Value = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(template["Resources"].clone()).unwrap()
}

pub fn of_kind<'r>(resources: &'r BTreeMap<String, Value>, kind: &str) -> Vec<&'r Value> {
    let found = resources.values().filter(|it| it["Type"] == kind);
    found.map(|it| &it["Properties"]).collect()
}

/// The same with what stands beside their properties.
fn of_kind_whole<'r>(resources: &'r BTreeMap<String, Value>, kind: &str) -> Vec<&'r Value> {
    let found = resources.values().filter(|it| it["Type"] == kind);
    found.collect()
}

#[test]
fn a_new_version_of_each_function_gets_a_tenth_of_the_calls_first() {
    let resources = transformed();
    assert!(resources.len() < MAX_RESOURCES, "{}", resources.len());

    let aliases = of_kind(&resources, "AWS::Lambda::Alias");
    assert_eq!(aliases.len(), FUNCTIONS.len());
    assert!(aliases.iter().all(|alias| alias["Name"] == "live"));

    let groups = of_kind(&resources, "AWS::CodeDeploy::DeploymentGroup");
    let at_once = CALLED_BY_NAME.len() + SCHEDULED;
    assert_eq!(groups.len(), FUNCTIONS.len() - at_once);
    for group in groups {
        let config = &group["DeploymentConfigName"]["Fn::Sub"][1]["ConfigName"];
        assert_eq!(config, "Canary10Percent5Minutes");
        let alarms = group["AlarmConfiguration"]["Alarms"].as_array().unwrap();
        assert_eq!(alarms.len(), 1, "of its version");
        for alarm in alarms {
            let name = alarm["Name"]["Ref"].as_str().unwrap();
            assert_eq!(resources[name]["Type"], "AWS::CloudWatch::Alarm", "{name}");
        }
        let events = group["AutoRollbackConfiguration"]["Events"]
            .as_array()
            .unwrap();
        assert!(events.contains(&"DEPLOYMENT_STOP_ON_ALARM".into()));
    }
}

/// The resources that a member of a resource's definition names by itself.
fn names_in(key: &str, value: &Value) -> Vec<String> {
    let texts: Vec<&str> = match value {
        Value::String(text) => vec![text],
        Value::Array(items) if key == "DependsOn" => {
            items.iter().filter_map(Value::as_str).collect()
        }
        Value::Array(items) => items.iter().take(1).filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };

    let first_part = |text: &str| text.split(['.', '}']).next().unwrap().to_owned();
    match key {
        "Ref" | "DependsOn" | "Fn::GetAtt" => texts.into_iter().map(first_part).collect(),
        "Fn::Sub" => {
            let variables = texts.iter().flat_map(|text| text.split("${").skip(1));
            variables.map(first_part).collect()
        }
        _ => Vec::new(),
    }
}

/// The same of all of it, also of what says how it is updated.
fn named_by(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                found.extend(names_in(key, inner));
                named_by(inner, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| named_by(item, found)),
        _ => {}
    }
}

/// CloudFormation refuses a circle; cfn-lint does not see one that goes through an alias's way of
/// being updated, from its deployment group to an alarm and on.
#[test]
fn no_resource_waits_for_itself() {
    let resources = transformed();
    let mut waiting: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (name, resource) in &resources {
        let mut named = BTreeSet::new();
        named_by(resource, &mut named);
        named.retain(|other| other != name && resources.contains_key(other));
        waiting.insert(name, named);
    }
    let alias = &waiting["WorkerAliaslive"];
    assert!(alias.contains("WorkerDeploymentGroup"), "{alias:?}");

    loop {
        let ready: BTreeSet<String> = waiting
            .iter()
            .filter(|(_, named)| named.is_empty())
            .map(|(name, _)| (*name).to_owned())
            .collect();
        if ready.is_empty() {
            break;
        }
        waiting.retain(|name, _| !ready.contains(*name));
        for named in waiting.values_mut() {
            named.retain(|other| !ready.contains(other));
        }
    }
    assert!(waiting.is_empty(), "{waiting:?}");
}

/// Lambda takes some 15 changes of functions a second.
#[test]
fn functions_change_in_waves_of_ten() {
    let resources = transformed();
    let is_alias = |name: &Value| name.as_str().is_some_and(|it| it.ends_with("Aliaslive"));
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for function in of_kind_whole(&resources, "AWS::Lambda::Function") {
        let after = &function["DependsOn"];
        let aliases = after.as_array().into_iter().flatten();
        assert!(aliases.clone().all(is_alias), "{after}");
        assert!(aliases.count() <= 10, "{after}");
        *sizes.entry(after.to_string()).or_default() += 1;
    }
    assert_eq!(sizes.len(), 5, "{sizes:?}");
    // Those that are called by their own names wait for nobody, as the first ten.
    assert!(sizes.values().all(|size| *size <= 12), "{sizes:?}");
}

/// A deployment that mends what has raised an alarm could not begin, and aliases that come or go
/// take the routes down.
#[test]
fn without_the_canary_all_calls_go_over_at_once_and_the_aliases_stay() {
    let resources = transformed_for("2026-01-01", "false");
    assert!(of_kind(&resources, "AWS::CodeDeploy::DeploymentGroup").is_empty());

    let mut aliases = 0;
    for alias in resources
        .values()
        .filter(|it| it["Type"] == "AWS::Lambda::Alias")
    {
        assert!(alias["UpdatePolicy"].is_null(), "{alias}");
        aliases += 1;
    }
    assert_eq!(aliases, FUNCTIONS.len());
}

/// Lambda keeps 75 GB of code in an account, and each deployment makes a version of each function.
#[test]
fn versions_that_nothing_calls_are_deleted() {
    for (name, version) in &transformed() {
        if version["Type"] == "AWS::Lambda::Version" {
            assert_eq!(version["DeletionPolicy"], "Delete", "{name}");
        }
    }
}

/// The root hands the parameter on.
#[test]
fn the_root_gets_the_canary_too() {
    let copy = std::env::temp_dir().join(format!("wenzhen-canary-{}", std::process::id()));
    drop(fs::remove_dir_all(&copy));
    fs::create_dir_all(copy.join("infra")).unwrap();
    for file in ["template.yaml", "infra/production.yaml", "infra/canary.py"] {
        fs::copy(repository_root().join(file), copy.join(file)).unwrap();
    }

    let mut texts = Vec::new();
    for _ in 0..2 {
        let changed = Command::new("python3")
            .arg(copy.join("infra/canary.py"))
            .status()
            .unwrap();
        assert!(changed.success());
        texts.push(fs::read_to_string(copy.join("infra/production.yaml")).unwrap());
    }
    fs::remove_dir_all(&copy).unwrap();
    assert_eq!(texts[0], texts[1], "a second time changes nothing");
    assert!(texts[0].contains("\nParameters:\n  Canary:\n"));
    assert!(texts[0].contains("        Canary: !Ref Canary\n"));
}

/// One function that is broken makes too few of all errors for the alarms of the APIs.
#[test]
fn each_function_is_watched_by_its_new_version() {
    let resources = transformed();
    for (name, group) in &resources {
        let Some(function) = name.strip_suffix("DeploymentGroup") else {
            continue;
        };
        let alarms = &group["Properties"]["AlarmConfiguration"]["Alarms"];
        assert_eq!(alarms[0]["Name"]["Ref"], format!("{function}Canary"));

        let (alarm, handler) = (
            &resources[&format!("{function}Canary")]["Properties"],
            &resources[function]["Properties"]["Handler"],
        );
        let metrics = alarm["Metrics"].as_array().unwrap();
        let measured = metrics.iter().filter_map(|it| it["MetricStat"].as_object());
        let mut names = BTreeSet::new();
        for metric in measured.map(|it| &it["Metric"]) {
            let dimensions = metric["Dimensions"].as_array().unwrap();
            let value_of = |wanted: &str| {
                let found = dimensions.iter().find(|it| it["Name"] == wanted);
                found.map_or(&Value::Null, |it| &it["Value"])
            };
            let is_ours = metric["MetricName"] == "FunctionFailed";
            let version = if is_ours {
                assert_eq!(value_of("function"), handler);
                value_of("version")
            } else {
                assert_eq!(value_of("FunctionName")["Ref"], function);
                value_of("ExecutedVersion")
            };
            let of = version["Fn::GetAtt"][0].as_str().unwrap();
            assert_eq!(resources[of]["Properties"]["FunctionName"]["Ref"], function);
            names.insert(metric["MetricName"].as_str().unwrap());
        }
        assert_eq!(names.len(), 3, "{names:?}");
    }
}

/// SAM sees no parameter's value: settings that are changed by a deployment would stay as they
/// were.
#[test]
fn every_deployment_makes_new_versions() {
    let versions = |resources: &BTreeMap<String, Value>| -> BTreeSet<String> {
        let versions = resources
            .iter()
            .filter(|(_, it)| it["Type"] == "AWS::Lambda::Version");
        versions.map(|(name, _)| name.clone()).collect()
    };
    let of = |deployment| transformed_for(deployment, "true");
    let (one, other) = (of("one"), of("other"));
    assert_eq!(versions(&one).len(), FUNCTIONS.len());
    assert_eq!(versions(&one), versions(&of("one")));
    assert!(versions(&one).is_disjoint(&versions(&other)));
}

/// The SAM CLI reads YAML more strictly than cfn-lint does.
#[test]
fn the_sam_cli_can_read_every_template() {
    let root = repository_root();
    let mut templates = vec![root.join("template.yaml")];
    for entry in fs::read_dir(root.join("infra")).unwrap() {
        let path = entry.unwrap().path();
        templates.extend(
            path.extension()
                .is_some_and(|it| it == "yaml")
                .then_some(path),
        );
    }
    assert!(templates.len() > 5, "{templates:?}");

    let python = xtask::tools::bin_folder(&STACK).join("python");
    let read = Command::new(python)
        .args(["-c", READ_TEMPLATES])
        .args(templates)
        .output();
    let read = read.unwrap();
    let errors = String::from_utf8_lossy(&read.stderr);
    assert!(read.status.success(), "{errors}");
}

/// Else the old version would go on being called, or the new one by all at once.
#[test]
fn what_calls_a_function_calls_its_alias() {
    let resources = transformed();
    let is_alias = |name: &str| resources[name]["Type"] == "AWS::Lambda::Alias";

    let mut apis = of_kind(&resources, "AWS::ApiGatewayV2::Api");
    apis.extend(of_kind(&resources, "AWS::ApiGateway::RestApi"));
    let paths = apis
        .iter()
        .filter_map(|api| api["Body"]["paths"].as_object());
    let methods = paths.flatten().filter_map(|(_, path)| path.as_object());
    let uris = methods
        .flatten()
        .map(|(_, method)| &method["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]);
    let mut routes = 0;
    for uri in uris.filter_map(Value::as_str) {
        let (_, function) = uri.rsplit_once("functions/${").unwrap();
        assert!(is_alias(function.split('}').next().unwrap()), "{uri}");
        routes += 1;
    }
    assert_eq!(routes, super::deployed_routes().len() + 1, "and the stream");

    let sockets = of_kind(&resources, "AWS::ApiGatewayV2::Integration");
    assert_eq!(sockets.len(), 3, "of the WebSocket API");
    for socket in sockets {
        let function = &socket["IntegrationUri"]["Fn::Sub"][1]["FunctionArn"]["Ref"];
        assert!(is_alias(function.as_str().unwrap()), "{function}");
    }

    for (kind, field) in [
        ("AWS::Lambda::EventSourceMapping", "/FunctionName/Ref"),
        ("AWS::Scheduler::Schedule", "/Target/Arn/Ref"),
    ] {
        let callers = of_kind(&resources, kind);
        assert!(!callers.is_empty(), "{kind}");
        for caller in callers {
            let function = caller.pointer(field).and_then(Value::as_str).unwrap();
            assert!(is_alias(function), "{kind}: {function}");
        }
    }
}
