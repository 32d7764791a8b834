//! The routes of the HTTP API, where the emulator leaves them out.
//!
//! SAM writes an HTTP API's routes into an `OpenAPI` body, which the emulator does not import. So they are made here, from
//! the processed template, that is: from what AWS would have imported. Where the routes are there already (AWS itself,
//! LocalStack) nothing is done.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use aws_sdk_apigatewayv2::types::{
    AuthorizationType, AuthorizerType, IntegrationType, JwtConfiguration,
};
use aws_sdk_cloudformation::types::TemplateStage;
use serde_json::Value;

use crate::report::Step;
use crate::stack::{NAME, REGION, Stack};

/// Where a route leads.
struct Target {
    function: String,
    is_public: bool,
}

/// Makes the missing routes of the API `api`, and takes away those that the template no longer has.
pub async fn complete(stack: &Stack, api: &str) -> Result<()> {
    let step = Step::begin("Routes");
    let aws = stack.aws().await;
    let client = aws_sdk_apigatewayv2::Client::new(&aws);
    let names = physical_names(&aws).await?;
    let body = api_body(&aws).await?;
    let wanted = routes(&body, &names)?;
    let there = existing(&client, api).await?;
    for (key, id) in &there {
        if !wanted.contains_key(key) {
            client
                .delete_route()
                .api_id(api)
                .route_id(id)
                .send()
                .await?;
        }
    }
    let missing: Vec<_> = wanted
        .iter()
        .filter(|(key, _)| !there.contains_key(*key))
        .collect();
    if !missing.is_empty() {
        let authorizer = authorizer(&client, api, &body, &names).await?;
        for (key, target) in &missing {
            add(&client, api, key, target, &authorizer).await?;
        }
    }
    step.end(&format!("{} there, {} added", there.len(), missing.len()));
    Ok(())
}

async fn existing(
    client: &aws_sdk_apigatewayv2::Client,
    api: &str,
) -> Result<BTreeMap<String, String>> {
    let routes = client.get_routes().api_id(api).send().await?;
    let pair = |route: &aws_sdk_apigatewayv2::types::Route| {
        Some((route.route_key()?.to_owned(), route.route_id()?.to_owned()))
    };
    Ok(routes.items().iter().filter_map(pair).collect())
}

async fn add(
    client: &aws_sdk_apigatewayv2::Client,
    api: &str,
    key: &str,
    target: &Target,
    authorizer: &str,
) -> Result<()> {
    let integration = client
        .create_integration()
        .api_id(api)
        .integration_type(IntegrationType::AwsProxy)
        .payload_format_version("2.0")
        .integration_uri(format!(
            "arn:aws:lambda:{REGION}:000000000000:function:{}",
            target.function
        ))
        .send()
        .await?;
    let integration = format!(
        "integrations/{}",
        integration.integration_id().unwrap_or_default()
    );
    let mut route = client
        .create_route()
        .api_id(api)
        .route_key(key)
        .target(integration);
    if !target.is_public {
        route = route
            .authorization_type(AuthorizationType::Jwt)
            .authorizer_id(authorizer);
    }
    route.send().await?;
    Ok(())
}

/// The authorizer of the template, made if need be.
async fn authorizer(
    client: &aws_sdk_apigatewayv2::Client,
    api: &str,
    body: &Value,
    names: &BTreeMap<String, String>,
) -> Result<String> {
    let schemes = body
        .pointer("/components/securitySchemes")
        .and_then(Value::as_object);
    let (name, scheme) = schemes
        .and_then(|schemes| schemes.iter().next())
        .context("the API has no authorizer")?;
    for known in client.get_authorizers().api_id(api).send().await?.items() {
        if let (Some(known_name), Some(id)) = (known.name(), known.authorizer_id())
            && known_name == name
        {
            return Ok(id.to_owned());
        }
    }
    let settings = scheme
        .pointer("/x-amazon-apigateway-authorizer/jwtConfiguration")
        .context("no JWT settings")?;
    let audience = settings
        .pointer("/audience")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let jwt = JwtConfiguration::builder()
        .issuer(text(&settings["issuer"], names)?)
        .set_audience(Some(
            audience
                .map(|entry| text(entry, names))
                .collect::<Result<_>>()?,
        ))
        .build();
    let made = client
        .create_authorizer()
        .api_id(api)
        .name(name)
        .authorizer_type(AuthorizerType::Jwt)
        .identity_source("$request.header.Authorization")
        .jwt_configuration(jwt)
        .send()
        .await?;
    Ok(made.authorizer_id().unwrap_or_default().to_owned())
}

