//! A route of the WebSocket API as a type.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use http::HeaderMap;
use lambda_runtime::Context;
use serde::Serialize;
use serde_json::value::RawValue;
use tracing::Instrument;

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;

use super::{Answer, Invoke, buffered, call_span, read};
use crate::config::ConfigError;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::http::{log_answer, log_refusal, note_status};
use crate::limits::Limit;
use crate::realtime::ConnectionId;
use crate::setup::Setup;

/// Kept from the invocation's time for the answer and the log line.
const ANSWER_RESERVE: Duration = Duration::from_millis(500);

/// The longest that an event is worked on.
const MAX_TIME: Duration = Duration::from_secs(20);

/// A route of the WebSocket API.
pub trait SocketEndpoint: Sized + 'static {
    /// The route's key: `$connect`, `$disconnect` or `$default`.
    const ROUTE: &'static str;

    /// The limits that the route declares.
    const LIMITS: &'static [Limit] = &[];

    /// Makes the endpoint, once for each execution environment.
    fn from_env(setup: &Setup) -> impl Future<Output = Result<Self, ConfigError>>;

    /// Takes one event of a connection. An error refuses a connection that is being opened; on the
    /// other routes, the client learns nothing of it.
    fn handle(&self, call: SocketCall) -> impl Future<Output = Result<SocketAnswer, Error>>;
}

/// One event of a connection.
pub struct SocketCall {
    /// The connection.
    pub connection: ConnectionId,
    /// Names the event to the operator.
    pub request_id: String,
    /// The address that the gateway saw.
    pub address: Option<IpAddr>,
    /// Those of the opening request; none on the other routes.
    pub headers: HeaderMap,
    /// The frame, on `$default`.
    pub frame: String,
    /// When the event must have been worked on.
    pub deadline: Deadline,
}

/// The gateway's answer to an event.
pub struct SocketAnswer {
    status: u16,
    subprotocol: Option<&'static str>,
}

impl SocketAnswer {
    /// The connection may be opened, and speaks this subprotocol.
    pub const fn accepted(subprotocol: &'static str) -> Self {
        Self {
            status: 200,
            subprotocol: Some(subprotocol),
        }
    }

    /// The event was taken. The log line names `status`, which the client was told in a frame.
    pub const fn taken(status: u16) -> Self {
        Self {
            status,
            subprotocol: None,
        }
    }
}

/// An answer on the wire.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireAnswer {
    status_code: u16,
    headers: WireHeaders,
}

#[derive(Serialize)]
struct WireHeaders {
    #[serde(
        rename = "Sec-WebSocket-Protocol",
        skip_serializing_if = "Option::is_none"
    )]
    subprotocol: Option<&'static str>,
}

/// An endpoint in service.
pub(super) struct SocketRoute<E>(pub(super) E);

impl<E: SocketEndpoint> SocketRoute<E> {
    async fn answer(
        &self,
        request: ApiGatewayWebsocketProxyRequest,
        context: &Context,
    ) -> Result<SocketAnswer, Error> {
        let deadline = Deadline::of_invocation(context.deadline(), ANSWER_RESERVE, MAX_TIME);
        // The gateway chooses a route by a member of the frame, which a client may call `$connect`.
        let is_frame = request.request_context.event_type.as_deref() == Some("MESSAGE");
        if is_frame && E::ROUTE != "$default" {
            return Ok(SocketAnswer::taken(422));
        }
        let call = read_call(request, context, deadline)?;

        let work = AssertUnwindSafe(self.0.handle(call)).catch_unwind();
        match deadline.run(work).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_panic)) => Err(Error::internal("the handler panicked")),
            Err(elapsed) => {
                let late = Error::new(ErrorKind::TimedOut, "It took too long.");
                Err(late.with_source(elapsed))
            }
        }
    }
}

fn read_call(
    request: ApiGatewayWebsocketProxyRequest,
    context: &Context,
    deadline: Deadline,
) -> Result<SocketCall, Error> {
    let event = request.request_context;
    let address = event.identity.source_ip;

    Ok(SocketCall {
        connection: ConnectionId::try_from(event.connection_id.unwrap_or_default())?,
        request_id: context.request_id.clone(),
        address: address.and_then(|address| address.parse().ok()),
        headers: request.headers,
        frame: request.body.unwrap_or_default(),
        deadline,
    })
}

impl<E: SocketEndpoint> Invoke for SocketRoute<E> {
    fn invoke<'a>(
        &'a self,
        event: &'a RawValue,
        context: &'a Context,
    ) -> LocalBoxFuture<'a, Result<Answer, lambda_runtime::Error>> {
        let span = call_span(E::ROUTE, context);
        let work = async {
            let started = Instant::now();
            let answer = self.answer(read(event)?, context).await;

            let (status, subprotocol) = match answer {
                Ok(answer) => {
                    log_answer(answer.status, started);
                    note_status(answer.status);
                    (200, answer.subprotocol)
                }
                Err(error) => {
                    log_refusal(&error, started);
                    note_status(error.kind().status());
                    (error.kind().status(), None)
                }
            };
            buffered(&WireAnswer {
                status_code: status,
                headers: WireHeaders { subprotocol },
            })
        };

        Box::pin(work.instrument(span))
    }
}
