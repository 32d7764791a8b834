//! Deploys `template.yaml` with plain CloudFormation calls, as `sam deploy` does after packaging.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{
    Capability, Output, Parameter, Stack as StackDescription, StackEvent, StackStatus,
};
use aws_sdk_s3::types::CreateBucketConfiguration;
use serde_norway::{Mapping, Value};

use crate::functions::Package;
use crate::report::Step;
use crate::stack::{NAME, REGION, Stack};
use crate::tools;
use crate::variables::{self, ParameterValues};

/// Where the packages lie.
pub const BUCKET: &str = "wenzhen-packages";

/// Characters of a parameter's value, at most. Source: "AWS CloudFormation quotas".
const MAX_PARAMETER_LENGTH: usize = 4_096;

/// Between two looks at a deployment.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Looks at a deployment, at most: two minutes.
const MAX_POLLS: usize = 1_200;

/// What the template may do: its functions have roles, and SAM is a transform.
const CAPABILITIES: [Capability; 2] = [Capability::CapabilityIam, Capability::CapabilityAutoExpand];

/// What is there only with the functions.
const WITH_FUNCTIONS: [&str; 8] = [
    "AWS::Serverless::Api",
    "AWS::Serverless::Function",
    "AWS::Serverless::HttpApi",
    "AWS::Serverless::WebSocketApi",
    "AWS::IAM::ManagedPolicy",
    "AWS::Lambda::Permission",
    "AWS::Logs::SubscriptionFilter",
    "Custom::Schema",
];

/// Which part of the template is deployed.
pub enum DeployScope {
    /// All of it.
    Everything(Package),
    /// What the functions need, without them: for `cargo lambda watch`.
    Services,
}

/// The template's parameters, by name.
pub type Parameters = BTreeMap<&'static str, String>;

/// The stack's outputs, by name.
pub type Outputs = BTreeMap<String, String>;

/// Creates or updates the stack and waits until it is done.
pub async fn deploy(
    stack: &Stack,
    scope: &DeployScope,
    parameters: &Parameters,
) -> Result<Outputs> {
    check_lengths(parameters)?;
    let step = Step::begin("template.yaml");
    let aws = stack.aws().await;

    let mut template = read_template(stack)?;
    variables::check_size(&template, &as_values(parameters))?;
    match scope {
        DeployScope::Everything(package) => {
            upload(&aws, package).await?;
            point_to_package(&mut template, package)?;
        }
        DeployScope::Services => drop_functions(&mut template)?,
    }

    let client = Client::new(&aws);
    let template = upload_template(stack, &aws, &serde_norway::to_string(&template)?).await?;
    let outcome = submit_template(&client, &template, parameters).await?;
    let outputs = wait_until_deployed(&client).await?;
    step.end(outcome);

    Ok(outputs)
}

/// As CloudFormation checks it; its own message repeats the whole value.
fn check_lengths(parameters: &Parameters) -> Result<()> {
    for (name, value) in parameters {
        let length = value.len();
        ensure!(
            length <= MAX_PARAMETER_LENGTH,
            "{name} has {length} characters; a parameter takes 4,096"
        );
    }

    Ok(())
}

/// The parameters as the template's variables are measured with them.
pub fn as_values(parameters: &Parameters) -> ParameterValues<'_> {
    let pairs = parameters.iter();
    pairs.map(|(name, value)| (*name, value.as_str())).collect()
}

/// The template as it stands in the checkout.
pub fn read_template(stack: &Stack) -> Result<Value> {
    let text = fs::read_to_string(stack.root.join("template.yaml"))?;
    serde_norway::from_str(&text).context("template.yaml is not YAML")
}

/// Puts the package into the bucket, which it makes if need be, unless one of that name is there.
pub async fn upload(aws: &SdkConfig, package: &Package) -> Result<()> {
    let client = packages_client(aws).await?;
    let found = client.head_object().bucket(BUCKET).key(&package.key);
    if found.send().await.is_err() {
        let put = client.put_object().bucket(BUCKET).key(&package.key);
        let content = package.zip.clone();
        put.body(content.into()).send().await?;
    }

    Ok(())
}

