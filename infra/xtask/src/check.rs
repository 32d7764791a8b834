//! `cargo xtask check` and `ci`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_norway::Value;

use crate::openapi;
use crate::report::Step;
use crate::sam;
use crate::stack::Stack;
use crate::tools;
use crate::triage_train;

/// A cargo command about the style of the code.
struct StyleCheck {
    arguments: &'static [&'static str],
    /// What the developer does if it fails.
    advice: &'static str,
}

const STYLE_CHECKS: [StyleCheck; 2] = [
    StyleCheck {
        arguments: &["fmt", "--all", "--check"],
        advice: "run `cargo fmt --all`",
    },
    StyleCheck {
        arguments: &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ],
        advice: "mend what clippy says above",
    },
];

/// The arguments of `cargo deny`. Advisories are left out: they need the network and change daily.
const DENY_ARGUMENTS: [&str; 7] = [
    "--log-level",
    "error",
    "check",
    "--hide-inclusion-graph",
    "bans",
    "licenses",
    "sources",
];

/// The template of the application.
const APPLICATION: &str = "template.yaml";

/// Of checkov, which asks no server for anything.
const CHECKOV_ARGUMENTS: [&str; 5] = [
    "--skip-download",
    "--framework=cloudformation",
    "--compact",
    "--quiet",
    "--output=cli",
];

/// The checks that need no stack: the template, licences, sources and bans.
pub fn check_project(stack: &Stack) -> Result<()> {
    tools::install(stack)?;
    check_templates(stack)?;
    check_security(stack)?;
    sam::check_stacks(stack)?;
    check_dependencies(stack)?;
    check_classifier()?;
    check_openapi(stack)
}

fn check_openapi(stack: &Stack) -> Result<()> {
    let step = Step::begin("docs/openapi.json is what the code says");
    openapi::check(stack)?;
    step.end("clean");
    Ok(())
}

fn check_classifier() -> Result<()> {
    let step = Step::begin("the classifier's weights are of these cases and rules");
    triage_train::check_weights()?;
    step.end("clean");
    Ok(())
}

/// The application's template, and those of `infra/`.
fn templates(stack: &Stack) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(stack.root.join("infra"))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));

    let is_template = |file: &PathBuf| file.extension().is_some_and(|kind| kind == "yaml");
    let mut templates: Vec<_> = files.filter(is_template).collect();
    templates.push(stack.root.join(APPLICATION));
    templates.sort();
    Ok(templates)
}

fn check_templates(stack: &Stack) -> Result<()> {
    let step = Step::begin("cfn-lint with the SAM transform");
    let mut lint = Command::new(tools::bin_folder(stack).join("cfn-lint"));
    lint.args(templates(stack)?).current_dir(&stack.root);

    tools::run(&mut lint, "a template has the faults above")?;
    step.end("clean");
    Ok(())
}

/// What checkov finds insecure, but for what a template leaves out with its reason: for single
/// resources in their own metadata, for all of a kind in the application's.
fn check_security(stack: &Stack) -> Result<()> {
    tools::CHECKOV.install(stack)?;
    let step = Step::begin("checkov: what is insecure in the templates");

    let mut checkov = Command::new(tools::CHECKOV.program(stack));
    checkov.args(CHECKOV_ARGUMENTS).current_dir(&stack.root);
    checkov.args(["--skip-check", &skipped_checks(stack)?.join(",")]);
    checkov.arg("--file").args(templates(stack)?);

    tools::run(
        &mut checkov,
        "mend it, or say in the resource's Metadata why not",
    )?;
    step.end("clean");
    Ok(())
}

/// The checks that the application's template leaves out for all resources.
fn skipped_checks(stack: &Stack) -> Result<Vec<String>> {
    let text = fs::read_to_string(stack.root.join(APPLICATION))?;
    let template: Value = serde_norway::from_str(&text)?;
    let skipped = template
        .get("Metadata")
        .and_then(|metadata| metadata.get("checkov")?.get("skip")?.as_sequence())
        .context("template.yaml has no Metadata.checkov.skip")?;

    let ids = skipped.iter().map(|check| {
        let reason = check.get("comment").and_then(Value::as_str);
        reason.context("a check is left out without a comment")?;
        let id = check.get("id").and_then(Value::as_str);
        id.map(str::to_owned).context("a check has no id")
    });
    ids.collect()
}

fn check_dependencies(stack: &Stack) -> Result<()> {
    let step = Step::begin("cargo deny: licences, sources, bans");
    let mut deny = Command::new(tools::bin_folder(stack).join("cargo-deny"));
    deny.args(DENY_ARGUMENTS).current_dir(&stack.root);

    tools::run(&mut deny, "a dependency breaks a rule of deny.toml")?;
    step.end("clean");
    Ok(())
}

/// How the code is written: formatting and lints.
pub fn check_style(stack: &Stack) -> Result<()> {
    for check in &STYLE_CHECKS {
        let subcommand = check.arguments.first().unwrap_or(&"");
        let step = Step::begin(&format!("cargo {subcommand}"));

        let mut cargo = Command::new("cargo");
        cargo.args(check.arguments).current_dir(&stack.root);
        tools::run(&mut cargo, check.advice)?;
        step.end("clean");
    }

    Ok(())
}
