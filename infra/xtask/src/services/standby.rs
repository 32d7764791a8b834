//! A server that follows PostgreSQL: the stack's reader, as a replica of Aurora is one on AWS.
//!
//! It begins with a copy of the database each time it starts, so it is never one of another stack's
//! or of earlier data.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sysinfo::Signal;

use super::postgres::{
    NOBODY_ID, SERVER_OPTIONS, data_folder, database_url, is_owned_by_root, provide_programs,
    run_as_ordinary_user, secret,
};
use super::remove_path;
use crate::process::Server;
use crate::report::Step;
use crate::stack::{Stack, require_free};

/// From the start of the process to the first connection.
const START_TIMEOUT: Duration = Duration::from_secs(30);

const FOLLOWS: &str = "SELECT pg_is_in_recovery() AND NOT pg_is_wal_replay_paused()
                         AND EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')";

/// The standby's process.
pub fn server(stack: &Stack) -> Server<'_> {
    Server::new(stack, "standby").with_stop_signal(Signal::Interrupt)
}

/// `host:port`, as the functions name their readers.
pub fn reader_address(stack: &Stack) -> String {
    format!("127.0.0.1:{}", stack.ports.standby)
}

/// Stops the standby alone.
pub fn stop_standby(stack: &Stack) -> Result<()> {
    server(stack).stop().map(drop)
}

/// Starts the standby alone, unless it runs. PostgreSQL has to run.
pub async fn start_standby(stack: &Stack) -> Result<()> {
    let step = Step::begin("PostgreSQL, a server that follows it");
    let server = server(stack);
    let options: PgConnectOptions = database_url(stack)?.parse()?;
    let options = options.port(stack.ports.standby);
    if server.is_running() {
        if follows(&options).await.unwrap_or(false) {
            step.end("runs already");
            return Ok(());
        }
        server.stop()?; // it has missed too much, or was left paused
    }

    require_free(stack.ports.standby, "the standby", "WENZHEN_STANDBY_PORT")?;
    let programs = provide_programs(stack)?;
    let data = data_folder(stack).with_file_name("standby");
    copy_database(stack, &programs, &data)?;

    let mut command = Command::new(programs.join("postgres"));
    command
        .arg("-D")
        .arg(&data)
        .args(["-p", &stack.ports.standby.to_string()])
        .args(SERVER_OPTIONS)
        // A search that takes a while is not broken off by what comes meanwhile.
        .args(["-c", "hot_standby_feedback=on"]);
    run_as_ordinary_user(&mut command, &stack.home);
    server.start(command)?;

    let is_ready = async || follows(&options).await.unwrap_or(false);
    server.wait_until(START_TIMEOUT, is_ready).await?;
    step.end("started");
    Ok(())
}

/// Whether it gets what is written to the database, and takes it in.
async fn follows(options: &PgConnectOptions) -> Result<bool> {
    let mut connection = PgConnection::connect_with(options).await?;
    Ok(sqlx::query_scalar(FOLLOWS)
        .fetch_one(&mut connection)
        .await?)
}

/// A copy of the database, which knows whom to follow.
fn copy_database(stack: &Stack, programs: &Path, data: &Path) -> Result<()> {
    remove_path(data)?;
    // PostgreSQL refuses a folder that others may read.
    DirBuilder::new().mode(0o700).create(data)?;
    if is_owned_by_root(&stack.home) {
        chown(data, Some(NOBODY_ID), None)?;
    }

    let mut command = Command::new(programs.join("pg_basebackup"));
    command
        .arg("-D")
        .arg(data)
        .args(["-h", "127.0.0.1", "-U", "wenzhen", "--no-password"])
        .args(["-p", &stack.ports.postgres.to_string()])
        .args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"])
        .env("PGPASSWORD", secret(stack)?);
    run_as_ordinary_user(&mut command, &stack.home);
    let output = command
        .output()
        .context("PostgreSQL's pg_basebackup cannot be started")?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!("the database cannot be copied: {}", message.trim());
    }
    Ok(())
}

/// Removes its data; it must not run.
pub fn remove_data(stack: &Stack) -> Result<()> {
    remove_path(&data_folder(stack).with_file_name("standby"))
}
