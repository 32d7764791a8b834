//! The routes of the HTTP API, where the emulator leaves them out.
//!
//! SAM writes an HTTP API's routes into an `OpenAPI` body, which the emulator does not import. So
//! they are made here, from the processed template, that is: from what AWS would have imported.
//! Where the routes are there already (AWS itself, LocalStack) nothing is done.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use aws_config::SdkConfig;
use aws_sdk_apigatewayv2::Client;
use aws_sdk_apigatewayv2::types::{
    AuthorizationType, AuthorizerType, IntegrationType, JwtConfiguration, Route,
};
use aws_sdk_cloudformation::types::{StackResource, TemplateStage};
use serde_json::Value;

use crate::report::Step;
use crate::stack::{NAME, REGION, Stack};

/// Physical names of the template's resources, by their logical ones.
type PhysicalNames = BTreeMap<String, String>;

/// Where each route leads, by its key, such as `GET /v1/users`.
type RouteTargets = BTreeMap<String, RouteTarget>;

/// Where a route leads.
struct RouteTarget {
    /// The function's physical name.
    function: String,
    /// Whether it is called without a token.
    is_public: bool,
}

/// Makes the missing routes of the API `api_id`, and takes away those that the template no longer
/// has.
pub async fn complete_routes(stack: &Stack, api_id: &str) -> Result<()> {
    let step = Step::begin("Routes");
    let aws = stack.aws().await;
    let api = HttpApi {
        client: Client::new(&aws),
        id: api_id,
        body: read_api_body(&aws).await?,
        names: read_physical_names(&aws).await?,
    };

    let wanted = api.wanted_routes()?;
    let existing = api.existing_routes().await?;
    for (key, route_id) in &existing {
        if !wanted.contains_key(key) {
            api.delete_route(route_id).await?;
        }
    }

    let mut missing = wanted;
    missing.retain(|key, _| !existing.contains_key(key));
    if !missing.is_empty() {
        let authorizer = api.provide_authorizer().await?;
        for (key, target) in &missing {
            api.add_route(key, target, &authorizer).await?;
        }
    }

    let (there, added) = (existing.len(), missing.len());
    step.end(&format!("{there} there, {added} added"));
    Ok(())
}

/// The API as it is deployed, and as the processed template describes it.
struct HttpApi<'a> {
    client: Client,
    id: &'a str,
    /// The `OpenAPI` document that SAM made.
    body: Value,
    names: PhysicalNames,
}

