//! `cargo xtask check` and `ci`.

use std::process::Command;

use anyhow::Result;

use crate::openapi;
use crate::report::Step;
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

/// The checks that need no stack: the template, licences, sources and bans.
pub fn check_project(stack: &Stack) -> Result<()> {
    tools::install(stack)?;
    check_template(stack)?;
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

fn check_template(stack: &Stack) -> Result<()> {
    let step = Step::begin("cfn-lint with the SAM transform");
    let mut lint = Command::new(tools::bin_folder(stack).join("cfn-lint"));
    lint.arg("template.yaml").current_dir(&stack.root);

    tools::run(&mut lint, "template.yaml has the faults above")?;
    step.end("clean");
    Ok(())
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
