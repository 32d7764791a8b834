//! The runbook, and what an alarm's own text tells: who is woken at three finds what it means, what
//! to look at and what to do, by commands that name what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::rules::rules;
use super::stacks::{ROOT, alarms, names_in, read_stack};
use super::{canary, repository_root};

const PAGE: &str = "docs/runbook.md";

/// The most that an alarm's description may have ("`PutMetricAlarm`", Amazon CloudWatch API
/// reference).
const MAX_DESCRIPTION: usize = 1_024;

/// The longest address that the parameter `RunbookUrl` takes.
const MAX_URL: usize = 198;

/// The longest name of a queue, a function or a cluster.
const MAX_NAME: usize = 80;

/// What a section tells, in this order.
const PARTS: [&str; 3] = ["**Means.**", "**Look at.**", "**Do.**"];

/// The section before those of alarms.
const FIRST: &str = "first-whatever-it-is";

/// What is not an alarm of CloudWatch, but tells the same topic.
const COST_ANOMALY: (&str, &str) = ("CostAnomalies", "cost-anomaly");

/// Each section's text by its anchor.
fn sections() -> BTreeMap<String, String> {
    let text = fs::read_to_string(repository_root().join(PAGE)).unwrap();
    let sections = text.split("\n## ").skip(1);
    let by_anchor = sections.map(|section| {
        let (heading, text) = section.split_once('\n').unwrap();
        (anchor_of(heading), text.to_owned())
    });
    by_anchor.collect()
}

/// As GitHub makes it.
fn anchor_of(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c if c.is_alphanumeric() => Some(c.to_ascii_lowercase()),
        _ => None,
    });
    kept.collect()
}

/// What each alarm of `infra/canary.py` says.
fn canary_descriptions() -> BTreeMap<String, String> {
    let resources = canary::transformed().into_iter();
    let alarms = resources.filter(|(_, it)| it["Type"] == "AWS::CloudWatch::Alarm");
    let descriptions = alarms.map(|(name, alarm)| {
        let description = alarm["Properties"]["AlarmDescription"].as_str().unwrap();
        (name, description.to_owned())
    });
    descriptions.collect()
}

/// The description of each alarm, and whether it is one that tells somebody.
fn descriptions() -> BTreeMap<String, (String, bool)> {
    let mut descriptions: BTreeMap<_, _> = alarms()
        .into_iter()
        .map(|(name, alarm)| {
            let description = alarm["AlarmDescription"]["Fn::Sub"].as_str().unwrap();
            let tells = !alarm["AlarmActions"].is_null();
            (name, (description.to_owned(), tells))
        })
        .collect();
    for text in canary_descriptions().into_values() {
        let text = text.replace(PAGE, "${RunbookUrl}");
        descriptions.insert("…Canary".to_owned(), (text, true));
    }
    descriptions
}

fn anchor_in(description: &str) -> &str {
    let (_, anchor) = description.split_once("\nRunbook: ${RunbookUrl}#").unwrap();
    anchor
}

/// Each alarm and alert that tells somebody, with the section that it points to.
fn told() -> BTreeSet<(String, String)> {
    let descriptions = descriptions();
    let alarms = descriptions.iter().filter(|(_, (_, tells))| *tells);
    let alarms = alarms.map(|(name, (text, _))| (name.clone(), anchor_in(text).to_owned()));
    let rules = rules().into_iter();
    let (anomaly, anchor) = COST_ANOMALY;
    alarms
        .chain(rules.map(|(name, rule)| (name, rule.anchor)))
        .chain([(anomaly.to_owned(), anchor.to_owned())])
        .collect()
}

#[test]
fn whoever_is_told_finds_the_name_in_its_section() {
    let sections = sections();
    let told = told();
    assert!(told.len() > 50, "{}", told.len());
    for (name, anchor) in &told {
        let section = sections.get(anchor);
        let section = section.unwrap_or_else(|| panic!("{name}: {PAGE} has no {anchor}"));
        let first = section.trim_start().lines().next().unwrap();
        assert!(first.contains(&format!("`{name}`")), "{name} in {anchor}");
    }

    let mut expected: BTreeSet<_> = told.into_iter().map(|(_, anchor)| anchor).collect();
    expected.insert(FIRST.to_owned());
    let found: BTreeSet<_> = sections.into_keys().collect();
    assert_eq!(found, expected, "no section is without an alarm");
}

