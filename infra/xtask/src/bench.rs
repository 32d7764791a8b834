//! `cargo xtask bench`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use crate::stack::Stack;
use crate::{report, services, tools, up};

/// What is measured.
#[derive(Args, Default)]
pub struct Options {
    /// One of `start`, `chain`, `limits` and `jobs`; all of them unless named
    name: Option<String>,
    /// For `start`: a folder with older binaries, one for each function, to be measured in turn
    /// with the new one
    #[arg(long)]
    against: Option<PathBuf>,
}

/// Runs the benchmarks against a stack of their own, without the deployed functions.
pub async fn run(options: &Options) -> Result<()> {
    let against = options.against.as_ref().map(std::fs::canonicalize);
    let against = against
        .transpose()
        .context("there is no such folder for --against")?;

    let own = Stack::for_benches()?;
    let up_options = up::Options {
        fresh: true,
        services: true,
        ..up::Options::default()
    };
    up::bring_up(&own, &up_options).await?;
    report::say("The release build takes some minutes the first time.\n");
    let measured = measure(&own, options, against);
    services::stop(&own)?;
    measured
}

fn measure(own: &Stack, options: &Options, against: Option<PathBuf>) -> Result<()> {
    let is_wanted = |name: &str| options.name.as_deref().is_none_or(|wanted| wanted == name);
    if is_wanted("start") {
        let mut build = Command::new("cargo");
        build
            .current_dir(&own.root)
            .args(["build", "--release", "--locked"]);
        build.args(["--package", "wenzhen-functions"]);
        tools::run(&mut build, "the functions do not compile; see above")?;
    }

    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&own.root)
        .args(["bench", "--quiet", "--locked"]);
    cargo.args(["--package", "wenzhen-tests"]);
    if let Some(name) = &options.name {
        cargo.args(["--bench", name]);
    }
    cargo.env("VALKEY_URL", services::valkey_url(own));
    cargo.env("WENZHEN_STACK_ENV", own.env_file());
    if let Some(folder) = against {
        cargo.env("WENZHEN_BENCH_AGAINST", folder);
    }
    tools::run(&mut cargo, "the benchmarks failed; see above")
}
