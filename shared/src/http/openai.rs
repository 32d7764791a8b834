//! `OpenAI`'s protocol: errors in its shape, and answers that may be streamed.
//!
//! One function answers two kinds of calls. Those through the REST API are answered as a stream,
//! chunk by chunk; those through the HTTP API, which cannot stream, get the same bytes at once.
//! Source: "Set up a Lambda proxy integration with payload response streaming in API Gateway",
//! Amazon API Gateway developer guide.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use lambda_http::Body;
use serde_json::{Map, Value, json};
use tracing::Instrument;

use super::endpoint::{Endpoint, Incoming, Protocol, Route};
use super::guard::{ChargeRule, RequestGuard, write_rate_limit_headers};
use super::origin::Origin;
use super::outgoing::Outgoing;
use super::problem::{write_challenge, write_retry_headers};
use super::{Call, Response, log_answer, log_error};
use crate::config::ConfigError;
use crate::deadline::Deadline;
use crate::error::{BoxError, Error, ErrorKind, error_chain};
use crate::setup::Setup;

/// The answer of a handler.
pub struct Reply {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers, without those that every answer gets.
    pub headers: HeaderMap,
    /// The body, chunk by chunk.
    pub body: BoxStream<'static, Bytes>,
}

/// An error in the shape that `OpenAI`'s clients know: `{"error": {"message", "type", "param",
/// "code"}}`.
pub struct ApiError {
    /// The HTTP status.
    pub status: StatusCode,
    /// The value of `error`.
    pub error: Map<String, Value>,
    /// The wait that the client is told before the next try.
    pub retry_after: Option<Duration>,
    /// The number of calls to tiers that failed: the header `x-attempts`.
    pub attempts: Option<u32>,
    /// The internal cause, for the log.
    pub source: Option<BoxError>,
}

impl ApiError {
    fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// An error with a status, a type, a code and one sentence that helps.
    pub fn new(status: StatusCode, kind: &str, code: Option<&str>, message: &str) -> Self {
        let error = Map::from_iter([
            ("message".to_owned(), json!(message)),
            ("type".to_owned(), json!(kind)),
            ("param".to_owned(), Value::Null),
            ("code".to_owned(), json!(code)),
        ]);

        Self {
            status,
            error,
            retry_after: None,
            attempts: None,
            source: None,
        }
    }

    /// A 400 about one place in the request.
    pub fn invalid(param: Option<&str>, message: &str) -> Self {
        let status = StatusCode::BAD_REQUEST;
        let mut error = Self::new(status, "invalid_request_error", None, message);
        error.error.insert("param".to_owned(), json!(param));
        error
    }

    /// The body.
    pub fn body(&self) -> Value {
        json!({ "error": self.error })
    }

    /// The code, as far as it may be logged: it may be a provider's, and one that does not look
    /// like a code is not repeated.
    fn loggable_code(&self) -> &str {
        let code = self.error.get("code").and_then(Value::as_str);
        let code = code.unwrap_or("invalid_request");

        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if code.len() <= 64 && code.bytes().all(is_allowed) {
            code
        } else {
            "other"
        }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let (status, slug) = (error.kind().status(), error.kind().slug());
        let (kind, code) = match error.kind() {
            ErrorKind::Unauthenticated => ("invalid_request_error", "invalid_api_key"),
            ErrorKind::Forbidden => ("permission_error", slug),
            ErrorKind::TooManyRequests => ("rate_limit_error", "rate_limit_exceeded"),
            kind if kind.status() < 500 => ("invalid_request_error", slug),
            _ => ("server_error", slug),
        };

        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            retry_after: error.retry_after(),
            ..Self::new(status, kind, Some(code), &error.to_string())
        }
        .with_source(error)
    }
}

