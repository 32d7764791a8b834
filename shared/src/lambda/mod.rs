//! Runs functions: one binary holds all of them, and each deployed function runs one.
//!
//! Lambda passes the `Handler:` of a function's template to the binary as `_HANDLER`, and [`run`]
//! makes and serves the function of that name alone. Where no handler is named, as under `cargo
//! lambda watch`, [`run`] serves all functions: each event finds its own by [`router`], and each
//! function is made when its first event comes.
//!
//! | trigger | trait | of an event |
//! |---|---|---|
//! | an HTTP route | [`Endpoint`] | method and path |
//! | a route of the WebSocket API | [`SocketEndpoint`] | the route's key |
//! | a queue | [`QueueConsumer`] | the queue's ARN |
//! | a schedule | [`Schedule`] | the schedule's ARN |
//! | lines of log groups | [`LogSubscriber`] | `awslogs` |
//! | a deployment | [`CustomResource`] | `ResponseURL` |

mod custom_resource;
mod log_subscriber;
mod queue_consumer;
mod records;
mod router;
mod schedule;
mod socket_endpoint;
mod socket_guard;

use std::cell::Cell;
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{LocalBoxFuture, try_join_all};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use lambda_http::request::LambdaRequest;
use lambda_runtime::{Context, FunctionResponse, LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};
use tracing::Instrument;

use crate::config::{self, ConfigError};
use crate::fleet_metrics::Flusher;
use crate::http::{Endpoint, Outgoing, Protocol, Route};
use crate::setup::Setup;
use crate::telemetry::trace::{self, TraceParent};
use crate::telemetry::{self, catalogue, metrics, span_lines};
pub use custom_resource::{CustomResource, Resource};
pub use log_subscriber::LogSubscriber;
pub use queue_consumer::QueueConsumer;
pub use records::{ProcessedRecord, process_each};
pub use router::{UnknownEvent, find_function};
pub use schedule::Schedule;
pub use socket_endpoint::{SocketAnswer, SocketCall, SocketEndpoint};
pub use socket_guard::SocketGuard;

/// Events that are served at once where all functions share a process: a long poll of one must not
/// hold up the others. On Lambda an execution environment gets one event at a time.
const SHARED_PROCESS_CONCURRENCY: usize = 8;

/// One function of the registry.
pub struct Function {
    name: &'static str,
    trigger: Trigger,
    make: MakeFunction,
}

/// Makes the function of this name from the environment.
type MakeFunction =
    fn(&'static str) -> LocalBoxFuture<'static, Result<Box<dyn Invoke>, ConfigError>>;

/// What makes a function run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Calls of a route.
    Http {
        /// The method and the path's template, such as `GET /v1/jobs/{id}`.
        route: &'static str,
        /// Whether it needs no token.
        is_public: bool,
    },
    /// Events of a WebSocket API's connections.
    Socket {
        /// The route's key: `$connect`, `$disconnect` or `$default`.
        route: &'static str,
    },
    /// Messages of a queue, by its logical name in the template.
    Queue {
        /// The queue's logical name.
        queue: &'static str,
        /// The function's `Timeout` in the template.
        timeout: Duration,
    },
    /// A schedule.
    Schedule {
        /// The function's `Timeout` in the template.
        timeout: Duration,
    },
    /// Lines of log groups.
    Logs {
        /// The function's `Timeout` in the template.
        timeout: Duration,
    },
    /// A deployment.
    Deployment {
        /// The function's `Timeout` in the template.
        timeout: Duration,
    },
}

impl Function {
    /// The function called `name`, which serves a route.
    pub const fn endpoint<P: Protocol, E: Endpoint<P>>(name: &'static str) -> Self {
        let (route, is_public) = (E::ROUTE, P::IS_PUBLIC);
        Self {
            name,
            trigger: Trigger::Http { route, is_public },
            make: |name| {
                Box::pin(async move {
                    let setup = Setup::new(E::LIMITS);
                    let route = Route::<P, E>::from_env(&setup).await?;
                    // A route that asks no service does not begin with it for its own counts.
                    let sums = !P::IS_PUBLIC || setup.uses_valkey();
                    let flusher = if sums {
                        Some(Flusher::from_env(&setup)?)
                    } else {
                        None
                    };
                    Ok(metered(name, route, flusher))
                })
            },
        }
    }

    /// The function called `name`, which serves a route of the WebSocket API.
    pub const fn socket_endpoint<E: SocketEndpoint>(name: &'static str) -> Self {
        let route = E::ROUTE;
        Self {
            name,
            trigger: Trigger::Socket { route },
            make: |name| {
                Box::pin(async move {
                    let setup = Setup::new(E::LIMITS);
                    let endpoint = E::from_env(&setup).await?;
                    let flusher = Flusher::from_env(&setup)?;
                    Ok(metered(
                        name,
                        socket_endpoint::SocketRoute(endpoint),
                        Some(flusher),
                    ))
                })
            },
        }
    }

