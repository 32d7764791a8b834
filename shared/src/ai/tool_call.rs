//! A model's call of a tool, and the reply to it.

use serde_json::{Value, json};

/// A model's call of a tool. It has no `Debug`: its arguments are a model's words.
pub struct ToolCall {
    /// What the reply has to name.
    pub id: String,
    /// The tool.
    pub name: String,
    /// A JSON object, if the model keeps to the tool's schema.
    pub arguments: String,
}

impl ToolCall {
    /// The call of the tool called `name`, in a message's place `index`.
    pub(super) fn read(index: usize, name: &str, call: &Value) -> Self {
        let arguments = call.pointer("/function/arguments").and_then(Value::as_str);
        Self {
            id: id_of(index, call),
            name: name.to_owned(),
            arguments: arguments.unwrap_or_default().to_owned(),
        }
    }
}

/// The call as its model is shown it again. It keeps what else it has, since some providers want
/// that back (Gemini's signature of thoughts).
pub(super) fn repeated(index: usize, call: &Value) -> Value {
    let mut repeated = call.as_object().cloned().unwrap_or_default();
    repeated.insert("id".to_owned(), json!(id_of(index, call)));
    repeated.insert("type".to_owned(), json!("function"));
    Value::Object(repeated)
}

/// The id of a call; one by its place, if it has none.
fn id_of(index: usize, call: &Value) -> String {
    let id = call.get("id").and_then(Value::as_str);
    let id = id.filter(|id| !id.is_empty());
    id.map_or_else(|| format!("call_{index}"), str::to_owned)
}

/// The tool's answer to a call, as a message.
pub(super) fn reply_message(call: &ToolCall, content: &Value) -> Value {
    let content = content.to_string();
    json!({ "role": "tool", "tool_call_id": call.id, "content": content })
}
