//! Smaller answers for clients that can read them: Brotli or gzip (level 6), as
//! [`super::accept_encoding`] reads in the request.
//!
//! Left as they are: small bodies, for which it costs more than it saves, unless the client refuses
//! them so; answers to requests with `x-no-compression`; and streams, which [`super::openai`]
//! serves. Brotli is at quality 5, which takes about as long as gzip's 6.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use lambda_http::Body;

use super::Response;
use super::accept_encoding::{AcceptedEncoding, Encoding};

/// Bodies below this size, in bytes, are left as they are: they fit into one packet anyway.
const MIN_COMPRESSED_BYTES: usize = 1_024;

const GZIP_LEVEL: u32 = 6;
const BROTLI_QUALITY: u32 = 5;

/// The base-2 logarithm of Brotli's window, in bytes.
const BROTLI_WINDOW: u32 = 20;

const BROTLI_BUFFER_BYTES: usize = 4_096;

/// The request headers that decide about the encoding.
const VARY: HeaderValue = HeaderValue::from_static("accept-encoding, x-no-compression");

/// Encodes the body, if it is worth it. In either case the answer says that it depends on the
/// encodings that the client accepts.
pub(super) fn apply(accepted: AcceptedEncoding, response: &mut Response) {
    if !may_vary(response) {
        return;
    }
    response.headers_mut().append(header::VARY, VARY);

    let size = response.body().len();
    let is_worth_it = size >= MIN_COMPRESSED_BYTES || (accepted.is_required && size > 0);
    let Some(encoding) = accepted.best.filter(|_| is_worth_it) else {
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

    const AS_IT_IS: AcceptedEncoding = AcceptedEncoding {
        best: None,
        is_required: false,
    };

    fn accepted(encoding: Encoding) -> AcceptedEncoding {
        AcceptedEncoding {
            best: Some(encoding),
            is_required: false,
        }
    }

    fn answer(accepted: AcceptedEncoding, size: usize) -> Response {
        let mut response = Response::new(Body::Text("热".repeat(size / 3)));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        headers.insert(header::ETAG, "\"abc\"".parse().unwrap());

        apply(accepted, &mut response);
        response
    }

    fn read_text(mut reader: impl Read) -> String {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn what_was_encoded_can_be_read_again_and_has_its_own_tag() {
        let gzip = answer(accepted(Encoding::Gzip), 9_000);
        assert_eq!(gzip.headers()["content-encoding"], "gzip");
        assert_eq!(gzip.headers()["etag"], "\"abc-gzip\"");
        let decoder = flate2::read::GzDecoder::new(gzip.body().as_ref());
        assert_eq!(read_text(decoder), "热".repeat(3_000));

        let brotli = answer(accepted(Encoding::Brotli), 9_000);
        let decoder = brotli::Decompressor::new(brotli.body().as_ref(), 4_096);
        assert_eq!(read_text(decoder), "热".repeat(3_000));

        for tag in ["\"abc\"", "\"abc-br\"", "\"abc-gzip\""] {
            assert_eq!(plain_tag(tag), "\"abc\"");
        }
    }

    #[test]
    fn small_bodies_stay_as_they_are_and_all_say_that_they_vary() {
        let small = answer(accepted(Encoding::Gzip), 900);
        let plain = answer(AS_IT_IS, 9_000);

        for response in [small, plain] {
            let headers = response.headers();
            assert!(!headers.contains_key("content-encoding"));
            assert_eq!(headers["vary"], "accept-encoding, x-no-compression");
        }
    }

    /// `Accept-Encoding: gzip, identity;q=0`.
    #[test]
    fn a_small_body_is_encoded_for_those_who_refuse_it_plain() {
        let required = AcceptedEncoding {
            is_required: true,
            ..accepted(Encoding::Gzip)
        };
        let small = answer(required, 30);
        assert_eq!(small.headers()["content-encoding"], "gzip");
        let decoder = flate2::read::GzDecoder::new(small.body().as_ref());
        assert_eq!(read_text(decoder), "热".repeat(10));

        let empty = answer(required, 0);
        assert!(!empty.headers().contains_key("content-encoding"));
    }
}
