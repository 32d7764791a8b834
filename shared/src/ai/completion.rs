//! An answer as far as it has come: what its chunks make together, and the chunks of a complete
//! one.

mod choice;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::content;
use super::request::{MAX_CHOICES, MAX_REPEATED_CHARS};
use super::tool_call::ToolCall;
use super::usage::{
    BYTES_PER_TOKEN, ReportedUsage, UsedTokens, estimate_tokens_of_bytes, text_bytes,
};
use choice::Choice;

/// Reasons with which `DeepSeek`, `vLLM`, `SGLang`, `GLM` and others end a choice that is not
/// complete.
const INTERRUPTED_REASONS: [&str; 17] = [
    "abort",
    "aborted",
    "canceled",
    "cancelled",
    "connection_error",
    "error",
    "failed",
    "incomplete",
    "insufficient_system_resource",
    "internal_error",
    "interrupted",
    "network_error",
    "other_error",
    "overloaded",
    "preempted",
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
            let Value::Object(fields) = choice else {
                return None;
            };
            // Some endpoints give every choice the same number.
            let index = fields.get("index").and_then(Value::as_u64);
            let index = index.filter(|index| !choices.contains_key(index));
            let choice = Choice::from_fields(fields)?;
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
    /// join it; `false` if it is none, or has more choices or tool calls than an answer can have.
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
            let known = self.choices.entry(index.unwrap_or(0)).or_default();
            known.add_chunk(choice);
            if known.has_too_many_calls() || self.choices.len() as u64 > MAX_CHOICES {
                return false;
            }
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
        reasons.any(|reason| {
            let mut known = INTERRUPTED_REASONS.iter();
            known.any(|known| known.eq_ignore_ascii_case(reason))
        })
    }

    /// Whether the number of tokens is known.
    pub(super) fn has_usage(&self) -> bool {
        self.usage().is_some_and(Value::is_object)
    }

    /// What the endpoint says of the tokens that were used.
    pub(super) fn usage(&self) -> Option<&Value> {
        self.head.get("usage")
    }

    /// The same in numbers.
    pub fn reported_usage(&self) -> Option<ReportedUsage> {
        self.usage().and_then(ReportedUsage::read)
    }

    /// The tokens of all texts that have come, thoughts and arguments of tool calls included, by
    /// their length.
    pub(super) fn estimated_tokens(&self) -> u64 {
        let messages = self.choices.values();
        let messages = messages.filter_map(|choice| choice.fields.get("message"));
        estimate_tokens_of_bytes(messages.map(text_bytes).sum())
    }

    /// The number of tokens that the endpoint says were used, if it says so.
    pub fn total_tokens(&self) -> Option<u64> {
        self.head.get("usage")?.get("total_tokens")?.as_u64()
    }

    /// The tokens used by it and a prompt of so many: by the endpoint's word, else by the length of
    /// what the model wrote.
    pub(super) fn used_tokens(&self, prompt_tokens: u64) -> UsedTokens {
        if let Some(known) = self.total_tokens() {
            return UsedTokens::Known(known);
        }

        let messages = self
            .choices
            .values()
            .filter_map(|choice| choice.fields.get("message"));
        let bytes: u64 = messages.map(text_bytes).sum();
        UsedTokens::Estimated(prompt_tokens.saturating_add(bytes.div_ceil(BYTES_PER_TOKEN)))
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

    /// The arguments of the first choice's tool calls, in order; those of its function call, as
    /// older endpoints have it.
    pub fn tool_arguments(&self) -> impl Iterator<Item = &str> {
        let message = self.first_message();
        let calls = message.and_then(|message| message.get("tool_calls")?.as_array());
        let functions = calls
            .into_iter()
            .flatten()
            .filter_map(|call| call.get("function"));

        let function = message.and_then(|message| message.get("function_call"));
        let functions = functions.chain(function);
        functions.filter_map(|function| function.get("arguments")?.as_str())
    }

    /// The first choice's tool calls, in order.
    pub fn tool_calls(&self) -> Vec<ToolCall> {
        let calls = self.callable();
        calls
            .map(|(name, call)| ToolCall::read(name, call))
            .collect()
    }

    /// The first choice's message as its model is shown it again: its text and these calls of it.
    /// What it thought is given back with its calls: `DeepSeek` and Kimi refuse to go on without.
    pub(super) fn repeated(&self, calls: &[ToolCall]) -> Value {
        let text = self.text().unwrap_or_default();
        let text: String = text.chars().take(MAX_REPEATED_CHARS).collect();
        // Some endpoints refuse a message without words or calls.
        if calls.is_empty() {
            let is_blank = text.trim().is_empty();
            let content = if is_blank { "(no answer)" } else { &text };
            return json!({ "role": "assistant", "content": content });
        }

        let sent = self.callable().zip(calls);
        let repeated: Value = sent.map(|((_, sent), call)| call.repeated(sent)).collect();
        let content = Some(text).filter(|text| !text.is_empty());
        let mut message = Map::new();
        message.insert("role".to_owned(), json!("assistant"));
        message.insert("content".to_owned(), json!(content));
        for field in ["reasoning_content", "reasoning_details"] {
            let thoughts = self.first_message().and_then(|message| message.get(field));
            message.extend(thoughts.map(|thoughts| (field.to_owned(), thoughts.clone())));
        }
        message.insert("tool_calls".to_owned(), repeated);
        Value::Object(message)
    }

    /// The calls of the first choice that name a tool, with its name.
    fn callable(&self) -> impl Iterator<Item = (&str, &Value)> {
        let message = self.first_message();
        let calls = message.and_then(|message| message.get("tool_calls")?.as_array());
        let calls = calls.into_iter().flatten();
        calls.filter_map(|call| Some((call.pointer("/function/name")?.as_str()?, call)))
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
            .map(|(index, choice)| choice.body(*index))
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
            let delta = choice.delta();
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

#[cfg(test)]
mod tests;
