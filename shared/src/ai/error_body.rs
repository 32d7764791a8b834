//! Which fault stands behind an answer that is an error: by its status, its headers and its body.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use serde_json::{Map, Value};

use super::fault::{Fault, ProviderError};
use crate::resilience::retry;

/// The status that an error would have had, by a word in its `code` or `type`.
const STATUS_BY_WORD: [(&str, u16); 11] = [
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

/// The fault behind an answer that is an error by its status.
pub(super) fn fault_of_status(status: u16, headers: &HeaderMap, body: &[u8]) -> Fault {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let error = body.as_ref().and_then(error_object);
    classify(status, retry_after(headers), error.unwrap_or_default())
}

/// The fault that a body or an event with status 200 carries, if it is one.
pub(super) fn fault_in_body(body: &Value) -> Option<Fault> {
    let error = error_object(body)?;
    Some(classify(implied_status(&error), None, error))
}

/// What `Retry-After` or `OpenAI`'s `retry-after-ms` asks for.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());

    let millis = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok());
    let exact = millis.and_then(|millis| Duration::try_from_secs_f64(millis / 1_000.0).ok());
    if exact.is_some() {
        return exact;
    }

    let value = text("retry-after")?;

    retry::retry_after(value, SystemTime::now())
}

/// The error object of a body: `{"error": {…}}`, `{"error": "…"}`, or the object itself.
fn error_object(body: &Value) -> Option<Map<String, Value>> {
    match body.get("error") {
        Some(Value::Object(error)) => Some(error.clone()),
        Some(Value::String(message)) => {
            let message = Value::String(message.clone());
            Some(Map::from_iter([("message".to_owned(), message)]))
        }
        Some(Value::Null) | None => {
            let kind = body.get("object").and_then(Value::as_str);
            let is_error = kind == Some("error");
            is_error.then(|| body.as_object().cloned()).flatten()
        }
        _ => None,
    }
}

/// The status that an error would have had, from its `code` or `type`; 500 if it says nothing.
fn implied_status(error: &Map<String, Value>) -> u16 {
    let numbers = ["code", "status", "status_code"]
        .into_iter()
        .filter_map(|name| error.get(name))
        .filter_map(as_number);
    let mut statuses = numbers.filter(|number| (400..600).contains(number));
    if let Some(status) = statuses.next() {
        return status;
    }

    let words = format!("{} {}", text_of(error, "code"), text_of(error, "type"));

    STATUS_BY_WORD
        .into_iter()
        .find(|(word, _)| words.contains(word))
        .map_or(500, |(_, status)| status)
}

