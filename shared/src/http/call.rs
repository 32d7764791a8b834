//! One authenticated call, as a handler sees it.

use http::HeaderMap;
use lambda_http::{Request, RequestExt};
use uuid::Uuid;

use super::body;
use super::origin::Origin;
use crate::cache::Prefetched;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::identity::Caller;
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
        self.request
            .query_string_parameters()
            .first(name)
            .map(str::to_owned)
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