impl Reply {
    /// A 200 in one piece.
    pub fn ok(body: &Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// An answer in one piece.
    pub fn json(status: StatusCode, body: &Value) -> Self {
        let chunk = Bytes::from(body.to_string());

        Self {
            status,
            headers: content_headers("application/json"),
            body: stream::iter([chunk]).boxed(),
        }
    }

    /// Server-sent events.
    pub fn events(body: BoxStream<'static, Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            headers: content_headers("text/event-stream"),
            body,
        }
    }
}

fn content_headers(content_type: &'static str) -> HeaderMap {
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ])
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        let mut reply = Self::json(error.status, &error.body());
        if let Some(attempts) = error.attempts {
            let attempts = HeaderValue::from(attempts);
            reply.headers.insert("x-attempts", attempts);
        }

        write_retry_headers(&mut reply.headers, error.retry_after);
        if error.status == StatusCode::UNAUTHORIZED {
            write_challenge(&mut reply.headers);
        }
        reply
    }
}

/// One event of a stream.
pub fn event(data: &Value) -> Bytes {
    Bytes::from(format!("data: {data}\n\n"))
}

/// The event that says that a stream is complete.
pub const DONE: Bytes = Bytes::from_static(b"data: [DONE]\n\n");

/// The comment that a waiting stream sends.
pub const STILL_WORKING: Bytes = Bytes::from_static(b": still working\n\n");

/// `OpenAI`'s protocol: its errors, and answers that may be streamed.
pub struct OpenAi;

impl Protocol for OpenAi {
    type Call = Call;
    type Answer = Reply;
    type Error = ApiError;
    type Guard = RequestGuard;

    async fn guard(setup: &Setup, charge: Option<ChargeRule>) -> Result<RequestGuard, ConfigError> {
        RequestGuard::from_env(setup, charge).await
    }

    async fn answer<E: Endpoint<Self>>(route: &Route<Self, E>, incoming: Incoming<'_>) -> Outgoing {
        let origin = Origin::of_request(&incoming.request);
        let (request_id, started) = (incoming.request_id, incoming.started);
        let page = incoming.request.headers().get(header::ORIGIN).cloned();

        let deadline = incoming.deadline(origin.max_time());
        let (answer, decision) = route.admit_and_handle(incoming.request, deadline).await;
        let mut reply = finish(answer, request_id, started);
        write_rate_limit_headers(&decision, &mut reply.headers);
        if origin == Origin::RestApi {
            let pages = &route.guard.pages;
            pages.write_headers(page.as_ref(), &mut reply.headers);
        }
        send(reply, origin).await
    }
}

/// Writes the one log line of the call and turns an error into its reply.
fn finish(answer: Result<Reply, ApiError>, request_id: &str, started: Instant) -> Reply {
    let mut reply = match answer {
        Ok(reply) => {
            log_answer(reply.status.as_u16(), started);
            reply
        }
        Err(error) => {
            let causes = error.source.as_deref().map(|source| error_chain(source));
            let causes = causes.unwrap_or_default();
            let (status, code) = (error.status.as_u16(), error.loggable_code());
            log_error(status, code, &causes, started);
            error.into()
        }
    };

    if let Ok(value) = request_id.parse() {
        let name = HeaderName::from_static("x-request-id");
        reply.headers.insert(name, value);
    }
    reply
}

async fn send(reply: Reply, origin: Origin) -> Outgoing {
    // A panic in a stream ends it as an error does: with an error event, and without `[DONE]`.
    let body = AssertUnwindSafe(reply.body)
        .catch_unwind()
        .map(|chunk| chunk.unwrap_or_else(|_panic| panic_event()));
    let body = in_span(body.boxed());

    if origin.is_streamed() {
        return Outgoing::streamed(reply.status, &reply.headers, body.map(Ok).boxed());
    }

    let chunks: Vec<Bytes> = body.collect().await;
    let mut response = Response::new(Body::Binary(chunks.concat()));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    Outgoing::buffered(response)
}

fn panic_event() -> Bytes {
    let error = ApiError::from(Error::internal("a stream panicked"));
    event(&error.body())
}

