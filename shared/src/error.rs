//! The one error type of every handler: what the caller may read, what the operator must know, and whether trying
//! again can help.
//!
//! `Display` gives the public message only and never repeats its source: symptoms, tokens or SQL cannot reach a client
//! through it. The internal cause is behind [`std::error::Error::source`] and goes to the log once, at the boundary.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;

/// Any error of a lower layer.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong, in the terms of an HTTP answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 400: the request cannot be read.
    BadRequest,
    /// 401: no token, or one that does not hold.
    Unauthenticated,
    /// 403: a good token of somebody who may not do this.
    Forbidden,
    /// 404: nothing there, or nothing that this caller may know of.
    NotFound,
    /// 409: it contradicts the state that the thing is in.
    Conflict,
    /// 413: the body is larger than the route takes.
    PayloadTooLarge,
    /// 415: the body is not JSON.
    UnsupportedMediaType,
    /// 422: readable, but a value breaks a rule.
    Unprocessable,
    /// 429: a limit is reached.
    TooManyRequests,
    /// 500: our fault.
    Internal,
    /// 503: something we depend on is gone for the moment.
    Unavailable,
    /// 504: the time for this call ran out.
    TimedOut,
}

impl Kind {
    /// The HTTP status, the title of the problem, and the last part of its `type`.
    pub const fn describe(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::BadRequest => (400, "The request cannot be read", "bad-request"),
            Self::Unauthenticated => (401, "Authentication is required", "unauthenticated"),
            Self::Forbidden => (403, "This is not allowed", "forbidden"),
            Self::NotFound => (404, "Not found", "not-found"),
            Self::Conflict => (409, "That is not possible in its present state", "conflict"),
            Self::PayloadTooLarge => (413, "The body is too large", "payload-too-large"),
            Self::UnsupportedMediaType => (
                415,
                "The content type is not supported",
                "unsupported-media-type",
            ),
            Self::Unprocessable => (422, "A value breaks a rule", "unprocessable"),
            Self::TooManyRequests => (429, "Too many requests", "too-many-requests"),
            Self::Internal => (500, "Something failed on our side", "internal"),
            Self::Unavailable => (503, "Unavailable for the moment", "unavailable"),
            Self::TimedOut => (504, "The time for this call ran out", "timed-out"),
        }
    }

    /// Whether the same call may succeed a little later.
    pub const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::TooManyRequests | Self::Unavailable | Self::TimedOut
        )
    }
}

/// One value that breaks a rule. The value itself is never repeated: it may be medical text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where it stands in the body or the query, such as `symptoms` or `attachments[0]`.
    pub field: String,
    /// The rule, in words.
    pub message: String,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    detail: Cow<'static, str>,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    cause: Option<BoxError>,
}

impl Error {
    /// An error whose `detail` the caller reads: one sentence that helps, without any value from the request.
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            fields: Vec::new(),
            retry_after: None,
            cause: None,
        }
    }

    /// A fault of ours. The caller learns only that it happened.
    pub fn internal(cause: impl Into<BoxError>) -> Self {
        Self::new(
            Kind::Internal,
            "Nothing is wrong with your request. Please quote the instance to the operator.",
        )
        .because(cause)
    }

    /// A dependency that is gone for the moment; `retry_after` is what the caller is told to wait.
    pub fn unavailable(
        what: &'static str,
        retry_after: Duration,
        cause: impl Into<BoxError>,
    ) -> Self {
        let detail = format!("{what} cannot be reached right now. Please try again.");
        Self {
            retry_after: Some(retry_after),
            ..Self::new(Kind::Unavailable, detail)
        }
        .because(cause)
    }

    /// A 429 of the limit of this name; `wait` is when the same call would be let in, none if it never would be.
    pub fn too_many(limit: &'static str, wait: Option<Duration>) -> Self {
        let detail = match wait {
            Some(wait) => {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                format!(
                    "The limit `{limit}` is reached. Please try again in {} s.",
                    seconds.max(1)
                )
            }
            None => {
                format!("This call alone is more than the limit `{limit}` allows. Make it smaller.")
            }
        };
        Self {
            retry_after: wait,
            ..Self::new(Kind::TooManyRequests, detail)
        }
    }

    /// A 404 that looks the same whether the thing does not exist or belongs to somebody else.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(
            Kind::NotFound,
            format!("There is no {what} with this id that you may read."),
        )
    }

    /// A 422 about one value.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError {
            field: field.into(),
            message: message.into(),
        }])
    }

    /// A 422 about several values.
    pub fn fields(fields: Vec<FieldError>) -> Self {
        let detail = match fields.as_slice() {
            [only] => format!("`{}` {}.", only.field, only.message),
            several => format!(
                "{} values break a rule; `errors` names each.",
                several.len()
            ),
        };
        Self {
            fields,
            ..Self::new(Kind::Unprocessable, detail)
        }
    }

    /// Adds the internal cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<BoxError>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// What went wrong.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The values that broke a rule.
    pub fn field_errors(&self) -> &[FieldError] {
        &self.fields
    }

    /// What the caller should wait before the next try.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| &**cause as _)
    }
}

/// The chain of causes on one line, for the log.
pub fn causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_message_never_repeats_its_cause() {
        let error = Error::internal("password authentication failed for user wenzhen");
        assert!(!error.to_string().contains("password"));
        assert_eq!(
            causes(&error),
            "password authentication failed for user wenzhen"
        );
    }

    #[test]
    fn only_what_passes_by_itself_is_retryable() {
        assert!(Kind::Unavailable.is_retryable() && Kind::TimedOut.is_retryable());
        assert!(!Kind::Internal.is_retryable() && !Kind::Unprocessable.is_retryable());
    }

    #[test]
    fn one_field_error_is_said_in_the_detail() {
        assert_eq!(
            Error::field("age", "must be from 0 to 130").to_string(),
            "`age` must be from 0 to 130."
        );
    }
}
