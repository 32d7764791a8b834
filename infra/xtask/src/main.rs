//! The command line of `cargo xtask`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{
    bench, check, demo, knowledge, logs, openapi, prometheus, provider, report, services, shape,
    stack, test, trace, triage_explain, triage_report, triage_train, up, users, web,
};

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
    /// Build the web client and serve it beside the stack
    Web(web::Options),
    /// Print the logs of one function, or of all
    Logs(logs::Options),
    /// Draw a trace: who waited for what, from the call over the queue to the model
    Trace {
        /// The trace's id, as log lines have it; the last one of a consultation if it is left out
        id: Option<String>,
    },
    /// Start a model provider whose models play faults, and print each call it gets
    Provider {
        /// The port on 127.0.0.1
        #[arg(long, default_value_t = 8089)]
        port: u16,
    },
    /// Check the template, the licences and the sources
    Check,
    /// Write the description of the API, docs/openapi.json
    Openapi,
    /// Measure, in release: start, chain, failover, limiter, cache, and jobs through the worker
    Bench(bench::Options),
    /// Measure how easily the code reads
    Shape(shape::Options),
    /// Bring the project's documents into a database, for all its tenants
    LoadKnowledge {
        /// The database, with all migrations: postgres://…
        #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
        database_url: String,
    },
    /// Give every passage of a database a vector of the configured model, which may be a new one
    Reindex {
        /// The database, with all migrations: postgres://…
        #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
        database_url: String,
        /// The model and its endpoints, as JSON (docs/knowledge.md)
        #[arg(long, env = "EMBEDDINGS", hide_env_values = true)]
        embeddings: String,
    },
    /// Print what triage reads in a text: each finding with its words, and the flags
    TriageExplain(triage_explain::Options),
    /// Run the rules of triage on cases with a known urgency, and print how they do
    TriageReport(triage_report::Options),
    /// Train the text classifier of triage on the shown cases, and write its weights
    TriageTrain(triage_train::Options),
    /// Everything that continuous integration runs: formatting, lints, checks and tests
    Ci,
    /// Bring up a stack of its own, run every test against it, and stop it
    Test(test::Options),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run_command(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::failure(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run_command(command: Command) -> anyhow::Result<()> {
    let stack = stack::Stack::of_checkout()?;

    match command {
        Command::Up(options) => {
            let has_chroma = options.chroma;
            up::run_up(
                &stack::Stack {
                    has_chroma,
                    ..stack
                },
                &options,
            )
            .await
        }
        Command::Down => services::stop(&stack),
        Command::Token(person) => users::print_token(&stack.as_running()?, &person).await,
        Command::Web(options) => web::run_web(&stack.as_running()?, &options).await,
        Command::Demo => demo::run_demo(&stack).await,
        Command::Logs(options) => logs::print_logs(&stack.as_running()?, &options).await,
        Command::Trace { id } => trace::draw(&stack.as_running()?, id.as_deref()).await,
        Command::Provider { port } => provider::run_scripted(&stack, port),

        Command::Check => check::check_project(&stack),
        Command::Openapi => openapi::write(&stack),
        Command::Bench(options) => bench::run(&options).await,
        Command::Shape(options) => shape::run(&stack, &options),
        Command::LoadKnowledge { database_url } => {
            knowledge::load_into(&stack, &database_url).await
        }
        Command::Reindex {
            database_url,
            embeddings,
        } => knowledge::reindex(&database_url, &embeddings).await,
        Command::TriageExplain(options) => {
            triage_explain::run(&options);
            Ok(())
        }
        Command::TriageReport(options) => triage_report::run(&options),
        Command::TriageTrain(options) => triage_train::run(&options),
        Command::Ci => {
            check::check_style(&stack)?;
            check::check_project(&stack)?;
            prometheus::check_rules(&stack)?;
            test::run_tests(&test::Options::of_ci()).await
        }
        Command::Test(options) => test::run_tests(&options).await,
    }
}
