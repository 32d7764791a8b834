//! What the pieces of a streamed answer make together, and the pieces of a whole one.
//!
//! Pieces are merged without knowing all their fields, so that what a provider adds (reasoning, log probabilities, sources)
//! arrives too.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// An answer as far as it has come. It has no `Debug`: it holds a model's words.
#[derive(Clone, Default)]
pub struct Completion {
    head: Map<String, Value>,
    choices: BTreeMap<u64, Map<String, Value>>,
    expected: u64,
}

/// Fields that each piece repeats; all others are parts to be joined.
const REPEATED: [&str; 5] = ["id", "index", "object", "role", "type"];

/// What `DeepSeek`, `vLLM`, `SGLang`, `GLM` and others call an end that is none.
const INTERRUPTED: [&str; 8] = [
    "abort",
    "aborted",
    "cancelled",
    "error",
    "insufficient_system_resource",
    "network_error",
    "server_error",
    "timeout",
];

/// Whether it names how a choice ended. Some endpoints send an empty text with every piece.
fn is_reason(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|reason| !reason.is_empty() && reason != "null")
}

impl Completion {
    /// An answer of which nothing has come yet; `expected` is the number of choices asked for.
    pub(super) fn expecting(expected: u64) -> Self {
        Self {
            expected,
            ..Self::default()
        }
    }

    /// An answer that came in one piece; `None` if it is none.
    pub fn from_body(body: Value) -> Option<Self> {
        let Value::Object(mut head) = body else {
            return None;
        };
        let Some(Value::Array(choices)) = head.remove("choices") else {
            return None;
        };
        let mut whole = Self {
            expected: choices.len() as u64,
            ..Self::default()
        };
        for (at, choice) in choices.into_iter().enumerate() {
            let Value::Object(choice) = choice else {
                return None;
            };
            if !choice.get("message").is_some_and(Value::is_object) {
                return None;
            }
            let index = choice
                .get("index")
                .and_then(Value::as_u64)
                .unwrap_or(at as u64);
            whole.choices.insert(index, choice);
        }
        whole.head = head;
        (!whole.choices.is_empty()).then_some(whole)
    }

    /// Takes a piece in; `false` if it is none.
    pub(super) fn add(&mut self, chunk: &Value) -> bool {
        let Some(fields) = chunk.as_object() else {
            return false;
        };
        let choices = match fields.get("choices") {
            Some(Value::Array(choices)) => choices.as_slice(),
            None | Some(Value::Null) if fields.contains_key("usage") => &[],
            _ => return false,
        };
        for (name, value) in fields
            .iter()
            .filter(|(name, value)| *name != "choices" && !value.is_null())
        {
            self.head.insert(name.clone(), value.clone());
        }
        for choice in choices.iter().filter_map(Value::as_object) {
            let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
            let known = self.choices.entry(index).or_default();
            for (name, value) in choice {
                match name.as_str() {
                    "index" => {}
                    "delta" => join(known.entry("message").or_insert_with(|| json!({})), value),
                    "finish_reason" if !is_reason(value) => {}
                    "logprobs" => join(known.entry(name.clone()).or_insert(Value::Null), value),
                    // Others are repeated whole, such as the verdicts of a content filter.
                    _ => drop(known.insert(name.clone(), value.clone())),
                }
            }
        }
        true
    }

    /// Whether every choice that was asked for has said how it ended.
    pub(super) fn is_finished(&self) -> bool {
        self.choices.len() as u64 >= self.expected.max(1) && self.is_finished_so_far()
    }

    /// Whether every choice that has begun has said how it ended. Not every endpoint gives as many as it is asked for.
    pub(super) fn is_finished_so_far(&self) -> bool {
        !self.choices.is_empty()
            && self
                .choices
                .values()
                .all(|choice| choice.get("finish_reason").is_some_and(is_reason))
    }

    /// Whether a choice says that it was broken off: it ended, but is not whole.
    pub(super) fn is_interrupted(&self) -> bool {
        let reasons = self
            .choices
            .values()
            .filter_map(|choice| choice.get("finish_reason")?.as_str());
        reasons
            .into_iter()
            .any(|reason| INTERRUPTED.contains(&reason))
    }

    /// Whether the number of tokens is known.
    pub(super) fn has_usage(&self) -> bool {
        self.head.get("usage").is_some_and(Value::is_object)
    }

    /// The number of tokens that the endpoint says were used, if it says so.
    pub fn tokens(&self) -> Option<u64> {
        self.head.get("usage")?.get("total_tokens")?.as_u64()
    }

    /// The model that the endpoint says it used.
    pub fn model(&self) -> Option<&str> {
        self.head.get("model").and_then(Value::as_str)
    }

    /// The answer with a model's name; an endpoint that does not say what it used was asked for this one.
    pub(super) fn named(mut self, model: &str) -> Self {
        self.head.entry("model").or_insert_with(|| json!(model));
        self
    }

