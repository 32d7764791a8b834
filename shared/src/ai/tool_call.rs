//! A model's call of a tool, and the reply to it.

use serde_json::{Value, json};

/// Arguments that are longer are not repeated to the model that wrote them, in bytes.
const MAX_REPEATED_BYTES: usize = 16_384;

/// A model's call of a tool. It has no `Debug`: its arguments are a model's words.
pub struct ToolCall {
    /// What the reply has to name; empty if the model gave none.
    pub id: String,
    /// The tool.
    pub name: String,
    /// A JSON object, if the model keeps to the tool's schema.
    pub arguments: String,
}

impl ToolCall {
    /// The call of the tool called `name`.
    pub(super) fn read(name: &str, call: &Value) -> Self {
        let text = |pointer: &str| call.pointer(pointer).and_then(Value::as_str);
        Self {
            id: text("/id").unwrap_or_default().to_owned(),
            name: name.to_owned(),
            arguments: text("/function/arguments").unwrap_or_default().to_owned(),
        }
    }

    /// The call as its model is shown it again. It keeps what else `call` has, since some providers
    /// want that back (Gemini's signature of thoughts), but its number within a stream. Arguments
    /// that are no object become an empty one: servers parse them, and fail.
    pub(super) fn repeated(&self, call: &Value) -> Value {
        let is_object = |text: &str| matches!(serde_json::from_str(text), Ok(Value::Object(_)));
        let is_kept = self.arguments.len() <= MAX_REPEATED_BYTES && is_object(&self.arguments);
        let arguments = if is_kept { &self.arguments } else { "{}" };

        let mut repeated = call.as_object().cloned().unwrap_or_default();
        repeated.remove("index");
        repeated.insert("id".to_owned(), json!(self.id));
        repeated.insert("type".to_owned(), json!("function"));
        let function = json!({ "name": self.name, "arguments": arguments });
        repeated.insert("function".to_owned(), function);
        Value::Object(repeated)
    }
}

/// The tool's answer to a call, as a message.
pub(super) fn reply_message(call: &ToolCall, content: &Value) -> Value {
    let content = content.to_string();
    json!({ "role": "tool", "tool_call_id": call.id, "content": content })
}
