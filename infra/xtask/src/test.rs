//! `cargo xtask test`: every test, against a stack of its own.
//!
//! The stack has its own ports and its own data below `.local/test`, starts empty and is stopped in the end, so it neither
//! meets nor harms the one that `cargo xtask up` started.

use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::stack::Stack;
use crate::{report, services, up};

/// What is tested, and how.
#[derive(Args, Default)]
pub struct Options {
    /// Leave the stack running afterwards; its settings are in .local/test/stack.env
    #[arg(long)]
    keep: bool,
    /// Passed on to the test runner, such as the name of a test
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Runs the tests and stops the stack, whatever came of them.
pub async fn run(options: &Options) -> Result<()> {
    let stack = Stack::for_tests()?;
    let brought_up = up::bring_up(
        &stack,
        &up::Options {
            fresh: true,
            ..up::Options::default()
        },
    )
    .await;
    let tested = brought_up.and_then(|()| test(&stack, &options.arguments));
    if !options.keep {
        services::stop(&stack)?;
    }
    tested
}

fn test(stack: &Stack, arguments: &[String]) -> Result<()> {
    report::say("");
    let run = |packages: &[&str], options: &[&str]| -> Result<()> {
        let mut cargo = Command::new("cargo");
        cargo
            .current_dir(&stack.root)
            .args(["test", "--locked"])
            .args(packages)
            .arg("--")
            .args(options)
            .args(arguments);
        let status = cargo.env("WENZHEN_STACK_ENV", stack.env_file()).status()?;
        if status.success() {
            Ok(())
        } else {
            bail!("tests failed; see above")
        }
    };
    // Chaos harms the stack's own servers and functions: one test at a time, and no other beside it.
    let (only_chaos, no_chaos) = match arguments {
        [] => (false, false),
        names => (
            names.iter().any(|name| name.starts_with("chaos")),
            !names.iter().any(|name| name.starts_with("chaos")),
        ),
    };
    if !only_chaos {
        run(&["--workspace"], &["--skip", "chaos::"])?;
    }
    if !no_chaos {
        let filter: &[&str] = if only_chaos { &[] } else { &["chaos::"] };
        let options = [filter, &["--test-threads", "1", "--nocapture"]].concat();
        run(&["--package", "wenzhen-tests", "--test", "all"], &options)?;
    }
    Ok(())
}
