//! `cargo xtask trace`: a trace as a picture, from the spans that the functions have logged.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::logs;
use crate::report;
use crate::stack::Stack;

/// Characters of the time line.
const WIDTH: u64 = 48;

/// Without an id, the last trace is drawn that has such a call.
const WANTED: &str = "POST /v1/consultations";

/// Where a trace is to be had if there is none.
const ADVICE: &str = "no such trace in the logs; make a consultation, or name the `trace_id` of a \
                      line that `cargo xtask logs` prints";

/// A line of spans, as far as it is drawn.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    resource: Resource,
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Deserialize)]
struct Resource {
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    value: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct ScopeSpans {
    spans: Vec<Span>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase")]
struct Span {
    trace_id: String,
    #[serde(rename = "spanId")]
    id: String,
    #[serde(rename = "parentSpanId")]
    parent: String,
    name: String,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    #[serde(skip)]
    service: String,
}

impl Span {
    fn start(&self) -> u64 {
        self.start_time_unix_nano.parse().unwrap_or_default()
    }

    fn end(&self) -> u64 {
        self.end_time_unix_nano.parse().unwrap_or_default()
    }
}

/// Draws the trace of this id, or the last one of a consultation.
pub async fn draw(stack: &Stack, id: Option<&str>) -> Result<()> {
    let lines = logs::all(stack).await?;
    let spans: Vec<_> = lines.iter().flat_map(|line| read_spans(line)).collect();
    let wanted = spans.iter().filter(|span| match id {
        Some(id) => span.trace_id == id,
        None => span.name == WANTED,
    });
    let found = wanted.max_by_key(|span| span.start()).context(ADVICE)?;
    let of_trace = spans.iter().filter(|span| span.trace_id == found.trace_id);
    for line in picture(of_trace.cloned().collect()) {
        report::say(line);
    }
    Ok(())
}

fn read_spans(line: &str) -> Vec<Span> {
    if !line.starts_with("{\"resourceSpans\"") {
        return Vec::new();
    }
    let line: Line = serde_json::from_str(line).unwrap_or(Line {
        resource_spans: Vec::new(),
    });
    let resources = line.resource_spans.into_iter();
    let spans = resources.flat_map(|resource| {
        let service = service_of(&resource.resource);
        let spans = resource.scope_spans.into_iter();
        let spans = spans.flat_map(|scope| scope.spans);
        spans.map(move |span| Span {
            service: service.clone(),
            ..span
        })
    });
    spans.collect()
}

fn service_of(resource: &Resource) -> String {
    let mut attributes = resource.attributes.iter();
    let found = attributes.find(|attribute| attribute.key == "service.name");
    let text = found.and_then(|attribute| attribute.value.get("stringValue")?.as_str());
    text.unwrap_or_default().to_owned()
}

/// The lines of the picture: each span below its parent, with its time from the trace's begin.
fn picture(spans: Vec<Span>) -> Vec<String> {
    let start = spans.iter().map(Span::start).min().unwrap_or_default();
    let end = spans.iter().map(Span::end).max().unwrap_or_default();
    let count = spans.len();
    let id = spans.first().map(|span| span.trace_id.clone());

    let mut children: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    let ids: Vec<_> = spans.iter().map(|span| span.id.clone()).collect();
    for span in spans {
        // One whose parent is not in the logs begins the picture.
        let is_known = ids.contains(&span.parent);
        let parent = if is_known {
            span.parent.clone()
        } else {
            String::new()
        };
        children.entry(parent).or_default().push(span);
    }
    for siblings in children.values_mut() {
        siblings.sort_by_key(Span::start);
    }

    let mut rows = Vec::new();
    let mut waiting: Vec<_> = children.remove("").unwrap_or_default();
    waiting.reverse();
    let mut waiting: Vec<_> = waiting.into_iter().map(|span| (0, span)).collect();
    while let Some((depth, span)) = waiting.pop() {
        let below = children.remove(&span.id).unwrap_or_default();
        waiting.extend(below.into_iter().rev().map(|child| (depth + 1, child)));
        rows.push((depth, span));
    }

    let title = format!(
        "trace {}: {count} spans, {}",
        id.unwrap_or_default(),
        ms(end - start)
    );
    let names = rows
        .iter()
        .map(|(depth, span)| label(*depth, span).chars().count());
    let widest = names.max().unwrap_or_default();
    let lines = rows.iter().map(|(depth, span)| {
        let bar = bar(span, start, (end - start).max(1));
        let took = ms(span.end().saturating_sub(span.start()));
        format!("{:<widest$}  {bar}  {took:>9}", label(*depth, span))
    });
    std::iter::once(title).chain(lines).collect()
}

fn label(depth: usize, span: &Span) -> String {
    format!("{:20} {}{}", span.service, "  ".repeat(depth), span.name)
}

fn bar(span: &Span, start: u64, length: u64) -> String {
    let column = |time: u64| (time.saturating_sub(start) * WIDTH / length).min(WIDTH);
    let from = column(span.start()).min(WIDTH - 1);
    let to = column(span.end()).max(from + 1);
    let cells = (0..WIDTH).map(|cell| {
        if (from..to).contains(&cell) {
            '█'
        } else {
            '·'
        }
    });
    cells.collect()
}

fn ms(nanoseconds: u64) -> String {
    let tenths = nanoseconds / 100_000;
    format!("{}.{} ms", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: &str, parent: &str, name: &str, start: u64, end: u64) -> Span {
        Span {
            trace_id: "t".to_owned(),
            id: id.to_owned(),
            parent: parent.to_owned(),
            name: name.to_owned(),
            start_time_unix_nano: start.to_string(),
            end_time_unix_nano: end.to_string(),
            service: "api".to_owned(),
        }
    }

    #[test]
    fn each_span_stands_below_its_parent_in_the_order_of_time() {
        let picture = picture(vec![
            span("late", "call", "c", 60_000_000, 100_000_000),
            span("early", "call", "b", 0, 50_000_000),
            span("call", "elsewhere", "a", 0, 100_000_000),
        ]);

        assert_eq!(picture[0], "trace t: 3 spans, 100.0 ms");
        let names: Vec<_> = picture[1..]
            .iter()
            .map(|line| line.chars().skip(20).take(4).collect::<String>())
            .collect();
        assert_eq!(names, [" a  ", "   b", "   c"]);
        assert!(picture[2].contains(&"█".repeat(24)) && picture[2].ends_with("50.0 ms"));
    }
}
