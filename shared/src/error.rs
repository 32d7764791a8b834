//! The one error type of every handler: what the caller may read, what the operator must know, and
//! whether trying again can help.
//!
//! `Display` gives the public message only and never repeats its source: symptoms, tokens or SQL
//! cannot reach a client through it. The internal cause is behind [`std::error::Error::source`] and
//! goes to the log once, at the boundary.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;

/// Any error of a lower layer.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The class of an error, in HTTP's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// 400: the request cannot be read.
    BadRequest,
    /// 401: no token, or one that is not valid.
    Unauthenticated,
    /// 403: the token is valid, but its caller may not do this.
    Forbidden,
    /// 404: nothing is there, or nothing that this caller may know of.
    NotFound,
    /// 409: the resource is in a state that does not allow it.
    Conflict,
    /// 413: the body is larger than the route takes.
    PayloadTooLarge,
    /// 415: the body is not JSON.
    UnsupportedMediaType,
    /// 422: the request is readable, but a value breaks a rule.
    Unprocessable,
    /// 429: a limit is reached.
    TooManyRequests,
    /// 500: a fault of ours.
    Internal,
    /// 503: a dependency cannot be reached for the moment.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct FieldError {
    /// Where the value stands in the body or the query, such as `symptoms` or `attachments[0]`.
    pub field: String,
    /// The rule that it breaks, such as `must be from 0 to 130`.
    pub message: String,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    detail: Cow<'static, str>,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    advice: Option<Box<Advice>>,
    source: Option<BoxError>,
}

/// What a patient should do now, though the request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// How soon help is needed.
    pub urgency: &'static str,
    /// What to do, in the patient's language.
    pub text: String,
}

impl Error {
    /// An error whose `detail` the caller reads: one sentence that helps, without any value from
    /// the request.
    pub fn new(kind: ErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            fields: Vec::new(),
            retry_after: None,
            advice: None,
            source: None,
        }
    }

    /// A fault of ours. The caller learns only that it happened.
    pub fn internal(source: impl Into<BoxError>) -> Self {
        let detail =
            "Nothing is wrong with your request. Please quote the instance to the operator.";
        Self::new(ErrorKind::Internal, detail).with_source(source)
    }

    /// A 503 because `dependency`, such as `The database`, cannot be reached; `retry_after` is what
    /// the caller is told to wait.
    pub fn unavailable(
        dependency: &'static str,
        retry_after: Duration,
        source: impl Into<BoxError>,
    ) -> Self {
        let detail = format!("{dependency} cannot be reached right now. Please try again.");

        Self {
            retry_after: Some(retry_after),
            source: Some(source.into()),
            ..Self::new(ErrorKind::Unavailable, detail)
        }
    }

    /// A 429 of the limit of this name; `wait` is when the same call would be let in, none if it
    /// never would be.
    pub fn too_many(limit: &'static str, wait: Option<Duration>) -> Self {
        let detail = match wait.map(retry_after_seconds) {
            Some(seconds) => {
                format!("The limit `{limit}` is reached. Please try again in {seconds} s.")
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

    /// A 404 that looks the same whether the resource does not exist or belongs to another tenant
    /// or person.
    pub fn not_found(resource: &'static str) -> Self {
        let detail = format!("There is no {resource} with this id that you may read.");
        Self::new(ErrorKind::NotFound, detail)
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
            several => {
                let count = several.len();
                format!("{count} values break a rule; `errors` names each.")
            }
        };

        Self {
            fields,
            ..Self::new(ErrorKind::Unprocessable, detail)
        }
    }

    /// Puts what the patient should do now in front of what the caller reads.
    #[must_use]
    pub fn with_advice(mut self, advice: Advice) -> Self {
        self.detail = format!("{} {}", advice.text, self.detail).into();
        self.advice = Some(Box::new(advice));
        self
    }

    /// Tells the caller how long to wait before the next try.
    #[must_use]
    pub const fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Adds the internal cause, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The class of the error, from which its status follows.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The values that broke a rule; none but for a 422.
    pub fn field_errors(&self) -> &[FieldError] {
        &self.fields
    }

    /// What the patient should do now, if that cannot wait.
    pub fn advice(&self) -> Option<&Advice> {
        self.advice.as_deref()
    }

    /// The wait that the caller is told before the next try.
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
        self.source.as_ref().map(|source| &**source as _)
    }
}

/// The chain of causes on one line, for the log.
pub fn error_chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// A wait as `Retry-After` gives it: whole seconds, at least one, rounded up, since a caller that
/// comes back a moment too early is refused once more.
pub fn retry_after_seconds(wait: Duration) -> u64 {
    let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    whole.max(1)
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
        let error = Error::field("age", "must be from 0 to 130");
        assert_eq!(error.to_string(), "`age` must be from 0 to 130.");
    }

    #[test]
    fn a_wait_is_given_in_whole_seconds_and_never_too_short() {
        assert_eq!(retry_after_seconds(Duration::ZERO), 1);
        assert_eq!(retry_after_seconds(Duration::from_secs(2)), 2);
        assert_eq!(retry_after_seconds(Duration::from_millis(2_001)), 3);
    }
}
