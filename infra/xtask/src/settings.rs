//! The settings of the deployed functions: the user's `AI_TIERS`, `AI_CHAINS`, `LIMITS`,
//! `EMBEDDINGS` and `RETENTION`, checked as the functions will check them, or those that the tests
//! need.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use aws_sdk_secretsmanager::Client;
use serde_json::{Value, json};
use wenzhen::config::{
    AllowedPlaintext, ConnectionKind, EmbeddingSettings, KeyReference, LimitSettings, Models,
    RETENTION, RetentionSettings, Tiers,
};
use wenzhen::limits::{Limiter, TENANT_WAIT, WAIT};

use crate::deploy::{Parameters, as_values, read_template};
use crate::stack::{Stack, env_variable};
use crate::{functions, services, tools, variables};

/// The secret that `migrate` logs in with.
const ADMINISTRATOR_SECRET: &str = "wenzhen-administrator";

/// How the names begin of secrets that hold the settings which are too large for variables.
const SETTINGS_SECRET: &str = "wenzhen-settings";

/// Bytes that a secret may have (AWS Secrets Manager quotas).
const MAX_SECRET_BYTES: usize = 65_536;

/// Characters of the content's hash in such a name.
const HASH_CHARS: usize = 12;

/// The parameters that such a secret can hold, and the settings' names there.
const STORED_SETTINGS: [(&str, &str); 5] = [
    ("AiTiers", "AI_TIERS"),
    ("AiChains", "AI_CHAINS"),
    ("Limits", "LIMITS"),
    ("Embeddings", "EMBEDDINGS"),
    ("Retention", "RETENTION"),
];

/// The most that may be uploaded here: as much as anywhere, so that files in parts can be tried.
pub const MAX_UPLOAD_BYTES: u64 = 5_368_709_120;

/// What `EMBEDDINGS` says if documents shall be found by their words alone.
const NO_EMBEDDINGS: &str = "off";

/// The user's `AI_TIERS`, checked. Their keys are still `env:NAME`.
pub struct TierSettings {
    json: Value,
}

impl TierSettings {
    /// Reads and checks the models' settings; none if the user has set none.
    pub fn read() -> Result<Option<Self>> {
        let Some(text) = read_json_setting("AI_TIERS")? else {
            ensure!(
                env_variable("AI_CHAINS").is_none(),
                "AI_CHAINS names tiers, and AI_TIERS, which has them, is not set"
            );
            return Ok(None);
        };

        let advice = "AI_TIERS is wrong; see docs/models.md";
        let tiers = Tiers::parse(&text).context(advice)?;
        tiers
            .check_transport(&allowed_plaintext()?)
            .context(advice)?;
        for tier in &tiers {
            if let Some(KeyReference::Env(name)) = &tier.key {
                read_api_key(name)?;
            }
        }

        let chains = read_json_setting("AI_CHAINS")?;
        Models::new(tiers, chains.as_deref()).context("AI_CHAINS is wrong; see docs/models.md")?;

        let json = serde_json::from_str(&text)?;
        Ok(Some(Self { json }))
    }
}

/// The parameters of template.yaml.
pub async fn parameters(stack: &Stack, tiers: Option<TierSettings>) -> Result<Parameters> {
    let mut parameters = Parameters::from([
        ("Architecture", functions::architecture().to_owned()),
        ("DatabaseUrl", services::database_url(stack)?),
        ("DatabaseReader", services::reader_address(stack)),
        ("MigrationsUrl", services::database_address(stack)),
        ("MigrationsSecretArn", store_administrator(stack).await?),
        ("CacheUrl", services::valkey_url(stack)),
        ("IdentityEndpoint", stack.aws_endpoint()),
        ("EmulatedCdn", "true".to_owned()),
        ("UploadMaxBytes", MAX_UPLOAD_BYTES.to_string()),
        ("AiTiers", deployed_tiers(stack, tiers).await?),
        ("AiChains", deployed_chains(stack)?),
        ("Limits", deployed_limits(stack)?),
        ("Embeddings", deployed_embeddings(stack).await?),
        ("Retention", read_retention()?.unwrap_or_default()),
        ("AllowPlaintext", deployed_plaintext(stack)?),
        ("MetricsTokenSecret", store_metrics_token(stack).await?),
        ("TraceShare", "1".to_owned()),
        ("TracesEndpoint", traces_endpoint(stack)),
    ]);

    if stack.provider.is_some() {
        parameters.insert("CdnKeySecret", store_cdn_key(stack).await?);
    }

    let template = read_template(stack)?;
    let largest = variables::find_largest(&template, &as_values(&parameters))?;
    if largest.bytes > variables::MAX_BYTES {
        store_settings(stack, &mut parameters).await?;
    }

    Ok(parameters)
}

