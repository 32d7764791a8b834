//! What the functions may do: one action on one thing each.

use std::collections::BTreeSet;

use serde_norway::Value;

use super::{deployed_functions, resources_of_kind};

/// Of all functions, these alone call no service.
const WITHOUT_PERMISSIONS: [&str; 3] = ["get-docs", "get-liveness", "get-openapi"];

/// Actions that AWS knows no resources for.
const UNSCOPED: [&str; 2] = ["xray:PutSpans", "xray:PutSpansForIndexing"];

/// Collects every statement within a policy, in all branches of an `!If`.
fn collect_statements<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Mapping(map) if map.contains_key("Effect") => found.push(value),
        Value::Mapping(map) => {
            let values = map.values();
            values.for_each(|value| collect_statements(value, found));
        }
        Value::Sequence(items) => {
            let items = items.iter();
            items.for_each(|item| collect_statements(item, found));
        }
        _ => {}
    }
}

/// The statements of a function's policies: its own, and those of the policies that it shares with
/// other functions.
pub fn statements_of(function: &Value) -> Vec<Value> {
    let shared = resources_of_kind("AWS::IAM::ManagedPolicy");
    let mut statements = Vec::new();

    for policy in function["Policies"].as_sequence().into_iter().flatten() {
        let name = policy["Ref"].as_str();
        let document = name.map_or(policy, |name| &shared[name]["PolicyDocument"]);
        let mut found = Vec::new();
        collect_statements(document, &mut found);
        statements.extend(found.into_iter().cloned());
    }

    statements
}

/// The actions of a statement.
pub fn actions_of(statement: &Value) -> BTreeSet<String> {
    let action = &statement["Action"];
    let list = action.as_sequence().into_iter().flatten();
    let actions = list
        .chain(std::iter::once(action))
        .filter_map(Value::as_str);
    actions.map(str::to_owned).collect()
}

#[test]
fn every_permission_is_one_action_on_one_thing() {
    for (name, function) in deployed_functions() {
        let statements = statements_of(&function);
        let has_none = statements.is_empty();
        let needs_none = WITHOUT_PERMISSIONS.contains(&&*name);
        assert_eq!(has_none, needs_none, "{name}");

        for statement in statements {
            let text = serde_norway::to_string(&statement).unwrap();
            let written = serde_norway::to_string(&statement["Action"]).unwrap();
            assert!(!written.contains('*'), "{name}: {text}");
            assert!(statement["NotAction"].is_null(), "{name}: {text}");
            assert!(statement["NotResource"].is_null(), "{name}: {text}");
            let actions = actions_of(&statement);
            let is_unscoped = actions.iter().all(|it| UNSCOPED.contains(&it.as_str()));
            let is_scoped = is_scoped(&statement["Resource"]);
            assert_ne!(is_scoped, is_unscoped, "{name}: {text}");
        }
    }
}

/// Whether a statement's resource is one thing. A prefix is a scope; a bare wildcard is none.
fn is_scoped(resource: &Value) -> bool {
    let Some(arn) = resource["Fn::Sub"].as_str() else {
        // A parameter may name a thing that an operator has.
        let parameter = resource["Ref"].as_str().unwrap_or_default();
        return resource["Fn::GetAtt"].is_string() || parameter.ends_with("Arn");
    };

    // A thing of this stack, or one of its kind whose name is.
    let last_part = arn.rsplit(':').next().unwrap_or_default();
    let name = last_part
        .split_once('/')
        .map_or(last_part, |(_, name)| name);
    last_part.starts_with("${") || name.starts_with("${")
}
