//! Which fault stands behind an answer that is an error: by its status, its headers and its body.
//!
//! A refusal is told from a failure by what the error says, not by its status: a content filter
//! that answers 500, or in the middle of a stream, is a filter all the same, and no patient's words
//! may open a circuit.
//!
//! | file | knows |
//! |---|---|
//! | `report` | what an error says, wherever its endpoint puts it |
//! | `failure` | which errors speak of a failure |
//! | `signs` | by which codes and words content filters and context lengths are known |
//! | `wait` | how long an error asks to be waited for |

mod failure;
mod report;
mod signs;
mod wait;

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use super::fault::{Fault, ProviderError};
use report::ErrorReport;
use signs::{Reading, Refusal};

/// The status that an error would have had, by a word in one of its codes.
const STATUS_BY_WORD: [(&str, u16); 22] = [
    ("ratelimit", 429),
    ("toomanyrequests", 429),
    ("insufficientquota", 429),
    ("resourceexhausted", 429),
    ("throttling", 429),
    ("badrequest", 400),
    ("contextlength", 400),
    ("invalidrequest", 400),
    ("invalidparameter", 400),
    ("invalidargument", 400),
    ("validationexception", 400),
    ("invalidapikey", 401),
    ("authentication", 401),
    ("unauthenticated", 401),
    ("permission", 403),
    ("notfound", 404),
    ("overloaded", 503),
    // MiniMax: `base_resp.status_code`.
    ("baseresp1002", 429),
    ("baseresp1004", 401),
    ("baseresp1008", 402),
    ("baseresp1042", 400),
    ("baseresp2013", 400),
];

/// Codes whose number may be a status.
const STATUS_FIELDS: [&str; 4] = ["code", "status", "statuscode", "httpcode"];

/// The fault behind an answer that is an error by its status.
pub(super) fn fault_of_status(status: u16, headers: &HeaderMap, body: &[u8]) -> Fault {
    if (300..400).contains(&status) {
        return Fault::Misconfigured { status };
    }

    let report = ErrorReport::of_failure(body);
    let wait = wait::asked_in(headers, status, &report);

    fault_of_report(status, wait, report)
}

/// The fault that a body or a chunk with status 200 carries, if it is one.
pub(super) fn fault_in_body(body: &Value) -> Option<Fault> {
    if let Some(report) = ErrorReport::in_answer(body) {
        return Some(fault_of_implied_status(report));
    }

    // What is not plainly an error may say that it is a refusal.
    let report = ErrorReport::beside_no_answer(body)?;
    let status = implied_status(&report);
    let refusal = signs::refusal_in(&report, reading_of(status))?;

    Some(fault_of_refusal(refusal, status, report))
}

/// The fault behind an event that is an error by its name, also if it says nothing.
pub(super) fn fault_of_error_event(event: &Value) -> Fault {
    fault_in_body(event).unwrap_or_else(|| fault_of_implied_status(ErrorReport::of(event)))
}

fn fault_of_implied_status(report: ErrorReport) -> Fault {
    let status = implied_status(&report);
    let wait = wait::asked_by(status, &report);

    fault_of_report(status, wait, report)
}

/// The status that an error would have had: as its codes say, else 500 if it speaks of a failure.
/// Any other is taken for a refusal that no table knows: it may come of a patient's words, which
/// must not open the circuit.
fn implied_status(report: &ErrorReport) -> u16 {
    if let Some(status) = status_in_codes(report) {
        return status;
    }

    if failure::is_said_by(report) {
        500
    } else {
        400
    }
}

fn status_in_codes(report: &ErrorReport) -> Option<u16> {
    let is_said = |word: &str| report.codes().any(|code| code.contains(word));
    let by_word = || STATUS_BY_WORD.into_iter().find(|(word, _)| is_said(word));

    let by_number = report.codes().find_map(status_in_code);
    by_number.or_else(|| by_word().map(|(_, status)| status))
}

fn status_in_code(code: &str) -> Option<u16> {
    let fields = STATUS_FIELDS.into_iter();
    let mut numbers = fields.filter_map(|field| code.strip_prefix(field)?.parse().ok());
    numbers.find(|number| (400..600).contains(number))
}

fn fault_of_report(status: u16, retry_after: Option<Duration>, report: ErrorReport) -> Fault {
    if let Some(refusal) = signs::refusal_in(&report, reading_of(status)) {
        return fault_of_refusal(refusal, status, report);
    }

    let is_out_of_credit = report.codes().any(|code| code == "insufficientquota");
    match status {
        429 if is_out_of_credit => Fault::Misconfigured { status },
        429 => Fault::RateLimited { retry_after },
        401..=404 => Fault::Misconfigured { status },
        408 | 500.. => Fault::ServerError {
            status,
            retry_after,
        },
        _ => Fault::Refused(ProviderError {
            status,
            error: report.into_fields(),
        }),
    }
}

/// Which words may say that an error with this status is a refusal. Some statuses say for
/// themselves what they are: with 403 "violates our policy" is mostly said of an account, which
/// stops every patient's chat, and which an operator must hear of. A failure may repeat the
/// request.
const fn reading_of(status: u16) -> Reading {
    match status {
        401..=404 | 408 | 429 => Reading::Codes,
        500.. => Reading::FirstClauses,
        _ => Reading::AllWords,
    }
}

fn fault_of_refusal(refusal: Refusal, status: u16, report: ErrorReport) -> Fault {
    let error = ProviderError {
        status,
        error: report.into_fields(),
    };

    match refusal {
        Refusal::ContentFilter => Fault::ContentFiltered(error),
        Refusal::ContextLength => Fault::ContextLengthExceeded(error),
    }
}

#[cfg(test)]
mod tests;
