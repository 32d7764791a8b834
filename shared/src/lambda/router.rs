//! Finds an event's function, where one process serves all of them.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use tokio::sync::OnceCell;

use super::{Function, Invoke, Trigger};
use crate::config::ConfigError;

/// All functions, each made when its first event comes.
pub(super) struct Router {
    registry: &'static [Function],
    made: Vec<OnceCell<Box<dyn Invoke>>>,
}

/// No function takes the event.
#[derive(Debug, thiserror::Error)]
#[error("no function takes this event: {0}")]
pub struct UnknownEvent(String);

/// What of an event tells its function. An event has one of the five.
#[derive(Default, Deserialize)]
#[serde(default)]
struct EventShape {
    #[serde(rename = "requestContext")]
    request_context: Option<RequestContext>,
    #[serde(rename = "rawPath")]
    raw_path: String,
    path: String,
    #[serde(rename = "Records")]
    records: Vec<Record>,
    resources: Vec<String>,
    #[serde(rename = "awslogs")]
    logs: Option<IgnoredAny>,
    #[serde(rename = "ResponseURL")]
    report_url: Option<IgnoredAny>,
}

/// That of an HTTP API has `http`, that of a REST API `httpMethod`, and that of a WebSocket API
/// `routeKey` alone.
#[derive(Deserialize)]
struct RequestContext {
    http: Option<RequestLine>,
    #[serde(rename = "httpMethod")]
    http_method: Option<String>,
    #[serde(rename = "routeKey", default)]
    route_key: String,
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
    pub(super) fn new(registry: &'static [Function]) -> Self {
        let made = registry.iter().map(|_| OnceCell::new()).collect();
        Self { registry, made }
    }

    /// The event's function, made if this is its first event.
    pub(super) async fn function_of(
        &self,
        event: &RawValue,
    ) -> Result<&dyn Invoke, lambda_runtime::Error> {
        let wanted = find_function(self.registry, event.get())?;
        let position = self.registry.iter().position(|it| it.name == wanted.name);
        let cell = position.and_then(|position| self.made.get(position));
        let cell = cell.ok_or_else(|| UnknownEvent(wanted.name.to_owned()))?;

        let function: Result<_, ConfigError> =
            cell.get_or_try_init(|| (wanted.make)(wanted.name)).await;
        Ok(function?.as_ref())
    }
}

/// The function that takes this event: a call of its route, a message of its queue, an event of its
/// schedule, or lines of log groups.
pub fn find_function<'a>(
    functions: &'a [Function],
    event: &str,
) -> Result<&'a Function, UnknownEvent> {
    let shape: EventShape = serde_json::from_str(event).unwrap_or_default();
    if let Some(context) = &shape.request_context {
        let (method, path) = match (&context.http, &context.http_method) {
            (Some(line), _) => (line.method.as_str(), shape.raw_path.as_str()),
            (None, Some(method)) => (method.as_str(), shape.path.as_str()),
            (None, None) => return find_socket_route(functions, &context.route_key),
        };
        return find_route(functions, method, path);
    }

    if shape.logs.is_some() {
        let is_it = |function: &&Function| matches!(function.trigger, Trigger::Logs { .. });
        let unknown = || UnknownEvent("lines of a log group".to_owned());
        return functions.iter().find(is_it).ok_or_else(unknown);
    }

    if shape.report_url.is_some() {
        let is_it = |function: &&Function| matches!(function.trigger, Trigger::Deployment { .. });
        let unknown = || UnknownEvent("a request of a deployment".to_owned());
        return functions.iter().find(is_it).ok_or_else(unknown);
    }

    let queue = shape.records.first().map(|record| &record.source);
    let source = queue.or(shape.resources.first());
    let source = source.ok_or_else(|| UnknownEvent("it has no source".to_owned()))?;
    let mut functions = functions.iter();
    let found = functions.find(|function| is_triggered_by(function, source));
    found.ok_or_else(|| UnknownEvent(source.clone()))
}

fn find_route<'a>(
    functions: &'a [Function],
    method: &str,
    path: &str,
) -> Result<&'a Function, UnknownEvent> {
    // `/v1/users/import` is a route, and also fits `/v1/users/{id}`: fewer parameters win.
    let fitting = functions.iter().filter_map(|function| {
        let parameters = count_parameters(function, method, path)?;
        Some((parameters, function))
    });
    let best = fitting.min_by_key(|(parameters, _)| *parameters);
    let unknown = || UnknownEvent(format!("{method} to an unknown path"));
    best.map(|(_, function)| function).ok_or_else(unknown)
}

fn find_socket_route<'a>(
    functions: &'a [Function],
    key: &str,
) -> Result<&'a Function, UnknownEvent> {
    let is_it = |function: &&Function| match function.trigger {
        Trigger::Socket { route } => route == key,
        _ => false,
    };
    let unknown = || UnknownEvent("a route of another WebSocket API".to_owned());
    functions.iter().find(is_it).ok_or_else(unknown)
}

/// How many path parameters the function's route has, if it is the route of this call.
fn count_parameters(function: &Function, method: &str, path: &str) -> Option<usize> {
    let Trigger::Http { route, .. } = function.trigger else {
        return None;
    };
    let template = route.strip_prefix(method)?.strip_prefix(' ')?;
    if template.split('/').count() != path.split('/').count() {
        return None;
    }

    let mut parameters = 0;
    for (expected, actual) in template.split('/').zip(path.split('/')) {
        if expected.starts_with('{') {
            parameters += 1;
        } else if expected != actual {
            return None;
        }
    }
    Some(parameters)
}

/// Whether the function is triggered by the resource of this ARN, such as
/// `…:wenzhen-JobsQueue` or `…/wenzhen-SweepOutboxEveryMinute`.
fn is_triggered_by(function: &Function, arn: &str) -> bool {
    match function.trigger {
        Trigger::Http { .. }
        | Trigger::Socket { .. }
        | Trigger::Logs { .. }
        | Trigger::Deployment { .. } => false,
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
