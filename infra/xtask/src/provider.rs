//! `cargo xtask provider`.

use std::process::Command;

use anyhow::Result;

use crate::report;
use crate::stack::Stack;
use crate::tools::run;

/// Runs the scripted provider of the tests until Ctrl-C.
pub fn run_scripted(stack: &Stack, port: u16) -> Result<()> {
    report::say("Building the provider…");
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&stack.root).args([
        "run",
        "--quiet",
        "--package",
        "scripted-provider",
        "--",
        "--port",
    ]);
    run(
        cargo.arg(port.to_string()),
        "the scripted provider ended; see above",
    )
}