/// What is to be done begins with a step that can be taken at once: a command, another section, or
/// nothing.
#[test]
fn every_section_says_what_it_means_what_to_look_at_and_what_to_do() {
    for (anchor, section) in sections() {
        if anchor == FIRST {
            continue;
        }
        let mut rest = &*section;
        for part in PARTS {
            let (_, after) = rest.split_once(part).unwrap_or_else(|| {
                panic!("{anchor} has no {part}, or not in this order");
            });
            rest = after;
        }
        assert!(rest.trim_start().starts_with("1. "), "{anchor} has steps");
        let can_be_done = ["```", "](", "`change ", "Nothing", "nothing"];
        let is_ready = can_be_done.iter().any(|it| rest.contains(it));
        assert!(is_ready, "{anchor}: what can be done at once?");
    }
}

#[test]
fn the_index_has_every_section() {
    let text = fs::read_to_string(repository_root().join(PAGE)).unwrap();
    let (index, _) = text.split_once("\n## ").unwrap();
    for anchor in sections().keys() {
        assert!(index.contains(&format!("](#{anchor})")), "{anchor}");
    }
}

/// Calls `visit` with each file of text below a folder.
fn visit_texts_of(folder: &Path, visit: &mut dyn FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit_texts_of(&path, visit);
        } else if let Ok(text) = fs::read_to_string(&path) {
            visit(&path, &text);
        }
    }
}

/// From scripts, workflows, templates, other pages and other sections.
#[test]
fn whatever_points_to_a_section_finds_it() {
    let sections = sections();
    let mut followed = 0;
    for folder in ["infra", ".github", "docs"] {
        visit_texts_of(&repository_root().join(folder), &mut |path, text| {
            let is_page = path.ends_with(PAGE);
            let link = if is_page { "](#" } else { "runbook.md#" };
            for after in text.split(link).skip(1) {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                let anchor = &after[..end.unwrap_or(after.len())];
                let is_there = sections.contains_key(anchor);
                assert!(is_there, "{}: {anchor}", path.display());
                followed += 1;
            }
        });
    }
    assert!(followed > 100, "{followed}");
}

/// Mails have no more than the description: its first line is what has happened, then come steps.
#[test]
fn an_alarm_says_by_itself_what_to_do_first() {
    for (name, (description, tells)) in descriptions() {
        let mut length = description.len();
        for variable in description.split("${").skip(1) {
            let variable = variable.split('}').next().unwrap();
            let is_url = variable == "RunbookUrl";
            length += if is_url { MAX_URL } else { MAX_NAME };
        }
        assert!(length <= MAX_DESCRIPTION, "{name}: {length}");

        let anchor = anchor_in(&description);
        assert!(sections().contains_key(anchor), "{name}: {anchor}");
        for step in ["\nFirst: ", "\nThen: "] {
            let says = description.contains(step) || description.contains("\nThen, ");
            assert_eq!(says, tells, "{name}");
        }
    }
}

#[test]
fn commands_name_what_the_stacks_have() {
    let outputs = names_in(&read_stack(ROOT)["Outputs"]);
    let application = read_stack("template.yaml");
    let inner = names_in(&application["Outputs"]);
    let parameters = names_in(&read_stack(ROOT)["Parameters"]);
    let edge = names_in(&read_stack("infra/edge.yaml")["Resources"]);
    let mut resources = names_in(&read_stack(ROOT)["Resources"]);
    resources.extend(names_in(&application["Resources"]));
    resources.extend(edge);

    let text = fs::read_to_string(repository_root().join(PAGE)).unwrap();
    for (command, known) in [
        ("$(output ", &outputs),
        ("$(inner ", &inner),
        ("$(resource ", &resources),
        ("`platform ", &resources),
        ("`change ", &parameters),
        ("   change ", &parameters),
    ] {
        let uses = text.split(command).skip(1);
        let named: BTreeSet<_> = uses
            .map(|after| after.split(|c: char| !c.is_alphanumeric()).next().unwrap())
            .filter(|name| !name.is_empty())
            .collect();
        assert!(!named.is_empty(), "{command}");
        for name in named {
            assert!(known.contains(name), "{command}{name}");
        }
    }
}

/// What can be pasted is at least understood by the shell.
#[test]
fn commands_are_what_a_shell_understands() {
    let text = fs::read_to_string(repository_root().join(PAGE)).unwrap();
    let blocks = text.split("```sh\n").skip(1);
    let mut checked = 0;
    for block in blocks {
        let (commands, _) = block.split_once("```").unwrap();
        let mut shell = Command::new("bash")
            .arg("-n")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = shell.stdin.take().unwrap();
        stdin.write_all(commands.as_bytes()).unwrap();
        drop(stdin);
        assert!(shell.wait().unwrap().success(), "{commands}");
        checked += 1;
    }
    assert!(checked > 20, "{checked}");
}
