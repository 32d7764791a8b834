//! What goes back to Lambda: a response in one piece, or a stream.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use bytes::Bytes;
use futures::stream::BoxStream;
use http::{HeaderMap, StatusCode, header};
use lambda_http::Body;
use lambda_runtime::{MetadataPrelude, StreamResponse};

use super::Response;

/// An answer as Lambda's Runtime API takes it.
pub enum Outgoing {
    /// In one piece, in the form that an HTTP API and a function URL read.
    Buffered(Box<ApiGatewayV2httpResponse>),
    /// Chunk by chunk, through a function URL that streams.
    Streamed(StreamResponse<BoxStream<'static, Result<Bytes, lambda_runtime::Error>>>),
}

impl Outgoing {
    /// An answer in one piece.
    pub(super) fn buffered(response: Response) -> Self {
        let (head, body) = response.into_parts();
        let is_encoded = head.headers.contains_key(header::CONTENT_ENCODING);

        let mut buffered = ApiGatewayV2httpResponse::default();
        buffered.status_code = i64::from(head.status.as_u16());
        buffered.headers = head.headers;
        buffered.body = match body {
            Body::Binary(bytes) if !is_encoded => Some(text_or_binary(bytes)),
            Body::Empty => None,
            body => Some(body),
        };
        buffered.is_base64_encoded = matches!(buffered.body, Some(Body::Binary(_)));
        Self::Buffered(Box::new(buffered))
    }

    /// An answer whose chunks go out as they are made.
    pub(super) fn streamed(
        status_code: StatusCode,
        headers: HeaderMap,
        stream: BoxStream<'static, Result<Bytes, lambda_runtime::Error>>,
    ) -> Self {
        let metadata_prelude = MetadataPrelude {
            status_code,
            headers,
            cookies: Vec::new(),
        };

        Self::Streamed(StreamResponse {
            metadata_prelude,
            stream,
        })
    }
}

/// Text travels as it is; anything else as Base64.
fn text_or_binary(bytes: Vec<u8>) -> Body {
    match String::from_utf8(bytes) {
        Ok(text) => Body::Text(text),
        Err(error) => Body::Binary(error.into_bytes()),
    }
}
