//! One authenticated call, as a handler sees it.

use http::HeaderMap;
use lambda_http::{Request, RequestExt};
use uuid::Uuid;

use super::body;
use super::origin::Origin;
use crate::cache::Prefetched;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::identity::{Caller, Role};
use crate::limits::DecisionMode;
use crate::page::{Cursor, Page};

/// One authenticated call of a route.
pub struct Call {
    /// Who calls.
    pub caller: Caller,
    /// Until when an answer is of use.
    pub deadline: Deadline,
    /// How the call was counted against its limits.
    pub counted_by: DecisionMode,
    /// The cache's answer, if the endpoint prefetched one.
    pub prefetched: Option<Prefetched>,
    /// Whether the answer can be streamed.
    pub origin: Origin,
    pub(super) request: Request,
}

impl Call {
    /// A call through the HTTP API of a caller who was authenticated before, counted by no limit.
    pub fn new(caller: Caller, deadline: Deadline, request: Request) -> Self {
        Self {
            caller,
            deadline,
            counted_by: DecisionMode::Open,
            prefetched: None,
            origin: Origin::HttpApi,
            request,
        }
    }

    /// Refuses a caller of a lesser role than `least` with a 403 that says `detail`.
    pub fn require_role(&self, least: Role, detail: &'static str) -> Result<(), Error> {
        if self.caller.role >= least {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Forbidden, detail))
    }

    /// The path parameter `name`, which must be an id. Anything else cannot exist, so it is a 404
    /// about `resource`, such as `job`.
    pub fn path_id(&self, name: &str, resource: &'static str) -> Result<Uuid, Error> {
        path_parameter(&self.request, name)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| Error::not_found(resource))
    }

    /// The path parameter `name` as it is.
    pub fn path_text(&self, name: &str) -> Option<String> {
        path_parameter(&self.request, name)
    }

    /// The query parameter `name`; the first one if the query repeats it.
    pub fn query(&self, name: &str) -> Option<String> {
        query_parameter(&self.request, name)
    }

    /// Refuses query parameters that are not among `known`: a filter that is not applied would be
    /// taken for one that is.
    pub fn refuse_other_queries(&self, known: &[&str]) -> Result<(), Error> {
        let queries = self.request.query_string_parameters();
        let mut names = queries.iter().map(|(name, _)| name);
        match names.find(|name| !known.contains(name)) {
            Some(_) => {
                let detail = format!("must be among {}", known.join(", "));
                Err(Error::field("query", detail))
            }
            None => Ok(()),
        }
    }

    /// The page that the query parameters `limit` and `cursor` ask for.
    pub fn page<C: Cursor>(&self) -> Result<Page<C>, Error> {
        let (limit, cursor) = (self.query("limit"), self.query("cursor"));
        Page::parse(limit.as_deref(), cursor.as_deref())
    }

    /// The request's headers.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// The header `name`. A value with invisible characters counts as empty text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.request.headers().get(name)?;
        Some(value.to_str().unwrap_or_default())
    }

    /// The body's bytes, not checked.
    pub fn body(&self) -> &[u8] {
        self.request.body()
    }

    /// The body as a valid `T`, of at most 64 KiB. Errors: 400, 413, 415 and 422.
    pub fn json<T>(&self) -> Result<T, Error>
    where
        T: serde::de::DeserializeOwned + garde::Validate<Context = ()>,
    {
        body::json(self.headers(), self.request.body(), body::MAX_BYTES)
    }

    /// The body of a bulk route as a valid `T`, of at most 1 MiB. Errors as [`Self::json`].
    pub fn bulk_json<T>(&self) -> Result<T, Error>
    where
        T: serde::de::DeserializeOwned + garde::Validate<Context = ()>,
    {
        body::json(self.headers(), self.request.body(), body::MAX_BULK_BYTES)
    }
}

/// The path parameter `name` of a request.
pub fn path_parameter(request: &Request, name: &str) -> Option<String> {
    request.path_parameters().first(name).map(str::to_owned)
}

/// The query parameter `name` of a request; the first one if the query repeats it.
pub fn query_parameter(request: &Request, name: &str) -> Option<String> {
    let parameters = request.query_string_parameters();
    parameters.first(name).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use garde::Validate;
    use lambda_http::request::LambdaRequest;
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;
    use crate::identity::{TenantId, UserId};

    #[derive(Deserialize, Validate)]
    struct Sample {
        #[garde(skip)]
        name: String,
    }

    /// A call as `cargo lambda watch` sends it (payload format 2.0), with a body in Base64.
    fn call_with(headers: &Value, body: &[u8]) -> Call {
        let http = json!({
            "method": "POST", "path": "/v1/x", "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1", "userAgent": "",
        });
        let context = json!({
            "accountId": "1", "apiId": "a", "domainName": "d", "domainPrefix": "a",
            "requestId": "r", "routeKey": "$default", "stage": "$default", "time": "",
            "timeEpoch": 0, "http": http,
        });
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/v1/x",
            "rawQueryString": "limit=1&limit=2", "headers": headers,
            "cookies": ["a=1", "b=2"], "requestContext": context,
            "body": STANDARD.encode(body), "isBase64Encoded": true,
        });

        let request: LambdaRequest = serde_json::from_value(event).unwrap();
        let caller = Caller {
            tenant: TenantId::try_from("t".to_owned()).unwrap(),
            user: UserId::try_from("u".to_owned()).unwrap(),
            role: Role::Patient,
        };
        Call::new(
            caller,
            Deadline::after(Duration::from_secs(5)),
            request.into(),
        )
    }

    #[test]
    fn a_body_in_base64_is_read_whatever_charset_it_names() {
        let name = "热".to_owned();
        let body = json!({ "name": name }).to_string();
        for charset in ["utf-8", "UTF-8", "gbk"] {
            let headers = json!({ "content-type": format!("application/json; charset={charset}") });
            let call = call_with(&headers, body.as_bytes());
            let sample: Sample = call.json().unwrap();
            assert_eq!(sample.name, name, "{charset}");
        }

        // JSON is UTF-8 (RFC 8259, section 8.1).
        let headers = json!({ "content-type": "application/json; charset=utf-16" });
        let utf16: Vec<u8> = body.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let refused = call_with(&headers, &utf16).json::<Sample>().err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::BadRequest);
    }

    #[test]
    fn repeated_and_unreadable_headers_have_one_meaning() {
        let headers = json!({
            "content-type": "application/json,application/json",
            "idempotency-key": "钥匙",
            "if-none-match": "\"a\",\"b\"",
        });
        let call = call_with(&headers, b"{}");

        assert_eq!(call.header("idempotency-key"), Some(""), "it is refused");
        assert_eq!(call.header("if-none-match"), Some("\"a\",\"b\""));
        assert_eq!(call.header("cookie"), Some("a=1; b=2"));
        assert_eq!(call.query("limit").as_deref(), Some("1"));
        let refused = call.json::<Sample>().err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::UnsupportedMediaType);
    }
}
