//! `cargo xtask web`: the web client, built and served beside the local stack; and its tests.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use reqwest::Client;
use serde_json::{Value, json};

use crate::process::Server;
use crate::report::{Step, say};
use crate::settings::MAX_UPLOAD_BYTES;
use crate::stack::{Stack, find_free_port, require_free, write_private};
use crate::users::{self, Person, Role};
use crate::{node, provider, tools};

/// From the start of the server to its first answer.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// One look at the server.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);

const BROKEN_BUILD: &str = "the web client cannot be built; see above";

/// Where the client is served, unless another port is asked for.
const DEFAULT_PORT: u16 = 8088;

/// How the client is served.
#[derive(Args)]
pub struct Options {
    /// The port on 127.0.0.1
    #[arg(long, default_value_t = DEFAULT_PORT)]
    port: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: DEFAULT_PORT }
    }
}

/// Refuses a port that another process has, before anything is built for it.
pub fn require_port(options: &Options) -> Result<()> {
    require_free(options.port, "the web client", "--port")
}

/// Builds the client and serves it until Ctrl-C.
pub async fn run_web(stack: &Stack, options: &Options) -> Result<()> {
    require_port(options)?;
    let mut serve = prepare(stack, options.port).await?;

    say(format!("\nWeb    http://127.0.0.1:{}", options.port));
    say("       (sign in with one click, as a patient, a clinician or an admin)\n");
    say("Ctrl-C ends it; the stack goes on.\n");

    tools::run(&mut serve, "the web client's server ended; see above")
}

/// Lints the client, runs its unit tests, and then a browser against the running stack.
pub async fn test_web(stack: &Stack) -> Result<()> {
    let port = find_free_port()?;
    let serve = prepare(stack, port).await?;
    node::run_script(stack, "lint", "the web client breaks a rule; see above")?;
    node::run_script(
        stack,
        "test",
        "unit tests of the web client failed; see above",
    )?;

    let models = provider::start_scripted(stack)?;
    let server = Server::new(stack, "web");
    let tested = test_in_browser(stack, &server, serve, port).await;

    // The provider's port is needed again.
    let stopped = server.stop();
    if let Some(models) = models {
        models.stop()?;
    }
    stopped?;
    tested
}

async fn test_in_browser(
    stack: &Stack,
    server: &Server<'_>,
    serve: Command,
    port: u16,
) -> Result<()> {
    let url = &format!("http://127.0.0.1:{port}");
    server.start(serve)?;
    let client = Client::builder().timeout(LOOK_TIMEOUT).build()?;
    let is_ready = async || client.get(url).send().await.is_ok();
    server.wait_until(START_TIMEOUT, is_ready).await?;

    let mut npm = node::npm(stack)?;
    npm.args(["run", "--silent", "e2e"]).env("WEB_URL", url);
    tools::run(
        &mut npm,
        "browser tests of the web client failed; see above",
    )
}

/// Installs and builds; returns the command that serves.
async fn prepare(stack: &Stack, port: u16) -> Result<Command> {
    node::install(stack)?;
    let config = write_config(stack).await?;
    let step = Step::begin("Building the web client");
    step.make_room();
    node::run_script(stack, "build", BROKEN_BUILD)?;
    step.end("built");

    let mut serve = node::node(stack)?;
    serve
        .arg("server/serve.mjs")
        .env("PORT", port.to_string())
        .env("API_URL", stack.env("API_URL")?)
        .env("AWS_URL", stack.aws_endpoint())
        .env("CONFIG", config);
    Ok(serve)
}

/// Writes `config.json`: where the client finds everything, and whom one click signs in.
async fn write_config(stack: &Stack) -> Result<PathBuf> {
    let mut demo_users: Vec<Value> = Vec::new();
    for role in Role::ALL {
        let person = Person::demo(role);
        let password = users::create(stack, &person).await?;
        demo_users.push(json!({
            "role": role.group_name(),
            "name": person.sign_in_name(),
            "password": password,
        }));
    }

    let config = json!({
        "apiUrl": "",
        "websocketUrl": stack.env("WEBSOCKET_URL")?,
        "userPoolId": stack.env("USER_POOL_ID")?,
        "userPoolClientId": stack.env("USER_POOL_CLIENT_ID")?,
        "cognitoUrl": "/cognito/",
        "uploadMaxBytes": MAX_UPLOAD_BYTES,
        "emergencyNumbers": {"zh": ["120"], "en": ["112", "999"]},
        "demoUsers": demo_users,
    });
    let file = stack.home.join("web.json");
    fs::create_dir_all(&stack.home)?;
    write_private(&file, &config.to_string())?;
    Ok(file)
}