/// Moves the settings that may be large into one secret, as an operator does on AWS. Its name is
/// another one when they change: an environment reads a secret once, and a new name, which is a new
/// variable, replaces the environments.
async fn store_settings(stack: &Stack, parameters: &mut Parameters) -> Result<()> {
    let mut stored = serde_json::Map::new();
    for (parameter, setting) in STORED_SETTINGS {
        let json = parameters.insert(parameter, String::new());
        if let Some(json) = json.filter(|json| !json.is_empty()) {
            stored.insert(setting.to_owned(), serde_json::from_str(&json)?);
        }
    }

    let content = Value::from(stored).to_string();
    let hash = tools::sha256(content.as_bytes());
    let name = format!("{SETTINGS_SECRET}-{}", &hash[..HASH_CHARS]);

    store_secret(stack, &name, &content).await?;
    parameters.insert("SettingsSecret", name);
    Ok(())
}

/// The database's administrator, as RDS keeps it. Returns the secret's ARN.
async fn store_administrator(stack: &Stack) -> Result<String> {
    let user = json!({
        "username": services::DATABASE_USER,
        "password": services::secret(stack)?,
    });
    store_secret(stack, ADMINISTRATOR_SECRET, &user.to_string()).await
}

/// The token with which the local stack's metrics are scraped.
pub const METRICS_TOKEN: &str = "local-metrics-token";

/// The user's `ALLOW_PLAINTEXT`.
pub fn allowed_plaintext() -> Result<AllowedPlaintext> {
    let list = env_variable("ALLOW_PLAINTEXT").unwrap_or_default();
    if list.is_empty() {
        return Ok(AllowedPlaintext::default());
    }

    let parsed: Result<_, &str> = list.parse();
    parsed.map_err(|problem| anyhow!("ALLOW_PLAINTEXT {problem}"))
}

/// `ALLOW_PLAINTEXT` as the functions get it. An emulator of the user's own may serve its keys
/// without TLS.
fn deployed_plaintext(stack: &Stack) -> Result<String> {
    let allowed = allowed_plaintext()?;
    let allowed = match stack.foreign_aws {
        Some(_) => allowed.with(ConnectionKind::Identity),
        None => allowed,
    };

    Ok(allowed.to_string())
}

/// The user's chains, each with its tiers in order, as a person reads them.
pub fn describe_models() -> Result<String> {
    let Some(tiers) = read_json_setting("AI_TIERS")? else {
        return Ok("none; set AI_TIERS (see docs/models.md)".to_owned());
    };

    let chains = read_json_setting("AI_CHAINS")?;
    let models = Models::new(Tiers::parse(&tiers)?, chains.as_deref())?;

    let mut descriptions = Vec::new();
    for (name, chain) in models.chains() {
        let tiers = chain.tiers.join(", then ");
        descriptions.push(format!("{name} ({tiers})"));
    }

    Ok(descriptions.join("; "))
}

/// A setting that is JSON or the path of a file that holds it.
fn read_json_setting(name: &str) -> Result<Option<String>> {
    let Some(setting) = env_variable(name) else {
        return Ok(None);
    };

    if setting.trim_start().starts_with(['[', '{']) {
        return Ok(Some(setting));
    }

    let text = fs::read_to_string(&setting)
        .with_context(|| format!("{name} names a file that cannot be read: {setting}"))?;
    Ok(Some(text))
}

fn read_api_key(name: &str) -> Result<String> {
    env_variable(name).with_context(|| format!("a tier refers to {name}, which is not set"))
}

/// Where `forward-traces` sends what a test hands it: to the scripted provider.
fn traces_endpoint(stack: &Stack) -> String {
    let port = stack.provider;
    port.map_or_else(String::new, |port| {
        format!("http://127.0.0.1:{port}/v1/traces")
    })
}