    /// The text of the first choice.
    pub fn text(&self) -> Option<&str> {
        self.choices
            .values()
            .next()?
            .get("message")?
            .get("content")?
            .as_str()
    }

    /// How the first choice ended, if it says so.
    pub fn finish_reason(&self) -> Option<&str> {
        self.choices.values().next()?.get("finish_reason")?.as_str()
    }

    /// The body of a `chat.completion`.
    pub fn body(&self) -> Value {
        let mut body = self.head.clone();
        body.insert("object".to_owned(), json!("chat.completion"));
        let choices = self.choices.iter().map(|(index, choice)| {
            let mut choice = choice.clone();
            choice.insert("index".to_owned(), json!(index));
            choice.entry("logprobs").or_insert(Value::Null);
            choice.entry("finish_reason").or_insert(Value::Null);
            if let Some(message) = choice.get_mut("message").and_then(Value::as_object_mut) {
                message.entry("role").or_insert_with(|| json!("assistant"));
                message.entry("content").or_insert(Value::Null);
                let calls = message
                    .get_mut("tool_calls")
                    .and_then(Value::as_array_mut)
                    .into_iter()
                    .flatten();
                for call in calls.filter_map(Value::as_object_mut) {
                    call.remove("index"); // it numbers the pieces of a stream
                }
            }
            Value::Object(choice)
        });
        body.insert("choices".to_owned(), choices.collect());
        Value::Object(body)
    }

    /// The pieces that a stream would have had: for each choice what it says and how it ends, then the usage.
    pub fn chunks(&self) -> Vec<Value> {
        let piece = |choices: Value, usage: Option<&Value>| {
            let mut head = self.head.clone();
            head.remove("usage");
            head.insert("object".to_owned(), json!("chat.completion.chunk"));
            head.insert("choices".to_owned(), choices);
            head.extend(usage.map(|usage| ("usage".to_owned(), usage.clone())));
            Value::Object(head)
        };
        let mut chunks = Vec::new();
        for (index, choice) in &self.choices {
            let mut delta = choice.get("message").cloned().unwrap_or_else(|| json!({}));
            let calls = delta
                .get_mut("tool_calls")
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten();
            for (at, call) in calls.filter_map(Value::as_object_mut).enumerate() {
                call.insert("index".to_owned(), json!(at));
            }
            let logprobs = choice.get("logprobs").cloned().unwrap_or_default();
            let said = json!([{ "index": index, "delta": delta, "logprobs": logprobs, "finish_reason": null }]);
            let reason = choice.get("finish_reason").cloned().unwrap_or_default();
            let ended =
                json!([{ "index": index, "delta": {}, "logprobs": null, "finish_reason": reason }]);
            chunks.extend([piece(said, None), piece(ended, None)]);
        }
        chunks.extend(
            self.head
                .get("usage")
                .map(|usage| piece(json!([]), Some(usage))),
        );
        chunks
    }
}

/// Joins a part to what is there: texts one after the other, objects field by field, lists element by element where these
/// are numbered, else one after the other.
fn join(into: &mut Value, part: &Value) {
    match (into, part) {
        (_, Value::Null) => {}
        (Value::String(text), Value::String(more)) => text.push_str(more),
        (Value::Object(fields), Value::Object(more)) => {
            for (name, value) in more {
                match fields.get_mut(name) {
                    Some(known) if !known.is_null() && !REPEATED.contains(&name.as_str()) => {
                        join(known, value)
                    }
                    Some(_) if value.is_null() => {}
                    _ => drop(fields.insert(name.clone(), value.clone())),
                }
            }
        }
        (Value::Array(items), Value::Array(more)) => {
            more.iter().for_each(|item| join_item(items, item))
        }
        (into, part) => *into = part.clone(),
    }
}

fn join_item(items: &mut Vec<Value>, item: &Value) {
    let number = item.get("index").filter(|index| index.is_u64());
    match items
        .iter_mut()
        .find(|known| number.is_some() && known.get("index") == number)
    {
        Some(known) => join(known, item),
        None => items.push(item.clone()),
    }
}

