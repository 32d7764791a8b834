//! The AWS emulator.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use reqwest::Client;

use crate::process::Server;
use crate::report::Step;
use crate::stack::{REGION, Stack, require_free};
use crate::tools;

/// From the start of the process to its first answer.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// One look at the emulator's health.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

/// The emulator's process.
pub fn server(stack: &Stack) -> Server<'_> {
    Server::new(stack, "aws")
}

/// Starts the emulator, unless it runs or the user has set another endpoint.
pub async fn start_emulator(stack: &Stack) -> Result<()> {
    let step = Step::begin("AWS emulator");
    if let Some(url) = &stack.foreign_aws {
        step.end(&format!("AWS_ENDPOINT_URL says {url}"));
        return Ok(());
    }

    let server = server(stack);
    if server.is_running() {
        step.end("runs already");
        return Ok(());
    }

    require_free(stack.ports.aws, "the AWS emulator", "WENZHEN_AWS_PORT")?;
    server.start(start_command(stack)?)?;

    let client = Client::builder().timeout(HEALTH_TIMEOUT).build()?;
    let health_url = format!("{}/_ministack/health", stack.aws_endpoint());
    let is_ready = async || {
        let answer = client.get(&health_url).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    };

    server.wait_until(START_TIMEOUT, is_ready).await?;
    step.end("started");
    Ok(())
}

/// The emulator sees nothing of our environment, so that a function cannot come to depend on it.
fn start_command(stack: &Stack) -> Result<Command> {
    let data = stack.home.join("aws");
    let scratch = data.join("tmp");
    fs::create_dir_all(&scratch)?;

    let mut command = Command::new(tools::bin_folder(stack).join("python"));
    command
        .arg(stack.root.join("infra/local/emulator.py"))
        .current_dir(&data)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", &data)
        .env("TMPDIR", &scratch);

    command
        .env("BIND_HOST", "127.0.0.1")
        .env("MINISTACK_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", stack.ports.aws.to_string())
        .env("MINISTACK_REGION", REGION)
        .env("AWS_ENDPOINT_URL", stack.aws_endpoint());

    command
        .env("PERSIST_STATE", "1")
        .env("STATE_DIR", data.join("state"))
        .env("S3_PERSIST", "1")
        .env("S3_DATA_DIR", data.join("s3"));

    // These services would listen on ports of their own.
    command
        .env("IOT_MTLS_ENABLED", "0")
        .env("SFTP_ENABLED", "0");

    Ok(command)
}
