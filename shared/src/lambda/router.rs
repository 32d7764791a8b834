//! Finds an event's function, where one process serves all of them.

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::OnceCell;

use super::{Function, Invoke, Trigger};
use crate::config::ConfigError;

/// All functions, each made when its first event comes.
pub(super) struct Router {
    functions: Vec<(&'static Function, OnceCell<Box<dyn Invoke>>)>,
}

/// No function takes the event.
#[derive(Debug, thiserror::Error)]
#[error("no function takes this event: {0}")]
pub(super) struct UnknownEvent(String);

/// What of an event tells its function. An event has one of the three.
#[derive(Default, Deserialize)]
#[serde(default)]
struct EventShape {
    #[serde(rename = "requestContext")]
    request_context: Option<RequestContext>,
    #[serde(rename = "rawPath")]
    raw_path: String,
    #[serde(rename = "Records")]
    records: Vec<Record>,
    resources: Vec<String>,
}

#[derive(Deserialize)]
struct RequestContext {
    http: RequestLine,
}

#[derive(Deserialize)]
struct RequestLine {
    method: String,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "eventSourceARN")]
    source: String,
}

impl Router {
    pub(super) fn new(functions: &'static [Function]) -> Self {
        let cells = functions.iter().map(|function| (function, OnceCell::new()));
        Self {
            functions: cells.collect(),
        }
    }

    /// The event's function, made if this is its first event.
    pub(super) async fn function_of(
        &self,
        event: &RawValue,
    ) -> Result<&dyn Invoke, lambda_runtime::Error> {
        let shape: EventShape = serde_json::from_str(event.get()).unwrap_or_default();
        let functions = self.functions.iter().map(|(function, _)| *function);
        let name = function_name(functions, &shape)?;

        let found = self.functions.iter().find(|(it, _)| it.name == name);
        let (function, cell) = found.ok_or_else(|| UnknownEvent(name.to_owned()))?;
        let made: Result<_, ConfigError> = cell.get_or_try_init(function.make).await;
        Ok(made?.as_ref())
    }
}

/// The name of the function that takes an event of this shape.
fn function_name(
    functions: impl Iterator<Item = &'static Function>,
    shape: &EventShape,
) -> Result<&'static str, UnknownEvent> {
    if let Some(context) = &shape.request_context {
        let (method, path) = (context.http.method.as_str(), shape.raw_path.as_str());
        // `/v1/users/import` is a route, and also fits `/v1/users/{id}`: fewer parameters win.
        return functions
            .filter_map(|function| Some((parameters(function, method, path)?, function.name)))
            .min()
            .map(|(_, name)| name)
            .ok_or_else(|| UnknownEvent(format!("{method} to an unknown path")));
    }

    let source = shape.records.first().map(|record| &record.source);
    let source = source.or(shape.resources.first());
    let source = source.ok_or_else(|| UnknownEvent("it has no source".to_owned()))?;
    functions
        .filter(|function| is_source(function, source))
        .map(Function::name)
        .next()
        .ok_or_else(|| UnknownEvent(source.clone()))
}

/// How many path parameters the function's route has, if it is the route of this call.
fn parameters(function: &Function, method: &str, path: &str) -> Option<usize> {
    let Trigger::Http(route) = function.trigger else {
        return None;
    };
    let template = route.strip_prefix(method)?.strip_prefix(' ')?;
    if template.split('/').count() != path.split('/').count() {
        return None;
    }

    let mut parameters = 0;
    for (expected, actual) in template.split('/').zip(path.split('/')) {
        match expected.starts_with('{') {
            true => parameters += 1,
            false if expected == actual => {}
            false => return None,
        }
    }
    Some(parameters)
}

/// Whether the function is triggered by the resource of this ARN, such as
/// `…:wenzhen-JobsQueue` or `…/wenzhen-SweepOutboxEveryMinute`.
fn is_source(function: &Function, arn: &str) -> bool {
    match function.trigger {
        Trigger::Http(_) => false,
        Trigger::Queue { queue, .. } => arn.contains(queue),
        Trigger::Schedule { .. } => arn.contains(&logical_name(function.name)),
    }
}

/// The function's logical name in the template: `SweepOutbox` for `sweep-outbox`.
fn logical_name(name: &str) -> String {
    let capitalized = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(capitalized).collect()
}
