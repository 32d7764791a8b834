//! Chroma, a vector store, which holds a copy of the passages' vectors if it is asked for.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::process::Server;
use crate::report::Step;
use crate::stack::{Stack, require_free};
use crate::tools;

/// From the start of the process to its first answer.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Starts the server that the package brings along, and none of the package's Python.
const PROGRAM: &str = "import sys, chromadb_rust_bindings as chroma; \
                       chroma.cli(['chroma'] + sys.argv[1:])";

/// Chroma's process.
pub fn server(stack: &Stack) -> Server<'_> {
    Server::new(stack, "chroma")
}

/// The URL of the stack's Chroma, which need not run.
pub fn chroma_url(stack: &Stack) -> String {
    format!("http://127.0.0.1:{}", stack.ports.chroma)
}

/// `EMBEDDINGS.store` for it.
pub fn local_store(stack: &Stack) -> Value {
    json!({ "kind": "chroma", "base_url": chroma_url(stack) })
}

/// Stops Chroma alone.
pub fn stop_chroma(stack: &Stack) -> Result<()> {
    server(stack).stop().map(drop)
}

/// Starts Chroma alone, unless it runs.
pub async fn start_chroma(stack: &Stack) -> Result<()> {
    let step = Step::begin("Chroma");
    let server = server(stack);
    if server.is_running() {
        step.end("runs already");
        return Ok(());
    }

    let port = stack.ports.chroma;
    require_free(port, "Chroma", "WENZHEN_CHROMA_PORT")?;
    let mut command = Command::new(tools::bin_folder(stack).join("python"));
    command
        .args(["-I", "-c", PROGRAM, "run", "--host", "127.0.0.1"])
        .args(["--port", &port.to_string(), "--path"])
        .arg(stack.home.join("chroma"))
        .env("RUST_LOG", "error"); // else it writes several lines about each request
    server.start(command)?;

    let url = format!("{}/api/v2/heartbeat", chroma_url(stack));
    let is_ready = async || reqwest::get(&url).await.is_ok();
    server.wait_until(START_TIMEOUT, is_ready).await?;
    step.end("started");
    Ok(())
}
