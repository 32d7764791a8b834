//! Successful answers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response as HttpResponse, StatusCode};
use lambda_http::Body;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Response;
use crate::error::Error;

/// A 202 whose `Location` is where the result will be.
pub fn accepted(location: &str, value: &impl Serialize) -> Result<Response, Error> {
    let body = serde_json::to_vec(value).map_err(Error::internal)?;
    build(
        StatusCode::ACCEPTED,
        body,
        &[
            (header::CACHE_CONTROL, "no-store"),
            (header::LOCATION, location),
        ],
    )
}

/// A 200 that nobody keeps.
pub fn ok(value: &impl Serialize) -> Result<Response, Error> {
    let body = serde_json::to_vec(value).map_err(Error::internal)?;
    build(StatusCode::OK, body, &[(header::CACHE_CONTROL, "no-store")])
}

/// How the system is, for whoever watches it: 200 while it serves, else 503.
pub fn health(is_serving: bool, value: &impl Serialize) -> Result<Response, Error> {
    let body = serde_json::to_vec(value).map_err(Error::internal)?;
    let status = if is_serving {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    build(status, body, &[(header::CACHE_CONTROL, "no-store")])
}

/// A representation that the caller may keep, but must ask about before using it again: 200 with an `ETag`, or 304 when
/// `If-None-Match` already names it.
pub fn revalidated(headers: &HeaderMap, value: &impl Serialize) -> Result<Response, Error> {
    let body = serde_json::to_vec(value).map_err(Error::internal)?;
    let tag = etag(&body);
    let control = (header::CACHE_CONTROL, "private, no-cache");
    if let Some(held) = none_match(headers, &tag) {
        // The one that the client holds, so that it finds what it may go on using.
        return build(
            StatusCode::NOT_MODIFIED,
            Vec::new(),
            &[control, (header::ETAG, held)],
        );
    }
    build(
        StatusCode::OK,
        body,
        &[control, (header::ETAG, tag.as_str())],
    )
}

/// A strong validator: the same bytes, and only they, have the same tag.
fn etag(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    format!(
        "\"{}\"",
        URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default())
    )
}

/// The tag of `If-None-Match` that names this representation, in whatever encoding; it compares weakly (RFC 9110, section 13.1.2).
fn none_match<'a>(headers: &'a HeaderMap, tag: &'a str) -> Option<&'a str> {
    let held = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut held = held
        .flat_map(|value| value.split(','))
        .map(|held| held.trim().trim_start_matches("W/"));
    held.find_map(|held| match held {
        "*" => Some(tag),
        held if super::compress::plain_tag(held) == tag => Some(held),
        _ => None,
    })
}

fn build(
    status: StatusCode,
    body: Vec<u8>,
    headers: &[(header::HeaderName, &str)],
) -> Result<Response, Error> {
    let mut response = HttpResponse::new(Body::Empty);
    *response.status_mut() = status;
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_str(value).map_err(Error::internal)?);
    }
    if status != StatusCode::NOT_MODIFIED {
        let json = String::from_utf8(body).map_err(Error::internal)?;
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        *response.body_mut() = Body::Text(json);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(held: &str) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, held.parse().unwrap());
        revalidated(&headers, &serde_json::json!({"a": 1})).unwrap()
    }

    #[test]
    fn a_held_representation_is_not_sent_again() {
        let fresh = revalidated(&HeaderMap::new(), &serde_json::json!({"a": 1})).unwrap();
        let tag = fresh.headers()["etag"].to_str().unwrap().to_owned();
        for held in [
            tag.clone(),
            format!("W/{tag}"),
            format!("\"x\", {tag}"),
            "*".to_owned(),
        ] {
            let again = ask(&held);
            assert_eq!(again.status(), 304, "{held}");
            assert!(again.body().is_empty());
            assert_eq!(again.headers()["etag"], tag.as_str());
        }
        assert_eq!(ask("\"other\"").status(), 200);
    }
}
