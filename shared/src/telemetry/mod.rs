//! Logs: one JSON object a line, which CloudWatch queries by field. [`metrics`] are such lines too.
//!
//! Never logged: symptoms, history, answers, names, tokens, prompts, file names, presigned URLs,
//! request or response bodies, raw paths and queries. An id of a tenant, a consultation, a job or a
//! request may be.

pub mod catalogue;
mod filter;
pub mod metrics;
pub mod series;

use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config;

/// Starts logging and counting. Called once, first thing in `main`.
pub fn init() {
    metrics::turn_on(config::metrics_namespace());

    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false);
    let started = tracing_subscriber::registry()
        .with(lines)
        .with(filter::log_targets(&config::log_filter()))
        .try_init();
    if started.is_err() {
        tracing::debug!("logging was started before");
    }

    std::panic::set_hook(Box::new(|panic| {
        // The payload is left out: a failed slice or comparison quotes the text it failed on.
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a panic");
    }));
}
