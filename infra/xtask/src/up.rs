//! `cargo xtask up`.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use anyhow::{Context, Result};
use clap::Args;

use crate::deploy::{DeployScope, Outputs};
use crate::report::{Step, say};
use crate::settings::TierSettings;
use crate::stack::{NAME, REGION, Stack, WATCH_URL};
use crate::users::{self, Person, Role};
use crate::{deploy, functions, knowledge, logs, routes, services, settings, tools, web};

/// How the stack is brought up.
#[derive(Args, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub struct Options {
    /// Return when the stack is up and leave it running, also from a terminal
    #[arg(long)]
    pub detach: bool,
    /// Forget all data first
    #[arg(long)]
    pub fresh: bool,
    /// Let Chroma hold a copy of the vectors, which searches ask first
    #[arg(long)]
    pub chroma: bool,
    /// Only what the functions need; serve them with `cargo lambda watch`
    #[arg(long)]
    pub services: bool,
    /// Then build the web client and serve it, as `cargo xtask web` does; the stack goes on
    #[arg(long, conflicts_with = "services")]
    pub web: bool,
}

/// Brings the stack up. In a terminal it then follows the functions' logs, and Ctrl-C stops it all.
pub async fn run_up(stack: &Stack, options: &Options) -> Result<()> {
    let client = web::Options::default();
    if options.web {
        web::require_port(&client)?;
    }

    bring_up(stack, options).await?;
    introduce_stack(stack, options).await?;
    if options.web {
        return web::run_web(&stack.as_running()?, &client).await;
    }
    if options.detach || !std::io::stdout().is_terminal() {
        return Ok(());
    }

    say("\nFollowing the functions' logs. Ctrl-C stops the stack (its data stays).\n");
    tokio::select! {
        followed = logs::follow_all(stack) => followed?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }

    say("");
    services::stop(stack)
}

/// Installs, starts and deploys, without telling the user what to do next.
pub async fn bring_up(stack: &Stack, options: &Options) -> Result<()> {
    let tiers = TierSettings::read()?;
    settings::read_limits()?;
    let embeddings = settings::read_embeddings(stack)?;
    announce_first_run(stack, options);
    tools::install(stack)?;
    if options.fresh {
        services::stop(stack)?;
        services::remove_data(stack)?;
    }

    services::start(stack).await?;
    knowledge::load(stack, embeddings).await?;

    let scope = if options.services {
        DeployScope::Services
    } else {
        DeployScope::Everything(functions::build(stack)?)
    };

    let parameters = settings::parameters(stack, tiers).await?;
    let outputs = deploy::deploy(stack, &scope, &parameters).await?;
    if let Some(api_id) = outputs.get("ApiId") {
        routes::complete_routes(stack, api_id).await?;
    }

    stack.write_env(&environment(stack, &outputs)?)?;
    create_demo_users(stack).await
}

/// Says what is going to take so long, before it does.
fn announce_first_run(stack: &Stack, options: &Options) {
    if tools::were_installed(stack) {
        return;
    }

    say(if options.services {
        "First run: it installs the tools below .local/, in a few minutes and less than 1 GB."
    } else {
        "First run: it installs the tools and compiles the functions, in 5 to 15 minutes and 3 GB."
    });
}

async fn create_demo_users(stack: &Stack) -> Result<()> {
    let step = Step::begin("Demo tenant and users");
    for role in Role::ALL {
        users::token(stack, &Person::demo(role)).await?;
    }

    step.end("there");
    Ok(())
}

