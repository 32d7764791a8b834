//! Logs: one JSON object a line, which CloudWatch queries by field. [`metrics`] are such lines too.
//!
//! Never logged: symptoms, history, answers, names, tokens, prompts, file names, presigned URLs, request or response
//! bodies, raw paths and queries. An id of a tenant, a consultation, a job or a request may be.

pub mod metrics;

use tracing_subscriber::EnvFilter;

use crate::config;

/// What these libraries say below `info` can hold a whole request: they stay there, whatever level is asked for.
const TALKATIVE: [&str; 8] = [
    "lambda_runtime",
    "lambda_http",
    "hyper",
    "hyper_util",
    "reqwest",
    "aws_smithy_runtime",
    "aws_sdk_sqs",
    "sqlx",
];

/// Starts logging and counting. Called once, first thing in `main`.
pub fn init() {
    metrics::turn_on();
    let started = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter(&config::log_filter()))
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

fn filter(wanted: &str) -> EnvFilter {
    let wanted = EnvFilter::try_new(wanted).unwrap_or_else(|_| EnvFilter::new("info"));
    let caps = TALKATIVE
        .iter()
        .filter_map(|library| format!("{library}=info").parse().ok());
    caps.fold(wanted, EnvFilter::add_directive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_that_log_requests_are_capped_whatever_is_asked_for() {
        let shown = filter("trace").to_string();
        assert!(
            shown.contains("lambda_runtime=info") && shown.contains("trace"),
            "{shown}"
        );
    }
}
