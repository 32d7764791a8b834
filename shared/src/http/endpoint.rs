//! A route as a type: what it serves, what it is made from, and how it answers.
//!
//! ```
//! use wenzhen::config::ConfigError;
//! use wenzhen::error::Error;
//! use wenzhen::http::{Call, Endpoint, Response, reply};
//! use wenzhen::setup::Setup;
//!
//! struct GetGreeting;
//!
//! impl Endpoint for GetGreeting {
//!     const ROUTE: &'static str = "GET /v1/greeting";
//!
//!     async fn from_env(_: &Setup) -> Result<Self, ConfigError> {
//!         Ok(Self)
//!     }
//!
//!     async fn handle(&self, call: Call) -> Result<Response, Error> {
//!         reply::ok(&format!("Hello, {}", call.caller.user.as_str()))
//!     }
//! }
//! ```

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt;
use lambda_http::Request;

use super::accept_encoding::AcceptedEncoding;
use super::call::Call;
use super::guard::{Admitted, ChargeRule, RequestGuard, write_rate_limit_headers};
use super::origin::Origin;
use super::outgoing::Outgoing;
use super::{Response, compress, finish, millis, note_status};
use crate::cache::PrefetchPlan;
use crate::config::ConfigError;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::identity::Caller;
use crate::limits::{self, Decision, Limit};
use crate::setup::Setup;
use crate::telemetry::{catalogue, metrics};

/// Kept from the invocation's time for writing the answer.
const ANSWER_RESERVE: Duration = Duration::from_millis(500);

/// One route. The protocol decides what a call and an answer are: [`Json`] unless it says
/// otherwise.
pub trait Endpoint<P: Protocol = Json>: Sized + 'static {
    /// The method and the template of the path, such as `GET /v1/consultations/{id}`. Logs and
    /// metrics name the route so, and never by the raw path.
    const ROUTE: &'static str;

    /// The limits that the route declares.
    const LIMITS: &'static [Limit] = limits::DEFAULT;

    /// A limit that is charged by the body instead of by the call.
    const CHARGE: Option<ChargeRule> = None;

    /// Makes the endpoint, once for each execution environment. It asks `setup` only for what it
    /// uses, and waits for no service but Secrets Manager, where the settings themselves are there.
    fn from_env(setup: &Setup) -> impl Future<Output = Result<Self, ConfigError>>;

    /// The cache entry that the request will need, if the request alone tells: it is then read in
    /// the limiter's round trip.
    fn prefetch(&self, _caller: &Caller, _request: &Request) -> Option<PrefetchPlan> {
        None
    }

    /// Answers one call.
    fn handle(&self, call: P::Call) -> impl Future<Output = Result<P::Answer, P::Error>>;
}

/// What a call, an answer and an error are for a kind of route.
pub trait Protocol: Sized + 'static {
    /// Whether any client may call such a route, without a token.
    const IS_PUBLIC: bool = false;

    /// What the handler is given.
    type Call;
    /// What the handler answers.
    type Answer;
    /// What the handler fails with.
    type Error: From<Error>;
    /// What decides whether a call is let in.
    type Guard;

    /// Makes the guard of one route.
    fn guard(
        setup: &Setup,
        charge: Option<ChargeRule>,
    ) -> impl Future<Output = Result<Self::Guard, ConfigError>>;

    /// Answers one call of `route`, also when its handler fails or panics.
    fn answer<E: Endpoint<Self>>(
        route: &Route<Self, E>,
        incoming: Incoming<'_>,
    ) -> impl Future<Output = Outgoing>;
}

/// JSON for authenticated callers, errors as problem documents. The protocol of most routes.
pub struct Json;

/// JSON for any client, with or without a token, and without limits but those that the handler asks
/// for.
pub struct Public;

/// A call of anybody.
pub struct PublicCall {
    /// When the answer has to be there.
    pub deadline: Deadline,
    /// What was sent.
    pub request: Request,
}

/// One call before anything of it was checked.
pub struct Incoming<'a> {
    pub(super) request: Request,
    pub(super) request_id: &'a str,
    pub(super) started: Instant,
    invocation_end: std::time::SystemTime,
}

impl Incoming<'_> {
    pub(super) fn deadline(&self, max_time: Duration) -> Deadline {
        Deadline::of_invocation(self.invocation_end, ANSWER_RESERVE, max_time)
    }
}

/// An endpoint in service: with its guard, for as long as the execution environment lives.
pub struct Route<P: Protocol, E> {
    pub(super) endpoint: E,
    pub(super) guard: P::Guard,
}

