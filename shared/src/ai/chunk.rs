//! One chunk of a streamed answer, and how chunks are merged.
//!
//! Chunks are merged without knowing all their fields, so that fields that a provider adds
//! (reasoning, log probabilities, sources) arrive too.

use serde_json::{Map, Value};

/// Fields that each chunk repeats; all others are parts to be joined.
const REPEATED_FIELDS: [&str; 7] = ["format", "id", "index", "object", "role", "status", "type"];

/// Texts that grow within the elements of a list; all others are repeated or replaced.
const GROWING_FIELDS: [&str; 11] = [
    "arguments",
    "content",
    "data",
    "input",
    "output",
    "partial_json",
    "reasoning",
    "summary",
    "text",
    "thinking",
    "transcript",
];

/// Whether each chunk repeats a field of this name.
pub(super) fn is_repeated(name: &str) -> bool {
    REPEATED_FIELDS.contains(&name)
}

/// Whether a `finish_reason` names how a choice ended. Some endpoints send an empty text with every
/// chunk.
pub(super) fn is_finish_reason(value: &Value) -> bool {
    let reason = value.as_str().unwrap_or_default();
    !matches!(reason, "" | "null")
}

/// Whether a chunk brings anything of the answer, or its end; the first one of a stream often names
/// only the role.
pub(super) fn has_token(chunk: &Value) -> bool {
    let choices = chunk.get("choices").and_then(Value::as_array);
    choices.into_iter().flatten().any(|choice| {
        let has_ended = choice.get("finish_reason").is_some_and(is_finish_reason);
        has_ended || has_content(choice)
    })
}

fn has_content(choice: &Value) -> bool {
    let delta = choice.get("delta").and_then(Value::as_object);
    let mut parts = delta
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "role");

    parts.any(|(_, value)| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    })
}

/// Merges a part into what is there: texts one after the other, objects field by field, lists
/// element by element where these have a number or an id, else one after the other.
pub(super) fn merge(into: &mut Value, part: &Value) {
    match (into, part) {
        (_, Value::Null) => {}
        (Value::String(text), Value::String(more)) => text.push_str(more),
        (Value::Object(fields), Value::Object(more)) => {
            for (name, value) in more {
                merge_field(fields, name, value, is_repeated(name));
            }
        }
        (Value::Array(items), Value::Array(more)) => {
            for item in more {
                merge_item(items, item);
            }
        }
        (into, part) => *into = part.clone(),
    }
}

fn merge_field(fields: &mut Map<String, Value>, name: &str, value: &Value, is_repeated: bool) {
    match fields.get_mut(name) {
        Some(known) if !known.is_null() && !is_repeated => merge(known, value),
        Some(_) if value.is_null() => {}
        _ => drop(fields.insert(name.to_owned(), value.clone())),
    }
}

/// Merges an element of a list. Of its texts only those that grow are joined: every fragment of
/// `reasoning_details` repeats its `format`, for example.
fn merge_item(items: &mut Vec<Value>, item: &Value) {
    let identity = ItemIdentity::of(item);
    let known = match &identity {
        // Elements without a name of their own, such as log probabilities, are many.
        None => None,
        Some(identity) => items.iter_mut().rev().find(|known| identity.is_of(known)),
    };
    let (Some(Value::Object(known)), Value::Object(more)) = (known, item) else {
        items.push(item.clone());
        return;
    };

    for (name, value) in more {
        let is_growing = GROWING_FIELDS.contains(&name.as_str());
        let is_repeated = value.is_string() && !is_growing;
        merge_field(known, name, value, is_repeated);
    }
}

/// What tells an element of a list from the others: its number, or else its id.
enum ItemIdentity<'a> {
    Number(u64),
    Id(&'a str),
}

impl<'a> ItemIdentity<'a> {
    fn of(item: &'a Value) -> Option<Self> {
        if let Some(number) = item.get("index").and_then(Value::as_u64) {
            return Some(Self::Number(number));
        }
        let id = item.get("id").and_then(Value::as_str);
        id.filter(|id| !id.is_empty()).map(Self::Id)
    }

    fn is_of(&self, item: &Value) -> bool {
        match self {
            Self::Number(number) => item.get("index").and_then(Value::as_u64) == Some(*number),
            Self::Id(id) => item.get("id").and_then(Value::as_str) == Some(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_role_alone_is_no_token() {
        let chunk = |delta: Value| json!({ "choices": [{ "delta": delta }] });
        assert!(!has_token(&chunk(
            json!({ "role": "assistant", "content": "" })
        )));
        assert!(has_token(&chunk(json!({ "content": "a" }))));
        assert!(has_token(&chunk(json!({ "tool_calls": [{}] }))));

        let end = json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] });
        assert!(has_token(&end));
    }

    #[test]
    fn elements_are_merged_by_their_number_or_id() {
        let joined = |parts: Vec<Value>| {
            let mut list = json!([]);
            for part in parts {
                merge(&mut list, &json!([part]));
            }
            list
        };

        let (kind, format) = ("reasoning.text", "f-v1");
        let detail =
            |text: &str| json!({ "type": kind, "text": text, "format": format, "index": 0 });
        let signature = json!({ "type": "reasoning.text", "signature": "s", "index": 0 });
        let details = joined(vec![detail("It may"), detail(" be"), signature]);
        let expected = json!([{
            "type": "reasoning.text", "text": "It may be", "format": "f-v1", "index": 0,
            "signature": "s",
        }]);
        assert_eq!(details, expected);

        let state = |state: &str| json!({ "id": "a", "state": state, "text": "x" });
        let by_id = joined(vec![state("begun"), state("ended")]);
        assert_eq!(
            by_id,
            json!([{ "id": "a", "state": "ended", "text": "xx" }])
        );

        let source = |url: &str| json!({ "url": url });
        let apart = joined(vec![source("u"), source("v")]);
        assert_eq!(apart, json!([{ "url": "u" }, { "url": "v" }]));
    }
}
