//! The form of a log line: one JSON object, with the function's name in front, since all functions
//! of a stack share a log group.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent};
use tracing_subscriber::registry::LookupSpan;

/// Writes an event as JSON: `{"function":"worker","timestamp":…,"level":…,"message":…}`.
pub(super) struct NamedLines {
    /// `"function":"worker",`; empty where one process runs all functions.
    prefix: String,
    json: Format<Json>,
}

impl NamedLines {
    /// Lines of this function.
    pub(super) fn new(function: Option<&str>) -> Self {
        let prefix = function.map(|name| format!("\"function\":{},", serde_json::json!(name)));
        let json = tracing_subscriber::fmt::format()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false);

        Self {
            prefix: prefix.unwrap_or_default(),
            json,
        }
    }
}

impl<S> FormatEvent<S, JsonFields> for NamedLines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.json
            .format_event(context, Writer::new(&mut line), event)?;

        let fields = line.strip_prefix('{').ok_or(fmt::Error)?;
        write!(writer, "{{{}{fields}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Written {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// The line of one event within a span.
    fn line_of(function: Option<&str>) -> Value {
        let written = Written::default();
        let layer = tracing_subscriber::fmt::layer()
            .fmt_fields(JsonFields::new())
            .event_format(NamedLines::new(function))
            .with_writer(written.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            let _entered = tracing::info_span!("call", route = "GET /v1/jobs/{id}").entered();
            tracing::info!(status = 200, "answered");
        });

        let bytes = written.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "one line");
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_line_names_its_function_and_keeps_its_fields() {
        let line = line_of(Some("get-job"));
        assert_eq!(line["function"], "get-job");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "answered");
        assert_eq!(line["status"], 200);
        assert_eq!(line["span"]["route"], "GET /v1/jobs/{id}");
    }

    #[test]
    fn a_process_of_all_functions_names_none() {
        let line = line_of(None);
        assert!(line["function"].is_null());
        assert_eq!(line["message"], "answered");
    }
}
