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
        _ if first_filtered(failures).is_some() => provider_error(failures),
        Some(fault) if fault.provider_error().is_some() => provider_error(failures),
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

fn first_filtered(failures: &[TierFailure]) -> Option<&ProviderError> {
    failures.iter().find_map(|failure| match &failure.fault {
        Fault::ContentFiltered(error) => Some(error),
        _ => None,
    })
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

/// The endpoint's own error, as it is.
fn provider_error(failures: &[TierFailure]) -> ApiError {
    let mut errors = failures
        .iter()
        .filter_map(|failure| failure.fault.provider_error());
    let theirs = first_filtered(failures).or_else(|| errors.next());

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
    let waits = failures.iter().filter_map(|failure| match failure.fault {
        Fault::RateLimited { retry_after } => retry_after,
        Fault::CoolingDown(wait) => Some(wait),
        _ => None,
    });
    let retry_after = waits.min().unwrap_or(DEFAULT_RETRY_AFTER);

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
    use crate::resilience::breaker::RefusalReason;

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
        let theirs = refusal("too_long");
        let expected = Value::Object(theirs.error.clone());
        let faults = vec![
            Fault::CircuitRefused(RefusalReason::Open),
            Fault::ContextLengthExceeded(theirs),
            Fault::FirstTokenTimeout,
        ];
        let error = error_after(faults, 2);
        assert_eq!(error.status.as_u16(), 400);
        assert_eq!(error.body()["error"], expected);

        let filtered = Fault::ContentFiltered(refusal("content_filter"));
        let error = error_after(vec![Fault::FirstTokenTimeout, filtered], 2);
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

    #[test]
    fn a_chain_that_cannot_be_held_to_a_schema_says_so() {
        let error = error_after(vec![Fault::Unsupported("response_format")], 0);
        assert_eq!(error.status.as_u16(), 400);
        assert_eq!(error.error["param"], json!("response_format"));
    }
}
