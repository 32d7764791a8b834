//! What can go wrong with a provider, and what follows from it.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use serde_json::{Map, Value};

use crate::error::BoxError;
use crate::resilience::breaker::Why;
use crate::resilience::retry::{self, Again, Retryable};

/// Attempts in all on one tier that answers 429.
const ATTEMPTS_WHEN_LIMITED: u32 = 3;

/// Attempts in all on one tier whose failure may pass.
const ATTEMPTS: u32 = 2;

/// Why a tier gave no answer. Only what a [`ProviderError`] holds can be content, and that has no `Debug` or `Display`.
#[derive(thiserror::Error)]
pub enum Fault {
    /// The connection could not be made in time, or no token came in time.
    #[error("silent")]
    Silent,
    /// The connection could not be made, or broke before the answer began.
    #[error("connection_failed")]
    Connection {
        /// Why.
        #[source]
        cause: BoxError,
        /// Whether the client was idle before: then the connection may have died in a freeze, which is nobody's fault.
        was_idle: bool,
    },
    /// Tokens stopped coming.
    #[error("stalled")]
    Stalled,
    /// The answer took longer than the tier may take, though it went on; that says little of the provider's health.
    #[error("took_too_long")]
    TookTooLong,
    /// The call had no more time for this tier; that says little of the tier.
    #[error("out_of_time")]
    OutOfTime,
    /// The answer ended before it was whole.
    #[error("cut")]
    Cut,
    /// The endpoint itself says that it broke the answer off.
    #[error("interrupted")]
    Interrupted,
    /// The answer is larger than what is read of one.
    #[error("too_large")]
    TooLarge,
    /// A piece of the answer could not be read, so nobody can tell whether it is whole.
    #[error("malformed_chunk")]
    Malformed,
    /// The endpoint answered something that is not a chat completion.
    #[error("not_a_completion")]
    NotACompletion,
    /// It answered 429.
    #[error("rate_limited")]
    RateLimited {
        /// What `Retry-After` says.
        wait: Option<Duration>,
    },
    /// It answered with a status of its own failure.
    #[error("status_{status}")]
    Status {
        /// 5xx, or 408.
        status: u16,
        /// What `Retry-After` says.
        wait: Option<Duration>,
    },
    /// The request is longer than the model's context.
    #[error("context_length_exceeded")]
    TooLong(ProviderError),
    /// Its content filter refused the request.
    #[error("content_filter")]
    Filtered(ProviderError),
    /// It refused the request for another reason.
    #[error("refused_{}", .0.status)]
    Refused(ProviderError),
    /// Our key is not accepted, there is no such model, no more credit, or the address is another one.
    #[error("not_usable_{status}")]
    NotUsable {
        /// 401, 402, 403, 404, 3xx, or 429 for an account without credit.
        status: u16,
    },
    /// The tier's key cannot be had.
    #[error("no_key")]
    NoKey(#[source] BoxError),
    /// The tier cannot do what the request asks for.
    #[error("unsupported_{0}")]
    Unsupported(&'static str),
    /// The answer is whole, but not what was asked for.
    #[error("invalid: {0}")]
    Invalid(&'static str),
    /// Its circuit lets no call in.
    #[error("{}", refusal(*.0))]
    Circuit(Why),
    /// It asked to be left alone, for this time more; nothing was sent.
    #[error("cooling_down")]
    CoolingDown(Duration),
}

/// An endpoint's own error, for the caller only.
pub struct ProviderError {
    /// The status it came with.
    pub status: u16,
    /// `OpenAI`'s error object: `message`, `type`, `param`, `code`.
    pub error: Map<String, Value>,
}

/// What a fault says of the provider's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// It answers.
    Well,
    /// It does not.
    Ill,
    /// Nothing.
    Unknown,
    /// It answers, and asks to be left alone for this time.
    Busy(Duration),
}

const fn refusal(why: Why) -> &'static str {
    match why {
        Why::Open => "circuit_open",
        Why::Probing => "circuit_half_open",
        Why::Ramping => "circuit_ramping",
        Why::CoolingDown => "cooling_down",
    }
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl Fault {
    pub(super) fn health(&self) -> Health {
        match self {
            Self::Silent
            | Self::Connection {
                was_idle: false, ..
            }
            | Self::Stalled
            | Self::Cut
            | Self::Interrupted
            | Self::NotACompletion
            | Self::Status { .. } => Health::Ill,
            Self::RateLimited { wait: Some(wait) } => Health::Busy(*wait),
            Self::Malformed
            | Self::TooLong(_)
            | Self::Filtered(_)
            | Self::Refused(_)
            | Self::Invalid(_) => Health::Well,
            _ => Health::Unknown,
        }
    }

    /// Whether an operator must know at once: no waiting mends it.
    pub(super) const fn is_misconfigured(&self) -> bool {
        matches!(self, Self::NotUsable { .. } | Self::NoKey(_))
    }

    /// What the provider asked to be waited for.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { wait } | Self::Status { wait, .. } => *wait,
            Self::CoolingDown(wait) => Some(*wait),
            _ => None,
        }
    }

