//! Whether a part of a message, or a JSON schema, names something that is elsewhere: an address
//! that the provider, or a model inside our own network, would fetch, or a file that it keeps.

use serde_json::Value;

/// Fields whose text is words, whatever they say.
const TEXTS: [&str; 6] = [
    "annotations",
    "citations",
    "filename",
    "refusal",
    "text",
    "thinking",
];

/// Fields that hold an address, and nothing else.
const ADDRESSES: [&str; 5] = ["audio_url", "image_url", "url", "uri", "video_url"];

/// Fields that name a file that is kept elsewhere.
const REFERENCES: [&str; 2] = ["file_id", "file_ids"];

/// Keywords of JSON schema that refer to another schema.
const SCHEMA_REFERENCES: [&str; 3] = ["$dynamicRef", "$recursiveRef", "$ref"];

/// Whether a schema refers to one that is not in it. Within it, a reference begins with `#`.
pub(super) fn find_remote_schema(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            let is_reference = SCHEMA_REFERENCES.contains(&name.as_str());
            let target = value.as_str().filter(|_| is_reference);
            target.is_some_and(|target| !target.starts_with('#')) || find_remote_schema(value)
        }),
        Value::Array(items) => items.iter().any(find_remote_schema),
        _ => false,
    }
}

/// Whether a part names something that is not in the request.
pub(super) fn find_remote(part: &Value) -> bool {
    match part {
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| is_remote_field(name, value)),
        Value::Array(items) => items.iter().any(find_remote),
        Value::String(text) => names_scheme(text),
        _ => false,
    }
}

fn is_remote_field(name: &str, value: &Value) -> bool {
    if value.is_null() || TEXTS.contains(&name) {
        return false;
    }
    if REFERENCES.contains(&name) {
        return true;
    }

    match value {
        // An address without a scheme is one of the server's own.
        Value::String(text) if ADDRESSES.contains(&name) => !is_data_url(text),
        value => find_remote(value),
    }
}

/// Whether a text begins as a URL does; base64 has no colon.
fn names_scheme(text: &str) -> bool {
    !is_data_url(text) && text.contains(':')
}

fn is_data_url(text: &str) -> bool {
    let scheme = text.get(..5);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}