async fn create_bucket(client: &aws_sdk_s3::Client) -> Result<()> {
    let place = CreateBucketConfiguration::builder()
        .location_constraint(REGION.into())
        .build();
    client
        .create_bucket()
        .bucket(BUCKET)
        .create_bucket_configuration(place)
        .send()
        .await?;

    Ok(())
}

/// Puts the template where CloudFormation reads it, as `sam deploy` does: a request itself holds no
/// more than 51,200 bytes of one. Returns its address.
async fn upload_template(stack: &Stack, aws: &SdkConfig, template: &str) -> Result<String> {
    let key = format!("template-{}.yaml", tools::sha256(template.as_bytes()));
    let client = packages_client(aws).await?;

    let put = client.put_object().bucket(BUCKET).key(&key);
    put.body(template.as_bytes().to_vec().into()).send().await?;
    Ok(format!("{}/{BUCKET}/{key}", stack.aws_endpoint()))
}

/// A client of the bucket's, which is made if need be.
async fn packages_client(aws: &SdkConfig) -> Result<aws_sdk_s3::Client> {
    // Path style: a bucket's own host name does not resolve to an emulator.
    let config = aws_sdk_s3::config::Builder::from(aws)
        .force_path_style(true)
        .build();
    let client = aws_sdk_s3::Client::from_conf(config);

    let bucket = client.head_bucket().bucket(BUCKET);
    if bucket.send().await.is_err() {
        create_bucket(&client).await?;
    }
    Ok(client)
}

/// Replaces the `CodeUri: target/lambda/wenzhen/` of all functions by the package.
fn point_to_package(template: &mut Value, package: &Package) -> Result<()> {
    let code_uri = template
        .get_mut("Globals")
        .and_then(|globals| globals.get_mut("Function"))
        .and_then(|function| function.get_mut("CodeUri"))
        .context("template.yaml has no Globals.Function.CodeUri")?;

    *code_uri = Value::String(format!("s3://{BUCKET}/{}", package.key));
    Ok(())
}

/// Takes away the functions, and the APIs and outputs that they bring along.
fn drop_functions(template: &mut Value) -> Result<()> {
    let resources = mapping_mut(template, "Resources")?;
    let mut dropped = Vec::new();
    resources.retain(|name, resource| {
        let kind = resource.get("Type").and_then(Value::as_str);
        let is_dropped = kind.is_some_and(|kind| WITH_FUNCTIONS.contains(&kind));
        if is_dropped {
            dropped.extend(name.as_str().map(str::to_owned));
        }
        !is_dropped
    });

    let outputs = mapping_mut(template, "Outputs")?;
    outputs.retain(|_, output| {
        let value = output.get("Value");
        !value.is_some_and(|value| refers_to(value, &dropped))
    });
    Ok(())
}

/// Whether a value takes anything of these resources, or of what SAM makes of them, such as the URL
/// of a function, whose name begins with the function's.
fn refers_to(value: &Value, resources: &[String]) -> bool {
    match value {
        Value::String(text) => resources.iter().any(|name| {
            let within = format!("${{{name}");
            text.starts_with(name) || text.contains(&within)
        }),
        Value::Sequence(items) => items.iter().any(|item| refers_to(item, resources)),
        Value::Mapping(map) => map.values().any(|item| refers_to(item, resources)),
        Value::Tagged(tagged) => refers_to(&tagged.value, resources),
        _ => false,
    }
}

fn mapping_mut<'a>(template: &'a mut Value, name: &str) -> Result<&'a mut Mapping> {
    template
        .get_mut(name)
        .and_then(Value::as_mapping_mut)
        .with_context(|| format!("template.yaml has no {name}"))
}

