//! A chat request in `OpenAI`'s form. Fields that are passed on are passed on as they are.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::content;
use super::demands::Demands;
use super::fault::Fault;
use super::request_error::RequestError;
use crate::config::{StructuredOutput, TierSettings};

/// The roles a message can have.
const ROLES: [&str; 6] = [
    "system",
    "developer",
    "user",
    "assistant",
    "tool",
    "function",
];

/// The most answers that can be asked for at once.
pub(super) const MAX_CHOICES: u64 = 128;

/// The longest part of an answer that is repeated to its model, in characters.
pub(super) const MAX_REPEATED_CHARS: usize = 8_000;

/// A request, as a client sent it or as we made it, without `model`: each tier puts in its own. It
/// has no `Debug`: it holds a patient's words.
#[derive(Clone)]
pub struct ChatRequest {
    fields: Map<String, Value>,
    /// The number of answers asked for.
    choices: u64,
    /// Whether our code checks the answer's shape, so that no tier has to be held to it.
    is_answer_checked: bool,
    /// What not every tier is sent.
    demands: Demands,
    /// Pictures of the first user message, as parts of it, for tiers that see.
    pictures: Arc<[Value]>,
}

impl ChatRequest {
    /// A prompt whose answer is one JSON object. The caller checks the answer's shape, so a tier
    /// that cannot be held to the schema may be asked too.
    pub fn structured(system: &str, user: &str, schema_name: &str, schema: &Value) -> Self {
        let messages = json!([
            { "role": "system", "content": system },
            { "role": "user", "content": user },
        ]);
        let response_format = json!({
            "type": "json_schema",
            "json_schema": { "name": schema_name, "strict": true, "schema": schema },
        });

        let fields = [
            ("messages".to_owned(), messages),
            ("response_format".to_owned(), response_format),
        ];

        Self {
            fields: Map::from_iter(fields),
            choices: 1,
            is_answer_checked: true,
            demands: Demands::default(),
            pictures: Arc::default(),
        }
    }

    /// A prompt that is answered by calls of tools. The caller checks the answer.
    pub fn with_tool_prompt(system: &str, user: &str) -> Self {
        let messages = json!([
            { "role": "system", "content": system },
            { "role": "user", "content": user },
        ]);

        Self {
            fields: Map::from_iter([("messages".to_owned(), messages)]),
            choices: 1,
            is_answer_checked: true,
            demands: Demands::default(),
            pictures: Arc::default(),
        }
    }

    /// The same with pictures behind the user's message. Tiers that do not see are not sent them.
    #[must_use]
    pub fn with_pictures(mut self, pictures: Arc<[Value]>) -> Self {
        self.pictures = pictures;
        self
    }

    /// The same with these tools.
    pub(super) fn with_tools(mut self, tools: Vec<Value>) -> Self {
        self.fields.insert("tools".to_owned(), Value::Array(tools));
        self
    }

    /// The request of a client; `fields` are the body's, without those that are ours. It checks
    /// only mistakes that would make every tier refuse the request.
    pub fn from_client(mut fields: Map<String, Value>) -> Result<Self, RequestError> {
        check_messages(fields.get("messages"))?;
        let choices = read_choices(fields.get("n"))?;

        Ok(Self {
            demands: Demands::take(&mut fields),
            fields,
            choices,
            is_answer_checked: false,
            pictures: Arc::default(),
        })
    }

    /// Each message's role and text.
    #[cfg(test)]
    pub(crate) fn texts_of_messages(&self) -> Vec<(String, String)> {
        let text = |message: &Value, name: &str| message[name].as_str().unwrap().to_owned();
        let messages = self.fields["messages"].as_array().unwrap().iter();
        messages
            .map(|message| (text(message, "role"), text(message, "content")))
            .collect()
    }

    /// What not every tier is sent.
    pub(super) const fn demands(&self) -> &Demands {
        &self.demands
    }

    /// Whether the same request is to have the same answer: `temperature` 0, and one answer.
    pub fn is_deterministic(&self) -> bool {
        let temperature = self.fields.get("temperature").and_then(Value::as_f64);
        self.choices == 1 && temperature == Some(0.0)
    }

    /// All that decides on the answer, as text. It holds the prompt, so it must only be hashed.
    pub(crate) fn cache_identity(&self) -> String {
        let mut fields = self.fields.clone();
        for name in ["stream", "stream_options"] {
            fields.remove(name);
        }
        Value::Object(fields).to_string()
    }

    /// The same with an answer that was not accepted, and the reason for it.
    pub(super) fn with_repair_turn(&self, answer: &str, feedback: &str) -> Self {
        // Some endpoints refuse a message without words.
        let answer = if answer.trim().is_empty() {
            "(no answer)"
        } else {
            answer
        };
        let answer: String = answer.chars().take(MAX_REPEATED_CHARS).collect();
        let instruction = format!(
            "That answer cannot be used. {feedback} Answer again with the one JSON object that was \
             asked for, and nothing else."
        );

        self.with_messages(&[
            json!({ "role": "assistant", "content": answer }),
            json!({ "role": "user", "content": instruction }),
        ])
    }

