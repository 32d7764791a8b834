//! Smaller answers for clients that can read them: Brotli or gzip (level 6), by `Accept-Encoding`
//! (RFC 9110, section 12.5.3).
//!
//! Left as they are: small bodies, for which it costs more than it saves, answers to requests with
//! `x-no-compression`, and streams, which [`super::openai`] serves. Brotli is at quality 5, which
//! takes about as long as gzip's 6.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use lambda_http::Body;

use super::Response;

/// Bodies below this size, in bytes, are left as they are: they fit into one packet anyway.
const MIN_COMPRESSED_BYTES: usize = 1_024;

const GZIP_LEVEL: u32 = 6;
const BROTLI_QUALITY: u32 = 5;

/// The base-2 logarithm of Brotli's window, in bytes.
const BROTLI_WINDOW: u32 = 20;

const BROTLI_BUFFER_BYTES: usize = 4_096;

/// The request headers that decide about the encoding.
const VARY: HeaderValue = HeaderValue::from_static("accept-encoding, x-no-compression");

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

/// How much a client likes each encoding, from 0 ("never") to 1.
#[derive(Default)]
struct Preferences {
    brotli: Option<f32>,
    gzip: Option<f32>,
    others: Option<f32>,
}

impl Preferences {
    /// Takes one element of `Accept-Encoding`, such as `br;q=0.5`.
    fn add(&mut self, element: &str) {
        let mut parts = element.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = Some(parts.find_map(parse_weight).unwrap_or(1.0));

        match name.as_str() {
            "br" => self.brotli = weight,
            "gzip" | "x-gzip" => self.gzip = weight,
            "*" => self.others = weight,
            _ => {}
        }
    }

    fn preferred(&self) -> Option<Encoding> {
        let others = self.others.unwrap_or(0.0);
        let brotli = self.brotli.unwrap_or(others);
        let gzip = self.gzip.unwrap_or(others);

        if brotli > 0.0 && brotli >= gzip {
            Some(Encoding::Brotli)
        } else if gzip > 0.0 {
            Some(Encoding::Gzip)
        } else {
            None
        }
    }
}

/// The weight that a parameter gives; one that cannot be read means "never".
fn parse_weight(parameter: &str) -> Option<f32> {
    let weight = parameter
        .strip_prefix("q=")
        .or_else(|| parameter.strip_prefix("Q="))?;
    Some(weight.parse().unwrap_or(0.0))
}

/// The encoding that the client can read and prefers; none if it wants the body as it is.
pub(super) fn accepted(headers: &HeaderMap) -> Option<Encoding> {
    if headers.contains_key("x-no-compression") {
        return None;
    }

    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let mut preferences = Preferences::default();
    for element in values.flat_map(|value| value.split(',')) {
        preferences.add(element);
    }
    preferences.preferred()
}

/// Encodes the body, if it is worth it. In either case the answer says that it depends on the
/// encodings that the client accepts.
pub(super) fn apply(encoding: Option<Encoding>, response: &mut Response) {
    if !may_vary(response) {
        return;
    }
    response.headers_mut().append(header::VARY, VARY);

    let is_small = response.body().len() < MIN_COMPRESSED_BYTES;
    let Some(encoding) = encoding.filter(|_| !is_small) else {
        return;
    };
    // Should it fail, the body is sent as it is.
    let Some(encoded) = encode_body(encoding, response.body()) else {
        return;
    };

    *response.body_mut() = Body::Binary(encoded);
    let headers = response.headers_mut();
    let name = HeaderValue::from_static(encoding.name());
    headers.insert(header::CONTENT_ENCODING, name);
    if let Some(tag) = encoded_tag(encoding, headers) {
        headers.insert(header::ETAG, tag);
    }
}

/// Whether the body, or the one that a 304 stands for, depends on the accepted encodings.
fn may_vary(response: &Response) -> bool {
    let headers = response.headers();
    if headers.contains_key(header::CONTENT_ENCODING) {
        return false;
    }

    let has_text = headers.get(header::CONTENT_TYPE).is_some_and(is_text);
    has_text || response.status() == StatusCode::NOT_MODIFIED
}

