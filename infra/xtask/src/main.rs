//! The command line of `cargo xtask`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{bench, check, demo, logs, provider, report, shape, stack, test, up, users};

/// The local stack of wenzhen and the chores around it.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install, start and deploy the whole stack on this machine
    Up(up::Options),
    /// Stop exactly what `up` started; the data stays
    Down,
    /// Print a bearer token from the stack's user pool
    Token(users::Person),
    /// Send real complaints and follow each to its answer
    Demo,
    /// Print the logs of one function, or of all
    Logs {
        /// Such as `worker` or `create-consultation`
        function: Option<String>,
        /// Go on printing until Ctrl-C
        #[arg(long, short)]
        follow: bool,
    },
    /// Start a model provider that plays faults, by the name of the model, and print each call it gets
    Provider {
        /// The port on 127.0.0.1
        #[arg(long, default_value_t = 8089)]
        port: u16,
    },
    /// Check the template, the licences and the sources
    Check,
    /// Measure, in release: start, chain, limiter, cache, and jobs through the worker
    Bench(bench::Options),
    /// Measure how easily the code reads
    Shape(shape::Options),
    /// Everything that continuous integration runs: formatting, lints, checks and tests
    Ci,
    /// Bring up a stack of its own, run every test against it, and stop it
    Test(test::Options),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::failure(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    let stack = stack::Stack::default_one()?;
    match command {
        Command::Up(options) => up::run(&stack, &options).await,
        Command::Down => up::down(&stack),
        Command::Token(person) => users::print_token(&stack.as_running()?, &person).await,
        Command::Demo => demo::run(&stack).await,
        Command::Logs { function, follow } => {
            logs::run(&stack.as_running()?, function.as_deref(), follow).await
        }
        Command::Provider { port } => provider::run_scripted(&stack, port),
        Command::Bench(options) => bench::run(&options).await,
        Command::Shape(options) => shape::run(&stack, &options),
        Command::Check => check::run_all(&stack),
        Command::Ci => {
            check::style(&stack)?;
            check::run_all(&stack)?;
            test::run(&test::Options::default()).await
        }
        Command::Test(options) => test::run(&options).await,
    }
}
