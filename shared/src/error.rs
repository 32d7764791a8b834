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
pub enum ErrorKind {
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

impl ErrorKind {
    /// The HTTP status code.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Unprocessable => 422,
            Self::TooManyRequests => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
            Self::TimedOut => 504,
        }
    }

    /// The `title` of the problem document: the same for every error of this kind.
    pub const fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "The request cannot be read",
            Self::Unauthenticated => "Authentication is required",
            Self::Forbidden => "This is not allowed",
            Self::NotFound => "Not found",
            Self::Conflict => "That is not possible in its present state",
            Self::PayloadTooLarge => "The body is too large",
            Self::UnsupportedMediaType => "The content type is not supported",
            Self::Unprocessable => "A value breaks a rule",
            Self::TooManyRequests => "Too many requests",
            Self::Internal => "Something failed on our side",
            Self::Unavailable => "Unavailable for the moment",
            Self::TimedOut => "The time for this call ran out",
        }
    }

    /// The last part of the problem document's `type`, such as `not-found`.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::PayloadTooLarge => "payload-too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::Unprocessable => "unprocessable",
            Self::TooManyRequests => "too-many-requests",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::TimedOut => "timed-out",
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
    kind: ErrorKind,
    detail: Cow<'static, str>,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    cause: Option<BoxError>,
}

impl Error {
    /// An error whose `detail` the caller reads: one sentence that helps, without any value from the request.
    pub fn new(kind: ErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
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
            ErrorKind::Internal,
            "Nothing is wrong with your request. Please quote the instance to the operator.",
        )
        .with_source(cause)
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
            ..Self::new(ErrorKind::Unavailable, detail)
        }
        .with_source(cause)
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
            ..Self::new(ErrorKind::TooManyRequests, detail)
        }
    }

    /// A 404 that looks the same whether the thing does not exist or belongs to somebody else.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(
            ErrorKind::NotFound,
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
            ..Self::new(ErrorKind::Unprocessable, detail)
        }
    }

    /// Adds the internal cause.
    #[must_use]
    pub fn with_source(mut self, cause: impl Into<BoxError>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// What went wrong.
    pub const fn kind(&self) -> ErrorKind {
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
pub fn error_chain(error: &dyn std::error::Error) -> String {
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
            error_chain(&error),
            "password authentication failed for user wenzhen"
        );
    }

    #[test]
    fn only_what_passes_by_itself_is_retryable() {
        assert!(ErrorKind::Unavailable.is_retryable() && ErrorKind::TimedOut.is_retryable());
        assert!(!ErrorKind::Internal.is_retryable() && !ErrorKind::Unprocessable.is_retryable());
    }

    #[test]
    fn one_field_error_is_said_in_the_detail() {
        assert_eq!(
            Error::field("age", "must be from 0 to 130").to_string(),
            "`age` must be from 0 to 130."
        );
    }
}