    /// Whether a tier can go on where another one broke: one answer of free text, without what
    /// belongs to single tokens.
    pub fn is_resumable(&self) -> bool {
        let format = self.field("response_format");
        let kind = format.and_then(|format| format.get("type")?.as_str());
        let is_text = kind.is_none_or(|kind| kind == "text");

        let is_set = |name: &str| {
            let value = self.field(name);
            value.is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)))
        };
        let has_parts = ["logprobs", "audio", "modalities"].into_iter().any(is_set);

        self.choices == 1 && is_text && !has_parts
    }

    /// A field, as the client sent it.
    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// The same with these fields set.
    pub(super) fn with_fields(mut self, fields: Map<String, Value>) -> Self {
        self.fields.extend(fields);
        self
    }

    /// The beginning of the answer that the client gave itself, if it did, and the request without
    /// it.
    pub(super) fn split_prefill(&self) -> Option<(Self, String)> {
        let mut request = self.clone();
        let messages = request.fields.get_mut("messages")?.as_array_mut()?;
        let last = messages.last()?;
        if last.get("role")? != "assistant" {
            return None;
        }

        let prefill = match last.get("content")? {
            Value::String(text) => text.clone(),
            Value::Array(parts) => content::text_of_parts(parts),
            _ => return None,
        };
        messages.pop();
        Some((request, prefill))
    }

    /// The same with further messages.
    pub(super) fn with_messages(&self, further: &[Value]) -> Self {
        let mut request = self.clone();
        let messages = request.fields.get_mut("messages");
        if let Some(messages) = messages.and_then(Value::as_array_mut) {
            messages.extend_from_slice(further);
        }
        request
    }

    /// The number of answers asked for.
    pub(super) const fn choices(&self) -> u64 {
        self.choices
    }

    /// The body for one tier.
    pub(super) fn body_for(&self, tier: &TierSettings) -> Result<Value, Fault> {
        if !self.demands.are_met_by(tier) {
            return Err(Fault::Unsupported("fields"));
        }

        let mut fields = self.fields.clone();
        fields.insert("model".to_owned(), Value::String(tier.model.clone()));
        fields.insert("stream".to_owned(), Value::Bool(tier.stream));

        if tier.stream {
            ask_for_usage(&mut fields);
        } else {
            fields.remove("stream_options");
        }
        self.adapt_format(tier, &mut fields)?;
        if tier.vision {
            self.show_pictures(&mut fields);
        }

        Ok(Value::Object(fields))
    }

    /// Puts the pictures behind the words of the first user message.
    fn show_pictures(&self, fields: &mut Map<String, Value>) {
        if self.pictures.is_empty() {
            return;
        }
        let messages = fields.get_mut("messages").and_then(Value::as_array_mut);
        let mut messages = messages.into_iter().flatten();
        let is_user = |message: &&mut Value| message.get("role").is_some_and(|it| it == "user");
        let content = messages
            .find(is_user)
            .and_then(|message| message.get_mut("content"));
        if let Some(content) = content {
            let words = json!({ "type": "text", "text": content.take() });
            let parts = [words].into_iter().chain(self.pictures.iter().cloned());
            *content = Value::Array(parts.collect());
        }
    }

    /// A tier that knows no schemas is asked in the way it knows, if the answer's shape is checked
    /// here anyway. A client that relies on the schema is not given an answer that was not held to
    /// it.
    fn adapt_format(
        &self,
        tier: &TierSettings,
        fields: &mut Map<String, Value>,
    ) -> Result<(), Fault> {
        let wanted = fields
            .get("response_format")
            .and_then(|format| format.get("type"))
            .and_then(Value::as_str)
            .unwrap_or_default();

        let is_supported = match tier.structured_output {
            StructuredOutput::JsonSchema => true,
            StructuredOutput::JsonObject => wanted != "json_schema",
            StructuredOutput::Prompt => !matches!(wanted, "json_schema" | "json_object"),
        };
        if is_supported {
            return Ok(());
        }
        if !self.is_answer_checked {
            return Err(Fault::Unsupported("response_format"));
        }

        if tier.structured_output == StructuredOutput::JsonObject {
            let format = json!({ "type": "json_object" });
            fields.insert("response_format".to_owned(), format);
        } else {
            fields.remove("response_format");
        }

        Ok(())
    }
}

/// Asks for the number of tokens as the last chunk of the stream.
fn ask_for_usage(fields: &mut Map<String, Value>) {
    let options = fields.entry("stream_options").or_insert_with(|| json!({}));
    if !options.is_object() {
        *options = json!({});
    }

    if let Some(options) = options.as_object_mut() {
        options.insert("include_usage".to_owned(), Value::Bool(true));
    }
}

