//! What a client is told when no tier answered.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use crate::ai::{ChainOutcome, Fault, ProviderError, TierFailure};
use crate::http::openai::ApiError;

/// When to come back if no tier and no circuit says when.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(5);

/// The error for tiers that all failed. The first one that was really asked decides what it is: the
/// error of a later tier, asked only because of that, must not mask it.
pub(super) fn error_of<T>(outcome: &ChainOutcome<T>) -> ApiError {
    let failures = outcome.failures.as_slice();
    let mut error = match first_asked(failures) {
        _ if first_filtered(failures).is_some() => refused(failures),
        Some(fault) if fault.provider_error().is_some() => refused(failures),
        Some(Fault::RateLimited { .. } | Fault::CoolingDown(_)) => rate_limited(failures),
        Some(Fault::DeadlineExceeded) => timed_out(failures),
        None if !failures.is_empty() && failures.iter().all(is_unsupported) => unsupported(),
        _ => unavailable(failures, outcome.retry_in),
    };

    error.attempts = Some(outcome.attempts);

    error
}

/// The first fault of a tier that was really asked.
fn first_asked(failures: &[TierFailure]) -> Option<&Fault> {
    let mut faults = failures.iter().map(|failure| &failure.fault);
    faults.find(|fault| !matches!(fault, Fault::CircuitRefused(_) | Fault::Unsupported(_)))
}

fn first_filtered(failures: &[TierFailure]) -> Option<&Fault> {
    let mut faults = failures.iter().map(|failure| &failure.fault);
    faults.find(|fault| matches!(fault, Fault::ContentFiltered(_)))
}

fn is_unsupported(failure: &TierFailure) -> bool {
    matches!(failure.fault, Fault::Unsupported(_))
}

fn unsupported() -> ApiError {
    let message = "No tier of this chain can be held to this response_format.";
    ApiError::invalid(Some("response_format"), message)
}

fn timed_out(failures: &[TierFailure]) -> ApiError {
    let tiers = describe_tiers(failures);
    let message = format!("No model could answer in time ({tiers}). Please try again.");
    let status = StatusCode::GATEWAY_TIMEOUT;
    ApiError::new(status, "server_error", Some("timed_out"), &message)
}

fn unavailable(failures: &[TierFailure], retry_in: Option<Duration>) -> ApiError {
    let tiers = describe_tiers(failures);
    let error = |message: &str| {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        ApiError::new(status, "server_error", Some("all_tiers_failed"), message)
    };

    let is_misconfigured = |failure: &TierFailure| failure.fault.is_misconfigured();
    if !failures.is_empty() && failures.iter().all(is_misconfigured) {
        // No waiting mends that.
        let problem = format!("No model can be used as it is configured ({tiers}).");
        return error(&format!("{problem} Tell the operator."));
    }

    let message = format!("No model could answer ({tiers}). Please try again later.");

    ApiError {
        retry_after: Some(retry_in.unwrap_or(DEFAULT_RETRY_AFTER)),
        ..error(&message)
    }
}

/// The endpoint's own error: a content filter's before any other, else the first one.
fn refused(failures: &[TierFailure]) -> ApiError {
    let mut faults = failures.iter().map(|failure| &failure.fault);
    let fault =
        first_filtered(failures).or_else(|| faults.find(|fault| fault.provider_error().is_some()));

    refused_with(fault)
}

/// The error that ends a stream whose head has gone.
pub(super) fn error_midway(fault: &Fault) -> ApiError {
    if fault.provider_error().is_some() {
        return refused_with(Some(fault));
    }

    let message = format!("The answer broke off ({fault}). What came before is incomplete.");
    let status = StatusCode::BAD_GATEWAY;
    ApiError::new(status, "server_error", Some("stream_broken"), &message)
}

fn refused_with(fault: Option<&Fault>) -> ApiError {
    let theirs = fault.and_then(Fault::provider_error);
    let mut error = passed_on(theirs);

    // Clients know these two by `OpenAI`'s code, whatever the endpoint calls them, and whether it
    // said so with a status of its own or in the middle of a stream.
    if let Some(code) = fault.and_then(public_code) {
        error.status = StatusCode::BAD_REQUEST;
        error.error.insert("code".to_owned(), Value::from(code));
    }

    error
}

const fn public_code(fault: &Fault) -> Option<&'static str> {
    match fault {
        Fault::ContentFiltered(_) => Some("content_filter"),
        Fault::ContextLengthExceeded(_) => Some("context_length_exceeded"),
        _ => None,
    }
}

/// The endpoint's own error, as it is.
fn passed_on(theirs: Option<&ProviderError>) -> ApiError {
    let status = theirs.and_then(|theirs| StatusCode::from_u16(theirs.status).ok());
    let status = status.unwrap_or(StatusCode::BAD_REQUEST);
    let message = "The model refused the request.";
    let mut error = ApiError::new(status, "invalid_request_error", None, message);
    if let Some(theirs) = theirs {
        error.error.extend(theirs.error.clone());
    }

    // Clients read these as text.
    for field in ["message", "type"] {
        let is_text = |value: &Value| value.is_string() || value.is_null();
        if error.error.get(field).is_some_and(|value| !is_text(value)) {
            error.error.insert(field.to_owned(), Value::Null);
        }
    }

    error
}

