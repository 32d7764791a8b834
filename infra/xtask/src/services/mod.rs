//! The stack's servers: PostgreSQL and one that follows it, Valkey, the embedding model, Chroma and
//! the AWS emulator, all on loopback.

mod chroma;
mod embeddings;
mod emulator;
mod postgres;
mod standby;
mod valkey;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};

use crate::process::Server;
use crate::report::Step;
use crate::stack::Stack;

pub use chroma::{chroma_url, local_store, start_chroma, stop_chroma};
pub use embeddings::{embeddings_url, local_embeddings, start_embeddings, stop_embeddings};
pub use postgres::{
    DATABASE_USER, database_address, database_url, secret, start_postgres, stop_postgres,
};
pub use standby::{reader_address, start_standby, stop_standby};
pub use valkey::{start_valkey, stop_valkey, valkey_program, valkey_url};

/// What the stack keeps in its home, besides PostgreSQL's data, which may lie elsewhere.
const KEPT_FILES: [&str; 5] = ["valkey", "chroma", "aws", "stack.env", "password"];

/// Starts the servers that do not run yet.
pub async fn start(stack: &Stack) -> Result<()> {
    fs::create_dir_all(&stack.home)?;
    start_postgres(stack).await?;
    postgres::apply_migrations(stack).await?;
    start_standby(stack).await?;
    start_valkey(stack).await?;
    start_embeddings(stack).await?;
    if stack.has_chroma {
        start_chroma(stack).await?;
    }
    emulator::start_emulator(stack).await
}

/// Stops what `start` started, the emulator first, since its functions use the others.
pub fn stop(stack: &Stack) -> Result<()> {
    stop_server("AWS emulator", &emulator::server(stack))?;
    stop_server("embedding model", &embeddings::server(stack))?;
    let chroma = chroma::server(stack);
    if chroma.is_running() {
        stop_server("Chroma", &chroma)?;
    }
    stop_server("Valkey", &valkey::server(stack))?;
    stop_server("PostgreSQL's standby", &standby::server(stack))?;
    stop_server("PostgreSQL", &postgres::server(stack))
}

fn stop_server(name: &str, server: &Server<'_>) -> Result<()> {
    let step = Step::begin(&format!("Stopping {name}"));
    let was_running = server.stop()?;
    step.end(if was_running {
        "stopped"
    } else {
        "was not running"
    });

    Ok(())
}

/// Removes the data of all servers, which must not run.
pub fn remove_data(stack: &Stack) -> Result<()> {
    for kept in KEPT_FILES {
        remove_path(&stack.home.join(kept))?;
    }
    standby::remove_data(stack)?;
    remove_path(&postgres::data_folder(stack))
}

/// Removes a file or a folder, which need not exist.
fn remove_path(path: &Path) -> Result<()> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };

    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", path.display()))
        }
        _ => Ok(()),
    }
}
