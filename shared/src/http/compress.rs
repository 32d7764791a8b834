//! Smaller answers for those who can read them: Brotli or gzip (level 6), by `Accept-Encoding` (RFC 9110, section 12.5.3).
//!
//! Left as they are: small bodies, for which it costs more than it saves, whoever sends `x-no-compression`, and streams, which are
//! served by [`super::openai`]. Brotli is at quality 5, which takes about as long as gzip's 6.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, header};
use lambda_http::Body;

use super::Response;

/// Bodies below this size, in bytes, are left as they are: they fit into one packet anyway.
const SMALL: usize = 1_024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }
}

/// What the client can read and would rather have; none if it wants the body as it is.
pub(super) fn accepted(headers: &HeaderMap) -> Option<Encoding> {
    if headers.contains_key("x-no-compression") {
        return None;
    }
    let accepted = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut weights = (None, None, None);
    for item in accepted.flat_map(|value| value.split(',')) {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight =
            parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let weight = weight.map_or(1.0, |weight| weight.parse::<f32>().unwrap_or(0.0));
        match name.as_str() {
            "br" => weights.0 = Some(weight),
            "gzip" | "x-gzip" => weights.1 = Some(weight),
            "*" => weights.2 = Some(weight),
            _ => {}
        }
    }
    let others = weights.2.unwrap_or(0.0);
    let (brotli, gzip) = (weights.0.unwrap_or(others), weights.1.unwrap_or(others));
    match (brotli, gzip) {
        (brotli, gzip) if brotli > 0.0 && brotli >= gzip => Some(Encoding::Brotli),
        (_, gzip) if gzip > 0.0 => Some(Encoding::Gzip),
        _ => None,
    }
}

/// Encodes the body, if it is worth it. Whatever comes of it, the answer says that it depends on what the client accepts.
pub(super) fn apply(encoding: Option<Encoding>, response: &mut Response) {
    let is_text = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(is_text);
    let is_encoded = response.headers().contains_key(header::CONTENT_ENCODING);
    let is_known = response.status() == http::StatusCode::NOT_MODIFIED;
    if is_encoded || !(is_text || is_known) {
        return;
    }
    response.headers_mut().append(
        header::VARY,
        HeaderValue::from_static("accept-encoding, x-no-compression"),
    );
    let Some(encoding) = encoding.filter(|_| response.body().len() >= SMALL) else {
        return;
    };
    // Should it fail, the body is sent as it is.
    let Some(encoded) = encode(encoding, response.body()) else {
        return;
    };
    *response.body_mut() = Body::Binary(encoded);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_ENCODING,
        HeaderValue::from_static(encoding.name()),
    );
    // Other bytes, another strong validator.
    let tag = headers
        .get(header::ETAG)
        .and_then(|tag| tag.to_str().ok()?.strip_suffix('"').map(str::to_owned));
    if let Some(tag) =
        tag.and_then(|tag| HeaderValue::from_str(&format!("{tag}-{}\"", encoding.name())).ok())
    {
        headers.insert(header::ETAG, tag);
    }
}

/// A tag as it is without an encoding.
pub(super) fn plain_tag(tag: &str) -> String {
    let inner = tag.trim_end_matches('"');
    let inner = inner
        .strip_suffix("-br")
        .or_else(|| inner.strip_suffix("-gzip"))
        .unwrap_or(inner);
    format!("{inner}\"")
}

fn is_text(kind: &HeaderValue) -> bool {
    let kind = kind.to_str().unwrap_or_default();
    kind.starts_with("application/json")
        || kind.starts_with("application/problem+json")
        || kind.starts_with("text/")
}

fn encode(encoding: Encoding, body: &[u8]) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
            encoder.write_all(body).ok()?;
            encoder.finish().ok()
        }
        Encoding::Brotli => {
            let mut encoded = Vec::new();
            let mut writer = brotli::CompressorWriter::new(&mut encoded, 4_096, 5, 20);
            writer.write_all(body).ok()?;
            writer.flush().ok()?;
            drop(writer);
            Some(encoded)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn wants(value: &str) -> Option<Encoding> {
        accepted(&HeaderMap::from_iter([(
            header::ACCEPT_ENCODING,
            value.parse().unwrap(),
        )]))
    }

    #[test]
    fn the_client_decides() {
        assert_eq!(wants("gzip, deflate, br"), Some(Encoding::Brotli));
        assert_eq!(wants("gzip"), Some(Encoding::Gzip));
        assert_eq!(wants("br;q=0.5, gzip"), Some(Encoding::Gzip));
        assert_eq!(wants("br;q=0, gzip;q=0"), None);
        assert_eq!(wants("*"), Some(Encoding::Brotli));
        assert_eq!(wants("br;q=0, *;q=0.1"), Some(Encoding::Gzip));
        assert_eq!(wants("identity"), None);
        assert_eq!(wants(""), None);
        let mut headers =
            HeaderMap::from_iter([(header::ACCEPT_ENCODING, "gzip".parse().unwrap())]);
        headers.insert("x-no-compression", "1".parse().unwrap());
        assert_eq!(accepted(&headers), None);
    }

    fn answer(encoding: Option<Encoding>, size: usize) -> Response {
        let mut response = Response::new(Body::Text("热".repeat(size / 3)));
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        response
            .headers_mut()
            .insert(header::ETAG, "\"abc\"".parse().unwrap());
        apply(encoding, &mut response);
        response
    }

    #[test]
    fn what_was_encoded_can_be_read_again_and_has_its_own_tag() {
        let gzip = answer(Some(Encoding::Gzip), 9_000);
        let mut text = String::new();
        flate2::read::GzDecoder::new(gzip.body().as_ref())
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "热".repeat(3_000));
        assert_eq!(
            (&gzip.headers()["content-encoding"], &gzip.headers()["etag"]),
            (&"gzip".parse().unwrap(), &"\"abc-gzip\"".parse().unwrap())
        );
        let brotli = answer(Some(Encoding::Brotli), 9_000);
        let mut text = String::new();
        brotli::Decompressor::new(brotli.body().as_ref(), 4_096)
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "热".repeat(3_000));
        for tag in ["\"abc\"", "\"abc-br\"", "\"abc-gzip\""] {
            assert_eq!(plain_tag(tag), "\"abc\"");
        }
    }

    #[test]
    fn small_bodies_stay_as_they_are_and_all_say_that_they_vary() {
        let small = answer(Some(Encoding::Gzip), 900);
        assert!(!small.headers().contains_key("content-encoding"));
        assert_eq!(small.headers()["vary"], "accept-encoding, x-no-compression");
        let plain = answer(None, 9_000);
        assert!(
            !plain.headers().contains_key("content-encoding")
                && plain.headers()["vary"] == "accept-encoding, x-no-compression"
        );
    }
}