fn rate_limited(failures: &[TierFailure]) -> ApiError {
    let limits = failures
        .iter()
        .map(|failure| &failure.fault)
        .filter(|fault| matches!(fault, Fault::RateLimited { .. } | Fault::CoolingDown(_)));
    let retry_after = limits
        .filter_map(Fault::retry_after)
        .min()
        .unwrap_or(DEFAULT_RETRY_AFTER);

    let tiers = describe_tiers(failures);
    let message = format!("The models are at their limits ({tiers}). Please try again later.");
    let (status, code) = (StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded");

    ApiError {
        retry_after: Some(retry_after),
        ..ApiError::new(status, "rate_limit_error", Some(code), &message)
    }
}

/// Each tier and its fault: names and codes, never content.
fn describe_tiers(failures: &[TierFailure]) -> String {
    if failures.is_empty() {
        return "none is configured".to_owned();
    }

    let tiers = failures
        .iter()
        .map(|failure| format!("{}: {}", failure.tier, failure.fault));
    tiers.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resilience::breaker::{MAX_COOLDOWN, RefusalReason};

    /// The error when the tiers `t0`, `t1` … failed like this.
    fn error_after(faults: Vec<Fault>, attempts: u32) -> ApiError {
        let failure = |(at, fault)| TierFailure {
            tier: format!("t{at}"),
            fault,
        };
        let failures = faults.into_iter().enumerate().map(failure).collect();

        error_of(&ChainOutcome::<()> {
            answer: None,
            failures,
            attempts,
            wasted_tokens: 0,
            retry_in: None,
        })
    }

    fn refusal(code: &str) -> ProviderError {
        let error = json!({
            "message": "m", "type": "invalid_request_error", "param": "messages", "code": code,
        });
        ProviderError {
            status: 400,
            error: error.as_object().unwrap().clone(),
        }
    }

    #[test]
    fn the_error_of_a_fallback_does_not_mask_the_first_error() {
        let first = Fault::ServerError {
            status: 503,
            retry_after: None,
        };
        let error = error_after(vec![first, Fault::Refused(refusal("no_prefill"))], 3);
        assert_eq!(error.status.as_u16(), 503);
        assert_eq!(error.error["code"], json!("all_tiers_failed"));
        assert_eq!(error.attempts, Some(3));

        let message = error.error["message"].as_str().unwrap();
        assert!(message.contains("t0: status_503"));
    }

    #[test]
    fn a_refusal_is_passed_on_as_it_is() {
        let theirs = refusal("no_prefill");
        let expected = Value::Object(theirs.error.clone());
        let faults = vec![
            Fault::CircuitRefused(RefusalReason::Open),
            Fault::Refused(theirs),
            Fault::FirstTokenTimeout,
        ];
        let error = error_after(faults, 2);
        assert_eq!(error.status.as_u16(), 400);
        assert_eq!(error.body()["error"], expected);
    }

    /// Whatever an endpoint calls it, and whatever status it gives it.
    #[test]
    fn a_filter_and_a_long_context_have_openais_codes() {
        let theirs = |code: &str| ProviderError {
            status: 500,
            ..refusal(code)
        };
        let filtered = Fault::ContentFiltered(theirs("data_inspection_failed"));
        let too_long = Fault::ContextLengthExceeded(theirs("1261"));

        for (fault, code) in [
            (filtered, "content_filter"),
            (too_long, "context_length_exceeded"),
        ] {
            let error = error_after(vec![fault], 1);
            assert_eq!(error.status.as_u16(), 400);
            let expected = Value::Object(refusal(code).error);
            assert_eq!(error.body()["error"], expected, "the rest is theirs");
        }
    }

    #[test]
    fn a_later_content_filter_is_the_answer() {
        let filtered = Fault::ContentFiltered(refusal("content_filter"));
        let first = Fault::Refused(refusal("no_prefill"));
        let error = error_after(vec![Fault::FirstTokenTimeout, first, filtered], 2);
        assert_eq!(error.error["code"], "content_filter");
    }

    #[test]
    fn a_limit_says_when_to_come_back() {
        let limited = Fault::RateLimited {
            retry_after: Some(Duration::from_secs(30)),
        };
        let cooling_down = Fault::CoolingDown(Duration::from_secs(9));
        let error = error_after(vec![limited, cooling_down], 1);
        assert_eq!(error.status.as_u16(), 429);
        assert_eq!(error.retry_after, Some(Duration::from_secs(9)));
    }

    /// The circuit leaves a provider alone for ten minutes at most, so no client waits longer.
    #[test]
    fn a_limit_of_a_day_is_told_as_ten_minutes() {
        let limited = Fault::RateLimited {
            retry_after: Some(Duration::from_hours(24)),
        };
        let error = error_after(vec![limited], 1);
        assert_eq!(error.retry_after, Some(MAX_COOLDOWN));
    }

    #[test]
    fn a_chain_that_cannot_be_held_to_a_schema_says_so() {
        let error = error_after(vec![Fault::Unsupported("response_format")], 0);
        assert_eq!(error.status.as_u16(), 400);
        assert_eq!(error.error["param"], json!("response_format"));
    }
}
