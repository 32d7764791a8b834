//! `cargo xtask provider`.

use std::process::Command;

use anyhow::Result;

use crate::process::Server;
use crate::stack::Stack;
use crate::{report, tools};

/// Starts the provider that the models of a tests' stack are; other stacks have none of their own.
pub fn start_scripted(stack: &Stack) -> Result<Option<Server<'_>>> {
    let Some(port) = stack.provider else {
        return Ok(None);
    };
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&stack.root)
        .args(["build", "--quiet", "--package", "scripted-provider"]);
    tools::run(
        &mut cargo,
        "the scripted provider cannot be built; see above",
    )?;

    let server = Server::new(stack, "provider");
    let mut provider = Command::new(stack.root.join("target/debug/scripted-provider"));
    provider.arg("--port").arg(port.to_string());
    server.start(provider)?;
    Ok(Some(server))
}

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
