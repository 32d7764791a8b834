//! Logs: one JSON object a line, which CloudWatch queries by field.
//!
//! Never logged: symptoms, history, answers, names, tokens, prompts, file names, presigned URLs, request or response
//! bodies, raw paths and queries. An id of a tenant, a consultation, a job or a request may be.

use tracing_subscriber::EnvFilter;

use crate::config;

/// Starts logging. Called once, first thing in `main`.
pub fn init() {
    let filter = EnvFilter::try_new(config::log_filter()).unwrap_or_else(|_| EnvFilter::new("info"));
    let started = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .try_init();
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}
