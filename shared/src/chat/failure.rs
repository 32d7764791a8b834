//! What a client is told when no tier answered.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use crate::ai::{Failed, Fault, Outcome};
use crate::http::openai::ApiError;

/// When to come back if nothing else is known.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The error for tiers that all failed. The first one that was really asked decides what it is: what a later tier, asked
/// only because of that, says must not mask it.
pub(super) fn of<T>(outcome: &Outcome<T>) -> ApiError {
    let failed = outcome.failed.as_slice();
    let was_asked = |one: &&Failed| !matches!(one.fault, Fault::Circuit(_) | Fault::Unsupported(_));
    let mut error = match failed.iter().find(was_asked).map(|first| &first.fault) {
        _ if failed
            .iter()
            .any(|one| matches!(one.fault, Fault::Filtered(_))) =>
        {
            passed_on(failed)
        }
        Some(fault) if fault.provider_error().is_some() => passed_on(failed),
        Some(Fault::RateLimited { .. } | Fault::CoolingDown(_)) => too_many(failed),
        Some(Fault::OutOfTime) => {
            let message = format!(
                "No model could answer in time ({}). Please try again.",
                tiers(failed)
            );
            ApiError::new(
                StatusCode::GATEWAY_TIMEOUT,
                "server_error",
                Some("timed_out"),
                &message,
            )
        }
        None if !failed.is_empty()
            && failed
                .iter()
                .all(|one| matches!(one.fault, Fault::Unsupported(_))) =>
        {
            ApiError::invalid(
                Some("response_format"),
                "No tier of this chain can be held to this response_format.",
            )
        }
        _ => unavailable(failed, outcome.retry_in),
    };
    error.attempts = Some(outcome.attempts);
    error
}

fn unavailable(failed: &[Failed], retry_in: Option<Duration>) -> ApiError {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let is_wrong = |one: &Failed| matches!(one.fault, Fault::NotUsable { .. } | Fault::NoKey(_));
    if !failed.is_empty() && failed.iter().all(is_wrong) {
        // No waiting mends that.
        let message = format!(
            "No model can be used as it is configured ({}). Tell the operator.",
            tiers(failed)
        );
        return ApiError::new(status, "server_error", Some("all_tiers_failed"), &message);
    }
    let message = format!(
        "No model could answer ({}). Please try again later.",
        tiers(failed)
    );
    let error = ApiError::new(status, "server_error", Some("all_tiers_failed"), &message);
    ApiError {
        retry_after: Some(retry_in.unwrap_or(RETRY_AFTER)),
        ..error
    }
}

/// The endpoint's own error, as it is.
fn passed_on(failed: &[Failed]) -> ApiError {
    let is_filter = |one: &&Failed| matches!(one.fault, Fault::Filtered(_));
    let filtered = failed.iter().find(is_filter);
    let theirs = filtered.or_else(|| {
        failed
            .iter()
            .find(|one| one.fault.provider_error().is_some())
    });
    let theirs = theirs.and_then(|one| one.fault.provider_error());
    let status = theirs
        .and_then(|theirs| StatusCode::from_u16(theirs.status).ok())
        .unwrap_or(StatusCode::BAD_REQUEST);
    let mut error = ApiError::new(
        status,
        "invalid_request_error",
        None,
        "The model refused the request.",
    );
    error
        .error
        .extend(theirs.into_iter().flat_map(|theirs| theirs.error.clone()));
    // Clients read these as text.
    for field in ["message", "type"] {
        if error
            .error
            .get(field)
            .is_some_and(|value| !value.is_string() && !value.is_null())
        {
            error.error.insert(field.to_owned(), Value::Null);
        }
    }
    error
}

fn too_many(failed: &[Failed]) -> ApiError {
    let wait = failed.iter().filter_map(|one| match one.fault {
        Fault::RateLimited { wait } => wait,
        Fault::CoolingDown(wait) => Some(wait),
        _ => None,
    });
    let retry_after = Some(wait.min().unwrap_or(RETRY_AFTER));
    let message = format!(
        "The models are at their limits ({}). Please try again later.",
        tiers(failed)
    );
    let error = ApiError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "rate_limit_error",
        Some("rate_limit_exceeded"),
        &message,
    );
    ApiError {
        retry_after,
        ..error
    }
}

/// Each tier and its fault: names and codes, never content.
fn tiers(failed: &[Failed]) -> String {
    if failed.is_empty() {
        return "none is configured".to_owned();
    }
    failed
        .iter()
        .map(|one| format!("{}: {}", one.tier, one.fault))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ai::ProviderError;
    use crate::resilience::breaker::Why;
    use serde_json::json;

    fn of(faults: Vec<Fault>, attempts: u32) -> ApiError {
        let failed = |(at, fault)| Failed {
            tier: format!("t{at}"),
            fault,
        };
        let failed = faults.into_iter().enumerate().map(failed).collect();
        super::of(&Outcome::<()> {
            answer: None,
            failed,
            attempts,
            retry_in: None,
        })
    }

    fn refusal(code: &str) -> ProviderError {
        let error = json!({ "message": "m", "type": "invalid_request_error", "param": "messages", "code": code });
        ProviderError {
            status: 400,
            error: error.as_object().unwrap().clone(),
        }
    }

    #[test]
    fn what_a_fallback_says_does_not_mask_the_first_error() {
        let first = Fault::Status {
            status: 503,
            wait: None,
        };
        let error = of(vec![first, Fault::Refused(refusal("no_prefill"))], 3);
        assert_eq!(
            (error.status.as_u16(), &error.error["code"]),
            (503, &json!("all_tiers_failed"))
        );
        assert_eq!(error.attempts, Some(3));
        assert!(
            error.error["message"]
                .as_str()
                .unwrap()
                .contains("t0: status_503")
        );
    }

    #[test]
    fn a_refusal_is_passed_on_as_it_is() {
        let theirs = json!({ "message": "m", "type": "invalid_request_error", "param": "messages", "code": "too_long" });
        let open = Fault::Circuit(Why::Open);
        let error = of(
            vec![open, Fault::TooLong(refusal("too_long")), Fault::Silent],
            2,
        );
        assert_eq!(
            (error.status.as_u16(), error.body()["error"].clone()),
            (400, theirs)
        );
        let error = of(
            vec![Fault::Silent, Fault::Filtered(refusal("content_filter"))],
            2,
        );
        assert_eq!(error.error["code"], "content_filter");
    }

    #[test]
    fn a_limit_says_when_to_come_back() {
        let wait = Some(Duration::from_secs(30));
        let error = of(
            vec![
                Fault::RateLimited { wait },
                Fault::CoolingDown(Duration::from_secs(9)),
            ],
            1,
        );
        assert_eq!(
            (error.status.as_u16(), error.retry_after),
            (429, Some(Duration::from_secs(9)))
        );
    }

    #[test]
    fn a_chain_that_cannot_be_held_to_a_schema_says_so() {
        let error = of(vec![Fault::Unsupported("response_format")], 0);
        assert_eq!(
            (error.status.as_u16(), &error.error["param"]),
            (400, &json!("response_format"))
        );
    }
}