    /// Whether the tier was sent anything.
    pub const fn reached_its_tier(&self) -> bool {
        !matches!(
            self,
            Self::Circuit(_) | Self::CoolingDown(_) | Self::NoKey(_)
        )
    }

    /// The endpoint's own words, if it had any that the caller may read.
    pub fn provider_error(&self) -> Option<&ProviderError> {
        match self {
            Self::TooLong(error) | Self::Filtered(error) | Self::Refused(error) => Some(error),
            _ => None,
        }
    }
}

impl Retryable for Fault {
    fn again(&self) -> Again {
        match self {
            Self::RateLimited { wait: Some(wait) } | Self::CoolingDown(wait) => Again::After {
                wait: *wait,
                attempts: ATTEMPTS_WHEN_LIMITED,
            },
            Self::RateLimited { wait: None } => Again::AfterBackoff {
                attempts: ATTEMPTS_WHEN_LIMITED,
            },
            Self::Status {
                wait: Some(wait), ..
            } => Again::After {
                wait: *wait,
                attempts: ATTEMPTS,
            },
            Self::Status { wait: None, .. } | Self::Connection { .. } => {
                Again::AfterBackoff { attempts: ATTEMPTS }
            }
            _ => Again::Never,
        }
    }

    fn was_tried(&self) -> bool {
        !matches!(self, Self::Circuit(_) | Self::CoolingDown(_))
    }
}

/// The fault behind an answer that is an error by its status.
pub(super) fn of_status(status: u16, headers: &HeaderMap, body: &[u8]) -> Fault {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let error = body.as_ref().and_then(error_of).unwrap_or_default();
    classify(status, wait(headers), error)
}

/// The fault that a body or an event with status 200 carries, if it is one.
pub(super) fn within(body: &Value) -> Option<Fault> {
    let error = error_of(body)?;
    Some(classify(status_of(&error), None, error))
}

/// What `Retry-After` or `OpenAI`'s `retry-after-ms` asks for.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let exact = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok());
    let exact = exact.and_then(|millis| Duration::try_from_secs_f64(millis / 1_000.0).ok());
    exact.or_else(|| {
        text("retry-after").and_then(|value| retry::retry_after(value, SystemTime::now()))
    })
}

/// The error object of a body: `{"error": {…}}`, `{"error": "…"}`, or the object itself.
fn error_of(body: &Value) -> Option<Map<String, Value>> {
    match body.get("error") {
        Some(Value::Object(error)) => Some(error.clone()),
        Some(Value::String(message)) => Some(Map::from_iter([(
            "message".to_owned(),
            Value::String(message.clone()),
        )])),
        Some(Value::Null) | None
            if body.get("object") == Some(&Value::String("error".to_owned())) =>
        {
            body.as_object().cloned()
        }
        _ => None,
    }
}

