//! An answer as far as it has come: what its chunks make together, and the chunks of a complete
//! one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::chunk::{is_finish_reason, merge};
use super::content;
use super::tool_calls::{self, ToolCalls};

/// Reasons with which `DeepSeek`, `vLLM`, `SGLang`, `GLM` and others end a choice that is not
/// complete.
const INTERRUPTED_REASONS: [&str; 8] = [
    "abort",
    "aborted",
    "cancelled",
    "error",
    "insufficient_system_resource",
    "network_error",
    "server_error",
    "timeout",
];

/// An answer as far as it has come. It has no `Debug`: it holds a model's words.
#[derive(Clone, Default)]
pub struct Completion {
    /// All fields but `choices`.
    head: Map<String, Value>,
    /// The choices by their index.
    choices: BTreeMap<u64, Choice>,
    /// The number of choices asked for.
    expected_choices: u64,
}

/// One choice as far as it has come.
#[derive(Clone, Default)]
struct Choice {
    /// All fields but `index`; the deltas make its `message`.
    fields: Map<String, Value>,
    tool_calls: ToolCalls,
}

impl Completion {
    /// An answer of which nothing has come yet.
    pub(super) fn expecting(choices: u64) -> Self {
        Self {
            expected_choices: choices,
            ..Self::default()
        }
    }

    /// An answer that came in one piece; `None` if the body is none.
    pub fn from_body(body: Value) -> Option<Self> {
        let Value::Object(mut head) = body else {
            return None;
        };
        let Some(Value::Array(list)) = head.remove("choices") else {
            return None;
        };

        let expected_choices = list.len() as u64;
        let mut choices = BTreeMap::new();
        for (position, choice) in list.into_iter().enumerate() {
            let Value::Object(mut fields) = choice else {
                return None;
            };
            let message = fields.get_mut("message").and_then(Value::as_object_mut)?;
            tidy_message(message);

            let index = fields.get("index").and_then(Value::as_u64);
            let choice = Choice {
                fields,
                tool_calls: ToolCalls::default(),
            };
            choices.insert(index.unwrap_or(position as u64), choice);
        }
        if choices.is_empty() {
            return None;
        }

        Some(Self {
            head,
            choices,
            expected_choices,
        })
    }

    /// Takes in a chunk, and rewrites it as `OpenAI` would have sent it, so that every client can
    /// join it; `false` if it is none.
    pub(super) fn add_chunk(&mut self, chunk: &mut Value) -> bool {
        let Some(fields) = chunk.as_object_mut() else {
            return false;
        };
        let has_usage = fields.contains_key("usage");
        if !fields.get("choices").is_some_and(Value::is_array) {
            if !has_usage {
                return false;
            }
            fields.insert("choices".to_owned(), json!([]));
        }

        for (name, value) in fields.iter() {
            if name != "choices" && !value.is_null() {
                self.head.insert(name.clone(), value.clone());
            }
        }

        let choices = fields.get_mut("choices").and_then(Value::as_array_mut);
        let choices = choices.into_iter().flatten();
        for choice in choices.filter_map(Value::as_object_mut) {
            let index = choice.get("index").and_then(Value::as_u64);
            self.choices
                .entry(index.unwrap_or(0))
                .or_default()
                .add_chunk(choice);
        }

        true
    }

    /// Whether any choice has begun.
    pub(super) fn has_choices(&self) -> bool {
        !self.choices.is_empty()
    }

    /// Whether every choice that was asked for has said how it ended.
    pub(super) fn is_finished(&self) -> bool {
        let has_all = self.choices.len() as u64 >= self.expected_choices.max(1);
        has_all && self.is_finished_so_far()
    }

    /// Whether every choice that has begun has said how it ended. Not every endpoint gives as many
    /// as it is asked for.
    pub(super) fn is_finished_so_far(&self) -> bool {
        !self.choices.is_empty() && self.choices.values().all(Choice::has_ended)
    }

