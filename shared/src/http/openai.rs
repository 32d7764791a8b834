//! The edge for routes that speak `OpenAI`'s protocol: errors in its shape, and answers that may be streamed.
//!
//! One function answers two kinds of calls. Those through a function URL are answered as a stream, chunk by chunk; those
//! through the HTTP API, which cannot stream, get the same bytes at once. Source: "Response streaming for Lambda functions",
//! AWS Lambda developer guide.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use lambda_http::{Body, Request, RequestExt};
use serde_json::{Map, Value, json};
use tracing::Instrument;

use super::endpoint::{Endpoint, Incoming, Origin, Protocol, Route};
use super::guard::{ChargeRule, RequestGuard, write_rate_limit_headers};
use super::outgoing::Outgoing;
use super::{Call, Response, log_answer, log_error};
use crate::config::ConfigError;
use crate::deadline::Deadline;
use crate::error::{BoxError, Error, ErrorKind, error_chain};
use crate::setup::Setup;

/// What a handler answers.
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, chunk by chunk.
    pub body: BoxStream<'static, Bytes>,
}

/// An error in the shape that `OpenAI`'s clients know: `{"error": {"message", "type", "param", "code"}}`.
pub struct ApiError {
    /// The status.
    pub status: StatusCode,
    /// The error object.
    pub error: Map<String, Value>,
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// Calls that were made in vain: `x-attempts`.
    pub attempts: Option<u32>,
    /// The internal cause, for the log.
    pub cause: Option<BoxError>,
}

impl ApiError {
    /// An error with a status, a type, a code and one sentence that helps.
    pub fn new(status: StatusCode, kind: &str, code: Option<&str>, message: &str) -> Self {
        let error = json!({ "message": message, "type": kind, "param": null, "code": code });
        let error = if let Value::Object(error) = error {
            error
        } else {
            Map::new()
        };
        Self {
            status,
            error,
            retry_after: None,
            attempts: None,
            cause: None,
        }
    }

    /// A 400 about one place in the request.
    pub fn invalid(param: Option<&str>, message: &str) -> Self {
        let mut error = Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_request_error",
            None,
            message,
        );
        error.error.insert("param".to_owned(), json!(param));
        error
    }

    /// The body.
    pub fn body(&self) -> Value {
        json!({ "error": self.error })
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let (status, name) = (error.kind().status(), error.kind().slug());
        let (kind, code) = match error.kind() {
            ErrorKind::Unauthenticated => ("invalid_request_error", "invalid_api_key"),
            ErrorKind::Forbidden => ("permission_error", name),
            ErrorKind::TooManyRequests => ("rate_limit_error", "rate_limit_exceeded"),
            kind if kind.status() < 500 => ("invalid_request_error", name),
            _ => ("server_error", name),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = error.retry_after();
        Self {
            retry_after,
            cause: Some(error.into()),
            ..Self::new(status, kind, Some(code), "")
        }
        .with_detail()
    }
}

impl ApiError {
    /// Takes the public message of the cause.
    fn with_detail(mut self) -> Self {
        let detail = self
            .cause
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        self.error
            .insert("message".to_owned(), Value::String(detail));
        self
    }
}

