//! Spans that have ended become a log line at the end of their invocation: OTLP in JSON, which the
//! function `forward-traces`, or any collector that reads the log groups, brings to where traces
//! are looked at.
//!
//! A line costs no call, and none is lost when the environment freezes. An exporter of
//! OpenTelemetry's own would send from a task that a freeze cuts in two, or hold up the answer for
//! a round trip.

use std::io::Write;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use opentelemetry::trace::{TraceContextExt, TraceId, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    Sampler, SamplingDecision, SamplingResult, SdkTracer, SdkTracerProvider, ShouldSample, Span,
    SpanData, SpanProcessor,
};
use parking_lot::Mutex;

use super::conventions;

/// Spans of one line. Lambda may cut a line at 256 KB, and a span is about 600 bytes of JSON.
const MAX_SPANS: usize = 300;

/// What this process has traced and not written yet.
static WAITING: OnceLock<Waiting> = OnceLock::new();

struct Waiting {
    spans: Arc<Mutex<Vec<SpanData>>>,
    resource: ResourceAttributesWithSchema,
}

/// Makes the tracer of this process, which traces such a share of all traces. It is made once.
pub(super) fn make_tracer(function: Option<&str>, share: f64) -> SdkTracer {
    let resource = resource(function);
    let spans = Arc::<Mutex<Vec<SpanData>>>::default();
    let waiting = WAITING.get_or_init(|| Waiting {
        spans: Arc::clone(&spans),
        resource: ResourceAttributesWithSchema::from(&resource),
    });

    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(ShareOfTraces(Sampler::TraceIdRatioBased(share)))
        .with_span_processor(Collector(Arc::clone(&waiting.spans)))
        .build();
    provider.tracer("wenzhen")
}

/// Where the spans come from. A map of services shows each function as one of them.
fn resource(function: Option<&str>) -> Resource {
    let attributes = [
        KeyValue::new("service.namespace", "wenzhen"),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("cloud.provider", "aws"),
        KeyValue::new("cloud.platform", "aws_lambda"),
    ];
    Resource::builder_empty()
        .with_service_name(function.unwrap_or("wenzhen").to_owned())
        .with_attributes(attributes)
        .build()
}

/// Writes the line of all spans that have ended, if there are any.
pub fn flush() {
    let Some(waiting) = WAITING.get() else {
        return;
    };
    let spans = std::mem::take(&mut *waiting.spans.lock());
    if spans.is_empty() {
        return;
    }

    let data = TracesData {
        resource_spans: group_spans_by_resource_and_scope(spans, &waiting.resource),
    };
    if let Ok(line) = serde_json::to_string(&data) {
        // Logging must not fail a call: a closed standard output loses the spans.
        drop(writeln!(std::io::stdout().lock(), "{line}"));
    }
}

/// Keeps ended spans until the line is written.
#[derive(Debug)]
struct Collector(Arc<Mutex<Vec<SpanData>>>);

impl SpanProcessor for Collector {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, mut span: SpanData) {
        conventions::apply(&mut span);
        let mut waiting = self.0.lock();
        waiting.push(span);
        let is_full = waiting.len() >= MAX_SPANS;
        drop(waiting);
        if is_full {
            flush();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        flush();
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        self.force_flush()
    }
}

/// Traces what a sampled trace goes on with, and a share of all that begin. The share is taken by
/// the trace's id, so that API and worker decide alike. What is asked outside a call, a message or
/// a run, such as a heartbeat, begins no trace.
#[derive(Debug, Clone)]
struct ShareOfTraces(Sampler);

impl ShouldSample for ShareOfTraces {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &opentelemetry::trace::SpanKind,
        attributes: &[KeyValue],
        links: &[opentelemetry::trace::Link],
    ) -> SamplingResult {
        let parent = parent.map(|context| context.span().span_context().clone());
        let parent = parent.filter(opentelemetry::trace::SpanContext::is_valid);
        let decision = match parent {
            Some(parent) if parent.is_sampled() => SamplingDecision::RecordAndSample,
            Some(parent) if !parent.is_remote() => SamplingDecision::Drop,
            None if !conventions::BEGINNINGS.contains(&name) => SamplingDecision::Drop,
            _ => {
                let share = &self.0;
                share
                    .should_sample(None, trace_id, name, kind, attributes, links)
                    .decision
            }
        };
        SamplingResult {
            decision,
            attributes: Vec::new(),
            trace_state: opentelemetry::trace::TraceState::default(),
        }
    }
}