    /// Whether a choice says that it was broken off: it ended, but is not complete.
    pub(super) fn is_interrupted(&self) -> bool {
        let mut reasons = self
            .choices
            .values()
            .filter_map(|choice| choice.fields.get("finish_reason")?.as_str());
        reasons.any(|reason| INTERRUPTED_REASONS.contains(&reason))
    }

    /// Whether the number of tokens is known.
    pub(super) fn has_usage(&self) -> bool {
        self.usage().is_some_and(Value::is_object)
    }

    /// What the endpoint says of the tokens that were used.
    pub(super) fn usage(&self) -> Option<&Value> {
        self.head.get("usage")
    }

    /// The number of tokens that the endpoint says were used, if it says so.
    pub fn total_tokens(&self) -> Option<u64> {
        self.head.get("usage")?.get("total_tokens")?.as_u64()
    }

    /// The model that the endpoint says it used.
    pub fn model(&self) -> Option<&str> {
        self.head.get("model").and_then(Value::as_str)
    }

    /// The answer with this model's name, which the endpoint was asked for, if it does not say
    /// which one it used.
    pub(super) fn with_default_model(mut self, model: &str) -> Self {
        self.head.entry("model").or_insert_with(|| json!(model));
        self
    }

    /// The text of the first choice; that of its parts, if it came in parts.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self.first_message()?.get("content")? {
            Value::String(text) => Some(Cow::Borrowed(text)),
            Value::Array(parts) => Some(Cow::Owned(content::text_of_parts(parts))),
            _ => None,
        }
    }

    /// What the model of the first choice thought aloud, apart from its text.
    pub fn reasoning(&self) -> Option<&str> {
        let message = self.first_message()?;
        let fields = ["reasoning_content", "reasoning"].into_iter();
        let mut texts = fields.filter_map(|field| message.get(field)?.as_str());
        texts.find(|text| !text.is_empty())
    }

    /// The arguments of the first choice's tool calls, in order.
    pub fn tool_arguments(&self) -> impl Iterator<Item = &str> {
        let calls = self
            .first_message()
            .and_then(|message| message.get("tool_calls")?.as_array());
        let calls = calls.into_iter().flatten();
        calls.filter_map(|call| call.get("function")?.get("arguments")?.as_str())
    }

    fn first_message(&self) -> Option<&Value> {
        self.choices.values().next()?.fields.get("message")
    }

    /// How the first choice ended, if it says so.
    pub fn finish_reason(&self) -> Option<&str> {
        let choice = self.choices.values().next()?;
        choice.fields.get("finish_reason")?.as_str()
    }

    /// The body of a `chat.completion`.
    pub fn body(&self) -> Value {
        let choices = self
            .choices
            .iter()
            .map(|(index, choice)| choice_of_body(*index, choice.fields.clone()))
            .collect();

        let mut body = self.head.clone();
        body.insert("object".to_owned(), json!("chat.completion"));
        body.insert("choices".to_owned(), choices);

        Value::Object(body)
    }

    /// The chunks that a stream would have had: for each choice what it says and how it ends, then
    /// the usage.
    pub fn chunks(&self) -> Vec<Value> {
        let mut chunks = Vec::new();
        for (index, choice) in &self.choices {
            let fields = &choice.fields;
            let delta = delta_of_choice(fields);
            let logprobs = fields.get("logprobs").cloned().unwrap_or_default();
            let reason = fields.get("finish_reason").cloned().unwrap_or_default();

            chunks.push(self.chunk(json!([{
                "index": index, "delta": delta, "logprobs": logprobs, "finish_reason": null,
            }])));
            chunks.push(self.chunk(json!([{
                "index": index, "delta": {}, "logprobs": null, "finish_reason": reason,
            }])));
        }

        if let Some(usage) = self.head.get("usage") {
            let mut fields = self.chunk_fields(json!([]));
            fields.insert("usage".to_owned(), usage.clone());
            chunks.push(Value::Object(fields));
        }

        chunks
    }

    fn chunk(&self, choices: Value) -> Value {
        Value::Object(self.chunk_fields(choices))
    }

    fn chunk_fields(&self, choices: Value) -> Map<String, Value> {
        let mut fields = self.head.clone();
        fields.remove("usage");
        fields.insert("object".to_owned(), json!("chat.completion.chunk"));
        fields.insert("choices".to_owned(), choices);
        fields
    }
}

