//! `cargo xtask test`: every test, against a stack of its own.
//!
//! The stack has its own ports and its own data below `.local/test`, starts empty and is stopped in
//! the end, so it neither meets nor harms the one that `cargo xtask up` started.

use std::process::Command;

use anyhow::Result;
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
    report::say("");
    let names_chaos = arguments.iter().any(|name| name.starts_with("chaos"));

    if !names_chaos {
        let mut cargo = test_command(stack);
        cargo.args(["--workspace", "--", "--skip", "chaos::"]);
        tools::run(cargo.args(arguments), "tests failed; see above")?;
    }

    if arguments.is_empty() {
        web::test_web(stack).await?;
    }

    if options.prometheus {
        prometheus::check_stack(stack).await?;
    }

    if options.contract {
        contract::check_stack(stack).await?;
    }

    if names_chaos || arguments.is_empty() {
        let mut cargo = test_command(stack);
        cargo.args(["--package", "wenzhen-tests", "--test", "all", "--"]);
        if !names_chaos {
            cargo.arg("chaos::");
        }
        cargo.args(["--test-threads", "1", "--nocapture"]);
        tools::run(cargo.args(arguments), "tests failed; see above")?;
    }
    Ok(())
}

fn test_command(stack: &Stack) -> Command {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&stack.root)
        .args(["test", "--locked"])
        .env("WENZHEN_STACK_ENV", stack.env_file());
    cargo
}
