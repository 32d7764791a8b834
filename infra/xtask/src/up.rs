//! `cargo xtask up` and `down`.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::deploy::{self, Outputs, Scope};
use crate::stack::{NAME, REGION, Stack, variable};
use crate::users::{self, Person, Role};
use crate::{functions, logs, report, routes, services, tools};

/// How the stack is brought up.
#[derive(Args, Default)]
pub struct Options {
    /// Return when the stack is up and leave it running, also from a terminal
    #[arg(long)]
    pub detach: bool,
    /// Forget all data first
    #[arg(long)]
    pub fresh: bool,
    /// Only what the functions need; serve them with `cargo lambda watch`
    #[arg(long)]
    pub services: bool,
}

/// Brings the stack up. In a terminal it then follows the functions' logs, and Ctrl-C stops it all.
pub async fn run(stack: &Stack, options: &Options) -> Result<()> {
    bring_up(stack, options).await?;
    introduce(stack, options).await?;
    if options.detach || !std::io::stdout().is_terminal() {
        return Ok(());
    }
    report::say("\nFollowing the functions' logs. Ctrl-C stops the stack (its data stays).\n");
    tokio::select! {
        followed = logs::run(stack, None, true) => followed?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    report::say("");
    down(stack)
}

/// Stops what `up` started.
pub fn down(stack: &Stack) -> Result<()> {
    services::stop(stack)
}

/// Everything but the talk.
pub async fn bring_up(stack: &Stack, options: &Options) -> Result<()> {
    let tiers = tiers_setting()?;
    tools::install(stack)?;
    if options.fresh {
        services::stop(stack)?;
        services::forget(stack)?;
    }
    services::start(stack).await?;
    let scope = if options.services {
        Scope::Services
    } else {
        Scope::Everything(functions::build(stack)?)
    };
    let outputs = deploy::deploy(stack, &scope, &parameters(stack, tiers).await?).await?;
    if let Some(api) = outputs.get("ApiId") {
        routes::complete(stack, api).await?;
    }
    stack.write_env(&environment(stack, &outputs)?)?;
    let step = report::Step::begin("Demo tenant and users");
    for role in [Role::Patient, Role::Clinician, Role::Admin] {
        users::token(stack, &Person::demo(role)).await?;
    }
    step.end("there");
    Ok(())
}

async fn parameters(stack: &Stack, tiers: Option<Value>) -> Result<Vec<(&'static str, String)>> {
    Ok(vec![
        ("Architecture", functions::architecture().to_owned()),
        ("DatabaseUrl", services::database_url(stack)?),
        ("CacheUrl", services::valkey_url(stack)),
        ("IdentityEndpoint", stack.aws_endpoint()),
        ("AiTiers", deployed_tiers(stack, tiers).await?),
        ("AiChains", deployed_chains(stack)?),
        ("Limits", limits_setting(stack)?),
    ])
}

/// A setting that is JSON or the path of a file that holds it.
fn json_setting(name: &str) -> Result<Option<String>> {
    let Some(setting) = variable(name) else {
        return Ok(None);
    };
    if setting.trim_start().starts_with(['[', '{']) {
        return Ok(Some(setting));
    }
    let text = std::fs::read_to_string(&setting);
    text.map(Some)
        .with_context(|| format!("{name} names a file that cannot be read: {setting}"))
}

/// `LIMITS` of the caller, checked as the functions will check it. All tests call from one address, more often than a client may.
fn limits_setting(stack: &Stack) -> Result<String> {
    if stack.provider.is_some() {
        return Ok(json!({ "address": { "limit": 10_000, "burst": 10_000 } }).to_string());
    }
    let Some(text) = json_setting("LIMITS")? else {
        return Ok(String::new());
    };
    let settings = wenzhen::config::LimitSettings::parse(&text)
        .context("LIMITS is wrong; see docs/limits.md")?;
    let declared = [wenzhen::limits::DEFAULT, &[wenzhen::chat::TOKENS]].concat();
    wenzhen::limits::Limiter::new(None, &declared, &settings)
        .context("LIMITS is wrong; see docs/limits.md")?;
    Ok(text)
}

/// The chains as the functions get them. Without tiers there are none.
fn deployed_chains(stack: &Stack) -> Result<String> {
    if stack.provider.is_some() {
        let tiers = ["primary", "secondary"];
        let chain = |mode: &str| json!({ "tiers": tiers, "mode": mode });
        let repeating = json!({ "tiers": tiers, "repeat_for": 60 });
        return Ok(
            json!({ "default": chain("whole"), "live": chain("live"), "repeating": repeating })
                .to_string(),
        );
    }
    let tiers = variable("AI_TIERS");
    Ok(tiers
        .map(|_| json_setting("AI_CHAINS"))
        .transpose()?
        .flatten()
        .unwrap_or_default())
}

/// `AI_TIERS` of the caller, checked as the worker will check it.
fn tiers_setting() -> Result<Option<Value>> {
    let Some(text) = json_setting("AI_TIERS")? else {
        anyhow::ensure!(
            variable("AI_CHAINS").is_none(),
            "AI_CHAINS names tiers, and AI_TIERS, which has them, is not set"
        );
        return Ok(None);
    };
    let checked =
        wenzhen::config::Tiers::parse(&text).context("AI_TIERS is wrong; see docs/models.md")?;
    let chains = json_setting("AI_CHAINS")?;
    wenzhen::config::Models::new(checked.clone(), chains.as_deref())
        .context("AI_CHAINS is wrong; see docs/models.md")?;
    for tier in &checked {
        if let Some(wenzhen::config::KeyReference::Env(name)) = &tier.key {
            variable(name)
                .with_context(|| format!("AI_TIERS refers to {name}, which is not set"))?;
        }
    }
    Ok(Some(serde_json::from_str(&text)?))
}

/// The tiers as the worker gets them. It sees none of the caller's environment, so each key that is given as `env:NAME` is
/// put into the emulator's Secrets Manager, and referred to there, as on AWS.
async fn deployed_tiers(stack: &Stack, tiers: Option<Value>) -> Result<String> {
    if let Some(port) = stack.provider {
        return provider_of_tests(stack, port).await;
    }
    let Some(mut tiers) = tiers else {
        return Ok(String::new());
    };
    for tier in tiers.as_array_mut().into_iter().flatten() {
        let Some(name) = tier["key"]
            .as_str()
            .and_then(|key| key.strip_prefix("env:"))
            .map(str::to_owned)
        else {
            continue;
        };
        let key = variable(&name)
            .with_context(|| format!("AI_TIERS refers to {name}, which is not set"))?;
        let secret = format!("wenzhen/{name}");
        store_secret(stack, &secret, &key).await?;
        tier["key"] = Value::String(format!("secret:{secret}"));
    }
    Ok(tiers.to_string())
}

/// Two tiers of the scripted provider that the tests play: the first with a key, the second without. Tests provoke faults
/// on purpose and share the deployed functions, so these circuits never open.
async fn provider_of_tests(stack: &Stack, port: u16) -> Result<String> {
    store_secret(stack, "wenzhen/test-key", "sk-test").await?;
    let url = format!("http://127.0.0.1:{port}/v1");
    let never = json!({ "failures": 10_000, "minimum_calls": 1_000_000 });
    let tiers = json!([
        { "name": "primary", "base_url": url, "model": "scripted-primary", "key": "secret:wenzhen/test-key",
          "connect_timeout": 1, "total_timeout": 2, "breaker": never },
        { "name": "secondary", "base_url": url, "model": "scripted-secondary", "structured_output": "json_object",
          "connect_timeout": 1, "total_timeout": 2, "breaker": never },
    ]);
    Ok(tiers.to_string())
}

async fn store_secret(stack: &Stack, name: &str, value: &str) -> Result<()> {
    let client = aws_sdk_secretsmanager::Client::new(&stack.aws().await);
    if client
        .put_secret_value()
        .secret_id(name)
        .secret_string(value)
        .send()
        .await
        .is_err()
    {
        client
            .create_secret()
            .name(name)
            .secret_string(value)
            .send()
            .await?;
    }
    Ok(())
}

/// What `stack.env` says: everything that a function started by hand needs, and where the stack is.
fn environment(stack: &Stack, outputs: &Outputs) -> Result<BTreeMap<&'static str, String>> {
    let output = |name: &str| {
        outputs
            .get(name)
            .cloned()
            .with_context(|| format!("template.yaml has no output {name}"))
    };
    let endpoint = stack.aws_endpoint();
    let pool = output("UserPoolId")?;
    let api_url = match outputs.get("ApiId") {
        Some(api) => format!("{endpoint}/_aws/execute-api/{api}"),
        None => "http://127.0.0.1:9000".to_owned(), // cargo lambda watch
    };
    let chat = outputs.get("ChatUrl").and_then(|url| {
        url.split("://")
            .nth(1)?
            .split('.')
            .next()
            .map(str::to_owned)
    });
    let chat_url = match chat {
        Some(id) => format!("{endpoint}/_aws/lambda-url/{id}"),
        None => api_url.clone(), // cargo lambda watch
    };
    let provider = stack
        .provider
        .map(|port| ("PROVIDER_PORT", port.to_string()));
    let values = [
        ("API_URL", api_url),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_ENDPOINT_URL", endpoint.clone()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("CHAT_URL", chat_url),
        ("DATABASE_URL", services::database_url(stack)?),
        ("DEAD_LETTER_QUEUE_URL", output("DeadLetterQueueUrl")?),
        ("JOBS_QUEUE_URL", output("JobsQueueUrl")?),
        ("REPORTS_BUCKET", output("ReportsBucketName")?),
        ("TOKEN_AUDIENCE", output("UserPoolClientId")?),
        (
            "TOKEN_ISSUER",
            format!("https://cognito-idp.{REGION}.amazonaws.com/{pool}"),
        ),
        (
            "TOKEN_JWKS_URL",
            format!("{endpoint}/{pool}/.well-known/jwks.json"),
        ),
        ("TRANSCRIPTS_TABLE", output("TranscriptsTableName")?),
        ("USER_POOL_CLIENT_ID", output("UserPoolClientId")?),
        ("USER_POOL_ID", pool),
        ("VALKEY_PREFIX", NAME.to_owned()),
        ("VALKEY_URL", services::valkey_url(stack)),
    ];
    Ok(values.into_iter().chain(provider).collect())
}

