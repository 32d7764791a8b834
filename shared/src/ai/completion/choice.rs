//! One choice of an answer as far as it has come.

use serde_json::{Map, Value, json};

use crate::ai::chunk::{is_finish_reason, merge};
use crate::ai::content;
use crate::ai::tool_calls::{self, ToolCalls};

/// The most tool calls of one choice.
const MAX_TOOL_CALLS: usize = 256;

/// One choice as far as it has come.
#[derive(Clone, Default)]
pub(super) struct Choice {
    /// All fields but `index`; the deltas make its `message`.
    pub(super) fields: Map<String, Value>,
    tool_calls: ToolCalls,
}

impl Choice {
    /// A choice that came in one piece; `None` if it has no message.
    pub(super) fn from_fields(mut fields: Map<String, Value>) -> Option<Self> {
        let message = fields.get_mut("message").and_then(Value::as_object_mut)?;
        tidy_message(message);

        Some(Self {
            fields,
            tool_calls: ToolCalls::default(),
        })
    }

    /// Takes in a choice of a chunk, and rewrites it.
    pub(super) fn add_chunk(&mut self, choice: &mut Map<String, Value>) {
        self.write_delta(choice);

        if let Some(Value::Object(delta)) = choice.get_mut("delta") {
            let message = self.fields.entry("message").or_insert_with(|| json!({}));
            if let Some(message) = message.as_object_mut() {
                add_delta(message, &mut self.tool_calls, delta);
            }
        }

        for (name, value) in choice {
            match name.as_str() {
                "index" | "delta" => {}
                "finish_reason" if !is_finish_reason(value) => {}
                "logprobs" => {
                    let logprobs = self.fields.entry(name.clone());
                    merge(logprobs.or_insert(Value::Null), value);
                }
                // Others are repeated whole, such as the verdicts of a content filter.
                _ => drop(self.fields.insert(name.clone(), value.clone())),
            }
        }
    }

    /// Gives a choice of a chunk its delta. Some endpoints send a `message` instead, piece by
    /// piece, growing, or whole once more after all deltas; older ones a `text`.
    fn write_delta(&self, choice: &mut Map<String, Value>) {
        let message = choice.remove("message");
        let text = choice.remove("text").filter(Value::is_string);
        if choice.get("delta").is_some_and(Value::is_object) {
            return;
        }

        let text = text.map(|text| json!({ "content": text }));
        let mut delta = message.filter(Value::is_object).or(text);
        if let Some(Value::Object(delta)) = &mut delta {
            let has_ended = choice.get("finish_reason").is_some_and(is_finish_reason);
            self.drop_repeated(delta, has_ended);
        }
        choice.insert("delta".to_owned(), delta.unwrap_or_else(|| json!({})));
    }

    /// Leaves of a message what is new: each of its texts may begin with what is there. The same
    /// text once more is a repetition only where the choice ends.
    fn drop_repeated(&self, message: &mut Map<String, Value>, has_ended: bool) {
        let Some(known) = self.fields.get("message") else {
            return;
        };

        message.retain(|name, value| {
            let Some(known) = known.get(name).filter(|known| !known.is_null()) else {
                return true;
            };
            match (known, &mut *value) {
                (Value::String(known), Value::String(text)) => {
                    let is_repetition = has_ended || text.len() > known.len();
                    let new = text.strip_prefix(known.as_str()).filter(|_| is_repetition);
                    if let Some(new) = new {
                        *text = new.to_owned();
                    }
                    true
                }
                // A list of calls that is there is not sent in pieces.
                _ => false,
            }
        });
    }

    pub(super) fn has_too_many_calls(&self) -> bool {
        self.tool_calls.count() > MAX_TOOL_CALLS
    }

    /// Whether it has said how it ended.
    pub(super) fn has_ended(&self) -> bool {
        let reason = self.fields.get("finish_reason");
        reason.is_some_and(is_finish_reason)
    }

    /// The choice with all fields that clients rely on.
    pub(super) fn body(&self, index: u64) -> Value {
        let mut choice = self.fields.clone();
        choice.insert("index".to_owned(), json!(index));
        choice.entry("logprobs").or_insert(Value::Null);
        choice.entry("finish_reason").or_insert(Value::Null);

        let message = choice.get_mut("message").and_then(Value::as_object_mut);
        if let Some(message) = message {
            message.entry("role").or_insert_with(|| json!("assistant"));
            message.entry("content").or_insert(Value::Null);
            for call in calls_in(message.get_mut("tool_calls")) {
                call.remove("index"); // it numbers the chunks of a stream
            }
        }

        Value::Object(choice)
    }

    /// Its message as the one delta that brings all of it.
    pub(super) fn delta(&self) -> Value {
        let message = self.fields.get("message").cloned();
        let mut delta = message.unwrap_or_else(|| json!({}));
        for (position, call) in calls_in(delta.get_mut("tool_calls")).enumerate() {
            call.insert("index".to_owned(), json!(position));
        }
        delta
    }
}

/// Joins a delta to its message, and rewrites it.
fn add_delta(
    message: &mut Map<String, Value>,
    known_calls: &mut ToolCalls,
    delta: &mut Map<String, Value>,
) {
    for (name, value) in delta.iter_mut() {
        let known = message.entry(name.clone()).or_insert(Value::Null);
        match name.as_str() {
            "content" | "reasoning_content" | "reasoning" => {
                content::simplify(value);
                content::join(known, value);
            }
            "tool_calls" => {
                if value.is_object() {
                    *value = json!([value.take()]);
                }
                add_tool_calls(known, known_calls, value);
            }
            "function_call" => {
                if let Some(function) = value.as_object_mut() {
                    tool_calls::write_arguments_as_text(function);
                    tool_calls::drop_known_name(known, function);
                }
                merge(known, value);
            }
            "role" if value.is_null() => {}
            "role" => *known = value.clone(),
            _ => merge(known, value),
        }
    }
}

fn add_tool_calls(known: &mut Value, known_calls: &mut ToolCalls, value: &mut Value) {
    let Some(fragments) = value.as_array_mut() else {
        return;
    };

    if known.is_null() {
        *known = json!([]);
    }
    if let Some(calls) = known.as_array_mut() {
        known_calls.join(calls, fragments);
    }
}

/// Writes a message that came in one piece as clients expect it.
fn tidy_message(message: &mut Map<String, Value>) {
    if let Some(content) = message.get_mut("content") {
        content::simplify(content);
    }
    for call in calls_in(message.get_mut("tool_calls")) {
        if let Some(Value::Object(function)) = call.get_mut("function") {
            tool_calls::write_arguments_as_text(function);
        }
    }
    if let Some(Value::Object(function)) = message.get_mut("function_call") {
        tool_calls::write_arguments_as_text(function);
    }
}

fn calls_in(list: Option<&mut Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let calls = list.and_then(Value::as_array_mut);
    calls.into_iter().flatten().filter_map(Value::as_object_mut)
}
