//! `cargo xtask bench`.

use std::process::Command;

use anyhow::Result;

use crate::stack::Stack;
use crate::{report, services, tools};

/// Runs the benchmarks against a Valkey of their own.
pub async fn run(stack: &Stack) -> Result<()> {
    tools::install(stack)?;
    let own = Stack::for_benches()?;
    services::start_valkey(&own).await?;
    report::say("The release build takes some minutes the first time.\n");
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&stack.root).args(["bench", "--quiet", "--locked", "--package", "wenzhen-tests"]);
    let ran = tools::run(cargo.env("VALKEY_URL", services::valkey_url(&own)), "the benchmarks failed; see above");
    services::stop_valkey(&own)?;
    ran
}
