//! Traces: who waited for what, across API, queue, worker and model.
//!
//! A span is one of `tracing`. Two layers see it: the log's, which writes its fields into the lines
//! within it, and OpenTelemetry's, which times it. `call`, `record` and `schedule` are one call of
//! a route, message of a queue or run by a schedule, and have their module's target. Those that
//! time one question to another system (`ask_…`, `send_messages`) have [`TARGET`], and no line
//! shows them.
//!
//! A job's message carries the context ([`current`]) in which the job was made, so that the
//! worker's spans belong to the same trace. A scheduled run goes on with the trace that Lambda has
//! begun (X-Ray's header). A call does not, since that header may be its caller's own, who could
//! have every call of a fleet traced: it begins a trace, and links to the other.
//!
//! Sources: W3C "Trace Context", level 1, 2020; "Tracing header", AWS X-Ray developer guide.

use std::str::FromStr;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Of spans that are timed and shown in no log line.
/// It begins no module's path, since filters match by prefixes.
pub const TARGET: &str = "wenzhen_spans";

/// The context of a trace as W3C writes it, such as
/// `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceParent(SpanContext);

/// Why a text is no context.
#[derive(Debug, thiserror::Error)]
#[error("no context of a trace")]
pub struct InvalidTraceParent;

impl TraceParent {
    /// Reads what Lambda passes with an event:
    /// `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
    pub fn from_xray(header: &str) -> Option<Self> {
        let field = |name: &str| {
            let mut fields = header.split(';').filter_map(|field| field.split_once('='));
            fields.find_map(|(key, value)| (key.trim() == name).then(|| value.trim()))
        };

        let (seconds, random) = field("Root")?.strip_prefix("1-")?.split_once('-')?;
        if (seconds.len(), random.len()) != (8, 24) {
            return None;
        }
        let trace_id = TraceId::from_hex(&format!("{seconds}{random}")).ok()?;
        let span_id = SpanId::from_hex(field("Parent")?).ok()?;
        let flags = TraceFlags::default().with_sampled(field("Sampled") == Some("1"));
        Self::remote(trace_id, span_id, flags)
    }

    fn remote(trace_id: TraceId, span_id: SpanId, flags: TraceFlags) -> Option<Self> {
        let context = SpanContext::new(trace_id, span_id, flags, true, TraceState::default());
        context.is_valid().then_some(Self(context))
    }
}

impl FromStr for TraceParent {
    type Err = InvalidTraceParent;

    fn from_str(text: &str) -> Result<Self, InvalidTraceParent> {
        let fields: Vec<_> = text.split('-').collect();
        let [version, trace_id, span_id, flags] = fields.as_slice() else {
            return Err(InvalidTraceParent);
        };
        let lengths = [version.len(), trace_id.len(), span_id.len(), flags.len()];
        if *version != "00" || lengths != [2, 32, 16, 2] {
            return Err(InvalidTraceParent);
        }

        let trace_id = TraceId::from_hex(trace_id).map_err(|_| InvalidTraceParent)?;
        let span_id = SpanId::from_hex(span_id).map_err(|_| InvalidTraceParent)?;
        let flags = u8::from_str_radix(flags, 16).map_err(|_| InvalidTraceParent)?;
        Self::remote(trace_id, span_id, TraceFlags::new(flags)).ok_or(InvalidTraceParent)
    }
}

impl std::fmt::Display for TraceParent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let context = &self.0;
        let (trace_id, span_id) = (context.trace_id(), context.span_id());
        write!(
            formatter,
            "00-{trace_id}-{span_id}-{:02x}",
            context.trace_flags()
        )
    }
}

/// Begins the span: within the trace of `parent`, else in one of its own. Its lines name the trace
/// from now on, if the span has a field `trace_id`.
pub fn begin(span: Span, parent: Option<TraceParent>) -> Span {
    if let Some(TraceParent(parent)) = parent {
        // Fails where nothing is traced, as in a program that only uses parts of this crate.
        drop(span.set_parent(Context::new().with_remote_span_context(parent)));
    }
    let trace_id = span.context().span().span_context().trace_id();
    if trace_id != TraceId::INVALID {
        span.record("trace_id", tracing::field::display(trace_id));
    }
    span
}

/// Begins the span of a call, in a trace of its own. Lambda's context may be the caller's, who must
/// not choose what is traced, so it is a link.
pub fn begin_call(span: Span, lambda: Option<TraceParent>) -> Span {
    if let Some(TraceParent(lambda)) = lambda {
        span.add_link(lambda);
    }
    begin(span, None)
}

/// The context of what is done now, for a message that others work on.
pub fn current() -> Option<TraceParent> {
    let context = Span::current().context();
    let context = context.span().span_context().clone();
    context.is_valid().then_some(TraceParent(context))
}

/// Says something of the span that its lines need not say.
pub fn note(name: &'static str, value: impl Into<opentelemetry::Value>) {
    Span::current().set_attribute(name, value);
}

/// The current span has failed, for this reason: a word of ours, never what another system wrote.
pub fn fail(reason: impl Into<std::borrow::Cow<'static, str>>) {
    let description = reason.into();
    Span::current().set_status(opentelemetry::trace::Status::Error { description });
}

/// Says that the current span was cancelled if it is dropped before [`DropGuard::done`]: `tracing`
/// enters a span while it drops what was not done within it.
pub const fn unless_done() -> DropGuard {
    DropGuard { is_done: false }
}

/// See [`unless_done`].
#[must_use = "what is dropped at once was cancelled"]
pub struct DropGuard {
    is_done: bool,
}

impl DropGuard {
    /// The work is over, well or not.
    pub fn done(mut self) {
        self.is_done = true;
    }
}

impl Drop for DropGuard {
    fn drop(&mut self) {
        if !self.is_done {
            fail("cancelled");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLED: &str = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";
    const UNSAMPLED: &str = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-00";

    #[test]
    fn what_lambda_passes_is_read() {
        let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
        let read = |header: &str| TraceParent::from_xray(header).map(|it| it.to_string());
        let parent = "Parent=53995c3f42cd8ad8";

        for sampled in [
            format!("{root};{parent};Sampled=1"),
            format!("{parent}; Sampled=1;Lineage=1:a87bd80c:0; {root}"),
        ] {
            assert_eq!(read(&sampled).as_deref(), Some(SAMPLED), "{sampled}");
        }
        for unsampled in [
            format!("{root};{parent};Sampled=0"),
            format!("{root};{parent}"),
        ] {
            assert_eq!(read(&unsampled).as_deref(), Some(UNSAMPLED), "{unsampled}");
        }
        for none in [
            "",
            root,
            "Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8",
            "Root=1-5759e988-bd862e3fe1be46a99427279;Parent=53995c3f42cd8ad8",
            "Root=1-00000000-000000000000000000000000;Parent=53995c3f42cd8ad8",
            "Root=1-5759e988-bd862e3fe1be46a99427279x;Parent=53995c3f42cd8ad8",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn a_context_is_read_as_it_was_written() {
        for text in [SAMPLED, UNSAMPLED] {
            let parent: TraceParent = text.parse().unwrap();
            assert_eq!(parent.to_string(), text);
        }
        for text in [
            "",
            "00",
            "01-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
            "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01-00",
            "00-00000000000000000000000000000000-53995c3f42cd8ad8-01",
            "00-5759e988bd862e3fe1be46a994272793-0000000000000000-01",
            "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-0x",
        ] {
            assert!(text.parse::<TraceParent>().is_err(), "{text}");
        }
    }
}
