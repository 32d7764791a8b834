//! What every HTTP route shares: a call that is authenticated, bounded in time and size, and answered even when the
//! handler fails or panics.
//!
//! A function's `main` is [`serve`] with its handler; the handler sees a [`Call`] and answers with a [`Response`] or an
//! [`Error`]. Routes that speak `OpenAI`'s protocol are served by [`openai::serve`], and those that anybody may call by
//! [`serve_public`].

pub mod auth;
mod body;
mod compress;
mod edge;
mod jwks;
pub mod openai;
mod problem;
pub mod reply;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use http::HeaderMap;
pub use lambda_http::Request;
use lambda_http::{Body, RequestExt, service_fn};
use tracing::Instrument;
use uuid::Uuid;

use crate::cache::{Looked, Plan};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind, error_chain};
use crate::identity::Caller;
use crate::limits::{Decision, Mode};
use crate::page::{Cursor, Page};
use edge::Admitted;
pub use edge::Edge;

/// What a handler answers.
pub type Response = lambda_http::Response<Body>;

/// API Gateway ends a call at 30 s; an answer after 28 s might not arrive.
const LONGEST_CALL: Duration = Duration::from_secs(28);

/// Kept from the invocation's time for writing the answer.
const RESERVE: Duration = Duration::from_millis(500);

/// One authenticated call of a route.
pub struct Call {
    /// Who calls.
    pub caller: Caller,
    /// Until when an answer is of use.
    pub deadline: Deadline,
    /// Who counted the call.
    pub counted_by: Mode,
    /// What the cache was asked with the limits, on a route that [`Prefetch`]es.
    pub looked: Option<Looked>,
    request: Request,
}

impl Call {
    /// A call of somebody who was authenticated before.
    pub fn new(caller: Caller, deadline: Deadline, request: Request) -> Self {
        Self {
            caller,
            deadline,
            counted_by: Mode::Open,
            looked: None,
            request,
        }
    }

    /// A parameter of the path that is an id. Anything else cannot exist, so it is the same 404.
    pub fn path_id(&self, name: &str, what: &'static str) -> Result<Uuid, Error> {
        let parameters = self.request.path_parameters();
        parameters
            .first(name)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| Error::not_found(what))
    }

    /// A parameter of the query, the first if it stands there twice.
    pub fn query(&self, name: &str) -> Option<String> {
        self.request
            .query_string_parameters()
            .first(name)
            .map(str::to_owned)
    }

    /// The part of a list that is asked for.
    pub fn page<C: Cursor>(&self) -> Result<Page<C>, Error> {
        Page::parse(
            self.query("limit").as_deref(),
            self.query("cursor").as_deref(),
        )
    }

    /// The request's headers.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// A header that is made of visible characters, if it is there; another one counts as empty text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    }

    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        self.request.body()
    }

    /// The body as a valid `T`; see [`crate::error::ErrorKind`] for what it may be refused with.
    pub fn json<T>(&self) -> Result<T, Error>
    where
        T: serde::de::DeserializeOwned + garde::Validate<Context = ()>,
    {
        body::json(self.request.headers(), self.request.body(), body::LARGEST)
    }

    /// The same for a route that takes many things at once: a body of up to a megabyte.
    pub fn large_json<T>(&self) -> Result<T, Error>
    where
        T: serde::de::DeserializeOwned + garde::Validate<Context = ()>,
    {
        body::json(
            self.request.headers(),
            self.request.body(),
            body::LARGEST_BULK,
        )
    }

    /// A parameter of the path as it is.
    pub fn path(&self, name: &str) -> Option<String> {
        path_parameter(&self.request, name)
    }
}

/// A parameter of a request's path.
pub fn path_parameter(request: &Request, name: &str) -> Option<String> {
    request.path_parameters().first(name).map(str::to_owned)
}

/// A route that knows from the request alone what it will ask of the cache: that is then asked together with the limits, in one
/// round trip.
pub trait Prefetch {
    /// What to ask.
    fn plan(&self, caller: &Caller, request: &Request) -> Option<Plan>;
}

/// Answers the calls of one route until the environment ends. `route` is the template of the path, such as
/// `GET /v1/consultations/{id}`: what logs and metrics call it, whatever the raw path is.
pub async fn serve<App, Handler, Answer>(
    route: &'static str,
    edge: Edge,
    app: App,
    handler: Handler,
) -> Result<(), lambda_http::Error>
where
    App: Send + Sync + 'static,
    Handler: Fn(Arc<App>, Call) -> Answer + Send + Sync,
    Answer: Future<Output = Result<Response, Error>> + Send,
{
    serve_with(route, edge, app, |_, _, _| None, handler).await
}

/// The same for a route that [`Prefetch`]es.
pub async fn serve_prefetching<App, Handler, Answer>(
    route: &'static str,
    edge: Edge,
    app: App,
    handler: Handler,
) -> Result<(), lambda_http::Error>
where
    App: Prefetch + Send + Sync + 'static,
    Handler: Fn(Arc<App>, Call) -> Answer + Send + Sync,
    Answer: Future<Output = Result<Response, Error>> + Send,
{
    serve_with(route, edge, app, App::plan, handler).await
}

