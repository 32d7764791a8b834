//! What our spans and their fields are called in a trace: the names of OpenTelemetry's semantic
//! conventions 1.37, which log lines would be long with.

use std::borrow::Cow;

use opentelemetry::trace::SpanKind;
use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// Spans: our name, what kind it is, and the field whose value its name in the trace has besides.
const SPANS: [(&str, SpanKind, &str); 8] = [
    ("call", SpanKind::Server, "route"),
    ("record", SpanKind::Consumer, "kind"),
    ("schedule", SpanKind::Internal, "function"),
    ("ask_model", SpanKind::Client, "model"),
    ("ask_service", SpanKind::Client, "service"),
    ("ask_database", SpanKind::Client, ""),
    ("ask_valkey", SpanKind::Client, ""),
    ("send_messages", SpanKind::Producer, ""),
];

/// Spans with which a trace may begin.
pub(super) const BEGINNINGS: [&str; 3] = ["call", "record", "schedule"];

/// Fields: our name, and the conventions'.
const FIELDS: [(&str, &str); 13] = [
    ("route", "http.route"),
    ("status", "http.response.status_code"),
    ("request_id", "faas.invocation_id"),
    ("message_id", "messaging.message.id"),
    ("messages", "messaging.batch.message_count"),
    ("model", "gen_ai.request.model"),
    ("fault", "error.type"),
    ("tier", "wenzhen.tier"),
    ("service", "wenzhen.service"),
    ("tenant", "wenzhen.tenant"),
    ("kind", "wenzhen.job.kind"),
    ("job", "wenzhen.job.id"),
    ("scripts", "wenzhen.scripts"),
];

/// What every span of a name has.
const CONSTANTS: [(&str, &str, &str); 5] = [
    ("record", "messaging.system", "aws_sqs"),
    ("send_messages", "messaging.system", "aws_sqs"),
    ("ask_model", "gen_ai.operation.name", "chat"),
    ("ask_database", "db.system.name", "postgresql"),
    ("ask_valkey", "db.system.name", "valkey"),
];

/// Names the span and its fields by the conventions.
pub(super) fn apply(span: &mut SpanData) {
    let name = span.name.clone();
    if let Some((_, kind, named_by)) = SPANS.iter().find(|(ours, ..)| *ours == name) {
        span.span_kind = kind.clone();
        span.name = name_in_trace(&name, field(span, named_by));
    } else if field(span, "rpc.system").is_some() {
        span.span_kind = SpanKind::Client; // a call of the AWS SDK, which uses the conventions
    }

    // The trace's id is a field for the log lines; a span has it anyhow.
    span.attributes
        .retain(|field| field.key.as_str() != "trace_id");
    for field in &mut span.attributes {
        let known = FIELDS.iter().find(|(ours, _)| *ours == field.key.as_str());
        if let Some((_, theirs)) = known {
            field.key = Key::from_static_str(theirs);
        }
    }
    let constants = CONSTANTS.iter().filter(|(ours, ..)| *ours == name);
    let constants = constants.map(|(_, key, value)| KeyValue::new(*key, *value));
    span.attributes.extend(constants);
}

/// A call is named by its route alone; others say what is done, too.
fn name_in_trace(ours: &str, value: Option<String>) -> Cow<'static, str> {
    match value {
        Some(route) if ours == "call" => route.into(),
        Some(value) => format!("{} {value}", ours.replace('_', " ")).into(),
        None => ours.replace('_', " ").into(),
    }
}

fn field(span: &SpanData, name: &str) -> Option<String> {
    let mut fields = span.attributes.iter();
    let found = fields.find(|field| field.key.as_str() == name)?;
    match &found.value {
        Value::String(text) => Some(text.as_str().to_owned()),
        value => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::InstrumentationScope;
    use opentelemetry::trace::{SpanContext, SpanId, Status};
    use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};

    use super::*;

    fn ended(name: &'static str, attributes: Vec<KeyValue>) -> SpanData {
        let now = std::time::SystemTime::UNIX_EPOCH;
        SpanData {
            span_context: SpanContext::NONE,
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time: now,
            end_time: now,
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::default(),
        }
    }

    #[test]
    fn a_call_is_named_by_its_route_and_its_fields_by_the_conventions() {
        let mut span = ended(
            "call",
            vec![
                KeyValue::new("route", "GET /v1/jobs/{id}"),
                KeyValue::new("status", 200),
                KeyValue::new("trace_id", "0af7651916cd43dd8448eb211c80319c"),
            ],
        );
        apply(&mut span);

        assert_eq!(span.name, "GET /v1/jobs/{id}");
        assert_eq!(span.span_kind, SpanKind::Server);
        let expected = [
            KeyValue::new("http.route", "GET /v1/jobs/{id}"),
            KeyValue::new("http.response.status_code", 200),
        ];
        assert_eq!(span.attributes, expected);
    }

    #[test]
    fn a_question_says_what_is_asked() {
        let mut span = ended("ask_model", vec![KeyValue::new("model", "qwen")]);
        apply(&mut span);

        assert_eq!(span.name, "ask model qwen");
        let operation = KeyValue::new("gen_ai.operation.name", "chat");
        assert!(span.attributes.contains(&operation));
    }

    #[test]
    fn a_span_that_the_conventions_do_not_know_stays_as_it_is() {
        let mut span = ended("other", vec![KeyValue::new("a", 1)]);
        apply(&mut span);
        assert_eq!((&*span.name, span.span_kind), ("other", SpanKind::Internal));
        assert_eq!(span.attributes, [KeyValue::new("a", 1)]);
    }
}