fn as_number(value: &Value) -> Option<u16> {
    match value {
        Value::Number(number) => number.as_u64()?.try_into().ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A field's text, in lower case; empty if it has none.
fn text_of(error: &Map<String, Value>, field: &str) -> String {
    let text = error.get(field).and_then(Value::as_str);
    text.unwrap_or_default().to_lowercase()
}

fn classify(status: u16, retry_after: Option<Duration>, error: Map<String, Value>) -> Fault {
    let is_out_of_credit =
        ["code", "type"].map(|field| text_of(&error, field) == "insufficient_quota");
    match status {
        429 if is_out_of_credit.contains(&true) => Fault::Misconfigured { status },
        429 => Fault::RateLimited { retry_after },
        300..=399 | 401..=404 => Fault::Misconfigured { status },
        408 | 500.. => Fault::ServerError {
            status,
            retry_after,
        },
        _ => classify_refusal(ProviderError { status, error }),
    }
}

fn classify_refusal(refusal: ProviderError) -> Fault {
    let code = text_of(&refusal.error, "code");
    let kind = text_of(&refusal.error, "type");
    let message = text_of(&refusal.error, "message");

    if code.contains("content_filter") || code == "content_policy_violation" {
        return Fault::ContentFiltered(refusal);
    }

    // Not every endpoint has a code for it: vLLM and llama.cpp say it in words.
    let is_too_long = code == "context_length_exceeded"
        || kind == "exceed_context_size_error"
        || message.contains("maximum context length")
        || message.contains("context size");
    if is_too_long {
        Fault::ContextLengthExceeded(refusal)
    } else {
        Fault::Refused(refusal)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fault::BreakerOutcome;
    use super::*;

    fn fault_word(status: u16, body: &Value) -> String {
        let body = body.to_string();
        fault_of_status(status, &HeaderMap::new(), body.as_bytes()).to_string()
    }

    #[test]
    fn a_status_and_its_body_say_what_went_wrong() {
        let word = |status: u16, code: &str| {
            fault_word(
                status,
                &json!({ "error": { "message": "m", "code": code } }),
            )
        };
        let too_long = "context_length_exceeded";
        assert_eq!(word(400, too_long), too_long);
        assert_eq!(word(400, "content_filter"), "content_filter");
        assert_eq!(word(422, "bad"), "refused_422");
        assert_eq!(word(429, "insufficient_quota"), "not_usable_429");
        assert_eq!(word(429, "rate_limit_exceeded"), "rate_limited");
        assert_eq!(word(404, "model_not_found"), "not_usable_404");
        assert_eq!(word(402, "insufficient_balance"), "not_usable_402");

        let in_words =
            json!({ "error": { "message": "This model's maximum context length is 8" } });
        assert_eq!(fault_word(400, &in_words), too_long);
        assert_eq!(fault_word(301, &json!({})), "not_usable_301");
        let no_object = json!("not even an object");
        assert_eq!(fault_word(503, &no_object), "status_503");
    }

    #[test]
    fn an_error_behind_a_200_is_the_error_it_is() {
        let word = |body: Value| fault_in_body(&body).map_or(String::new(), |f| f.to_string());
        let limited = json!({ "error": { "code": 429 } });
        assert_eq!(word(limited), "rate_limited");
        let overloaded = json!({ "error": { "type": "overloaded_error" } });
        assert_eq!(word(overloaded), "status_503");
        let filtered = json!({ "error": { "code": "content_filter" } });
        assert_eq!(word(filtered), "content_filter");
        let text = json!({ "error": "something" });
        assert_eq!(word(text), "status_500");
        let itself = json!({ "object": "error", "code": 404 });
        assert_eq!(word(itself), "not_usable_404");

        let no_error = json!({ "choices": [], "error": null });
        assert!(fault_in_body(&no_error).is_none());
    }

    #[test]
    fn only_the_providers_own_faults_count_against_it() {
        let outcome = |status, code: &str| {
            let body = json!({ "error": { "code": code } }).to_string();
            let fault = fault_of_status(status, &HeaderMap::new(), body.as_bytes());
            fault.breaker_outcome()
        };
        assert_eq!(outcome(500, ""), BreakerOutcome::Failure);
        assert_eq!(outcome(429, ""), BreakerOutcome::Unknown);
        assert_eq!(outcome(401, ""), BreakerOutcome::Unknown);
        assert_eq!(outcome(400, "content_filter"), BreakerOutcome::Success);
        let too_long = outcome(400, "context_length_exceeded");
        assert_eq!(too_long, BreakerOutcome::Success);

        let out_of_time = Fault::DeadlineExceeded.breaker_outcome();
        assert_eq!(out_of_time, BreakerOutcome::Unknown);
        let malformed = Fault::MalformedChunk.breaker_outcome();
        assert_eq!(malformed, BreakerOutcome::Success);
    }

    #[test]
    fn what_the_provider_asks_for_is_read() {
        let wait = |name: &'static str, value: &str| {
            let name = http::HeaderName::from_static(name);
            retry_after(&HeaderMap::from_iter([(name, value.parse().unwrap())]))
        };
        let exact = Some(Duration::from_millis(1_500));
        assert_eq!(wait("retry-after", "2"), Some(Duration::from_secs(2)));
        assert_eq!(wait("retry-after-ms", "1500"), exact);
        assert_eq!(wait("retry-after", "later"), None);
    }
}
