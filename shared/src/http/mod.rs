//! What every HTTP route shares: a call that is authenticated, bounded in time and size, and
//! answered even when the handler fails or panics.
//!
//! A route is a type that implements [`Endpoint`]; its handler sees a [`Call`] and answers with a
//! [`Response`] or an [`Error`]. Routes that speak `OpenAI`'s protocol implement
//! `Endpoint<`[`openai::OpenAi`]`>`, and those that any client may call `Endpoint<`[`Public`]`>`.

mod accept_encoding;
pub mod auth;
mod body;
mod call;
mod client_address;
mod compress;
mod cors;
mod endpoint;
mod guard;
mod jwks;
mod long_poll;
mod lookup_budget;
pub mod openai;
mod origin;
mod outgoing;
mod problem;
pub mod reply;
mod script_hash;

use std::time::Instant;

use lambda_http::Body;
pub use lambda_http::Request;

use crate::error::{Error, error_chain};
use crate::telemetry::{metrics, trace};
pub use body::parse_json;
pub use call::{Call, path_parameter, query_parameter};
pub use endpoint::{Endpoint, Incoming, Json, Protocol, Public, PublicCall, Route};
pub use guard::{ChargeRule, RequestGuard};
pub use long_poll::LongPoll;
pub use origin::Origin;
pub use outgoing::Outgoing;
pub(crate) use problem::Problem;
pub use script_hash::script_hash;

/// What a handler answers.
pub type Response = lambda_http::Response<Body>;

/// Writes the one log line of the call and turns an error into its problem document.
fn finish(answer: Result<Response, Error>, request_id: &str, started: Instant) -> Response {
    let mut response = match answer {
        Ok(response) => {
            log_answer(response.status().as_u16(), started);
            response
        }
        Err(error) => {
            log_refusal(&error, started);
            problem::response(&error, request_id)
        }
    };
    if let Ok(value) = request_id.parse() {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

/// The line of a call that was answered.
pub(crate) fn log_answer(status: u16, started: Instant) {
    tracing::info!(status, duration_ms = millis(started), "answered");
}

/// The line of a call that was refused or has failed.
pub(crate) fn log_refusal(error: &Error, started: Instant) {
    let (status, problem) = (error.kind().status(), error.kind().slug());
    log_error(status, problem, &error_chain(error), started);
}

fn log_error(status: u16, problem: &str, causes: &str, started: Instant) {
    let duration_ms = millis(started);
    if status >= 500 {
        tracing::error!(status, problem, duration_ms, causes, "failed");
    } else {
        tracing::info!(status, problem, duration_ms, causes, "refused");
    }
}

/// The status in the call's span, and among the failures of this function's version. What a client
/// did wrong is no failure of ours.
pub(crate) fn note_status(status: u16) {
    trace::note("status", i64::from(status));
    if status >= 500 {
        trace::fail(format!("status {status}"));
        metrics::add_failures(1);
    }
}

fn millis(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
