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
    /// Through a function URL: as long as the function may run, chunk by chunk.
    FunctionUrl,
}

impl Origin {
    /// A function URL has no routes, so its calls come with the key `$default`; the HTTP API's come
    /// with their route's key. `cargo lambda watch` calls like a function URL. Source: "Invoking
    /// Lambda function URLs", AWS Lambda developer guide.
    pub(super) fn of_request(request: &Request) -> Self {
        match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context))
                if context.route_key.as_deref() == Some("$default") =>
            {
                Self::FunctionUrl
            }
            _ => Self::HttpApi,
        }
    }

    pub(super) const fn max_time(self) -> Duration {
        match self {
            Self::HttpApi => GATEWAY_TIMEOUT,
            Self::FunctionUrl => MAX_INVOCATION_TIME,
        }
    }
}