    /// The function called `name`, which consumes a queue.
    pub const fn queue_consumer<C: QueueConsumer>(name: &'static str) -> Self {
        let (queue, timeout) = (C::QUEUE, C::TIMEOUT);
        Self {
            name,
            trigger: Trigger::Queue { queue, timeout },
            make: |name| {
                Box::pin(async move {
                    let setup = Setup::new(&[]);
                    let consumer = C::from_env(&setup).await?;
                    let flusher = Flusher::from_env(&setup)?;
                    Ok(metered(
                        name,
                        queue_consumer::Consumer(consumer),
                        Some(flusher),
                    ))
                })
            },
        }
    }

    /// The function called `name`, which runs by a schedule.
    pub const fn schedule<S: Schedule>(name: &'static str) -> Self {
        let timeout = S::TIMEOUT;
        Self {
            name,
            trigger: Trigger::Schedule { timeout },
            make: |name| {
                Box::pin(async move {
                    let setup = Setup::new(&[]);
                    let schedule = S::from_env(&setup).await?;
                    let flusher = Flusher::from_env(&setup)?;
                    let scheduled = schedule::Scheduled { name, schedule };
                    Ok(metered(name, scheduled, Some(flusher)))
                })
            },
        }
    }

    /// The function called `name`, to which lines of log groups are handed.
    pub const fn log_subscriber<S: LogSubscriber>(name: &'static str) -> Self {
        let timeout = S::TIMEOUT;
        Self {
            name,
            trigger: Trigger::Logs { timeout },
            make: |name| {
                Box::pin(async move {
                    let setup = Setup::new(&[]);
                    let subscriber = S::from_env(&setup).await?;
                    let flusher = Flusher::from_env(&setup)?;
                    let subscriber = log_subscriber::Subscriber(subscriber);
                    Ok(metered(name, subscriber, Some(flusher)))
                })
            },
        }
    }

    /// The function called `name`, which `CloudFormation` calls when it deploys.
    pub const fn custom_resource<R: CustomResource>(name: &'static str) -> Self {
        let timeout = R::TIMEOUT;
        Self {
            name,
            trigger: Trigger::Deployment { timeout },
            make: |name| {
                Box::pin(async move {
                    let resource = R::from_env(&Setup::new(&[])).await?;
                    let provider = custom_resource::Provider { name, resource };
                    // A deployment needs no Valkey, so what is counted here stays in the log.
                    Ok(metered(name, provider, None))
                })
            },
        }
    }

    /// The name that the template's `Handler:` gives.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What makes it run.
    pub const fn trigger(&self) -> Trigger {
        self.trigger
    }
}

/// The function, which at the end of an invocation brings what it has counted to the fleet's sums.
fn metered(
    name: &'static str,
    function: impl Invoke + 'static,
    flusher: Option<Flusher>,
) -> Box<dyn Invoke> {
    metrics::increment(&catalogue::COLD_STARTS, &[("function", name)]);
    Box::new(Metered { function, flusher })
}

struct Metered<I> {
    function: I,
    flusher: Option<Flusher>,
}

impl<I: Invoke> Invoke for Metered<I> {
    fn invoke<'a>(
        &'a self,
        event: &'a RawValue,
        context: &'a Context,
    ) -> LocalBoxFuture<'a, Result<Answer, lambda_runtime::Error>> {
        Box::pin(async {
            let answer = self.function.invoke(event, context).await;
            // What is streamed has just begun.
            if !matches!(answer, Ok(FunctionResponse::StreamingResponse(_))) {
                span_lines::flush();
            }
            if let Some(flusher) = &self.flusher {
                flusher.flush_if_due(context.deadline()).await;
            }
            answer
        })
    }
}

/// An answer in one piece, or a stream.
type Answer =
    FunctionResponse<Box<RawValue>, BoxStream<'static, Result<Bytes, lambda_runtime::Error>>>;

/// A function that was made and waits for events. The event is JSON as Lambda sends it.
trait Invoke {
    fn invoke<'a>(
        &'a self,
        event: &'a RawValue,
        context: &'a Context,
    ) -> LocalBoxFuture<'a, Result<Answer, lambda_runtime::Error>>;
}

/// Serves the function that `_HANDLER` names, or all of `functions` if it names none, until the
/// execution environment ends. Called once, first thing in `main`.
pub async fn run(functions: &'static [Function]) -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let Some(handler) = config::handler_name() else {
        return serve_all(functions).await;
    };

    let function = match make_function(&handler, functions).await {
        Ok(function) => function,
        Err(error) => {
            tracing::error!(function = handler, error = %error, "the function cannot start");
            return Err(error.into());
        }
    };

    serve(|event| {
        let function = &function;
        async move { function.invoke(&event.payload, &event.context).await }
    })
    .await
}

async fn make_function(
    handler: &str,
    functions: &'static [Function],
) -> Result<Box<dyn Invoke>, ConfigError> {
    let mut candidates = functions.iter();
    let function = candidates.find(|function| function.name == handler);
    let function = function.ok_or_else(|| unknown_handler(handler, functions))?;
    (function.make)(function.name).await
}