/// The chains, each with its tiers in order.
fn deployed_models() -> Result<String> {
    let Some(tiers) = json_setting("AI_TIERS")? else {
        return Ok("none; set AI_TIERS (see docs/models.md)".to_owned());
    };
    let tiers = wenzhen::config::Tiers::parse(&tiers)?;
    let models = wenzhen::config::Models::new(tiers, json_setting("AI_CHAINS")?.as_deref())?;
    let chains = models
        .chains()
        .iter()
        .map(|(name, chain)| format!("{name} ({})", chain.tiers.join(", then ")));
    Ok(chains.collect::<Vec<_>>().join("; "))
}

/// Says what there is now, and what to do with it.
async fn introduce(stack: &Stack, options: &Options) -> Result<()> {
    let url = stack.env("API_URL")?;
    report::say(format!(
        "\nThe stack is up. Settings: {}",
        stack.env_file().display()
    ));
    if options.services {
        report::say("Serve the functions, with hot reload, on http://127.0.0.1:9000:\n");
        report::say(
            "  .local/tools/bin/cargo-lambda lambda watch --invoke-address 127.0.0.1 --env-file .local/stack.env",
        );
        return Ok(());
    }
    let token = users::token(stack, &Person::demo(Role::Patient)).await?;
    report::say(format!(
        "\nAPI    {url}\nToken  {token}\n       (a patient's, for an hour; `cargo xtask token --help` makes others)\n"
    ));
    report::say("Try it:\n");
    report::say(format!(
        "curl -s {url}/v1/consultations -H 'content-type: application/json' \\\n  -H \"authorization: Bearer $(cargo xtask token)\" \\\n  -d '{{\"symptoms\": \"胸痛，放射到左臂，出冷汗\", \"age\": 58}}'"
    ));
    report::say("\nor `cargo xtask demo`, or any OpenAI client:\n");
    let models = deployed_models()?;
    report::say(format!(
        "Base   {url}/v1   (streams as they are made: {}/v1)\nModels {models}",
        stack.env("CHAT_URL")?
    ));
    Ok(())
}