/// The status that an error would have had, from its `code` or `type`; 500 if it says nothing.
fn status_of(error: &Map<String, Value>) -> u16 {
    let numbers = ["code", "status", "status_code"]
        .into_iter()
        .filter_map(|name| error.get(name));
    let is_status = |number: &u16| (400..600).contains(number);
    let as_number = |value: &Value| match value {
        Value::Number(number) => number
            .as_u64()
            .and_then(|number| u16::try_from(number).ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    if let Some(status) = numbers.filter_map(as_number).find(is_status) {
        return status;
    }
    let says = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let words = format!("{} {}", says("code"), says("type")).to_lowercase();
    let known = [
        ("rate_limit", 429),
        ("too_many_requests", 429),
        ("insufficient_quota", 429),
        ("context_length", 400),
        ("content_filter", 400),
        ("invalid_request", 400),
        ("invalid_api_key", 401),
        ("authentication", 401),
        ("permission", 403),
        ("not_found", 404),
        ("overloaded", 503),
    ];
    known
        .into_iter()
        .find(|(word, _)| words.contains(word))
        .map_or(500, |(_, status)| status)
}

fn classify(status: u16, wait: Option<Duration>, error: Map<String, Value>) -> Fault {
    let says = |name: &str| {
        error
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_lowercase()
    };
    let (code, kind, message) = (says("code"), says("type"), says("message"));
    match status {
        429 if code == "insufficient_quota" || kind == "insufficient_quota" => {
            Fault::NotUsable { status }
        }
        429 => Fault::RateLimited { wait },
        300..=399 | 401..=404 => Fault::NotUsable { status },
        408 | 500.. => Fault::Status { status, wait },
        _ => {
            let error = ProviderError { status, error };
            // Not every endpoint has a code for it: vLLM and llama.cpp say it in words.
            let is_too_long = code == "context_length_exceeded"
                || kind == "exceed_context_size_error"
                || message.contains("maximum context length")
                || message.contains("context size");
            let is_filtered = code.contains("content_filter") || code == "content_policy_violation";
            if is_filtered {
                Fault::Filtered(error)
            } else if is_too_long {
                Fault::TooLong(error)
            } else {
                Fault::Refused(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fault(status: u16, body: &Value) -> String {
        of_status(status, &HeaderMap::new(), body.to_string().as_bytes()).to_string()
    }

    #[test]
    fn a_status_and_its_body_say_what_went_wrong() {
        let error = |code: &str| json!({ "error": { "message": "m", "code": code } });
        assert_eq!(
            fault(400, &error("context_length_exceeded")),
            "context_length_exceeded"
        );
        assert_eq!(fault(400, &error("content_filter")), "content_filter");
        assert_eq!(
            fault(
                400,
                &json!({ "error": { "message": "This model's maximum context length is 8" } })
            ),
            "context_length_exceeded"
        );
        assert_eq!(fault(422, &error("bad")), "refused_422");
        assert_eq!(fault(429, &error("insufficient_quota")), "not_usable_429");
        assert_eq!(fault(429, &error("rate_limit_exceeded")), "rate_limited");
        assert_eq!(fault(404, &error("model_not_found")), "not_usable_404");
        assert_eq!(fault(402, &error("insufficient_balance")), "not_usable_402");
        assert_eq!(fault(301, &json!({})), "not_usable_301");
        assert_eq!(fault(503, &json!("not even an object")), "status_503");
    }

    #[test]
    fn an_error_behind_a_200_is_the_error_it_is() {
        let fault = |body: Value| within(&body).map(|fault| fault.to_string());
        assert_eq!(
            fault(json!({ "error": { "code": 429 } })).as_deref(),
            Some("rate_limited")
        );
        assert_eq!(
            fault(json!({ "error": { "type": "overloaded_error" } })).as_deref(),
            Some("status_503")
        );
        assert_eq!(
            fault(json!({ "error": { "code": "content_filter" } })).as_deref(),
            Some("content_filter")
        );
        assert_eq!(
            fault(json!({ "error": "something" })).as_deref(),
            Some("status_500")
        );
        assert_eq!(
            fault(json!({ "object": "error", "code": 404 })).as_deref(),
            Some("not_usable_404")
        );
        assert_eq!(fault(json!({ "choices": [], "error": null })), None);
    }

    #[test]
    fn only_the_providers_own_faults_count_against_it() {
        let of = |status, code: &str| {
            let body = json!({ "error": { "code": code } }).to_string();
            of_status(status, &HeaderMap::new(), body.as_bytes()).health()
        };
        assert_eq!(of(500, ""), Health::Ill);
        assert_eq!(of(429, ""), Health::Unknown);
        assert_eq!(of(401, ""), Health::Unknown);
        assert_eq!(of(400, "content_filter"), Health::Well);
        assert_eq!(of(400, "context_length_exceeded"), Health::Well);
        assert_eq!(Fault::OutOfTime.health(), Health::Unknown);
        assert_eq!(Fault::Malformed.health(), Health::Well);
    }

    #[test]
    fn what_the_provider_asks_for_is_read() {
        let wait = |name: &'static str, value: &str| {
            wait(&HeaderMap::from_iter([(
                http::HeaderName::from_static(name),
                value.parse().unwrap(),
            )]))
        };
        assert_eq!(wait("retry-after", "2"), Some(Duration::from_secs(2)));
        assert_eq!(
            wait("retry-after-ms", "1500"),
            Some(Duration::from_millis(1_500))
        );
        assert_eq!(wait("retry-after", "later"), None);
    }
}
