//! Good answers in odd forms: what endpoints and the proxies before them make of a stream.

use serde_json::{Value, json};

use crate::messages::chunk_of;

/// A body that is played as it stands.
pub(crate) struct OddBody {
    /// None for a body without a label.
    pub(crate) content_type: Option<&'static str>,
    pub(crate) text: String,
}

/// The body of an odd script for a stream of these events; none if the script is not odd.
pub(crate) fn odd_body(script: &str, model: &str, events: &[String]) -> Option<OddBody> {
    let as_events = events_of(events);
    let labelled = |content_type, text| {
        Some(OddBody {
            content_type: Some(content_type),
            text,
        })
    };

    match script {
        "text-label" => labelled("text/plain; charset=utf-8", as_events),
        "json-label" => labelled("application/json", as_events),
        "no-label" => Some(OddBody {
            content_type: None,
            text: format!("\u{feff}{as_events}"),
        }),
        "lines" => labelled("application/x-ndjson", lines_of(events)),
        "dense" => labelled("text/event-stream", as_events.replace("\n\n", "\n")),
        "named" => labelled("text/event-stream", named_events(events)),
        "noise" => labelled("text/event-stream", with_noise(events)),
        "noisy-lines" => labelled("application/x-ndjson", noisy_lines(events)),
        "noisy-array" => labelled("application/json", noisy_array(events)),
        "array" => labelled(
            "application/json",
            format!("[{}]", json_events(events).join(",")),
        ),
        "split-pair" => labelled("text/event-stream", with_split_pair(model, events)),
        "parts" => labelled("text/event-stream", in_parts(model, events)),
        "messages" => labelled("text/event-stream", as_messages(events)),
        "one-index" => labelled("text/event-stream", calls_with_one_index(model)),
        _ => None,
    }
}

fn events_of(events: &[String]) -> String {
    let events = events.iter().map(|data| format!("data: {data}\n\n"));
    events.collect::<Vec<_>>().concat()
}

fn json_events(events: &[String]) -> Vec<&str> {
    let events = events.iter().map(String::as_str);
    events.filter(|data| *data != "[DONE]").collect()
}

fn lines_of(events: &[String]) -> String {
    let lines = json_events(events);
    lines.join("\n") + "\n"
}

/// What brings nothing of an answer, in front of its first chunk.
const NOISE_LINES: [&str; 3] = [
    r#"{"type":"ping"}"#,
    "null",
    r#"{"id":"","choices":[],"prompt_filter_results":[]}"#,
];

fn noisy_lines(events: &[String]) -> String {
    let events = events.iter().map(String::as_str);
    let lines: Vec<_> = NOISE_LINES.into_iter().chain(events).collect();
    lines.join("\n")
}

fn noisy_array(events: &[String]) -> String {
    let values: Vec<_> = NOISE_LINES.into_iter().chain(json_events(events)).collect();
    format!("[{}]", values.join(","))
}

fn named_events(events: &[String]) -> String {
    let events = events
        .iter()
        .map(|data| format!("event: completion.chunk\ndata: {data}\n\n"));
    events.collect::<Vec<_>>().concat()
}

/// What is no part of an answer before each of its events.
fn with_noise(events: &[String]) -> String {
    const NOISE: [&str; 7] = [
        r#"data: {"type":"ping"}"#,
        "data: null",
        r#"data: {"id":"x","object":"chat.completion.chunk"}"#,
        r#"data: {"id":"x","choices":null}"#,
        "data: keep-alive",
        "event: ping\ndata: {}",
        ": comment",
    ];
    let events = events.iter().zip(NOISE.iter().cycle());
    let events = events.map(|(data, noise)| format!("{noise}\n\ndata: {data}\n\n"));
    events.collect::<Vec<_>>().concat()
}

/// A character whose two halves are escaped in two events.
fn with_split_pair(model: &str, events: &[String]) -> String {
    let half = |escape: &str| {
        let chunk = text_chunk(model, &json!("HALF"));
        chunk.replace("HALF", escape)
    };
    let mut events = events.to_vec();
    events.insert(1, half("\\ude00"));
    events.insert(1, half("\\ud83d"));
    events_of(&events)
}

/// The text as lists of parts, with a reference among them.
fn in_parts(model: &str, events: &[String]) -> String {
    let mut in_parts: Vec<String> = events
        .iter()
        .map(|data| match serde_json::from_str::<Value>(data) {
            Ok(mut chunk) => {
                let content = chunk.pointer_mut("/choices/0/delta/content");
                if let Some(content) = content {
                    *content = json!([{ "type": "text", "text": content.take() }]);
                }
                chunk.to_string()
            }
            Err(_) => data.clone(),
        })
        .collect();

    let reference = json!([{ "type": "reference", "reference_ids": [1] }]);
    in_parts.insert(4, text_chunk(model, &reference));
    events_of(&in_parts)
}

/// Each event with a `message` instead of a `delta`.
fn as_messages(events: &[String]) -> String {
    let joined = json_events(events).iter().rev().find_map(|data| {
        let chunk: Value = serde_json::from_str(data).ok()?;
        chunk
            .pointer("/choices/0/finish_reason")
            .is_some()
            .then_some(chunk)
    });
    let mut last = joined.unwrap_or_default();

    let texts = json_events(events);
    let text: String = texts
        .iter()
        .filter_map(|data| {
            let chunk: Value = serde_json::from_str(data).ok()?;
            let text = chunk.pointer("/choices/0/delta/content")?.as_str()?;
            Some(text.to_owned())
        })
        .collect();
    let message = json!({ "role": "assistant", "content": text });
    last["choices"][0]["message"] = message;
    last["choices"][0]
        .as_object_mut()
        .expect("a choice")
        .remove("delta");

    events_of(&[last.to_string(), "[DONE]".to_owned()])
}

fn calls_with_one_index(model: &str) -> String {
    let call = |id: &str, name: &str| {
        json!({ "tool_calls": [{
            "index": 0, "id": id, "type": "function",
            "function": { "name": name, "arguments": "" },
        }] })
    };
    let rest = |id: &str, name: &str, arguments: &str| {
        json!({ "tool_calls": [{
            "index": 0, "id": id, "type": "function",
            "function": { "name": name, "arguments": arguments },
        }] })
    };
    let deltas = [
        call("a", "weather"),
        rest("a", "weather", "{\"city\":"),
        rest("a", "weather", "\"Wuhan\"}"),
        call("b", "time"),
        rest("b", "time", "{}"),
    ];

    let mut events: Vec<_> = deltas
        .iter()
        .map(|delta| piece(model, delta, &Value::Null))
        .collect();
    events.push(piece(model, &json!({}), &json!("tool_calls")));
    events.push("[DONE]".to_owned());
    events_of(&events)
}

fn text_chunk(model: &str, content: &Value) -> String {
    piece(model, &json!({ "content": content }), &Value::Null)
}

fn piece(model: &str, delta: &Value, reason: &Value) -> String {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": reason });
    chunk_of(model, &json!([choice])).to_string()
}