impl<P: Protocol, E: Endpoint<P>> Route<P, E> {
    /// Makes the endpoint and its guard from the environment.
    pub async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        let guard = P::guard(setup, E::CHARGE).await?;
        let endpoint = E::from_env(setup).await?;

        Ok(Self { endpoint, guard })
    }

    /// Answers one call, also when the handler fails or panics, and logs it in one line.
    pub async fn answer(&self, request: Request, context: &lambda_runtime::Context) -> Outgoing {
        let incoming = Incoming {
            request,
            request_id: &context.request_id,
            started: Instant::now(),
            invocation_end: context.deadline(),
        };

        let started = incoming.started;
        let outgoing = P::answer(self, incoming).await;
        count_request(E::ROUTE, outgoing.status(), started);
        note_status(outgoing.status());
        outgoing
    }

    /// Lets the call in or not, and runs the handler.
    pub(super) async fn admit_and_handle(
        &self,
        request: Request,
        deadline: Deadline,
    ) -> (Result<P::Answer, P::Error>, Decision)
    where
        P: Protocol<Guard = RequestGuard, Call = Call>,
    {
        let prefetch = |caller: &Caller| self.endpoint.prefetch(caller, &request);
        let admitted = self.guard.admit(&request, prefetch, deadline).await;
        let Admitted {
            caller,
            prefetched,
            decision,
        } = admitted;
        let caller = match caller {
            Ok(caller) => caller,
            Err(refused) => return (Err(refused.into()), decision),
        };
        tracing::Span::current().record("tenant", caller.tenant.pseudonym());

        let call = Call {
            counted_by: decision.mode(),
            prefetched,
            origin: Origin::of_request(&request),
            ..Call::new(caller, deadline, request)
        };
        let answer = run_bounded(deadline, async { self.endpoint.handle(call).await }).await;
        (answer, decision)
    }
}

/// Counts a call by the route's template, never by the raw path.
fn count_request(route: &str, status: u16, started: Instant) {
    let (method, path) = route.split_once(' ').unwrap_or(("", route));
    let status = status.to_string();
    let labels = [("method", method), ("path", path), ("status", &status)];
    metrics::increment(&catalogue::HTTP_REQUESTS, &labels);

    let labels = [("method", method), ("path", path)];
    metrics::observe(&catalogue::HTTP_REQUEST_DURATION, &labels, millis(started));
}

/// Runs a handler within the deadline; a panic becomes an error.
async fn run_bounded<T, E: From<Error>>(
    deadline: Deadline,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match deadline.run(AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_panic)) => Err(Error::internal("the handler panicked").into()),
        Err(elapsed) => {
            let detail = "It took too long to answer. Please try again.";
            let late = Error::new(ErrorKind::TimedOut, detail);
            Err(late.with_source(elapsed).into())
        }
    }
}

impl Protocol for Json {
    type Call = Call;
    type Answer = Response;
    type Error = Error;
    type Guard = RequestGuard;

    async fn guard(setup: &Setup, charge: Option<ChargeRule>) -> Result<RequestGuard, ConfigError> {
        RequestGuard::from_env(setup, charge).await
    }

    async fn answer<E: Endpoint<Self>>(route: &Route<Self, E>, incoming: Incoming<'_>) -> Outgoing {
        let deadline = incoming.deadline(Origin::HttpApi.max_time());
        let accepted = AcceptedEncoding::of_request(incoming.request.headers());
        let (answer, decision) = route.admit_and_handle(incoming.request, deadline).await;

        let mut response = finish(answer, incoming.request_id, incoming.started);
        write_rate_limit_headers(&decision, response.headers_mut());
        compress::apply(accepted, &mut response);
        Outgoing::buffered(response)
    }
}

impl Protocol for Public {
    const IS_PUBLIC: bool = true;

    type Call = PublicCall;
    type Answer = Response;
    type Error = Error;
    type Guard = ();

    async fn guard(_: &Setup, _: Option<ChargeRule>) -> Result<(), ConfigError> {
        Ok(())
    }

    async fn answer<E: Endpoint<Self>>(route: &Route<Self, E>, incoming: Incoming<'_>) -> Outgoing {
        let deadline = incoming.deadline(Origin::HttpApi.max_time());
        let accepted = AcceptedEncoding::of_request(incoming.request.headers());
        let call = PublicCall {
            deadline,
            request: incoming.request,
        };
        let answer = run_bounded(deadline, async { route.endpoint.handle(call).await }).await;

        let mut response = finish(answer, incoming.request_id, incoming.started);
        compress::apply(accepted, &mut response);
        Outgoing::buffered(response)
    }
}