fn read_choices(n: Option<&Value>) -> Result<u64, RequestError> {
    let n = match n {
        None | Some(Value::Null) => return Ok(1),
        Some(n) => n.as_u64(),
    };

    n.filter(|n| (1..=MAX_CHOICES).contains(n))
        .ok_or_else(|| RequestError::new("n", "'n' must be a whole number from 1 to 128."))
}

fn check_messages(messages: Option<&Value>) -> Result<(), RequestError> {
    let messages = messages.and_then(Value::as_array).map(Vec::as_slice);
    let messages = messages.unwrap_or_default();
    if messages.is_empty() {
        let problem = "'messages' must be an array with at least one message.";
        return Err(RequestError::new("messages", problem));
    }

    for (index, message) in messages.iter().enumerate() {
        let param = format!("messages[{index}]");
        let Some(message) = message.as_object() else {
            return Err(RequestError::new(param, "Each message must be an object."));
        };

        let role = message.get("role").and_then(Value::as_str);
        if !role.is_some_and(|role| ROLES.contains(&role)) {
            let allowed = ROLES.join("', '");
            let problem = format!("The role of a message must be one of '{allowed}'.");
            return Err(RequestError::new(format!("{param}.role"), problem));
        }
    }

    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Tiers;

    fn tier(fields: &str) -> TierSettings {
        let json = format!(r#"[{{"name":"a","base_url":"http://h/v1","model":"m"{fields}}}]"#);
        let tiers = Tiers::parse(&json).unwrap();
        tiers.iter().next().unwrap().clone()
    }

    fn parse(body: &Value) -> Result<ChatRequest, RequestError> {
        ChatRequest::from_client(body.as_object().unwrap().clone())
    }

    fn hello() -> Value {
        json!([{ "role": "user", "content": "hello" }])
    }

    #[test]
    fn what_a_tier_lists_is_passed_on_as_it_is() {
        let request = json!({
            "messages": hello(), "temperature": 0.1, "from_the_future": { "a": [1] },
            "stream_options": { "other": 1 },
        });
        let request = parse(&request).unwrap();
        let refused = request.body_for(&tier(""));
        assert!(matches!(refused, Err(Fault::Unsupported("fields"))));

        let listing = tier(r#","pass_fields":["from_the_future"]"#);
        let body = request.body_for(&listing).ok().unwrap();
        let options = json!({ "other": 1, "include_usage": true });
        assert_eq!(body["from_the_future"], json!({ "a": [1] }));
        assert_eq!(body["model"], json!("m"));
        assert_eq!(body["temperature"], json!(0.1));
        assert_eq!(body["stream"], json!(true));
        assert_eq!(body["stream_options"], options);
    }

    #[test]
    fn a_tier_without_streams_gets_no_stream_options() {
        let request = json!({ "messages": hello(), "stream_options": {} });
        let request = parse(&request).unwrap();
        let body = request.body_for(&tier(r#","stream":false"#)).ok().unwrap();
        assert_eq!(body["stream"], json!(false));
        assert_eq!(body["stream_options"], Value::Null);
    }

    #[test]
    fn what_every_tier_would_refuse_is_refused_here() {
        let param = |body: Value| {
            let error = parse(&body).err();
            error.and_then(|error| error.param).unwrap_or_default()
        };
        assert_eq!(param(json!({})), "messages");
        assert_eq!(param(json!({ "messages": [] })), "messages");
        assert_eq!(param(json!({ "messages": "hello" })), "messages");
        assert_eq!(param(json!({ "messages": ["hello"] })), "messages[0]");

        let bad_role = json!([{ "role": "doctor", "content": "x" }]);
        let bad_role = param(json!({ "messages": bad_role }));
        assert_eq!(bad_role, "messages[0].role");
        let no_role = param(json!({ "messages": [{ "content": "x" }] }));
        assert_eq!(no_role, "messages[0].role");

        assert_eq!(param(json!({ "messages": hello(), "n": 0 })), "n");
        assert_eq!(param(json!({ "messages": hello(), "n": null })), "");
    }

    #[test]
    fn a_schema_is_weakened_only_where_the_answer_is_checked_here() {
        let schema_tier = tier("");
        let object_tier = tier(r#","structured_output":"json_object""#);
        let prompt_tier = tier(r#","structured_output":"prompt""#);

        let ours = ChatRequest::structured("s", "u", "n", &json!({}));
        let format =
            |tier: &TierSettings| ours.body_for(tier).ok().unwrap()["response_format"].clone();
        assert_eq!(format(&schema_tier)["type"], "json_schema");
        assert_eq!(format(&object_tier), json!({ "type": "json_object" }));
        assert_eq!(format(&prompt_tier), Value::Null);

        let wanted = json!({ "type": "json_schema", "json_schema": {} });
        let theirs = json!({ "messages": hello(), "response_format": wanted });
        let theirs = parse(&theirs).unwrap();
        assert!(theirs.body_for(&schema_tier).is_ok());
        let refused = theirs.body_for(&object_tier);
        assert!(matches!(
            refused,
            Err(Fault::Unsupported("response_format"))
        ));
    }
}