/// The tag of the encoded body: other bytes, another strong validator.
fn encoded_tag(encoding: Encoding, headers: &HeaderMap) -> Option<HeaderValue> {
    let tag = headers.get(header::ETAG)?.to_str().ok()?;
    let open_tag = tag.strip_suffix('"')?;
    let tag = format!("{open_tag}-{}\"", encoding.name());
    HeaderValue::from_str(&tag).ok()
}

/// A tag as it is without an encoding.
pub(super) fn plain_tag(tag: &str) -> String {
    let open_tag = tag.trim_end_matches('"');
    let plain = open_tag
        .strip_suffix("-br")
        .or_else(|| open_tag.strip_suffix("-gzip"))
        .unwrap_or(open_tag);

    format!("{plain}\"")
}

fn is_text(content_type: &HeaderValue) -> bool {
    let content_type = content_type.to_str().unwrap_or_default();
    ["application/json", "application/problem+json", "text/"]
        .iter()
        .any(|prefix| content_type.starts_with(prefix))
}

fn encode_body(encoding: Encoding, body: &[u8]) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL));
            encoder.write_all(body).ok()?;
            encoder.finish().ok()
        }

        Encoding::Brotli => {
            let mut output = Vec::new();
            let mut encoder = brotli::CompressorWriter::new(
                &mut output,
                BROTLI_BUFFER_BYTES,
                BROTLI_QUALITY,
                BROTLI_WINDOW,
            );
            encoder.write_all(body).ok()?;
            encoder.flush().ok()?;
            drop(encoder);
            Some(output)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn accepted_by(value: &str) -> Option<Encoding> {
        let value = value.parse().unwrap();
        accepted(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]))
    }

    #[test]
    fn the_client_decides() {
        assert_eq!(accepted_by("gzip, deflate, br"), Some(Encoding::Brotli));
        assert_eq!(accepted_by("gzip"), Some(Encoding::Gzip));
        assert_eq!(accepted_by("br;q=0.5, gzip"), Some(Encoding::Gzip));
        assert_eq!(accepted_by("br;q=0, gzip;q=0"), None);
        assert_eq!(accepted_by("*"), Some(Encoding::Brotli));
        assert_eq!(accepted_by("br;q=0, *;q=0.1"), Some(Encoding::Gzip));
        assert_eq!(accepted_by("identity"), None);
        assert_eq!(accepted_by(""), None);

        let gzip = (header::ACCEPT_ENCODING, "gzip".parse().unwrap());
        let mut headers = HeaderMap::from_iter([gzip]);
        headers.insert("x-no-compression", "1".parse().unwrap());
        assert_eq!(accepted(&headers), None);
    }

    fn answer(encoding: Option<Encoding>, size: usize) -> Response {
        let mut response = Response::new(Body::Text("热".repeat(size / 3)));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        headers.insert(header::ETAG, "\"abc\"".parse().unwrap());

        apply(encoding, &mut response);
        response
    }

    fn read_text(mut reader: impl Read) -> String {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn what_was_encoded_can_be_read_again_and_has_its_own_tag() {
        let gzip = answer(Some(Encoding::Gzip), 9_000);
        assert_eq!(gzip.headers()["content-encoding"], "gzip");
        assert_eq!(gzip.headers()["etag"], "\"abc-gzip\"");
        let decoder = flate2::read::GzDecoder::new(gzip.body().as_ref());
        assert_eq!(read_text(decoder), "热".repeat(3_000));

        let brotli = answer(Some(Encoding::Brotli), 9_000);
        let decoder = brotli::Decompressor::new(brotli.body().as_ref(), 4_096);
        assert_eq!(read_text(decoder), "热".repeat(3_000));

        for tag in ["\"abc\"", "\"abc-br\"", "\"abc-gzip\""] {
            assert_eq!(plain_tag(tag), "\"abc\"");
        }
    }

    #[test]
    fn small_bodies_stay_as_they_are_and_all_say_that_they_vary() {
        let small = answer(Some(Encoding::Gzip), 900);
        let plain = answer(None, 9_000);

        for response in [small, plain] {
            let headers = response.headers();
            assert!(!headers.contains_key("content-encoding"));
            assert_eq!(headers["vary"], "accept-encoding, x-no-compression");
        }
    }
}