/// The limits as the functions get them. All tests call from one address, more often than a client
/// may.
fn deployed_limits(stack: &Stack) -> Result<String> {
    if stack.provider.is_some() {
        let limits = json!({
            "address": { "limit": 10_000, "burst": 10_000 },
            // So that also a slow machine reaches it.
            "messages": { "limit": 2, "window": 1, "burst": 50 },
        });
        return Ok(limits.to_string());
    }

    Ok(read_limits()?.unwrap_or_default())
}

/// Reads the user's `RETENTION` and checks it; none if the user has set none.
fn read_retention() -> Result<Option<String>> {
    let text = read_json_setting(RETENTION)?;
    if let Some(text) = &text {
        RetentionSettings::parse(text).context("RETENTION is wrong; see docs/privacy.md")?;
    }
    Ok(text)
}

/// Reads the user's `LIMITS` and checks them; none if the user has set none.
pub fn read_limits() -> Result<Option<String>> {
    let Some(text) = read_json_setting("LIMITS")? else {
        return Ok(None);
    };

    let advice = "LIMITS is wrong; see docs/limits.md";
    let settings = LimitSettings::parse(&text).context(advice)?;
    let others = [wenzhen::chat::TOKENS, WAIT, TENANT_WAIT];
    let declared = [wenzhen::limits::DEFAULT, &others].concat();
    Limiter::new(None, &declared, &settings).context(advice)?;

    Ok(Some(text))
}

/// The embedding model: the user's `EMBEDDINGS`, checked, or the one that runs on this machine;
/// none if the user wants none.
pub fn read_embeddings(stack: &Stack) -> Result<Option<EmbeddingSettings>> {
    let Some(json) = embeddings_json(stack)? else {
        return Ok(None);
    };

    let advice = "EMBEDDINGS is wrong; see docs/knowledge.md";
    let settings = EmbeddingSettings::parse(&json).context(advice)?;
    settings
        .check_transport(&allowed_plaintext()?)
        .context(advice)?;
    Ok(Some(settings))
}

/// `EMBEDDINGS` as JSON on one line; none if the user wants no model.
pub fn embeddings_json(stack: &Stack) -> Result<Option<String>> {
    if env_variable("EMBEDDINGS").is_some_and(|setting| setting == NO_EMBEDDINGS) {
        return Ok(None);
    }

    // The tests' stack is the same whatever the user has set.
    let own = match stack.provider {
        Some(_) => None,
        None => read_json_setting("EMBEDDINGS")?,
    };
    let mut json: Value = match own {
        Some(json) => serde_json::from_str(&json).context("EMBEDDINGS is no JSON")?,
        None => services::local_embeddings(stack),
    };
    if let Some(settings) = json.as_object_mut().filter(|_| stack.has_chroma) {
        settings
            .entry("store")
            .or_insert_with(|| services::local_store(stack));
    }
    Ok(Some(json.to_string()))
}

/// The embedding model as the functions get it.
async fn deployed_embeddings(stack: &Stack) -> Result<String> {
    let Some(json) = embeddings_json(stack)? else {
        return Ok(String::new());
    };

    let mut settings: Value = serde_json::from_str(&json)?;
    for tiers in ["/tiers", "/rerank/tiers"] {
        if let Some(tiers) = settings.pointer_mut(tiers) {
            store_keys(stack, tiers).await?;
        }
    }
    if let Some(store) = settings.get_mut("store") {
        store_key(stack, store).await?;
    }
    Ok(settings.to_string())
}

/// The chains as the functions get them. Without tiers there are none.
fn deployed_chains(stack: &Stack) -> Result<String> {
    if stack.provider.is_some() {
        return Ok(chains_of_tests().to_string());
    }

    if env_variable("AI_TIERS").is_none() {
        return Ok(String::new());
    }

    let chains = read_json_setting("AI_CHAINS")?;
    Ok(chains.unwrap_or_default())
}

fn chains_of_tests() -> Value {
    let tiers = ["primary", "secondary"];
    json!({
        "default": { "tiers": tiers, "mode": "whole" },
        "live": { "tiers": tiers, "mode": "live" },
        "resume": { "tiers": tiers, "mode": "resume" },
        "repeating": { "tiers": tiers, "cache_ttl": 60 },
    })
}

/// The tiers as the worker gets them. It sees none of the user's environment, so each key that is
/// given as `env:NAME` is put into the emulator's Secrets Manager, and referred to there, as on
/// AWS.
async fn deployed_tiers(stack: &Stack, tiers: Option<TierSettings>) -> Result<String> {
    if let Some(port) = stack.provider {
        store_secret(stack, "wenzhen/test-key", "sk-test").await?;
        return Ok(tiers_of_tests(port).to_string());
    }

    let Some(mut tiers) = tiers else {
        return Ok(String::new());
    };

    store_keys(stack, &mut tiers.json).await?;
    Ok(tiers.json.to_string())
}

