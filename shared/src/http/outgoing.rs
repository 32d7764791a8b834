//! What goes back to Lambda: a response in one piece, or a stream.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use bytes::Bytes;
use futures::stream::BoxStream;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use lambda_http::Body;
use lambda_runtime::{MetadataPrelude, StreamResponse};

use super::Response;

/// An answer as Lambda's Runtime API takes it.
pub enum Outgoing {
    /// In one piece, in the form that an HTTP API reads.
    Buffered(Box<ApiGatewayV2httpResponse>),
    /// Chunk by chunk, through an integration that streams.
    Streamed(StreamResponse<BoxStream<'static, Result<Bytes, lambda_runtime::Error>>>),
}

impl Outgoing {
    /// An answer in one piece.
    pub(super) fn buffered(response: Response) -> Self {
        let (head, body) = response.into_parts();
        let is_encoded = head.headers.contains_key(header::CONTENT_ENCODING);

        let JoinedHeaders { headers, cookies } = JoinedHeaders::of(&head.headers);
        let mut buffered = ApiGatewayV2httpResponse::default();
        buffered.status_code = i64::from(head.status.as_u16());
        buffered.headers = headers;
        buffered.cookies = cookies;
        buffered.body = match body {
            Body::Binary(bytes) if !is_encoded => Some(text_or_binary(bytes)),
            Body::Empty => None,
            body => Some(body),
        };
        buffered.is_base64_encoded = matches!(buffered.body, Some(Body::Binary(_)));
        Self::Buffered(Box::new(buffered))
    }

    /// The status that it was answered with.
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Buffered(response) => u16::try_from(response.status_code).unwrap_or(0),
            Self::Streamed(stream) => stream.metadata_prelude.status_code.as_u16(),
        }
    }

    /// An answer whose chunks go out as they are made.
    pub(super) fn streamed(
        status_code: StatusCode,
        headers: &HeaderMap,
        stream: BoxStream<'static, Result<Bytes, lambda_runtime::Error>>,
    ) -> Self {
        let JoinedHeaders { headers, cookies } = JoinedHeaders::of(headers);
        let metadata_prelude = MetadataPrelude {
            status_code,
            headers,
            cookies,
        };

        Self::Streamed(StreamResponse {
            metadata_prelude,
            stream,
        })
    }
}

/// Headers in the form of an answer's JSON, whose names have one text each. Source: "Working with
/// AWS Lambda proxy integrations for HTTP APIs", Amazon API Gateway developer guide.
///
/// Left as they are, only the first of a header's values would be sent in a buffered answer, and an
/// array, which is no text, in a stream's.
struct JoinedHeaders {
    /// With the values of each name as one list (RFC 9110, section 5.3).
    headers: HeaderMap,
    /// The values of `Set-Cookie`, which cannot be joined.
    cookies: Vec<String>,
}

impl JoinedHeaders {
    fn of(headers: &HeaderMap) -> Self {
        let texts_of = |name: &HeaderName| -> Vec<&str> {
            let values = headers.get_all(name).iter();
            values.filter_map(|value| value.to_str().ok()).collect()
        };

        let names = headers.keys().filter(|name| **name != header::SET_COOKIE);
        let joined = names.filter_map(|name| {
            let texts = texts_of(name);
            let value = HeaderValue::from_str(&texts.join(", ")).ok()?;
            (!texts.is_empty()).then(|| (name.clone(), value))
        });

        let cookies = texts_of(&header::SET_COOKIE).into_iter();
        Self {
            headers: joined.collect(),
            cookies: cookies.map(str::to_owned).collect(),
        }
    }
}

/// Text travels as it is; anything else as Base64.
fn text_or_binary(bytes: Vec<u8>) -> Body {
    match String::from_utf8(bytes) {
        Ok(text) => Body::Text(text),
        Err(error) => Body::Binary(error.into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use serde_json::{Value, json};

    use super::*;

    fn repeated_headers() -> HeaderMap {
        let texts = [
            ("vary", "accept-encoding"),
            ("vary", "x-no-compression"),
            ("ratelimit", "\"user\";r=9;t=1, \"tenant\";r=99;t=1"),
            ("set-cookie", "a=1, 2; Path=/"),
            ("set-cookie", "b=2"),
            ("content-type", "text/plain"),
        ];
        let texts = texts.map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        let not_text = HeaderValue::from_bytes("热".as_bytes()).unwrap();

        let mut headers = HeaderMap::new();
        for (name, value) in texts {
            headers.append(name, value);
        }
        headers.insert("x-not-text", not_text);
        headers
    }

    fn assert_joined(answer: &Value) {
        let headers = json!({
            "vary": "accept-encoding, x-no-compression",
            "ratelimit": "\"user\";r=9;t=1, \"tenant\";r=99;t=1",
            "content-type": "text/plain",
        });
        assert_eq!(answer["headers"], headers, "{answer}");
        assert_eq!(answer["cookies"], json!(["a=1, 2; Path=/", "b=2"]));
        assert_eq!(answer["statusCode"], 200);
    }

    #[test]
    fn repeated_headers_are_joined_in_one_piece() {
        let mut response = Response::new(Body::Text("x".to_owned()));
        *response.headers_mut() = repeated_headers();
        let Outgoing::Buffered(buffered) = Outgoing::buffered(response) else {
            panic!("streamed")
        };
        assert_joined(&serde_json::to_value(buffered).unwrap());
    }

    #[test]
    fn repeated_headers_are_joined_in_a_stream() {
        let body = futures::stream::empty().boxed();
        let sent = Outgoing::streamed(StatusCode::OK, &repeated_headers(), body);
        let Outgoing::Streamed(streamed) = sent else {
            panic!("buffered")
        };
        assert_joined(&serde_json::to_value(streamed.metadata_prelude).unwrap());
    }
}
