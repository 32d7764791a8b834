//! Errors on the wire: problem documents (RFC 9457).

use std::time::Duration;

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use lambda_http::Body;
use serde::Serialize;

use super::Response;
use crate::error::{Error, ErrorKind, FieldError, retry_after_seconds};

#[derive(Serialize, schemars::JsonSchema)]
pub(crate) struct Problem<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: String,
    instance: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "Option::is_none")]
    urgency: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'a str>,
}

/// The response for an error; `instance` is the request's id.
pub(super) fn response(error: &Error, request_id: &str) -> Response {
    let kind = error.kind();
    let problem = Problem {
        kind: format!("urn:wenzhen:problem:{}", kind.slug()),
        title: kind.title(),
        status: kind.status(),
        detail: error.to_string(),
        instance: request_id,
        errors: error.field_errors(),
        urgency: error.advice().map(|advice| advice.urgency),
        advice: error.advice().map(|advice| advice.text.as_str()),
    };

    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = Response::new(Body::Binary(body));
    let status = StatusCode::from_u16(kind.status());
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);

    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    write_retry_headers(headers, error.retry_after());
    if kind == ErrorKind::Unauthenticated {
        write_challenge(headers);
    }
    response
}

/// Tells the caller when to come back, if the error says so.
pub(super) fn write_retry_headers(headers: &mut HeaderMap, wait: Option<Duration>) {
    if let Some(wait) = wait {
        let seconds = HeaderValue::from(retry_after_seconds(wait));
        headers.insert(header::RETRY_AFTER, seconds);
    }
}

/// Tells the caller which token is missing.
pub(super) fn write_challenge(headers: &mut HeaderMap) {
    let challenge = HeaderValue::from_static("Bearer realm=\"wenzhen\"");
    headers.insert(header::WWW_AUTHENTICATE, challenge);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_the_rule_and_the_request() {
        let response = response(&Error::field("age", "must be from 0 to 130"), "req-1");
        assert_eq!(response.status(), 422);
        let content_type = &response.headers()["content-type"];
        assert_eq!(content_type, "application/problem+json");

        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["instance"], "req-1");
        assert_eq!(body["errors"][0]["field"], "age");
    }

    #[test]
    fn an_unavailable_dependency_says_when_to_come_back() {
        let error = Error::unavailable("The database", Duration::from_secs(2), "refused");
        let response = response(&error, "r");
        assert_eq!(response.headers()["retry-after"], "2");
    }
}