impl Choice {
    /// Takes in a choice of a chunk, and rewrites it.
    fn add_chunk(&mut self, choice: &mut Map<String, Value>) {
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

    /// Gives a choice of a chunk its delta. Some endpoints send the whole message instead: in the
    /// place of all deltas, or once more after them.
    fn write_delta(&self, choice: &mut Map<String, Value>) {
        let message = choice.remove("message");
        if choice.get("delta").is_some_and(Value::is_object) {
            return;
        }

        let is_news = !self.fields.contains_key("message");
        let delta = message.filter(|message| is_news && message.is_object());
        let delta = delta.unwrap_or_else(|| json!({}));
        choice.insert("delta".to_owned(), delta);
    }

    fn has_ended(&self) -> bool {
        let reason = self.fields.get("finish_reason");
        reason.is_some_and(is_finish_reason)
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
            "tool_calls" => add_tool_calls(known, known_calls, value),
            "function_call" => {
                if let Some(call) = value.as_object_mut() {
                    tool_calls::drop_known_name(known, call);
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
    for call in tool_calls(message.get_mut("tool_calls")) {
        tool_calls::write_arguments_as_text(call);
    }
}

/// A choice with all fields that clients rely on.
fn choice_of_body(index: u64, mut choice: Map<String, Value>) -> Value {
    choice.insert("index".to_owned(), json!(index));
    choice.entry("logprobs").or_insert(Value::Null);
    choice.entry("finish_reason").or_insert(Value::Null);

    let message = choice.get_mut("message").and_then(Value::as_object_mut);
    if let Some(message) = message {
        message.entry("role").or_insert_with(|| json!("assistant"));
        message.entry("content").or_insert(Value::Null);
        for call in tool_calls(message.get_mut("tool_calls")) {
            call.remove("index"); // it numbers the chunks of a stream
        }
    }

    Value::Object(choice)
}

/// A choice's message as the one delta that brings all of it.
fn delta_of_choice(choice: &Map<String, Value>) -> Value {
    let message = choice.get("message").cloned();
    let mut delta = message.unwrap_or_else(|| json!({}));
    for (position, call) in tool_calls(delta.get_mut("tool_calls")).enumerate() {
        call.insert("index".to_owned(), json!(position));
    }
    delta
}

fn tool_calls(list: Option<&mut Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let calls = list.and_then(Value::as_array_mut);
    calls.into_iter().flatten().filter_map(Value::as_object_mut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(chunks: &[Value]) -> Completion {
        let mut completion = Completion::expecting(1);
        let mut chunks = chunks.to_vec();
        assert!(chunks.iter_mut().all(|chunk| completion.add_chunk(chunk)));
        completion
    }

    fn chunk_of(delta: &Value) -> Value {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": null });
        json!({ "id": "c", "model": "m", "choices": [choice] })
    }

    fn end_of(index: u64, reason: &Value) -> Value {
        let choice = json!({ "index": index, "delta": {}, "finish_reason": reason });
        json!({ "id": "c", "model": "m", "choices": [choice] })
    }

    fn end(reason: &str) -> Value {
        end_of(0, &json!(reason))
    }

    #[test]
    fn texts_are_joined_and_the_usage_is_kept() {
        let completion = merged(&[
            chunk_of(&json!({ "role": "assistant", "content": "" })),
            chunk_of(&json!({ "content": "发" })),
            chunk_of(&json!({ "content": "热", "reasoning": "r" })),
            end("stop"),
            json!({ "choices": [], "usage": { "total_tokens": 7 } }),
        ]);
        assert_eq!(completion.text(), Some("发热".into()));
        assert!(completion.is_finished() && completion.has_usage());

        let body = completion.body();
        let message = json!({ "role": "assistant", "content": "发热", "reasoning": "r" });
        assert_eq!(body["choices"][0]["message"], message);
        assert_eq!(body["object"], json!("chat.completion"));
        assert_eq!(body["usage"]["total_tokens"], json!(7));
    }

    #[test]
    fn the_arguments_of_a_tool_call_are_joined_by_its_number() {
        let call = |index: u64, id: Value, arguments: &str| {
            let name = if id.is_null() {
                Value::Null
            } else {
                json!("f")
            };
            let function = json!({ "name": name, "arguments": arguments });
            let call = json!({
                "index": index, "id": id, "type": "function", "function": function,
            });
            chunk_of(&json!({ "tool_calls": [call] }))
        };
        let completion = merged(&[
            call(0, json!("a"), "{\"x\""),
            call(1, json!("b"), "{}"),
            call(0, Value::Null, ":1}"),
            end("tool_calls"),
        ]);

        let body = completion.body();
        let calls = &body["choices"][0]["message"]["tool_calls"];
        let function = json!({ "name": "f", "arguments": "{\"x\":1}" });
        let first = json!({ "id": "a", "type": "function", "function": function });
        assert_eq!(calls[0], first);
        assert_eq!(calls[1]["function"]["arguments"], "{}");
    }

    #[test]
    fn an_end_must_be_named_and_be_one() {
        let ended = |reason: Value| {
            let mut completion = Completion::expecting(1);
            completion.add_chunk(&mut end_of(0, &reason));
            completion
        };
        let reasons = [
            "stop",
            "length",
            "tool_calls",
            "content_filter",
            "eos_token",
        ];
        for reason in reasons {
            let completion = ended(json!(reason));
            assert!(completion.is_finished(), "{reason}");
            assert!(!completion.is_interrupted(), "{reason}");
        }

        let interrupted = ended(json!("insufficient_system_resource"));
        assert!(interrupted.is_finished() && interrupted.is_interrupted());

        for none in [Value::Null, json!(""), json!("null")] {
            let completion = ended(none.clone());
            assert!(!completion.is_finished(), "{none}");
            assert!(!completion.is_interrupted(), "{none}");
        }
    }

    #[test]
    fn what_each_chunk_repeats_is_not_joined() {
        let results = json!({ "hate": { "severity": "safe" } });
        let choice = json!({
            "index": 0, "delta": { "content": "a" }, "content_filter_results": results,
        });
        let chunk = json!({ "choices": [choice] });

        let body = merged(&[chunk.clone(), chunk]).body();
        let choice = &body["choices"][0];
        assert_eq!(choice["content_filter_results"], results);
        assert_eq!(choice["message"]["content"], "aa");
    }

    #[test]
    fn every_choice_must_have_ended() {
        let mut completion = Completion::expecting(2);
        completion.add_chunk(&mut end("stop"));
        assert!(!completion.is_finished());

        completion.add_chunk(&mut end_of(1, &json!("length")));
        assert!(completion.is_finished());
    }

    #[test]
    fn a_complete_answer_and_its_chunks_say_the_same() {
        let function = json!({ "name": "f", "arguments": "{}" });
        let call = json!({ "id": "a", "type": "function", "function": function });
        let message = json!({ "role": "assistant", "content": null, "tool_calls": [call] });
        let choice = json!({
            "index": 0, "finish_reason": "tool_calls", "logprobs": null, "message": message,
        });
        let body = json!({
            "id": "c", "object": "chat.completion", "model": "m",
            "usage": { "total_tokens": 3 }, "choices": [choice],
        });

        let completion = Completion::from_body(body.clone()).unwrap();
        assert_eq!(completion.body(), body);
        assert_eq!(merged(&completion.chunks()).body(), body);
    }

    #[test]
    fn what_is_no_completion_is_none() {
        let bodies = [
            json!([]),
            json!({}),
            json!({ "choices": [] }),
            json!({ "choices": [{}] }),
            json!({ "choices": [1] }),
        ];
        for body in bodies {
            assert!(Completion::from_body(body.clone()).is_none(), "{body}");
        }

        assert!(!Completion::default().add_chunk(&mut json!("text")));
        assert!(!Completion::default().add_chunk(&mut json!({ "hello": 1 })));
    }
}
