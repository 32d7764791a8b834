//! `cargo xtask bench`.

use std::process::Command;

use anyhow::Result;

use crate::stack::Stack;
use crate::{report, services, tools, up};

/// Runs the benchmarks against a stack of their own, without the functions.
pub async fn run(stack: &Stack) -> Result<()> {
    let own = Stack::for_benches()?;
    up::bring_up(
        &own,
        &up::Options {
            fresh: true,
            services: true,
            ..up::Options::default()
        },
    )
    .await?;
    report::say("The release build takes some minutes the first time.\n");
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&stack.root).args([
        "bench",
        "--quiet",
        "--locked",
        "--package",
        "wenzhen-tests",
    ]);
    cargo
        .env("VALKEY_URL", services::valkey_url(&own))
        .env("WENZHEN_STACK_ENV", own.env_file());
    let ran = tools::run(&mut cargo, "the benchmarks failed; see above");
    services::stop(&own)?;
    ran
}
