//! One chunk of a streamed answer, and how chunks are merged.
//!
//! Chunks are merged without knowing all their fields, so that fields that a provider adds
//! (reasoning, log probabilities, sources) arrive too.

use serde_json::Value;

/// Fields that each chunk repeats; all others are parts to be joined.
const REPEATED_FIELDS: [&str; 5] = ["id", "index", "object", "role", "type"];

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
/// element by element where these are numbered, else one after the other.
pub(super) fn merge(into: &mut Value, part: &Value) {
    match (into, part) {
        (_, Value::Null) => {}
        (Value::String(text), Value::String(more)) => text.push_str(more),
        (Value::Object(fields), Value::Object(more)) => {
            for (name, value) in more {
                let is_repeated = REPEATED_FIELDS.contains(&name.as_str());
                match fields.get_mut(name) {
                    Some(known) if !known.is_null() && !is_repeated => merge(known, value),
                    Some(_) if value.is_null() => {}
                    _ => drop(fields.insert(name.clone(), value.clone())),
                }
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

fn merge_item(items: &mut Vec<Value>, item: &Value) {
    let index = item.get("index").filter(|index| index.is_u64());
    let known = items
        .iter_mut()
        .find(|known| index.is_some() && known.get("index") == index);

    match known {
        Some(known) => merge(known, item),
        None => items.push(item.clone()),
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
}