async fn serve_with<App, Planner, Handler, Answer>(
    route: &'static str,
    edge: Edge,
    app: App,
    plan: Planner,
    handler: Handler,
) -> Result<(), lambda_http::Error>
where
    App: Send + Sync + 'static,
    Planner: Fn(&App, &Caller, &Request) -> Option<Plan> + Send + Sync,
    Handler: Fn(Arc<App>, Call) -> Answer + Send + Sync,
    Answer: Future<Output = Result<Response, Error>> + Send,
{
    let app = Arc::new(app);
    let (edge, plan, handler) = (&edge, &plan, &handler);
    lambda_http::run(service_fn(move |request: Request| {
        let app = Arc::clone(&app);
        let context = request.lambda_context();
        let deadline = Deadline::of_invocation(context.deadline(), RESERVE, LONGEST_CALL);
        let span = span(route, &context.request_id);
        async move {
            let started = Instant::now();
            let encoding = compress::wanted(request.headers());
            let plan = |caller: &Caller| plan(&app, caller, &request);
            let admitted = edge.admit(&request, plan, deadline).await;
            let (answer, decision) =
                answer(admitted, deadline, request, |call| handler(app, call)).await;
            let mut response = finish(answer, &context.request_id, started);
            edge::tell(&decision, response.headers_mut());
            compress::apply(encoding, &mut response);
            Ok::<_, std::convert::Infallible>(response)
        }
        .instrument(span)
    }))
    .await
}

/// Answers the calls of a route that anybody may make, with or without a token. The handler gets no [`Call`], since nobody
/// is authenticated, only the time it has.
pub async fn serve_public<App, Handler, Answer>(
    route: &'static str,
    app: App,
    handler: Handler,
) -> Result<(), lambda_http::Error>
where
    App: Send + Sync + 'static,
    Handler: Fn(Arc<App>, Deadline) -> Answer + Send + Sync,
    Answer: Future<Output = Result<Response, Error>> + Send,
{
    let app = Arc::new(app);
    let handler = &handler;
    lambda_http::run(service_fn(move |request: Request| {
        let app = Arc::clone(&app);
        let context = request.lambda_context();
        let deadline = Deadline::of_invocation(context.deadline(), RESERVE, LONGEST_CALL);
        let span = span(route, &context.request_id);
        async move {
            let started = Instant::now();
            let answer = bounded(deadline, handler(app, deadline)).await;
            Ok::<_, std::convert::Infallible>(finish(answer, &context.request_id, started))
        }
        .instrument(span)
    }))
    .await
}

fn span(route: &'static str, request_id: &str) -> tracing::Span {
    tracing::info_span!("call", route, request_id, tenant = tracing::field::Empty)
}

/// Runs the handler for a call that was let in, within the deadline; a panic becomes an error.
async fn answer<Answer, T, E>(
    admitted: Admitted,
    deadline: Deadline,
    request: Request,
    handler: impl FnOnce(Call) -> Answer,
) -> (Result<T, E>, Decision)
where
    Answer: Future<Output = Result<T, E>>,
    E: From<Error>,
{
    let Admitted {
        caller,
        looked,
        decision,
    } = admitted;
    let counted_by = decision.mode();
    let work = async {
        let caller = caller?;
        tracing::Span::current().record("tenant", caller.tenant.as_str());
        handler(Call {
            counted_by,
            looked,
            ..Call::new(caller, deadline, request)
        })
        .await
    };
    (bounded(deadline, work).await, decision)
}

/// Runs work within the deadline; a panic becomes an error.
async fn bounded<T, E: From<Error>>(
    deadline: Deadline,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match deadline.run(AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_panic)) => Err(Error::internal("the handler panicked").into()),
        Err(elapsed) => {
            let late = Error::new(
                ErrorKind::TimedOut,
                "It took too long to answer. Please try again.",
            );
            Err(late.with_source(elapsed).into())
        }
    }
}

/// Writes the one log line of the call and turns an error into its problem document.
fn finish(answer: Result<Response, Error>, request_id: &str, started: Instant) -> Response {
    let mut response = match answer {
        Ok(response) => {
            log_answer(response.status().as_u16(), started);
            response
        }
        Err(error) => {
            let (status, problem) = (error.kind().status(), error.kind().slug());
            log_error(status, problem, &error_chain(&error), started);
            problem::response(&error, request_id)
        }
    };
    if let Ok(value) = request_id.parse() {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

fn log_answer(status: u16, started: Instant) {
    tracing::info!(status, duration_ms = millis(started), "answered");
}

fn log_error(status: u16, problem: &str, causes: &str, started: Instant) {
    let duration_ms = millis(started);
    if status >= 500 {
        tracing::error!(status, problem, duration_ms, causes, "failed");
    } else {
        tracing::info!(status, problem, duration_ms, causes, "refused");
    }
}

fn millis(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