fn unknown_handler(handler: &str, functions: &[Function]) -> ConfigError {
    let names: Vec<_> = functions.iter().map(Function::name).collect();
    let problem = format!("{handler} is no function; there are {}", names.join(", "));
    ConfigError::new("_HANDLER", problem)
}

/// Serves all functions in one process.
async fn serve_all(functions: &'static [Function]) -> Result<(), lambda_runtime::Error> {
    tracing::info!("no _HANDLER is set, so this process serves all functions");
    let router = &router::Router::new(functions);
    let serve_one = |_| {
        serve_on(move |event| async move {
            let function = router.function_of(&event.payload).await?;
            function.invoke(&event.payload, &event.context).await
        })
    };

    try_join_all((0..SHARED_PROCESS_CONCURRENCY).map(serve_one)).await?;
    Ok(())
}

/// Serves like [`serve`], and goes on after an answer that could not be sent: `cargo lambda watch`
/// closes the connection when a client has left before its stream began, the runtime ends with that
/// error, and nothing would start the process again. A runtime that has had no event ends for good:
/// the emulator is gone.
async fn serve_on<F, Handled>(handle: F) -> Result<(), lambda_runtime::Error>
where
    F: Fn(LambdaEvent<Box<RawValue>>) -> Handled,
    Handled: Future<Output = Result<Answer, lambda_runtime::Error>>,
{
    loop {
        let has_served = Cell::new(false);
        let served = serve(|event| {
            has_served.set(true);
            handle(event)
        });

        match served.await {
            Err(error) if has_served.get() => {
                tracing::warn!(error = %error, "an answer could not be sent; serving goes on");
            }
            ended => return ended,
        }
    }
}

/// Takes one event after the other and gives each to `handle`.
async fn serve<F, Handled>(handle: F) -> Result<(), lambda_runtime::Error>
where
    F: Fn(LambdaEvent<Box<RawValue>>) -> Handled,
    Handled: Future<Output = Result<Answer, lambda_runtime::Error>>,
{
    lambda_runtime::run(service_fn(handle)).await
}

impl<P: Protocol, E: Endpoint<P>> Invoke for Route<P, E> {
    fn invoke<'a>(
        &'a self,
        event: &'a RawValue,
        context: &'a Context,
    ) -> LocalBoxFuture<'a, Result<Answer, lambda_runtime::Error>> {
        let span = call_span(E::ROUTE, context);
        let work = async {
            let request = read_request(event)?;
            // On the heap: the type of a call is too deep for the compiler otherwise.
            let answer = Box::pin(self.answer(request.into(), context));
            match answer.await {
                Outgoing::Buffered(response) => buffered(&response),
                Outgoing::Streamed(mut answer) => {
                    answer.stream = TracedStream(Some(answer.stream)).boxed();
                    Ok(FunctionResponse::StreamingResponse(answer))
                }
            }
        };

        Box::pin(work.instrument(span))
    }
}

type Chunk = Result<Bytes, lambda_runtime::Error>;

/// A stream whose call ends with it, also if the client leaves: its spans are written then.
struct TracedStream(Option<BoxStream<'static, Chunk>>);

impl Stream for TracedStream {
    type Item = Chunk;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Option<Chunk>> {
        match &mut self.0 {
            Some(stream) => stream.poll_next_unpin(context),
            None => Poll::Ready(None),
        }
    }
}

impl Drop for TracedStream {
    fn drop(&mut self) {
        drop(self.0.take());
        span_lines::flush();
    }
}

/// The span of one call of a route.
fn call_span(route: &'static str, context: &Context) -> tracing::Span {
    let span = tracing::info_span!(
        "call",
        route,
        request_id = context.request_id,
        trace_id = tracing::field::Empty,
        tenant = tracing::field::Empty,
        tier = tracing::field::Empty
    );
    trace::begin_call(span, trace_parent(context))
}

/// The trace that Lambda has begun for the event.
fn trace_parent(context: &Context) -> Option<TraceParent> {
    let header = context.xray_trace_id.as_deref();
    header.and_then(TraceParent::from_xray)
}

/// The request of a call. Almost all come through the HTTP API, so its form is tried first, where
/// `LambdaRequest` itself would try a REST API's before.
fn read_request(event: &RawValue) -> Result<LambdaRequest, lambda_runtime::Error> {
    match serde_json::from_str(event.get()) {
        Ok(request) => Ok(LambdaRequest::ApiGatewayV2(request)),
        Err(_not_its_form) => read(event).map(LambdaRequest::ApiGatewayV1),
    }
}

/// The event as a `T`. The error does not repeat what it could not read.
fn read<T: DeserializeOwned>(event: &RawValue) -> Result<T, lambda_runtime::Error> {
    serde_json::from_str(event.get()).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        format!("the event is not one of this function's: {place}").into()
    })
}

fn buffered(response: &impl Serialize) -> Result<Answer, lambda_runtime::Error> {
    Ok(FunctionResponse::BufferedResponse(to_raw_value(response)?))
}
