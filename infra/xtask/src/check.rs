//! `cargo xtask check` and `ci`.

use std::process::Command;

use anyhow::Result;

use crate::report;
use crate::stack::Stack;
use crate::tools::{self, run};

/// The checks that need no stack: the template, licences, sources and bans.
pub fn run_all(stack: &Stack) -> Result<()> {
    tools::install(stack)?;
    let step = report::Step::begin("cfn-lint with the SAM transform");
    run(
        Command::new(tools::bin(stack).join("cfn-lint"))
            .arg("template.yaml")
            .current_dir(&stack.root),
        "template.yaml has the faults above",
    )?;
    step.end("clean");
    let step = report::Step::begin("cargo deny: licences, sources, bans");
    run(
        Command::new(tools::bin(stack).join("cargo-deny"))
            .args([
                "--log-level",
                "error",
                "check",
                "--hide-inclusion-graph",
                "bans",
                "licenses",
                "sources",
            ])
            .current_dir(&stack.root),
        "a dependency breaks a rule of deny.toml",
    )?;
    step.end("clean");
    Ok(())
}

/// How the code is written: formatting and lints.
pub fn style(stack: &Stack) -> Result<()> {
    for (arguments, failure) in [
        (&["fmt", "--all", "--check"][..], "run `cargo fmt --all`"),
        (
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--quiet",
                "--",
                "-D",
                "warnings",
            ][..],
            "mend what clippy says above",
        ),
    ] {
        let step = report::Step::begin(&format!("cargo {}", arguments.first().unwrap_or(&"")));
        run(
            Command::new("cargo")
                .args(arguments)
                .current_dir(&stack.root),
            failure,
        )?;
        step.end("clean");
    }
    Ok(())
}
