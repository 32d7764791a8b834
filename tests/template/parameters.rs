//! What an operator may set: each parameter of a stack is used, can be reached from the root, and
//! does there what its description says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_norway::Value;

use super::repository_root;
use super::stacks::{ROOT, alarms, children, names_in, read_stack, stacks, visit_texts};

/// Parameters of children that are for emulators, or that the root answers in another way: the edge
/// tells its alarms to the topic of the others.
const NOT_HANDED_ON: [&str; 4] = [
    "AlarmEmail",
    "AllowPlaintext",
    "EmulatedCdn",
    "IdentityEndpoint",
];

/// Of the root and of a child, the same values are refused.
const CHECKED_ALIKE: [(&str, &str); 4] = [
    ("Network", "Cidr"),
    ("Cache", "CacheNodes"),
    ("Observability", "CacheNodes"),
    ("Observability", "RunbookUrl"),
];

#[test]
fn every_child_is_given_what_it_needs_and_nothing_else() {
    for (name, (resource, template)) in children() {
        let given = names_in(&resource["Properties"]["Parameters"]);
        let known = names_in(&template["Parameters"]);
        let unknown: Vec<_> = given.difference(&known).collect();
        assert!(unknown.is_empty(), "{name} has no {unknown:?}");

        for parameter in known.difference(&given) {
            let default = &template["Parameters"][parameter.as_str()]["Default"];
            assert!(!default.is_null(), "{name} needs {parameter}");
        }
    }
}

#[test]
fn every_parameter_of_a_stack_is_used() {
    for (path, template) in stacks() {
        let mut used = BTreeSet::new();
        visit_texts(&template, "", &mut |key, text| {
            if key == "Ref" {
                used.insert(text.to_owned());
            }
            let substituted = text.split("${").skip(1);
            used.extend(substituted.filter_map(|part| Some(part.split_once('}')?.0.to_owned())));
        });

        let parameters = names_in(&template["Parameters"]);
        let unused: Vec<_> = parameters.difference(&used).collect();
        assert!(unused.is_empty(), "{path}: {unused:?}");
    }
}

/// What an operator may set of one stack, an operator of the whole may set too.
#[test]
fn every_parameter_of_a_child_can_be_reached() {
    let mut left_out = BTreeSet::new();
    for (resource, template) in children().values() {
        let given = names_in(&resource["Properties"]["Parameters"]);
        let known = names_in(&template["Parameters"]);
        left_out.extend(known.difference(&given).cloned());
    }
    assert_eq!(left_out, NOT_HANDED_ON.map(str::to_owned).into());
}

#[test]
fn the_root_refuses_what_its_children_would() {
    let root = read_stack(ROOT);
    for (child, parameter) in CHECKED_ALIKE {
        let (resource, template) = &children()[child];
        let given = &resource["Properties"]["Parameters"][parameter];
        assert_eq!(given["Ref"], parameter, "{child}");

        let (ours, theirs) = (
            &root["Parameters"][parameter],
            &template["Parameters"][parameter],
        );
        assert_eq!(ours["Default"], theirs["Default"], "{child}: {parameter}");
        assert_eq!(ours["AllowedPattern"], theirs["AllowedPattern"], "{child}");
        let values = |it: &Value| serde_norway::to_string(&it["AllowedValues"]).unwrap();
        assert_eq!(values(ours), values(theirs), "{child}: {parameter}");
    }
}

/// `sam deploy` cuts JSON at its first quote, unless it is within single quotes; a function that is
/// given the rest would not start.
#[test]
fn the_root_refuses_json_that_was_cut() {
    let root = read_stack(ROOT);
    let array = r"^(\[[\s\S]*\])?$";
    let object = r"^(\{[\s\S]*\})?$";
    for (name, pattern) in [
        ("AiTiers", array),
        ("AiChains", object),
        ("Limits", object),
        ("Embeddings", object),
        ("Retention", object),
    ] {
        let parameter = &root["Parameters"][name];
        assert_eq!(parameter["AllowedPattern"], pattern, "{name}");
        let advice = parameter["ConstraintDescription"].as_str().unwrap();
        assert!(advice.contains("docs/deploy.md#json-values"), "{name}");
    }
}

/// Wherever the root's key is, an operator's own is if there is one.
#[test]
fn a_key_of_ones_own_takes_the_place_of_the_one_that_is_made() {
    let root = read_stack(ROOT);
    let made = &root["Conditions"]["MakesKey"]["Fn::Equals"];
    assert_eq!(made[0]["Ref"], "KeyArn");
    assert_eq!(made[1], "");
    assert_eq!(root["Parameters"]["KeyArn"]["Default"], "");
    assert_eq!(root["Resources"]["Key"]["Condition"], "MakesKey");

    let children = children();
    for (child, parameter) in [
        ("Database", "KeyArn"),
        ("Cache", "KeyArn"),
        ("Application", "SecretsKeyArn"),
    ] {
        let (resource, _) = &children[child];
        let chosen = &resource["Properties"]["Parameters"][parameter]["Fn::If"];
        assert_eq!(chosen[0], "MakesKey", "{child}");
        assert_eq!(chosen[1]["Fn::GetAtt"], "Key.Arn", "{child}");
        assert_eq!(chosen[2]["Ref"], "KeyArn", "{child}");
    }

    let mut uses = 0;
    visit_texts(&root, "", &mut |_, text| {
        uses += usize::from(text == "Key.Arn" || text == "Key");
    });
    assert_eq!(
        uses, 4,
        "EdgeSecret's, and no other use of the key that may not be made"
    );
}