/// Creates the stack, or updates it if it exists.
async fn submit_template(
    client: &Client,
    template: &str,
    parameters: &Parameters,
) -> Result<&'static str> {
    let existing = client.describe_stacks().stack_name(NAME);
    if existing.send().await.is_err() {
        create_stack(client, template, parameters).await
    } else {
        update_stack(client, template, parameters).await
    }
}

async fn create_stack(
    client: &Client,
    template: &str,
    parameters: &Parameters,
) -> Result<&'static str> {
    let created = client
        .create_stack()
        .stack_name(NAME)
        .template_url(template)
        .set_parameters(Some(as_sdk_parameters(parameters)))
        .set_capabilities(Some(CAPABILITIES.into()))
        .send()
        .await;

    match created {
        Ok(_) => Ok("created"),
        Err(error) => Err(explain_refusal(&error)),
    }
}

async fn update_stack(
    client: &Client,
    template: &str,
    parameters: &Parameters,
) -> Result<&'static str> {
    let updated = client
        .update_stack()
        .stack_name(NAME)
        .template_url(template)
        .set_parameters(Some(as_sdk_parameters(parameters)))
        .set_capabilities(Some(CAPABILITIES.into()))
        .send()
        .await;

    let Err(error) = updated else {
        return Ok("updated");
    };

    let message = error.message().unwrap_or_default();
    if message.contains("No updates") {
        return Ok("unchanged");
    }

    Err(explain_refusal(&error))
}

fn as_sdk_parameters(parameters: &Parameters) -> Vec<Parameter> {
    let parameters = parameters.iter().map(|(name, value)| {
        Parameter::builder()
            .parameter_key(*name)
            .parameter_value(value)
            .build()
    });

    parameters.collect()
}

fn explain_refusal(error: &(impl ProvideErrorMetadata + Debug)) -> anyhow::Error {
    match error.message() {
        Some(message) => anyhow!("CloudFormation refuses template.yaml: {message}"),
        None => anyhow!("CloudFormation cannot be reached: {error:?}"),
    }
}

async fn wait_until_deployed(client: &Client) -> Result<Outputs> {
    for _ in 0..MAX_POLLS {
        let described = client.describe_stacks().stack_name(NAME).send().await?;
        let stack = described.stacks().first().context("the stack is gone")?;

        match stack.stack_status() {
            Some(StackStatus::CreateComplete | StackStatus::UpdateComplete) => {
                return Ok(read_outputs(stack));
            }
            Some(status) if status.as_str().ends_with("IN_PROGRESS") => {}
            status => {
                let reason = find_failure(client).await;
                bail!("the deployment failed: {status:?}; {reason}");
            }
        }

        #[expect(clippy::disallowed_methods, reason = "a poll with a bound")]
        tokio::time::sleep(POLL_INTERVAL).await;
    }

    bail!("the deployment did not end within two minutes")
}

fn read_outputs(stack: &StackDescription) -> Outputs {
    let as_pair = |output: &Output| {
        let (name, value) = (output.output_key()?, output.output_value()?);
        Some((name.to_owned(), value.to_owned()))
    };

    stack.outputs().iter().filter_map(as_pair).collect()
}

/// The first resource that failed, and why.
async fn find_failure(client: &Client) -> String {
    let Ok(events) = client.describe_stack_events().stack_name(NAME).send().await else {
        return "its events cannot be read".to_owned();
    };

    let is_failure = |event: &&StackEvent| {
        let status = event.resource_status();
        status.is_some_and(|status| status.as_str().ends_with("FAILED"))
    };

    let mut oldest_first = events.stack_events().iter().rev();
    let Some(failure) = oldest_first.find(is_failure) else {
        return "no resource says why".to_owned();
    };

    let id = failure.logical_resource_id().unwrap_or_default();
    let reason = failure.resource_status_reason();
    format!("{id}: {}", reason.unwrap_or("no reason given"))
}