/// Whether a piece brings anything of the answer, or its end; the first one of a stream often names only the role.
pub(super) fn has_token(chunk: &Value) -> bool {
    let choices = chunk
        .get("choices")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    choices.into_iter().any(|choice| {
        let delta = choice
            .get("delta")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        let mut parts = delta.filter(|(name, _)| *name != "role");
        parts.any(|(_, value)| says(value)) || choice.get("finish_reason").is_some_and(is_reason)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(chunks: &[Value]) -> Completion {
        let mut completion = Completion::expecting(1);
        assert!(chunks.iter().all(|chunk| completion.add(chunk)));
        completion
    }

    fn piece(delta: &Value) -> Value {
        json!({ "id": "c", "model": "m", "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] })
    }

    fn end(reason: &str) -> Value {
        json!({ "id": "c", "model": "m", "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] })
    }

    #[test]
    fn texts_are_joined_and_the_usage_is_kept() {
        let usage = json!({ "choices": [], "usage": { "total_tokens": 7 } });
        let pieces = [
            piece(&json!({ "role": "assistant", "content": "" })),
            piece(&json!({ "content": "发" })),
            piece(&json!({ "content": "热", "reasoning": "r" })),
            end("stop"),
            usage,
        ];
        let completion = joined(&pieces);
        let body = completion.body();
        assert_eq!(completion.text(), Some("发热"));
        assert_eq!(
            body["choices"][0]["message"],
            json!({ "role": "assistant", "content": "发热", "reasoning": "r" })
        );
        assert_eq!(
            (&body["object"], &body["usage"]["total_tokens"]),
            (&json!("chat.completion"), &json!(7))
        );
        assert!(completion.is_finished() && completion.has_usage());
    }

    #[test]
    fn the_arguments_of_a_tool_call_are_joined_by_its_number() {
        let call = |index: u64, id: Value, arguments: &str| {
            let function = json!({ "name": if id.is_null() { Value::Null } else { json!("f") }, "arguments": arguments });
            piece(
                &json!({ "tool_calls": [{ "index": index, "id": id, "type": "function", "function": function }] }),
            )
        };
        let pieces = [
            call(0, json!("a"), "{\"x\""),
            call(1, json!("b"), "{}"),
            call(0, Value::Null, ":1}"),
            end("tool_calls"),
        ];
        let body = joined(&pieces).body();
        let calls = &body["choices"][0]["message"]["tool_calls"];
        assert_eq!(
            calls[0],
            json!({ "id": "a", "type": "function", "function": { "name": "f", "arguments": "{\"x\":1}" } })
        );
        assert_eq!(calls[1]["function"]["arguments"], "{}");
    }

    #[test]
    fn an_end_must_be_named_and_be_one() {
        let ended = |reason: Value| {
            let mut completion = Completion::expecting(1);
            completion
                .add(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] }));
            (completion.is_finished(), completion.is_interrupted())
        };
        for reason in [
            "stop",
            "length",
            "tool_calls",
            "content_filter",
            "eos_token",
        ] {
            assert_eq!(ended(json!(reason)), (true, false), "{reason}");
        }
        assert_eq!(ended(json!("insufficient_system_resource")), (true, true));
        for none in [Value::Null, json!(""), json!("null")] {
            assert_eq!(ended(none.clone()), (false, false), "{none}");
        }
    }

    #[test]
    fn what_each_piece_repeats_is_not_joined() {
        let piece = json!({ "choices": [{ "index": 0, "delta": { "content": "a" },
            "content_filter_results": { "hate": { "severity": "safe" } } }] });
        let body = joined(&[piece.clone(), piece]).body();
        assert_eq!(
            body["choices"][0]["content_filter_results"]["hate"]["severity"],
            "safe"
        );
        assert_eq!(body["choices"][0]["message"]["content"], "aa");
    }

    #[test]
    fn every_choice_must_have_ended() {
        let mut completion = Completion::expecting(2);
        completion.add(&end("stop"));
        assert!(!completion.is_finished());
        completion
            .add(&json!({ "choices": [{ "index": 1, "delta": {}, "finish_reason": "length" }] }));
        assert!(completion.is_finished());
    }

    #[test]
    fn a_whole_answer_and_its_pieces_say_the_same() {
        let body = json!({ "id": "c", "object": "chat.completion", "model": "m", "usage": { "total_tokens": 3 },
            "choices": [{ "index": 0, "finish_reason": "tool_calls", "logprobs": null, "message": { "role": "assistant",
                "content": null, "tool_calls": [{ "id": "a", "type": "function", "function": { "name": "f", "arguments": "{}" } }] } }] });
        let whole = Completion::from_body(body.clone()).unwrap();
        assert_eq!(whole.body(), body);
        assert_eq!(joined(&whole.chunks()).body(), body);
    }

    #[test]
    fn what_is_no_completion_is_none() {
        for body in [
            json!([]),
            json!({}),
            json!({ "choices": [] }),
            json!({ "choices": [{}] }),
            json!({ "choices": [1] }),
        ] {
            assert!(Completion::from_body(body.clone()).is_none(), "{body}");
        }
        assert!(!Completion::default().add(&json!("text")));
        assert!(!Completion::default().add(&json!({ "hello": 1 })));
    }

    #[test]
    fn a_role_alone_is_no_token() {
        assert!(!has_token(&piece(
            &json!({ "role": "assistant", "content": "" })
        )));
        assert!(has_token(&piece(&json!({ "content": "a" }))));
        assert!(has_token(&piece(&json!({ "tool_calls": [{}] }))));
        assert!(has_token(&end("stop")));
    }
}
