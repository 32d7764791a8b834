//! What a message says: one text, or parts in order.
//!
//! Most endpoints stream `content` as texts, some (`Mistral`'s reasoning models, gateways with
//! references) as lists of parts. Texts are joined, parts that are no text keep their places, and
//! nothing that came is left out.

use serde_json::{Map, Value, json};

/// Names of the types of parts that are plain text.
const TEXT_TYPES: [&str; 2] = ["text", "output_text"];

/// Fields that a plain text may have; a part with any other is kept as it is.
const TEXT_FIELDS: [&str; 3] = ["type", "text", "index"];

/// Joins a piece of content to what is there.
pub(super) fn join(into: &mut Value, piece: &Value) {
    match (&mut *into, piece) {
        (_, Value::Null) => {}
        (Value::String(text), Value::String(more)) => text.push_str(more),
        (Value::Null, piece) => *into = piece.clone(),
        (known, piece) => {
            let mut parts = parts_of(known.take());
            for part in parts_of(piece.clone()) {
                append_part(&mut parts, part);
            }
            *known = Value::Array(parts);
        }
    }

    simplify(into);
}

/// A list of nothing but plain texts becomes the text that they make together, which every client
/// can read.
pub(super) fn simplify(content: &mut Value) {
    if content.is_object() {
        *content = json!([content.take()]); // one part without its list
    }
    let Value::Array(parts) = content else {
        return;
    };

    let texts: Option<Vec<&str>> = parts.iter().map(plain_text).collect();
    if let Some(texts) = texts.filter(|texts| !texts.is_empty()) {
        *content = Value::String(texts.concat());
    }
}

/// The text of a content: its own, or that of its parts.
pub(super) fn text_of_parts(parts: &[Value]) -> String {
    parts.iter().filter_map(text_of_part).collect()
}

/// The text of a part, whatever else it says; what the model only thought is none.
fn text_of_part(part: &Value) -> Option<&str> {
    match part {
        Value::String(text) => Some(text),
        Value::Object(fields) if is_text_type(fields) => fields.get("text")?.as_str(),
        _ => None,
    }
}

/// The text of a part that is nothing else.
fn plain_text(part: &Value) -> Option<&str> {
    let has_more = part.as_object().is_some_and(|fields| {
        let mut names = fields.keys();
        names.any(|name| !TEXT_FIELDS.contains(&name.as_str()))
    });
    if has_more { None } else { text_of_part(part) }
}

/// Whether a part is a text and nothing else.
pub(super) fn is_plain_text(part: &Value) -> bool {
    plain_text(part).is_some()
}

fn is_text_type(fields: &Map<String, Value>) -> bool {
    match fields.get("type") {
        None => true,
        Some(kind) => kind.as_str().is_some_and(|kind| TEXT_TYPES.contains(&kind)),
    }
}

fn parts_of(content: Value) -> Vec<Value> {
    match content {
        Value::Array(parts) => parts,
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => vec![json!({ "type": "text", "text": text })],
        part => vec![part],
    }
}

/// Adds a part: to the last one if both are text, or thoughts, which come in parts of their own.
fn append_part(parts: &mut Vec<Value>, part: Value) {
    let Some(last) = parts.last_mut() else {
        parts.push(part);
        return;
    };

    if let (Some(_), Some(more)) = (plain_text(last), plain_text(&part)) {
        join_text(last, more);
        return;
    }

    match (thoughts_of(last), part) {
        (Some(known), Value::Object(mut fields)) if is_thinking(&fields) => {
            let thoughts = fields.remove("thinking").unwrap_or_default();
            join(known, &thoughts);
        }
        (_, part) => parts.push(part),
    }
}

fn join_text(part: &mut Value, more: &str) {
    let text = match part {
        Value::Object(fields) => fields.get_mut("text"),
        text => Some(text),
    };
    if let Some(Value::String(text)) = text {
        text.push_str(more);
    }
}

fn is_thinking(fields: &Map<String, Value>) -> bool {
    let names = fields.keys().map(String::as_str);
    let is_plain = names
        .into_iter()
        .all(|name| matches!(name, "type" | "thinking"));
    is_plain && fields.get("type").is_some_and(|kind| kind == "thinking")
}

fn thoughts_of(part: &mut Value) -> Option<&mut Value> {
    let fields = part.as_object_mut()?;
    if is_thinking(fields) {
        fields.get_mut("thinking")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(pieces: &[Value]) -> Value {
        let mut content = Value::Null;
        for piece in pieces {
            join(&mut content, piece);
        }
        content
    }

    fn text(text: &str) -> Value {
        json!({ "type": "text", "text": text })
    }

    #[test]
    fn texts_and_lists_of_texts_make_one_text() {
        let pieces = [
            json!(""),
            json!([text("胸")]),
            json!([text("痛"), text(" and")]),
            json!(null),
            json!(" fever"),
            json!(["."]),
        ];
        assert_eq!(joined(&pieces), json!("胸痛 and fever."));
    }

    #[test]
    fn parts_that_are_no_text_keep_their_places() {
        let reference = json!({ "type": "reference", "reference_ids": [1] });
        let pieces = [
            json!("Rest"),
            json!([text(" and "), text("drink")]),
            json!([reference, text(".")]),
            json!(" Come back"),
        ];

        let content = joined(&pieces);
        let expected = json!([text("Rest and drink"), reference, text(". Come back")]);
        assert_eq!(content, expected);
        let parts = content.as_array().unwrap();
        assert_eq!(text_of_parts(parts), "Rest and drink. Come back");
    }

    #[test]
    fn thoughts_in_parts_are_joined_and_are_no_text() {
        let thought = |words: &str| json!({ "type": "thinking", "thinking": [text(words)] });
        let pieces = [
            json!([thought("It may")]),
            json!([thought(" be")]),
            json!("Rest."),
        ];

        let content = joined(&pieces);
        let thinking = json!({ "type": "thinking", "thinking": "It may be" });
        assert_eq!(content, json!([thinking, text("Rest.")]));
        assert_eq!(text_of_parts(content.as_array().unwrap()), "Rest.");
    }

    #[test]
    fn a_text_with_more_than_text_is_kept_as_it_is() {
        let cited = json!({ "type": "text", "text": "Rest.", "annotations": [{ "url": "u" }] });
        let content = joined(&[json!("First: "), json!([cited]), json!(" Then drink.")]);

        let expected = json!([text("First: "), cited, text(" Then drink.")]);
        assert_eq!(content, expected);
        let parts = content.as_array().unwrap();
        assert_eq!(text_of_parts(parts), "First: Rest. Then drink.");
    }
}
