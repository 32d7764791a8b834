//! Successful answers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use lambda_http::Body;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Response;
use super::compress::plain_tag;
use crate::error::Error;

/// A 202 whose `Location` is the path of the result.
pub fn accepted(location: &str, value: &impl Serialize) -> Result<Response, Error> {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::LOCATION, location),
    ];
    json_response(StatusCode::ACCEPTED, to_json(value)?, &headers)
}

/// A 200 that no cache keeps.
pub fn ok(value: &impl Serialize) -> Result<Response, Error> {
    let headers = [(header::CACHE_CONTROL, "no-store")];
    json_response(StatusCode::OK, to_json(value)?, &headers)
}

/// A 200 with a document that browsers save as a file of this name, which no cache keeps.
pub fn download(
    content_type: &'static str,
    file_name: &str,
    document: &impl Serialize,
) -> Result<Response, Error> {
    let disposition = format!("attachment; filename=\"{file_name}\"");
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_DISPOSITION, disposition.as_str()),
    ];
    let mut response = json_response(StatusCode::OK, to_json(document)?, &headers)?;
    let content_type = HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    Ok(response)
}

/// A 204: done, and there is nothing to say.
pub fn no_content() -> Result<Response, Error> {
    let headers = [(header::CACHE_CONTROL, "no-store")];
    empty_response(StatusCode::NO_CONTENT, &headers)
}

/// The state of the system, for monitors: 200 while it serves, else 503.
pub fn health(is_serving: bool, value: &impl Serialize) -> Result<Response, Error> {
    let status = if is_serving {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let headers = [(header::CACHE_CONTROL, "no-store")];

    json_response(status, to_json(value)?, &headers)
}

/// A text that is the same for everybody, and changes with a release: kept for five minutes.
pub fn public_text(content_type: &'static str, text: &'static str) -> Result<Response, Error> {
    let headers = [
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::CONTENT_TYPE, content_type),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let mut response = empty_response(StatusCode::OK, &headers)?;
    *response.body_mut() = Body::Text(text.to_owned());
    Ok(response)
}

/// A text that no cache keeps.
pub fn text(content_type: &'static str, text: String) -> Result<Response, Error> {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_TYPE, content_type),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let mut response = empty_response(StatusCode::OK, &headers)?;
    *response.body_mut() = Body::Text(text);
    Ok(response)
}

/// A page of ours, which runs only the script of this hash (CSP) and asks only this origin.
pub fn page(html: &'static str, script_hash: &str) -> Result<Response, Error> {
    let mut response = public_text("text/html; charset=utf-8", html)?;
    let policy = format!(
        "default-src 'none'; script-src '{script_hash}'; style-src 'unsafe-inline'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::from_str(&policy).map_err(Error::internal)?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    Ok(response)
}

/// A representation that the caller may keep, but must revalidate before using it again: 200 with
/// an `ETag`, or 304 when `If-None-Match` already names it.
pub fn revalidated(headers: &HeaderMap, value: &impl Serialize) -> Result<Response, Error> {
    let body = to_json(value)?;
    let tag = entity_tag(&body);
    let cache_control = (header::CACHE_CONTROL, "private, no-cache");

    if let Some(held) = matching_tag(headers, &tag) {
        // The tag that the client holds, so that it finds the representation that it may go on
        // using.
        let headers = [cache_control, (header::ETAG, held)];
        return empty_response(StatusCode::NOT_MODIFIED, &headers);
    }

    let headers = [cache_control, (header::ETAG, tag.as_str())];
    json_response(StatusCode::OK, body, &headers)
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(Error::internal)
}

/// A strong validator: the same bytes, and only they, have the same tag.
fn entity_tag(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let prefix = digest.get(..16).unwrap_or_default();
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(prefix))
}

/// The tag of `If-None-Match` that names this representation, in any encoding; tags are compared
/// weakly (RFC 9110, section 13.1.2).
fn matching_tag<'a>(headers: &'a HeaderMap, tag: &'a str) -> Option<&'a str> {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let mut held_tags = values
        .flat_map(|value| value.split(','))
        .map(|held| held.trim().trim_start_matches("W/"));

    held_tags.find_map(|held| match held {
        "*" => Some(tag),
        held if plain_tag(held) == tag => Some(held),
        _ => None,
    })
}

fn json_response(
    status: StatusCode,
    body: Vec<u8>,
    headers: &[(HeaderName, &str)],
) -> Result<Response, Error> {
    let mut response = empty_response(status, headers)?;
    let json = String::from_utf8(body).map_err(Error::internal)?;
    *response.body_mut() = Body::Text(json);

    let content_type = HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    Ok(response)
}

fn empty_response(status: StatusCode, headers: &[(HeaderName, &str)]) -> Result<Response, Error> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).map_err(Error::internal)?;
        response.headers_mut().insert(name, value);
    }

    Ok(response)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn revalidate(held: &str) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, held.parse().unwrap());
        revalidated(&headers, &json!({"a": 1})).unwrap()
    }

    #[test]
    fn a_held_representation_is_not_sent_again() {
        let fresh = revalidated(&HeaderMap::new(), &json!({"a": 1})).unwrap();
        let tag = fresh.headers()["etag"].to_str().unwrap().to_owned();

        let weak = format!("W/{tag}");
        let second_of_two = format!("\"x\", {tag}");
        for held in [tag.as_str(), &weak, &second_of_two, "*"] {
            let again = revalidate(held);
            assert_eq!(again.status(), 304, "{held}");
            assert!(again.body().is_empty());
            assert_eq!(again.headers()["etag"], tag.as_str());
        }

        assert_eq!(revalidate("\"other\"").status(), 200);
    }
}
