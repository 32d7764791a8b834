//! `cargo xtask provider`.

use std::process::Command;

use anyhow::Result;

use crate::stack::Stack;
use crate::{report, tools};

/// Runs the scripted provider of the tests until Ctrl-C.
pub fn run_scripted(stack: &Stack, port: u16) -> Result<()> {
    report::say("Building the provider…");
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&stack.root)
        .args(["run", "--quiet", "--package", "scripted-provider"])
        .args(["--", "--port"])
        .arg(port.to_string());

    tools::run(&mut cargo, "the scripted provider ended; see above")
}
