//! Whether a part of a message, or a JSON schema, names something that is elsewhere: an address
//! that the provider, or a model inside our own network, would fetch, or a file that it keeps.

use serde_json::Value;

/// Fields whose text is words, whatever they say.
const TEXTS: [&str; 4] = ["filename", "refusal", "text", "thinking"];

/// Fields in which an earlier answer named its sources; no server fetches them.
const SOURCES: [&str; 2] = ["annotations", "citations"];

/// Fields that hold bytes in base64, with or without `data:` before them.
const DATA: [&str; 2] = ["data", "file_data"];

/// Base64 that is shorter and begins with a slash may be a path.
const MIN_DATA_LEN: usize = 100;

/// Fields that hold an address, and nothing else.
const ADDRESSES: [&str; 5] = ["audio_url", "image_url", "url", "uri", "video_url"];

/// Fields that name a file that is kept elsewhere.
const REFERENCES: [&str; 2] = ["file_id", "file_ids"];

/// Keywords of JSON schema that refer to another schema.
const SCHEMA_REFERENCES: [&str; 3] = ["$dynamicRef", "$recursiveRef", "$ref"];

/// The keyword of JSON schema that gives references an address to begin from.
const SCHEMA_BASE: &str = "$id";

/// Whether a schema refers to one that is not in it. Within it, a reference begins with `#`.
pub(super) fn find_remote_schema(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            let is_reference = SCHEMA_REFERENCES.contains(&name.as_str());
            let target = value.as_str().filter(|_| is_reference);
            let base = value.as_str().filter(|_| name == SCHEMA_BASE);

            target.is_some_and(|target| !target.starts_with('#'))
                || base.is_some_and(|base| names_scheme(base) || begins_as_path(base))
                || find_remote_schema(value)
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
        Value::String(text) => names_scheme(text) || begins_as_path(text) && !is_media(text),
        _ => false,
    }
}

fn is_remote_field(name: &str, value: &Value) -> bool {
    let is_words = TEXTS.contains(&name) && !value.is_object();
    if value.is_null() || is_words || SOURCES.contains(&name) {
        return false;
    }
    if REFERENCES.contains(&name) {
        return true;
    }

    match value {
        // An address without a scheme is one of the server's own.
        Value::String(text) if ADDRESSES.contains(&name) => !is_data_url(text),
        Value::Array(items) if ADDRESSES.contains(&name) => {
            items.iter().any(|item| is_remote_field(name, item))
        }
        Value::String(text) if DATA.contains(&name) => !is_data_url(text) && !is_media(text),
        value => find_remote(value),
    }
}

/// Whether a text begins as a path does, or as an address without its scheme.
fn begins_as_path(text: &str) -> bool {
    text.starts_with(['/', '\\', '.', '~'])
}

/// Whether a text can only be base64. It may begin with a slash, as a path does, which is shorter.
fn is_media(text: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=');
    let is_base64 = text.chars().all(|c| is_digit(c) || c.is_ascii_whitespace());

    is_base64 && (text.len() >= MIN_DATA_LEN || !begins_as_path(text))
}

/// Whether a text begins as a URL does; base64 has no colon.
fn names_scheme(text: &str) -> bool {
    !is_data_url(text) && text.contains(':')
}

fn is_data_url(text: &str) -> bool {
    let scheme = text.get(..5);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}