/// Puts each key that is given as `env:NAME` into the emulator's Secrets Manager.
async fn store_keys(stack: &Stack, tiers: &mut Value) -> Result<()> {
    for tier in tiers.as_array_mut().into_iter().flatten() {
        store_key(stack, tier).await?;
    }
    Ok(())
}

/// Puts the key of one endpoint there, if it is in a variable.
async fn store_key(stack: &Stack, endpoint: &mut Value) -> Result<()> {
    let key = endpoint.get("key").and_then(Value::as_str);
    let Some(name) = key.and_then(|key| key.strip_prefix("env:")) else {
        return Ok(());
    };

    let secret = format!("wenzhen/{name}");
    store_secret(stack, &secret, &read_api_key(name)?).await?;
    if let Some(endpoint) = endpoint.as_object_mut() {
        endpoint.insert("key".to_owned(), json!(format!("secret:{secret}")));
    }
    Ok(())
}

/// Puts the token of those who scrape metrics into a secret. Returns its name. Whoever reaches the
/// stack's ports is on this machine.
async fn store_metrics_token(stack: &Stack) -> Result<String> {
    let name = "wenzhen/metrics-token";
    store_secret(stack, name, METRICS_TOKEN).await?;
    Ok(name.to_owned())
}

/// Makes a key for links of the CDN, puts it into a secret, and its public half beside the stack's
/// files. Returns the secret's name. Made by another program than the one that signs with it.
async fn store_cdn_key(stack: &Stack) -> Result<String> {
    const PROGRAM: &str = "\
import json, sys
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives import serialization as s
key = ec.generate_private_key(ec.SECP256R1())
public = key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)
open(sys.argv[1], 'wb').write(public)
private = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
print(json.dumps({'key_id': 'K2JCJMDEHXQW5F', 'private_key': private.decode()}))";

    let mut python = Command::new(tools::bin_folder(stack).join("python"));
    let made = python
        .args(["-c", PROGRAM])
        .arg(stack.home.join("cdn-key.pem"))
        .output()?;
    ensure!(made.status.success(), "the CDN's key cannot be made");

    let name = "wenzhen/cdn-key";
    store_secret(stack, name, &String::from_utf8(made.stdout)?).await?;
    Ok(name.to_owned())
}

/// Two tiers of the scripted provider that the tests play: the first with a key, tools and eyes,
/// the second without. Tests provoke faults on purpose and share the deployed functions, so these
/// circuits never open.
fn tiers_of_tests(port: u16) -> Value {
    let url = format!("http://127.0.0.1:{port}/v1");
    let never = json!({ "failures": 10_000, "minimum_calls": 1_000_000 });

    json!([
        {
            "name": "primary",
            "base_url": url,
            "model": "scripted-primary",
            "key": "secret:wenzhen/test-key",
            "tools": true,
            "vision": true,
            "connect_timeout": 1,
            "total_timeout": 2,
            "breaker": never,
        },
        {
            "name": "secondary",
            "base_url": url,
            "model": "scripted-secondary",
            "structured_output": "json_object",
            "connect_timeout": 1,
            "total_timeout": 2,
            "breaker": never,
        },
    ])
}

/// Creates the secret, or gives it a new value. The emulator takes any length; AWS does not.
async fn store_secret(stack: &Stack, name: &str, value: &str) -> Result<String> {
    let bytes = value.len();
    ensure!(
        bytes <= MAX_SECRET_BYTES,
        "the secret {name} would have {bytes} bytes, of which Secrets Manager takes \
         {MAX_SECRET_BYTES}; shorten AI_TIERS, AI_CHAINS, LIMITS, EMBEDDINGS and RETENTION"
    );

    let client = Client::new(&stack.aws().await);
    let put = client.put_secret_value();
    let put = put.secret_id(name).secret_string(value);
    if let Ok(stored) = put.send().await {
        return stored.arn.context("a secret has an ARN");
    }

    let create = client.create_secret();
    let create = create.name(name).secret_string(value);
    let stored = create.send().await?;
    stored.arn.context("a secret has an ARN")
}