/// The values of `stack.env`: all that a function started by hand needs, and where the stack is.
fn environment(stack: &Stack, outputs: &Outputs) -> Result<BTreeMap<&'static str, String>> {
    let output = |name: &str| {
        let value = outputs.get(name).cloned();
        value.with_context(|| format!("template.yaml has no output {name}"))
    };

    let endpoint = stack.aws_endpoint();
    let (pool, client) = (output("UserPoolId")?, output("UserPoolClientId")?);
    let issuer = format!("https://cognito-idp.{REGION}.amazonaws.com/{pool}");
    let jwks_url = format!("{endpoint}/{pool}/.well-known/jwks.json");

    let mut values = BTreeMap::from([
        ("API_URL", api_url(&endpoint, outputs)),
        ("METRICS_TOKEN", settings::METRICS_TOKEN.to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_ENDPOINT_URL", endpoint.clone()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("CHROMA_URL", services::chroma_url(stack)),
        ("CHAT_URL", chat_url(&endpoint, outputs)),
        ("CONNECTIONS_TABLE", output("ConnectionsTableName")?),
        ("DATABASE_READER", services::reader_address(stack)),
        ("DATABASE_URL", services::database_url(stack)?),
        ("DEAD_LETTER_QUEUE_URL", output("DeadLetterQueueUrl")?),
        ("EMBEDDINGS_URL", services::embeddings_url(stack)),
        ("JOBS_QUEUE_URL", output("JobsQueueUrl")?),
        ("REPORTS_BUCKET", output("ReportsBucketName")?),
        ("UPLOADS_BUCKET", output("UploadsBucketName")?),
        ("UPLOADS_QUEUE_URL", output("UploadsQueueUrl")?),
        ("TOKEN_AUDIENCE", client.clone()),
        ("TOKEN_ISSUER", issuer),
        ("TOKEN_JWKS_URL", jwks_url),
        ("TRANSCRIPTS_TABLE", output("TranscriptsTableName")?),
        ("USER_POOL_CLIENT_ID", client),
        ("USER_POOL_ID", pool),
        ("VALKEY_PREFIX", NAME.to_owned()),
        ("VALKEY_URL", services::valkey_url(stack)),
    ]);

    if let Some(embeddings) = settings::embeddings_json(stack)? {
        values.insert("EMBEDDINGS", embeddings);
    }
    if let Some(id) = outputs.get("WebSocketApiId") {
        values.insert("WEBSOCKET_URL", websocket_url(&endpoint, id));
    }
    if let Some(port) = stack.provider {
        values.insert("PROVIDER_PORT", port.to_string());
    }

    Ok(values)
}

/// The emulator's URL of the HTTP API; without one, `cargo lambda watch` serves the functions.
fn api_url(endpoint: &str, outputs: &Outputs) -> String {
    match outputs.get("ApiId") {
        Some(id) => format!("{endpoint}/_aws/execute-api/{id}"),
        None => WATCH_URL.to_owned(),
    }
}

/// The emulator's URL of the WebSocket API, with its stage.
fn websocket_url(endpoint: &str, id: &str) -> String {
    let endpoint = endpoint.replacen("http", "ws", 1);
    format!("{endpoint}/_aws/execute-api/{id}/live")
}

/// The emulator's URL of the REST API that streams chat completions, with its stage. Its own URL's
/// host name begins with its id.
fn chat_url(endpoint: &str, outputs: &Outputs) -> String {
    let url = outputs.get("ChatUrl");
    let url = url.and_then(|url| url.strip_prefix("https://")?.split_once('/'));
    let parts = url.and_then(|(host, stage)| Some((host.split('.').next()?, stage)));

    match parts {
        Some((id, stage)) => format!("{endpoint}/_aws/execute-api/{id}/{stage}"),
        None => api_url(endpoint, outputs),
    }
}

/// Tells the user what there is now, and what to do with it.
async fn introduce_stack(stack: &Stack, options: &Options) -> Result<()> {
    let env_file = stack.env_file();
    say(format!(
        "\nThe stack is up. Settings: {}",
        env_file.display()
    ));

    if options.services {
        introduce_watch();
        Ok(())
    } else {
        introduce_api(stack).await
    }
}

fn introduce_watch() {
    say(format!(
        "\nServe the functions, with hot reload, on {WATCH_URL}:\n"
    ));
    say("  .local/tools/bin/cargo-lambda lambda watch --invoke-address 127.0.0.1 \\");

    say("    --env-file .local/stack.env");
}

async fn introduce_api(stack: &Stack) -> Result<()> {
    let (url, chat_url) = (stack.env("API_URL")?, stack.env("CHAT_URL")?);
    let token = users::token(stack, &Person::demo(Role::Patient)).await?;
    say(format!("\nAPI    {url}\nToken  {token}"));
    say("       (a patient's, for an hour; `cargo xtask token --help` makes others)\n");

    say("Try it:\n");
    say(format!(
        r#"curl -s {url}/v1/consultations -H 'content-type: application/json' \
  -H "authorization: Bearer $(cargo xtask token)" \
  -d '{{"symptoms": "胸痛，放射到左臂，出冷汗", "age": 58}}'"#
    ));

    let models = settings::describe_models()?;
    say("\nor `cargo xtask demo`, or any OpenAI client:\n");
    say(format!(
        "Base   {url}/v1   (streams as they are made: {chat_url}/v1)"
    ));
    say(format!("Models {models}"));

    Ok(())
}
