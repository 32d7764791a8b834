//! Errors on the wire: RFC 9457 problem documents.

use http::header;
use lambda_http::Body;
use serde::Serialize;

use super::Response;
use crate::error::{Error, ErrorKind, FieldError};

#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: String,
    instance: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

/// The answer for an error; `instance` is the request's id.
pub(super) fn response(error: &Error, request_id: &str) -> Response {
    let (kind, status) = (error.kind(), error.kind().status());
    let problem = Problem {
        kind: format!("urn:wenzhen:problem:{}", kind.slug()),
        title: kind.title(),
        status,
        detail: error.to_string(),
        instance: request_id,
        errors: error.field_errors(),
    };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = Response::new(Body::Binary(body));
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-store"),
    );
    if let Some(wait) = error.retry_after() {
        // Rounded up: whoever comes back a moment too early is refused once more.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        headers.insert(
            header::RETRY_AFTER,
            header::HeaderValue::from(seconds.max(1)),
        );
    }
    if error.kind() == ErrorKind::Unauthenticated {
        let challenge = header::HeaderValue::from_static("Bearer realm=\"wenzhen\"");
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_problem_says_what_to_do_and_whom_to_ask() {
        let response = response(&Error::field("age", "must be from 0 to 130"), "req-1");
        assert_eq!(response.status(), 422);
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["instance"], "req-1");
        assert_eq!(body["errors"][0]["field"], "age");
    }

    #[test]
    fn an_unavailable_dependency_says_when_to_come_back() {
        let response = response(
            &Error::unavailable("The database", Duration::from_secs(2), "refused"),
            "r",
        );
        assert_eq!(response.headers()["retry-after"], "2");
    }
}
