//! A chat request in `OpenAI`'s form. What we do not know of it is passed on as it is.

use serde_json::{Map, Value, json};

use super::Fault;
use crate::config::{StructuredOutput, Tier};

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
const MOST_CHOICES: u64 = 128;

/// A request, as a client sent it or as we made it, without `model`: each tier puts in its own. It has no `Debug`: it holds a
/// patient's words.
#[derive(Clone)]
pub struct ChatRequest {
    fields: Map<String, Value>,
    choices: u64,
    is_checked_here: bool,
}

/// What is wrong with a request, in the terms of `OpenAI`'s errors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    /// One sentence that helps.
    pub message: String,
    /// Where, such as `messages[0].role`.
    pub param: Option<String>,
}

impl RequestError {
    fn new(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            param: Some(param.into()),
        }
    }
}

impl ChatRequest {
    /// A prompt whose answer is one JSON object. The caller checks the answer's shape, so a tier that cannot be held to the
    /// schema may be asked too.
    pub fn structured(system: &str, user: &str, schema_name: &str, schema: &Value) -> Self {
        let body = json!({
            "messages": [{ "role": "system", "content": system }, { "role": "user", "content": user }],
            "response_format": {
                "type": "json_schema",
                "json_schema": { "name": schema_name, "strict": true, "schema": schema },
            },
        });
        let fields = if let Value::Object(fields) = body {
            fields
        } else {
            Map::new()
        };
        Self {
            fields,
            choices: 1,
            is_checked_here: true,
        }
    }

    /// The request of a client; `fields` are the body's, without those that are ours. Only what would make every tier
    /// refuse it is checked.
    pub fn from_client(fields: Map<String, Value>) -> Result<Self, RequestError> {
        check_messages(fields.get("messages"))?;
        let choices = match fields.get("n") {
            None | Some(Value::Null) => 1,
            Some(n) => n
                .as_u64()
                .filter(|n| (1..=MOST_CHOICES).contains(n))
                .ok_or_else(|| {
                    RequestError::new("n", "'n' must be a whole number from 1 to 128.")
                })?,
        };
        Ok(Self {
            fields,
            choices,
            is_checked_here: false,
        })
    }

    /// Whether the same request is to have the same answer: `temperature` 0, and one answer.
    pub fn is_deterministic(&self) -> bool {
        self.choices == 1 && self.fields.get("temperature").and_then(Value::as_f64) == Some(0.0)
    }

    /// All that decides on the answer, as text. It holds the prompt, so it must only be hashed.
    pub(crate) fn identity(&self) -> String {
        let mut fields = self.fields.clone();
        for name in ["stream", "stream_options"] {
            fields.remove(name);
        }
        Value::Object(fields).to_string()
    }

    /// The number of answers asked for.
    pub(super) const fn choices(&self) -> u64 {
        self.choices
    }

    /// The body for one tier.
    pub(super) fn body(&self, tier: &Tier) -> Result<Value, Fault> {
        let mut fields = self.fields.clone();
        fields.insert("model".to_owned(), Value::String(tier.model.clone()));
        fields.insert("stream".to_owned(), Value::Bool(tier.stream));
        if tier.stream {
            let options = fields.entry("stream_options").or_insert_with(|| json!({}));
            if !options.is_object() {
                *options = json!({});
            }
            if let Some(options) = options.as_object_mut() {
                options.insert("include_usage".to_owned(), Value::Bool(true));
            }
        } else {
            fields.remove("stream_options");
        }
        self.adapt_format(tier, &mut fields)?;
        Ok(Value::Object(fields))
    }

    /// A tier that knows no schemas is asked in the way it knows, if the answer's shape is checked here anyway. A client
    /// that relies on the schema is not given an answer that was not held to it.
    fn adapt_format(&self, tier: &Tier, fields: &mut Map<String, Value>) -> Result<(), Fault> {
        let wanted = fields
            .get("response_format")
            .and_then(|format| format.get("type"))
            .and_then(Value::as_str);
        let is_more_than_known = matches!(
            (wanted, tier.structured_output),
            (Some("json_schema"), StructuredOutput::JsonObject)
                | (
                    Some("json_schema" | "json_object"),
                    StructuredOutput::Prompt
                )
        );
        if !is_more_than_known {
            return Ok(());
        }
        if !self.is_checked_here {
            return Err(Fault::Unsupported("response_format"));
        }
        if tier.structured_output == StructuredOutput::JsonObject {
            fields.insert(
                "response_format".to_owned(),
                json!({ "type": "json_object" }),
            );
        } else {
            fields.remove("response_format");
        }
        Ok(())
    }
}