impl Reply {
    /// A 200 in one piece.
    pub fn ok(body: &Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// An answer in one piece.
    pub fn json(status: StatusCode, body: &Value) -> Self {
        let headers = HeaderMap::from_iter([
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ]);
        Self {
            status,
            headers,
            body: stream::iter([Bytes::from(body.to_string())]).boxed(),
        }
    }

    /// Server-sent events.
    pub fn events(body: BoxStream<'static, Bytes>) -> Self {
        let headers = HeaderMap::from_iter([
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/event-stream"),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ]);
        Self {
            status: StatusCode::OK,
            headers,
            body,
        }
    }
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        let mut reply = Self::json(error.status, &error.body());
        if let Some(attempts) = error.attempts {
            reply
                .headers
                .insert("x-attempts", HeaderValue::from(attempts));
        }
        if let Some(wait) = error.retry_after {
            // Rounded up: whoever comes back a moment too early is refused once more.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            reply
                .headers
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if error.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"wenzhen\"");
            reply.headers.insert(header::WWW_AUTHENTICATE, challenge);
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

/// `OpenAI`'s protocol: its errors, and answers that may be streamed.
pub struct OpenAi;

impl Protocol for OpenAi {
    type Call = Call;
    type Answer = Reply;
    type Error = ApiError;
    type Guard = RequestGuard;

    fn guard(setup: &Setup, charge: Option<ChargeRule>) -> Result<RequestGuard, ConfigError> {
        RequestGuard::from_env(setup, charge)
    }

    async fn answer<E: Endpoint<Self>>(route: &Route<Self, E>, incoming: Incoming<'_>) -> Outgoing {
        let origin = Origin::of_request(&incoming.request);
        let (request_id, started) = (incoming.request_id, incoming.started);
        if origin == Origin::FunctionUrl && !is_for(&incoming.request, E::ROUTE) {
            let reply = finish(Err(unknown_route()), request_id, started);
            return send(reply, origin).await;
        }

        let deadline = incoming.deadline(origin.max_time());
        let (answer, decision) = route.admit_and_handle(incoming.request, deadline).await;
        let mut reply = finish(answer, request_id, started);
        write_rate_limit_headers(&decision, &mut reply.headers);
        send(reply, origin).await
    }
}

fn unknown_route() -> ApiError {
    let message = "There is no such route here.";
    ApiError::new(
        StatusCode::NOT_FOUND,
        "invalid_request_error",
        None,
        message,
    )
}

/// A function URL takes every method and path.
fn is_for(request: &Request, route: &str) -> bool {
    route.split_once(' ') == Some((request.method().as_str(), request.raw_http_path()))
}

fn finish(answer: Result<Reply, ApiError>, request_id: &str, started: Instant) -> Reply {
    let mut reply = match answer {
        Ok(reply) => {
            log_answer(reply.status.as_u16(), started);
            reply
        }
        Err(error) => {
            let cause = error
                .cause
                .as_deref()
                .map(|cause| error_chain(cause))
                .unwrap_or_default();
            let code = error
                .error
                .get("code")
                .and_then(Value::as_str)
                .unwrap_or("invalid_request");
            log_error(error.status.as_u16(), &loggable(code), &cause, started);
            error.into()
        }
    };
    if let Ok(value) = request_id.parse() {
        reply
            .headers
            .insert(HeaderName::from_static("x-request-id"), value);
    }
    reply
}

/// A code may be a provider's: what does not look like one is not repeated.
fn loggable(code: &str) -> String {
    let is_code = code.len() <= 64
        && code
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-');
    if is_code {
        code.to_owned()
    } else {
        "other".to_owned()
    }
}

async fn send(reply: Reply, origin: Origin) -> Outgoing {
    // A panic in a stream ends it as an error does: with an error event, and without `[DONE]`.
    let body = AssertUnwindSafe(reply.body).catch_unwind().map(|chunk| {
        chunk.unwrap_or_else(|_panic| {
            event(&ApiError::from(Error::internal("a stream panicked")).body())
        })
    });
    let body = in_span(body.boxed());
    if origin == Origin::FunctionUrl {
        return Outgoing::streamed(reply.status, reply.headers, body.map(Ok).boxed());
    }

    let chunks: Vec<Bytes> = body.collect().await;
    let mut response = Response::new(Body::Binary(chunks.concat()));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    Outgoing::buffered(response)
}

/// Polls a body within the call's span: the runtime polls it in a task of its own, whose log lines would belong to no call.
fn in_span(body: BoxStream<'static, Bytes>) -> BoxStream<'static, Bytes> {
    let span = tracing::Span::current();
    stream::unfold((body, span), |(mut body, span)| async move {
        let chunk = body.next().instrument(span.clone()).await?;
        Some((chunk, (body, span)))
    })
    .boxed()
}

/// Waits for something in a stream that must not fall silent: a comment goes out every `pause` until it is there, and then
/// what `then` makes of it.
pub fn keeping_alive<T: Send + 'static>(
    work: futures::future::BoxFuture<'static, T>,
    pause: Duration,
    then: impl FnOnce(T) -> BoxStream<'static, Bytes> + Send + 'static,
) -> BoxStream<'static, Bytes> {
    enum State<T, Then> {
        Waiting(futures::future::BoxFuture<'static, T>, Then),
        Sending(BoxStream<'static, Bytes>),
    }
    stream::unfold(State::Waiting(work, then), move |state| async move {
        let mut sending = match state {
            State::Waiting(mut work, then) => match Deadline::after(pause).run(work.as_mut()).await
            {
                Err(_elapsed) => {
                    return Some((
                        Bytes::from_static(b": still working\n\n"),
                        State::Waiting(work, then),
                    ));
                }
                Ok(ready) => then(ready),
            },
            State::Sending(sending) => sending,
        };
        let chunk = sending.next().await?;
        Some((chunk, State::Sending(sending)))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use lambda_http::request::LambdaRequest;

    use super::*;

    async fn text(reply: Reply) -> String {
        let chunks: Vec<Bytes> = reply.body.collect().await;
        String::from_utf8(chunks.concat()).unwrap()
    }

    #[tokio::test]
    async fn our_errors_have_the_shape_that_clients_know() {
        let error = ApiError::from(Error::new(
            ErrorKind::Unauthenticated,
            "The token has expired.",
        ));
        let reply = Reply::from(error);
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
        assert!(reply.headers.contains_key("www-authenticate"));
        let body: Value = serde_json::from_str(&text(reply).await).unwrap();
        assert_eq!(
            body["error"],
            json!({ "message": "The token has expired.", "type": "invalid_request_error", "param": null, "code": "invalid_api_key" })
        );
    }

    #[test]
    fn a_wait_is_rounded_up() {
        let mut error = ApiError::invalid(None, "m");
        error.retry_after = Some(Duration::from_millis(1_200));
        assert_eq!(Reply::from(error).headers["retry-after"], "2");
    }

    #[tokio::test]
    async fn a_stream_that_waits_says_so_until_it_has_something_to_say() {
        let (send, receive) = tokio::sync::oneshot::channel();
        let mut stream = keeping_alive(
            async move { receive.await.unwrap_or("lost") }.boxed(),
            Duration::from_millis(5),
            |word| stream::iter([Bytes::from(word), DONE]).boxed(),
        );
        assert_eq!(stream.next().await.unwrap(), ": still working\n\n");
        assert_eq!(stream.next().await.unwrap(), ": still working\n\n");
        send.send("ready").unwrap();
        let rest: Vec<_> = stream
            .filter(|chunk| std::future::ready(!chunk.starts_with(b":")))
            .collect()
            .await;
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

    #[test]
    fn a_function_url_is_known_by_its_lack_of_routes() {
        let event = |route_key: &str| {
            let event = json!({ "version": "2.0", "routeKey": route_key, "rawPath": "/v1/x", "rawQueryString": "",
                "headers": {}, "isBase64Encoded": false, "requestContext": { "accountId": "1", "apiId": "a",
                "domainName": "d", "domainPrefix": "a", "requestId": "r", "routeKey": route_key, "stage": "$default",
                "time": "", "timeEpoch": 0, "http": { "method": "POST", "path": "/v1/x", "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1", "userAgent": "" } } });
            Request::from(serde_json::from_value::<LambdaRequest>(event).unwrap())
        };
        let url = event("$default");
        assert_eq!(Origin::of_request(&url), Origin::FunctionUrl);
        assert!(
            is_for(&url, "POST /v1/x") && !is_for(&url, "POST /v1/y") && !is_for(&url, "GET /v1/x")
        );
        assert_eq!(Origin::of_request(&event("POST /v1/x")), Origin::HttpApi);
    }
}