impl HttpApi<'_> {
    /// The routes of the template.
    fn wanted_routes(&self) -> Result<RouteTargets> {
        let paths = self.body.pointer("/paths").and_then(Value::as_object);
        let mut targets = RouteTargets::new();

        for (path, methods) in paths.context("the API has no paths")? {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                let key = format!("{} {path}", method.to_uppercase());
                let target = self.read_target(&key, operation)?;
                targets.insert(key, target);
            }
        }

        Ok(targets)
    }

    fn read_target(&self, key: &str, operation: &Value) -> Result<RouteTarget> {
        let uri = operation
            .pointer("/x-amazon-apigateway-integration/uri/Fn::Sub")
            .and_then(Value::as_str);
        // Such as `arn:…:path/2015-03-31/functions/${GetUser.Arn}/invocations`.
        let logical_name = uri
            .and_then(|uri| uri.split("functions/${").nth(1)?.split(".Arn}").next())
            .with_context(|| format!("{key} leads to no function"))?;

        let function = self
            .names
            .get(logical_name)
            .with_context(|| format!("{logical_name} was not deployed"))?;

        Ok(RouteTarget {
            function: function.clone(),
            // SAM writes `security: [{"NONE": []}]` for a route without an authorizer.
            is_public: operation.pointer("/security/0/NONE").is_some(),
        })
    }

    /// The ids of the routes that are there, by their keys.
    async fn existing_routes(&self) -> Result<BTreeMap<String, String>> {
        let routes = self.client.get_routes().api_id(self.id).send().await?;
        let as_pair = |route: &Route| {
            let (key, id) = (route.route_key()?, route.route_id()?);
            Some((key.to_owned(), id.to_owned()))
        };

        Ok(routes.items().iter().filter_map(as_pair).collect())
    }

    async fn delete_route(&self, route_id: &str) -> Result<()> {
        self.client
            .delete_route()
            .api_id(self.id)
            .route_id(route_id)
            .send()
            .await?;

        Ok(())
    }

    async fn add_route(&self, key: &str, target: &RouteTarget, authorizer: &str) -> Result<()> {
        let integration = self.create_integration(&target.function).await?;
        let mut route = self
            .client
            .create_route()
            .api_id(self.id)
            .route_key(key)
            .target(format!("integrations/{integration}"));

        if !target.is_public {
            route = route
                .authorization_type(AuthorizationType::Jwt)
                .authorizer_id(authorizer);
        }

        route.send().await?;
        Ok(())
    }

    /// Returns the integration's id.
    async fn create_integration(&self, function: &str) -> Result<String> {
        let function_arn = format!("arn:aws:lambda:{REGION}:000000000000:function:{function}");
        let integration = self
            .client
            .create_integration()
            .api_id(self.id)
            .integration_type(IntegrationType::AwsProxy)
            .payload_format_version("2.0")
            .integration_uri(function_arn)
            .send()
            .await?;

        Ok(integration.integration_id.unwrap_or_default())
    }

    /// The id of the template's authorizer, which is made if need be.
    async fn provide_authorizer(&self) -> Result<String> {
        let schemes = self.body.pointer("/components/securitySchemes");
        let mut schemes = schemes.and_then(Value::as_object).into_iter().flatten();
        let (name, scheme) = schemes.next().context("the API has no authorizer")?;
        if let Some(id) = self.find_authorizer(name).await? {
            return Ok(id);
        }

        let authorizer = self
            .client
            .create_authorizer()
            .api_id(self.id)
            .name(name)
            .authorizer_type(AuthorizerType::Jwt)
            .identity_source("$request.header.Authorization")
            .jwt_configuration(self.jwt_configuration(scheme)?)
            .send()
            .await?;

        Ok(authorizer.authorizer_id.unwrap_or_default())
    }

    async fn find_authorizer(&self, name: &str) -> Result<Option<String>> {
        let authorizers = self.client.get_authorizers().api_id(self.id);
        let authorizers = authorizers.send().await?;
        let found = authorizers
            .items()
            .iter()
            .find(|authorizer| authorizer.name() == Some(name));

        Ok(found.and_then(|authorizer| authorizer.authorizer_id.clone()))
    }

    fn jwt_configuration(&self, scheme: &Value) -> Result<JwtConfiguration> {
        let settings = scheme
            .pointer("/x-amazon-apigateway-authorizer/jwtConfiguration")
            .context("the API's authorizer has no JWT settings")?;

        let issuer = settings.pointer("/issuer").context("it has no issuer")?;
        let mut configuration = JwtConfiguration::builder().issuer(self.resolve_text(issuer)?);
        let audience = settings.pointer("/audience").and_then(Value::as_array);
        for entry in audience.into_iter().flatten() {
            configuration = configuration.audience(self.resolve_text(entry)?);
        }

        Ok(configuration.build())
    }

    /// A value of the processed template, which may be a `Ref` or a `Fn::Sub` of resources.
    fn resolve_text(&self, value: &Value) -> Result<String> {
        if let Some(plain) = value.as_str() {
            return Ok(plain.to_owned());
        }

        if let Some(name) = value.get("Ref").and_then(Value::as_str) {
            let physical_name = self.names.get(name).cloned();
            return physical_name.with_context(|| format!("{name} was not deployed"));
        }

        let template = value.get("Fn::Sub").and_then(Value::as_str);
        let template = template.context("neither a text, a Ref nor a Sub")?;
        let mut text = template.replace("${AWS::Region}", REGION);
        for (name, physical_name) in &self.names {
            text = text.replace(&format!("${{{name}}}"), physical_name);
        }

        Ok(text)
    }
}

async fn read_physical_names(aws: &SdkConfig) -> Result<PhysicalNames> {
    let client = aws_sdk_cloudformation::Client::new(aws);
    let described = client
        .describe_stack_resources()
        .stack_name(NAME)
        .send()
        .await?;

    let as_pair = |resource: &StackResource| {
        let logical_name = resource.logical_resource_id()?;
        let physical_name = resource.physical_resource_id()?;
        Some((logical_name.to_owned(), physical_name.to_owned()))
    };

    let resources = described.stack_resources().iter();
    Ok(resources.filter_map(as_pair).collect())
}

/// The `OpenAPI` document of the template's HTTP API, as SAM made it.
async fn read_api_body(aws: &SdkConfig) -> Result<Value> {
    let client = aws_sdk_cloudformation::Client::new(aws);
    let template = client
        .get_template()
        .stack_name(NAME)
        .template_stage(TemplateStage::Processed)
        .send()
        .await?;

    let template: Value = serde_json::from_str(template.template_body().unwrap_or_default())?;
    let resources = template.get("Resources").and_then(Value::as_object);
    let resources = resources.context("the template has no resources")?;
    let is_api = |resource: &&Value| {
        let kind = resource.get("Type").and_then(Value::as_str);
        // The WebSocket API has routes of its own, and no body.
        kind == Some("AWS::ApiGatewayV2::Api") && resource.pointer("/Properties/Body").is_some()
    };

    let api = resources
        .values()
        .find(is_api)
        .context("the template has no HTTP API")?;

    let body = api.pointer("/Properties/Body").cloned();
    body.context("the API has no body")
}