/// Polls a body within the call's span: the runtime polls it in a task of its own, whose log lines
/// would belong to no call.
fn in_span(body: BoxStream<'static, Bytes>) -> BoxStream<'static, Bytes> {
    let span = tracing::Span::current();

    stream::unfold((body, span), |(mut body, span)| async move {
        let chunk = body.next().instrument(span.clone()).await?;
        Some((chunk, (body, span)))
    })
    .boxed()
}

/// A stream that must not fall silent while it waits for `work`: a comment goes out every `pause`
/// until the work is done, and then the stream that `then` makes of it.
pub fn keeping_alive<T: Send + 'static>(
    work: BoxFuture<'static, T>,
    pause: Duration,
    then: impl FnOnce(T) -> BoxStream<'static, Bytes> + Send + 'static,
) -> BoxStream<'static, Bytes> {
    enum State<T, Then> {
        Waiting(BoxFuture<'static, T>, Then),
        Sending(BoxStream<'static, Bytes>),
    }

    let start = State::Waiting(work, then);
    stream::unfold(start, move |state| async move {
        let mut sending = match state {
            State::Sending(sending) => sending,
            State::Waiting(mut work, then) => {
                match Deadline::after(pause).run(work.as_mut()).await {
                    Ok(ready) => then(ready),
                    Err(_elapsed) => return Some((STILL_WORKING, State::Waiting(work, then))),
                }
            }
        };

        let chunk = sending.next().await?;
        Some((chunk, State::Sending(sending)))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    async fn read_json(reply: Reply) -> Value {
        let chunks: Vec<Bytes> = reply.body.collect().await;
        serde_json::from_slice(&chunks.concat()).unwrap()
    }

    #[tokio::test]
    async fn our_errors_have_the_shape_that_clients_know() {
        let error = Error::new(ErrorKind::Unauthenticated, "The token has expired.");
        let reply = Reply::from(ApiError::from(error));
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
        assert!(reply.headers.contains_key("www-authenticate"));

        let expected = json!({
            "message": "The token has expired.",
            "type": "invalid_request_error",
            "param": null,
            "code": "invalid_api_key",
        });
        assert_eq!(read_json(reply).await["error"], expected);
    }

    #[test]
    fn a_wait_is_rounded_up() {
        let mut error = ApiError::invalid(None, "m");
        error.retry_after = Some(Duration::from_millis(1_200));
        assert_eq!(Reply::from(error).headers["retry-after"], "2");
    }

    #[tokio::test]
    async fn a_stream_that_waits_says_so_until_it_has_something_to_say() {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let work = async move { receiver.await.unwrap_or("lost") };
        let pause = Duration::from_millis(5);
        let mut stream = keeping_alive(work.boxed(), pause, |word| {
            stream::iter([Bytes::from(word), DONE]).boxed()
        });
        assert_eq!(stream.next().await.unwrap(), STILL_WORKING);
        assert_eq!(stream.next().await.unwrap(), STILL_WORKING);

        sender.send("ready").unwrap();
        let is_event = |chunk: &Bytes| std::future::ready(!chunk.starts_with(b":"));
        let rest: Vec<_> = stream.filter(is_event).collect().await;
        assert_eq!(rest, [Bytes::from("ready"), DONE]);
    }

    #[tokio::test]
    async fn a_panic_in_a_stream_ends_it() {
        let broken = stream::iter([1, 2]).map(|number| match number {
            1 => Bytes::from("one"),
            _ => panic!("as the test wants"),
        });

        let sent = send(Reply::events(broken.boxed()), Origin::HttpApi).await;
        let Outgoing::Buffered(response) = sent else {
            panic!("streamed")
        };
        let Some(Body::Text(text)) = response.body else {
            panic!("no text")
        };
        assert!(text.starts_with("onedata: {\"error\":"), "{text}");
    }
}
