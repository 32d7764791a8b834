//! `cargo xtask test`: every test, against a stack of its own.
//!
//! The stack has its own ports and its own data below `.local/test`, starts empty and is stopped in
//! the end, so it neither meets nor harms the one that `cargo xtask up` started.

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Args;

use crate::stack::Stack;
use crate::{contract, prometheus, report, services, tools, up, web};

/// What is tested, and how.
#[derive(Args, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line"
)]
pub struct Options {
    /// Leave the stack running afterwards; its settings are in .local/test/stack.env
    #[arg(long)]
    keep: bool,
    /// Only the web client: its lints, unit tests and browser tests
    #[arg(long)]
    web: bool,
    /// Let a real Prometheus scrape the stack behind the tests, as in continuous integration
    #[arg(long)]
    prometheus: bool,
    /// Hold the answers of every route against the description of the API, as there
    #[arg(long)]
    contract: bool,
    /// Passed on to the test runner, such as the name of a test
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl Options {
    /// Everything.
    pub fn of_ci() -> Self {
        Self {
            prometheus: true,
            contract: true,
            ..Self::default()
        }
    }
}

/// Runs the tests and stops the stack, also if they failed.
pub async fn run_tests(options: &Options) -> Result<()> {
    let stack = Stack::for_tests()?;
    let up_options = up::Options {
        fresh: true,
        ..up::Options::default()
    };

    let brought_up = up::bring_up(&stack, &up_options).await;
    let tested = match brought_up {
        Ok(()) if options.web => web::test_web(&stack).await,
        Ok(()) => test_stack(&stack, options).await,
        Err(error) => Err(error),
    };
    if !options.keep {
        services::stop(&stack)?;
    }
    tested
}

/// Chaos harms the stack's own servers and functions: it comes last, one test at a time, and no
/// other beside it.
async fn test_stack(stack: &Stack, options: &Options) -> Result<()> {
    let arguments = &options.arguments;
    let names_chaos = arguments.iter().any(|name| name.starts_with("chaos"));
    let mut parts = Parts::default();
    report::say("");

    if !names_chaos {
        let tested = async { test_code(stack, arguments) };
        parts.run("cargo test", tested).await;
    }

    if arguments.is_empty() {
        let tested = Box::pin(web::test_web(stack));
        parts.run("the web client", tested).await;
    }

    if options.prometheus {
        let checked = prometheus::check_stack(stack);
        parts.run("Prometheus", checked).await;
    }

    if options.contract {
        let checked = Box::pin(contract::check_stack(stack));
        parts.run("the contract", checked).await;
    }

    if names_chaos || arguments.is_empty() {
        let tested = async { test_chaos(stack, arguments, names_chaos) };
        parts.run("chaos", tested).await;
    }
    parts.end()
}

/// The parts of a run: one that fails leaves the others their turn, so that one run tells all.
#[derive(Default)]
struct Parts {
    outcomes: Vec<String>,
    failures: usize,
}

impl Parts {
    async fn run(&mut self, name: &str, part: impl Future<Output = Result<()>>) {
        let began = Instant::now();
        let ended = part.await;

        let outcome = if ended.is_ok() { "passed" } else { "FAILED" };
        let seconds = began.elapsed().as_secs();
        let line = format!("{name:.<58} {outcome} ({seconds} s)");
        self.outcomes.push(line);
        if let Err(error) = ended {
            report::failure(&error);
            self.failures += 1;
        }
    }

    fn end(self) -> Result<()> {
        report::say("");
        for outcome in self.outcomes {
            report::say(outcome);
        }

        let failures = self.failures;
        ensure!(failures == 0, "parts that failed: {failures}; see above");
        Ok(())
    }
}

fn test_code(stack: &Stack, arguments: &[String]) -> Result<()> {
    let mut cargo = test_command(stack);
    cargo.args(["--workspace", "--", "--skip", "chaos::"]);
    tools::run(cargo.args(arguments), "tests failed; see above")
}

fn test_chaos(stack: &Stack, arguments: &[String], names_chaos: bool) -> Result<()> {
    let mut cargo = test_command(stack);
    cargo.args(["--package", "wenzhen-tests", "--test", "all", "--"]);
    if !names_chaos {
        cargo.arg("chaos::");
    }
    cargo.args(["--test-threads", "1", "--nocapture"]);
    tools::run(cargo.args(arguments), "tests of chaos failed; see above")
}

fn test_command(stack: &Stack) -> Command {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&stack.root)
        .args(["test", "--locked"])
        .env("WENZHEN_STACK_ENV", stack.env_file());
    cargo
}