/// A value as CloudFormation reads it, with these conditions.
fn resolve_conditions(value: &Value, conditions: &BTreeMap<&str, bool>) -> Value {
    if let Some([condition, then, otherwise]) = value["Fn::If"].as_sequence().map(|it| &it[..]) {
        let holds = conditions[condition.as_str().unwrap()];
        let chosen = if holds { then } else { otherwise };
        return resolve_conditions(chosen, conditions);
    }
    let Some(items) = value.as_sequence() else {
        return value.clone();
    };
    let resolved = items.iter().map(|it| resolve_conditions(it, conditions));
    let is_nothing = |it: &Value| it["Ref"] == "AWS::NoValue";
    Value::Sequence(resolved.filter(|it| !is_nothing(it)).collect())
}

/// The nodes of a replication group are `<group>-001` and so on.
#[test]
fn each_node_of_the_cache_is_watched() {
    let names = [
        "CacheEvictions",
        "CacheMemory",
        "CacheProcessor",
        "CacheLag",
    ];
    for nodes in 1..=3 {
        let conditions =
            BTreeMap::from([("HasSecondNode", nodes > 1), ("HasThirdNode", nodes > 2)]);
        // A replica's lag needs a replica.
        let there = names
            .iter()
            .filter(|name| nodes > 1 || **name != "CacheLag");
        for name in there {
            let metrics = resolve_conditions(&alarms()[*name]["Metrics"], &conditions);
            let queries = metrics.as_sequence().unwrap();
            let (expression, queries) = queries.split_last().unwrap();
            let watched: Vec<_> = queries
                .iter()
                .map(|query| {
                    let dimension = &query["MetricStat"]["Metric"]["Dimensions"][0];
                    dimension["Value"]["Fn::Sub"].as_str().unwrap()
                })
                .collect();
            let expected: Vec<_> = (1..=nodes)
                .map(|node| format!("${{CacheId}}-00{node}"))
                .collect();
            assert_eq!(watched, expected, "{name}");

            let ids: Vec<_> = (1..=nodes).map(|node| format!("n{node}")).collect();
            let expected = format!("MAX([{}])", ids.join(", "));
            let expression = resolve_conditions(&expression["Expression"], &conditions);
            assert_eq!(expression, Value::from(expected), "{name}");
        }
    }

    let template = read_stack("infra/observability.yaml");
    let conditions = &template["Conditions"];
    let third = &conditions["HasThirdNode"]["Fn::Equals"];
    assert_eq!(
        (&third[0]["Ref"], &third[1]),
        (&"CacheNodes".into(), &"3".into())
    );
    let alone = &conditions["HasSecondNode"]["Fn::Not"][0]["Fn::Equals"];
    assert_eq!(
        (&alone[0]["Ref"], &alone[1]),
        (&"CacheNodes".into(), &"1".into())
    );
    assert_eq!(template["Resources"]["CacheLag"]["Condition"], "HasReplica");
}

/// An environment of `samconfig.toml` sets what its template has, also by the lines that an operator
/// has yet to uncomment.
#[test]
fn samconfig_sets_parameters_that_exist() {
    let text = fs::read_to_string(repository_root().join("samconfig.toml")).unwrap();
    let text = text.replace("\n    # \"", "\n    \"");
    let config: toml::Table = toml::from_str(&text).unwrap();
    let mut environments = 0;

    for (name, environment) in config.iter().filter(|(_, value)| value.is_table()) {
        let Some(deploy) = environment.get("deploy") else {
            continue;
        };
        let parameters = &deploy["parameters"];
        let template = parameters
            .get("template_file")
            .and_then(toml::Value::as_str);
        let known = names_in(&read_stack(template.unwrap_or(ROOT))["Parameters"]);

        for value in parameters["parameter_overrides"].as_array().unwrap() {
            let (parameter, given) = value.as_str().unwrap().split_once('=').unwrap();
            assert!(known.contains(parameter), "{name}: {parameter}");

            // The SAM CLI would cut it.
            let is_quoted = given.len() > 1 && given.starts_with('\'') && given.ends_with('\'');
            assert!(is_quoted || !given.contains('"'), "{name}: {parameter}");
        }
        environments += 1;
    }
    assert!(environments >= 2, "dev and prod");
}