/// `GET /path` → where it leads.
fn routes(body: &Value, names: &BTreeMap<String, String>) -> Result<BTreeMap<String, Target>> {
    let mut routes = BTreeMap::new();
    for (path, methods) in body
        .pointer("/paths")
        .and_then(Value::as_object)
        .context("the API has no paths")?
    {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let uri = operation
                .pointer("/x-amazon-apigateway-integration/uri/Fn::Sub")
                .and_then(Value::as_str);
            let logical =
                uri.and_then(|uri| uri.split("functions/${").nth(1)?.split(".Arn}").next());
            let logical =
                logical.with_context(|| format!("{method} {path} leads to no function"))?;
            let function = names
                .get(logical)
                .with_context(|| format!("{logical} was not deployed"))?;
            // SAM writes `security: [{"NONE": []}]` for a route without an authorizer.
            let is_public = operation.pointer("/security/0/NONE").is_some();
            let target = Target {
                function: function.clone(),
                is_public,
            };
            routes.insert(format!("{} {path}", method.to_uppercase()), target);
        }
    }
    Ok(routes)
}

/// A value of the processed template, which may be a `Ref` or a `Fn::Sub` of resources.
fn text(value: &Value, names: &BTreeMap<String, String>) -> Result<String> {
    if let Some(plain) = value.as_str() {
        return Ok(plain.to_owned());
    }
    if let Some(name) = value.get("Ref").and_then(Value::as_str) {
        return names
            .get(name)
            .cloned()
            .with_context(|| format!("{name} was not deployed"));
    }
    let template = value
        .get("Fn::Sub")
        .and_then(Value::as_str)
        .context("neither a text, a Ref nor a Sub")?;
    let mut text = template.replace("${AWS::Region}", REGION);
    for (name, physical) in names {
        text = text.replace(&format!("${{{name}}}"), physical);
    }
    Ok(text)
}

async fn physical_names(aws: &aws_config::SdkConfig) -> Result<BTreeMap<String, String>> {
    let client = aws_sdk_cloudformation::Client::new(aws);
    let resources = client
        .describe_stack_resources()
        .stack_name(NAME)
        .send()
        .await?;
    let pair = |resource: &aws_sdk_cloudformation::types::StackResource| {
        Some((
            resource.logical_resource_id()?.to_owned(),
            resource.physical_resource_id()?.to_owned(),
        ))
    };
    Ok(resources
        .stack_resources()
        .iter()
        .filter_map(pair)
        .collect())
}

async fn api_body(aws: &aws_config::SdkConfig) -> Result<Value> {
    let client = aws_sdk_cloudformation::Client::new(aws);
    let template = client
        .get_template()
        .stack_name(NAME)
        .template_stage(TemplateStage::Processed)
        .send()
        .await?;
    let template: Value = serde_json::from_str(template.template_body().unwrap_or_default())?;
    let resources = template
        .get("Resources")
        .and_then(Value::as_object)
        .context("the template has no resources")?;
    let apis: BTreeSet<_> = resources
        .iter()
        .filter(|(_, one)| one["Type"] == "AWS::ApiGatewayV2::Api")
        .map(|(id, _)| id)
        .collect();
    let id = apis
        .into_iter()
        .next()
        .context("the template has no HTTP API")?;
    resources
        .get(id)
        .and_then(|api| api.pointer("/Properties/Body"))
        .cloned()
        .context("the API has no body")
}