fn check_messages(messages: Option<&Value>) -> Result<(), RequestError> {
    let missing = || {
        RequestError::new(
            "messages",
            "'messages' must be an array with at least one message.",
        )
    };
    let messages = messages.and_then(Value::as_array).ok_or_else(missing)?;
    if messages.is_empty() {
        return Err(missing());
    }
    for (index, message) in messages.iter().enumerate() {
        let Some(message) = message.as_object() else {
            return Err(RequestError::new(
                format!("messages[{index}]"),
                "Each message must be an object.",
            ));
        };
        let role = message.get("role").and_then(Value::as_str);
        if !role.is_some_and(|role| ROLES.contains(&role)) {
            let allowed = ROLES.join("', '");
            let message = format!("The role of a message must be one of '{allowed}'.");
            return Err(RequestError::new(
                format!("messages[{index}].role"),
                message,
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(more: &str) -> Tier {
        let json = format!(r#"[{{"name":"a","base_url":"http://h/v1","model":"m"{more}}}]"#);
        crate::config::Tiers::parse(&json)
            .unwrap()
            .iter()
            .next()
            .unwrap()
            .clone()
    }

    fn client(body: &Value) -> Result<ChatRequest, RequestError> {
        ChatRequest::from_client(body.as_object().unwrap().clone())
    }

    fn hello() -> Value {
        json!([{ "role": "user", "content": "hello" }])
    }

    #[test]
    fn what_we_do_not_know_is_passed_on() {
        let request = json!({ "messages": hello(), "temperature": 0.1, "from_the_future": { "a": [1] },
            "stream_options": { "other": 1 } });
        let body = client(&request).unwrap().body(&tier("")).ok().unwrap();
        assert_eq!(body["from_the_future"], json!({ "a": [1] }));
        assert_eq!(
            (&body["model"], &body["temperature"]),
            (&json!("m"), &json!(0.1))
        );
        assert_eq!(
            (&body["stream"], &body["stream_options"]),
            (&json!(true), &json!({ "other": 1, "include_usage": true }))
        );
        let body = client(&json!({ "messages": hello(), "stream_options": {} }))
            .unwrap()
            .body(&tier(r#","stream":false"#));
        let body = body.ok().unwrap();
        assert_eq!(
            (&body["stream"], &body["stream_options"]),
            (&json!(false), &Value::Null)
        );
    }

    #[test]
    fn what_every_tier_would_refuse_is_refused_here() {
        let param = |body: Value| {
            client(&body)
                .err()
                .and_then(|error| error.param)
                .unwrap_or_default()
        };
        assert_eq!(param(json!({})), "messages");
        assert_eq!(param(json!({ "messages": [] })), "messages");
        assert_eq!(param(json!({ "messages": "hello" })), "messages");
        assert_eq!(param(json!({ "messages": ["hello"] })), "messages[0]");
        assert_eq!(
            param(json!({ "messages": [{ "role": "doctor", "content": "x" }] })),
            "messages[0].role"
        );
        assert_eq!(
            param(json!({ "messages": [{ "content": "x" }] })),
            "messages[0].role"
        );
        assert_eq!(param(json!({ "messages": hello(), "n": 0 })), "n");
        assert_eq!(param(json!({ "messages": hello(), "n": null })), "");
    }

    #[test]
    fn a_schema_is_weakened_only_where_the_answer_is_checked_here() {
        let object = tier(r#","structured_output":"json_object""#);
        let prompt = tier(r#","structured_output":"prompt""#);
        let ours = ChatRequest::structured("s", "u", "n", &json!({}));
        assert_eq!(
            ours.body(&tier("")).ok().unwrap()["response_format"]["type"],
            "json_schema"
        );
        assert_eq!(
            ours.body(&object).ok().unwrap()["response_format"],
            json!({ "type": "json_object" })
        );
        assert_eq!(
            ours.body(&prompt).ok().unwrap()["response_format"],
            Value::Null
        );
        let format = json!({ "type": "json_schema", "json_schema": {} });
        let theirs = client(&json!({ "messages": hello(), "response_format": format })).unwrap();
        assert!(theirs.body(&tier("")).is_ok());
        assert!(matches!(
            theirs.body(&object),
            Err(Fault::Unsupported("response_format"))
        ));
    }
}
