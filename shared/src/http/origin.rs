//! How a call came.

use std::time::Duration;

use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};

/// API Gateway ends a call at 30 s; an answer after 28 s might not arrive.
const GATEWAY_TIMEOUT: Duration = Duration::from_secs(28);

/// The longest that Lambda runs a function.
const MAX_INVOCATION_TIME: Duration = Duration::from_mins(15);

/// How a call came, which decides how long it may take and whether its answer can be streamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Through the HTTP API: at most 28 s, and all at once.
    HttpApi,
    /// Through the REST API: as long as the function may run, chunk by chunk.
    RestApi,
    /// By `cargo lambda watch`, which streams as the REST API does.
    Watch,
}

impl Origin {
    /// A REST API sends events of a form of its own. The HTTP API's come with their route's key,
    /// and those of `cargo lambda watch`, which are a function URL's, with the key `$default`.
    pub(super) fn of_request(request: &Request) -> Self {
        match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV1(_)) => Self::RestApi,
            Some(RequestContext::ApiGatewayV2(context))
                if context.route_key.as_deref() == Some("$default") =>
            {
                Self::Watch
            }
            _ => Self::HttpApi,
        }
    }

    pub(super) const fn max_time(self) -> Duration {
        match self {
            Self::HttpApi => GATEWAY_TIMEOUT,
            Self::RestApi | Self::Watch => MAX_INVOCATION_TIME,
        }
    }

    /// Whether the client gets each chunk of an answer as it is made.
    pub(super) const fn is_streamed(self) -> bool {
        match self {
            Self::HttpApi => false,
            Self::RestApi | Self::Watch => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::request::LambdaRequest;
    use serde_json::{Value, json};

    use super::*;

    fn origin_of(event: Value) -> Origin {
        let request: LambdaRequest = serde_json::from_value(event).unwrap();
        Origin::of_request(&Request::from(request))
    }

    fn event_with_key(route_key: &str) -> Value {
        let http = json!({
            "method": "POST", "path": "/v1/x", "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1", "userAgent": "",
        });
        let context = json!({
            "accountId": "1", "apiId": "a", "domainName": "d", "domainPrefix": "a",
            "requestId": "r", "routeKey": route_key, "stage": "$default", "time": "",
            "timeEpoch": 0, "http": http,
        });
        json!({
            "version": "2.0", "routeKey": route_key, "rawPath": "/v1/x", "rawQueryString": "",
            "headers": {}, "isBase64Encoded": false, "requestContext": context,
        })
    }

    #[test]
    fn an_event_tells_how_its_call_came() {
        assert_eq!(origin_of(event_with_key("POST /v1/x")), Origin::HttpApi);
        assert_eq!(origin_of(event_with_key("$default")), Origin::Watch);

        let context = json!({ "httpMethod": "POST", "stage": "s", "identity": {} });
        let event = json!({
            "resource": "/v1/x", "path": "/v1/x", "httpMethod": "POST", "headers": {},
            "requestContext": context,
        });
        assert_eq!(origin_of(event), Origin::RestApi);
        assert_eq!(Origin::of_request(&Request::default()), Origin::HttpApi);
    }
}
