//! Deploys `template.yaml` with plain CloudFormation calls, as `sam deploy` does after packaging.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{Capability, Parameter, StackStatus};
use serde_norway::Value;

use crate::functions::Package;
use crate::report::Step;
use crate::stack::{NAME, REGION, Stack};

/// Where the packages lie.
pub const BUCKET: &str = "wenzhen-packages";

/// What of the template is deployed.
pub enum Scope {
    /// All of it.
    Everything(Package),
    /// What the functions need, without them: for `cargo lambda watch`.
    Services,
}

/// The stack's outputs, by name.
pub type Outputs = BTreeMap<String, String>;

/// Creates or updates the stack and waits until it is done.
pub async fn deploy(
    stack: &Stack,
    scope: &Scope,
    parameters: &[(&str, String)],
) -> Result<Outputs> {
    for (name, value) in parameters {
        // As CloudFormation has it; its own message repeats the whole value.
        anyhow::ensure!(
            value.len() <= 4_096,
            "{name} has {} characters; a parameter takes 4,096",
            value.len()
        );
    }
    let step = Step::begin("template.yaml");
    let aws = stack.aws().await;
    let text = fs::read_to_string(stack.root.join("template.yaml"))?;
    let mut template: Value = serde_norway::from_str(&text).context("template.yaml is not YAML")?;
    match scope {
        Scope::Everything(package) => {
            upload(&aws, package).await?;
            point_to_package(&mut template, package)?;
        }
        Scope::Services => drop_functions(&mut template)?,
    }
    let client = Client::new(&aws);
    let outcome = submit(&client, &serde_norway::to_string(&template)?, parameters).await?;
    let outputs = finished(&client).await?;
    step.end(outcome);
    Ok(outputs)
}

/// Puts the package into the bucket, which it makes if need be, unless one of that name is there.
pub async fn upload(aws: &SdkConfig, package: &Package) -> Result<()> {
    // Path style: a bucket's own host name does not resolve to an emulator.
    let config = aws_sdk_s3::config::Builder::from(aws)
        .force_path_style(true)
        .build();
    let client = aws_sdk_s3::Client::from_conf(config);
    if client.head_bucket().bucket(BUCKET).send().await.is_err() {
        let place = aws_sdk_s3::types::CreateBucketConfiguration::builder()
            .location_constraint(REGION.into())
            .build();
        let create = client.create_bucket().bucket(BUCKET);
        create.create_bucket_configuration(place).send().await?;
    }

    let found = client.head_object().bucket(BUCKET).key(&package.key);
    if found.send().await.is_err() {
        let put = client.put_object().bucket(BUCKET).key(&package.key);
        put.body(package.zip.clone().into()).send().await?;
    }
    Ok(())
}

fn resources(template: &mut Value) -> Result<&mut serde_norway::Mapping> {
    template
        .get_mut("Resources")
        .and_then(Value::as_mapping_mut)
        .context("template.yaml has no Resources")
}

fn is_function(resource: &Value) -> bool {
    resource.get("Type").and_then(Value::as_str) == Some("AWS::Serverless::Function")
}

/// Replaces the `CodeUri: target/lambda/wenzhen/` of all functions by the package.
fn point_to_package(template: &mut Value, package: &Package) -> Result<()> {
    let uri = template
        .get_mut("Globals")
        .and_then(|globals| globals.get_mut("Function"))
        .and_then(|function| function.get_mut("CodeUri"))
        .context("template.yaml has no Globals.Function.CodeUri")?;
    *uri = Value::String(format!("s3://{BUCKET}/{}", package.key));
    Ok(())
}

fn drop_functions(template: &mut Value) -> Result<()> {
    resources(template)?.retain(|_, resource| !is_function(resource) && !is_api(resource));
    if let Some(outputs) = template.get_mut("Outputs").and_then(Value::as_mapping_mut) {
        // These name what the functions bring along.
        outputs.retain(|name, _| !matches!(name.as_str(), Some("ApiUrl" | "ApiId" | "ChatUrl")));
    }
    Ok(())
}

fn is_api(resource: &Value) -> bool {
    resource.get("Type").and_then(Value::as_str) == Some("AWS::Serverless::HttpApi")
}

/// Creates the stack, or updates it if it exists.
async fn submit(
    client: &Client,
    template: &str,
    parameters: &[(&str, String)],
) -> Result<&'static str> {
    let parameters: Vec<_> = parameters
        .iter()
        .map(|(name, value)| {
            Parameter::builder()
                .parameter_key(*name)
                .parameter_value(value)
                .build()
        })
        .collect();
    let capabilities = [Capability::CapabilityIam, Capability::CapabilityAutoExpand];
    if client
        .describe_stacks()
        .stack_name(NAME)
        .send()
        .await
        .is_err()
    {
        let create = client
            .create_stack()
            .stack_name(NAME)
            .template_body(template);
        let create = create
            .set_parameters(Some(parameters))
            .set_capabilities(Some(capabilities.into()));
        create.send().await.map_err(|error| said(&error))?;
        return Ok("created");
    }
    let update = client
        .update_stack()
        .stack_name(NAME)
        .template_body(template);
    let update = update
        .set_parameters(Some(parameters))
        .set_capabilities(Some(capabilities.into()));
    match update.send().await {
        Ok(_) => Ok("updated"),
        Err(error)
            if error
                .message()
                .is_some_and(|text| text.contains("No updates")) =>
        {
            Ok("unchanged")
        }
        Err(error) => Err(said(&error)),
    }
}

fn said(error: &(impl ProvideErrorMetadata + std::fmt::Debug)) -> anyhow::Error {
    match error.message() {
        Some(message) => anyhow::anyhow!("CloudFormation refuses template.yaml: {message}"),
        None => anyhow::anyhow!("CloudFormation cannot be reached: {error:?}"),
    }
}

async fn finished(client: &Client) -> Result<Outputs> {
    for _ in 0..1_200 {
        let described = client.describe_stacks().stack_name(NAME).send().await?;
        let stack = described.stacks().first().context("the stack is gone")?;
        match stack.stack_status() {
            Some(StackStatus::CreateComplete | StackStatus::UpdateComplete) => {
                let outputs = stack.outputs().iter();
                let pair = |output: &aws_sdk_cloudformation::types::Output| {
                    Some((
                        output.output_key()?.to_owned(),
                        output.output_value()?.to_owned(),
                    ))
                };
                return Ok(outputs.filter_map(pair).collect());
            }
            Some(status) if status.as_str().ends_with("IN_PROGRESS") => {}
            status => bail!(
                "the deployment failed: {status:?}; {}",
                reason(client).await
            ),
        }
        #[expect(clippy::disallowed_methods, reason = "a poll with a bound")]
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the deployment did not end within two minutes")
}

/// The first resource that failed, and why.
async fn reason(client: &Client) -> String {
    let Ok(events) = client.describe_stack_events().stack_name(NAME).send().await else {
        return "its events cannot be read".to_owned();
    };
    let failed = events.stack_events().iter().rev();
    failed
        .filter(|event| {
            event
                .resource_status()
                .is_some_and(|status| status.as_str().ends_with("FAILED"))
        })
        .map(|event| {
            let id = event.logical_resource_id().unwrap_or_default();
            format!(
                "{id}: {}",
                event.resource_status_reason().unwrap_or("no reason given")
            )
        })
        .next()
        .unwrap_or_else(|| "no resource says why".to_owned())
}
