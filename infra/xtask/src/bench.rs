//! `cargo xtask bench`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use crate::stack::Stack;
use crate::{functions, report, services, tools, up};

/// What is measured.
#[derive(Args)]
pub struct Options {
    /// One of `start`, `chain`, `failover`, `limits`, `jobs`, `growth` and `search`, all of which
    /// are run unless one is named, or `connections`, which waits for ten minutes
    name: Option<String>,
    /// For `start`: a folder with older binaries, one for each function, to be measured in turn
    /// with the new one
    #[arg(long)]
    against: Option<PathBuf>,
    /// For `connections`: the seconds after which it looks for the last time
    #[arg(long, default_value_t = 600)]
    after: u64,
}

/// The benchmarks whose code runs in the benchmark's own process.
const IN_PROCESS: [&str; 6] = ["chain", "failover", "limits", "jobs", "growth", "search"];

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.name.as_deref().is_none_or(|wanted| wanted == name)
    }
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
    let measured = match options.name.as_deref() {
        Some("connections") => measure_connections(&own, options.after),
        _ => measure(&own, options, against.as_ref()),
    };
    services::stop(&own)?;
    measured
}

fn measure(own: &Stack, options: &Options, against: Option<&PathBuf>) -> Result<()> {
    report::say("The release build takes some minutes the first time.\n");
    if options.wants("start") {
        measure_start(own, against)?;
    }

    for name in IN_PROCESS {
        if options.wants(name) {
            let mut bench = bench_command(own, name);
            tools::run(&mut bench, "the benchmark failed; see above")?;
        }
    }
    Ok(())
}

/// The benchmark of whole processes: the functions are built for release, and the benchmark itself,
/// which only waits for them, is not.
fn measure_start(own: &Stack, against: Option<&PathBuf>) -> Result<()> {
    let mut build = Command::new("cargo");
    build.current_dir(&own.root);
    build.args(["build", "--release", "--locked"]);
    build.args(["--package", "wenzhen-functions"]);
    tools::run(&mut build, "the functions do not compile; see above")?;

    let mut bench = bench_command(own, "start");
    bench.args(["--profile", "dev"]);
    if let Some(folder) = against {
        bench.env("WENZHEN_BENCH_AGAINST", folder);
    }
    tools::run(&mut bench, "the benchmark failed; see above")
}

/// The benchmark of many processes. It measures no speed, so nothing is built for release.
fn measure_connections(own: &Stack, after: u64) -> Result<()> {
    functions::build(own)?;
    let mut bench = bench_command(own, "connections");
    bench.args(["--profile", "dev"]);
    bench.env("WENZHEN_BENCH_AFTER", after.to_string());
    tools::run(&mut bench, "the benchmark failed; see above")
}

fn bench_command(own: &Stack, name: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&own.root);
    cargo.args(["bench", "--quiet", "--locked"]);
    cargo.args(["--package", "wenzhen-tests", "--bench", name]);
    cargo.env("VALKEY_URL", services::valkey_url(own));
    cargo.env("WENZHEN_STACK_ENV", own.env_file());
    cargo
}
