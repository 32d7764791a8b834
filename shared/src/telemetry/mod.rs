//! Logs: one JSON object a line, which CloudWatch queries by field. [`metrics`] are such lines too.
//!
//! Never logged: symptoms, history, answers, names, tokens, prompts, file names, presigned URLs,
//! request or response bodies, raw paths and queries. An id of a consultation, a job or a request
//! may be, and a tenant's pseudonym ([`crate::identity::TenantId::pseudonym`]). The same holds for
//! [`trace`]s, which are log lines too.

pub mod catalogue;
mod conventions;
mod filter;
mod log_lines;
pub mod metrics;
pub mod series;
pub mod span_lines;
pub mod trace;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use self::log_lines::NamedLines;
use crate::config;

/// Spans whose targets start so are traced.
const OURS: &str = "wenzhen";

/// So are those of the AWS SDK, one for each call, which name the service and the operation alone.
const SDK: &str = "aws_sdk_";

/// Starts logging, counting and tracing. Called once, first thing in `main`.
pub fn init() {
    let function = config::handler_name();
    let version = function.clone().zip(config::function_version());
    metrics::turn_on(config::metrics_namespace(), version);

    let lines = fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(NamedLines::new(function.as_deref()))
        .with_filter(filter::log_targets(&config::log_filter()));
    let share = config::trace_share();
    let started = tracing_subscriber::registry()
        .with(lines)
        .with(trace_layer(share.as_ref().copied().unwrap_or_default()))
        .try_init();
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    if let Err(error) = share {
        // No reason not to serve.
        tracing::error!(%error, "nothing is traced");
    }

    std::panic::set_hook(Box::new(|panic| {
        // The payload is left out: a failed slice or comparison quotes the text it failed on.
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a panic");
    }));
}

/// Times spans. What is logged within them is in the log, which names the trace.
fn trace_layer<S>(share: f64) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
{
    let tracer = span_lines::make_tracer(config::handler_name().as_deref(), share);
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_context_activation(false)
        .with_level(false)
        .with_location(false)
        .with_target(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(is_traced).with_max_level_hint(LevelFilter::DEBUG))
}

fn is_traced(metadata: &Metadata<'_>) -> bool {
    let (target, level) = (metadata.target(), *metadata.level());
    let is_ours = target.starts_with(OURS) && level <= Level::INFO;
    let is_call = target.starts_with(SDK) && metadata.name().contains('.');
    metadata.is_span() && (is_ours || is_call)
}
