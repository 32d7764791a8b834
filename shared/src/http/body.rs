//! Reading a JSON body: type, size, form, then the rules of its values. Nothing here repeats a value.

use http::{HeaderMap, header};
use lambda_http::Body;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, FieldError};

/// The largest body of a route, in bytes.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// The largest body of a bulk route, in bytes.
pub(super) const MAX_BULK_BYTES: usize = 1024 * 1024;

/// Reads and checks a body.
pub(super) fn json<T>(headers: &HeaderMap, body: &Body, max_bytes: usize) -> Result<T, Error>
where
    T: DeserializeOwned + garde::Validate<Context = ()>,
{
    if !is_json(headers) {
        return Err(Error::new(
            ErrorKind::UnsupportedMediaType,
            "Send the body with `Content-Type: application/json`.",
        ));
    }
    if body.len() > max_bytes {
        let detail = format!("The body may have at most {max_bytes} bytes.");
        return Err(Error::new(ErrorKind::PayloadTooLarge, detail));
    }
    let value: T = parse(body)?;
    value
        .validate()
        .map_err(|report| Error::fields(report.iter().map(broken_rule).collect()))?;
    Ok(value)
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case("application/json")
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    // serde would read `["cough"]` as an object whose first field is "cough".
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(Error::field("the body", "must be a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        misread(&path, error.inner())
    })?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn misread(path: &str, error: &serde_json::Error) -> Error {
    if !error.is_data() {
        return malformed(error);
    }
    let text = error.to_string();
    let quoted = text.split('`').nth(1).unwrap_or_default();
    if text.starts_with("missing field") {
        return Error::field(quoted, "is required");
    }
    if text.starts_with("unknown field") {
        return Error::field(path, "is not a field of this request");
    }
    if text.starts_with("duplicate field") {
        return Error::field(quoted, "stands there twice");
    }
    let field = if path == "." { "the body" } else { path };
    let Some((_, expected)) = text.rsplit_once("expected ") else {
        return Error::field(field, "is not valid");
    };
    let expected = expected.split(" at line ").next().unwrap_or_default();
    Error::field(field, format!("must be {}", in_words(expected)))
}

/// What serde calls a type, in the reader's words.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64" => "a whole number",
        text if text.starts_with("struct ") => "a JSON object",
        other => other,
    }
}

fn malformed(error: &serde_json::Error) -> Error {
    let place = format!(
        "The body is not valid JSON: line {}, column {}.",
        error.line(),
        error.column()
    );
    Error::new(ErrorKind::BadRequest, place)
}

fn broken_rule((path, error): &(garde::Path, garde::Error)) -> FieldError {
    FieldError {
        field: path.to_string(),
        message: error.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use garde::Validate;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[garde(length(min = 1))]
        name: String,
        #[garde(inner(range(min = 0, max = 130)))]
        age: Option<i64>,
    }

    fn read(text: &str) -> Error {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            "application/json; charset=utf-8".parse().unwrap(),
        );
        json::<Sample>(&headers, &Body::from(text), MAX_BYTES).unwrap_err()
    }

    #[test]
    fn each_fault_has_its_status_and_names_its_field() {
        let cases = [
            (r#"{"name":"#, 400, None),
            (r#"{"name":"a"} x"#, 400, None),
            (r"[]", 422, Some("the body")),
            (r#" ["a"]"#, 422, Some("the body")),
            (r"7", 422, Some("the body")),
            (r"{}", 422, Some("name")),
            (r#"{"name":1}"#, 422, Some("name")),
            (r#"{"name":"a","age":"old"}"#, 422, Some("age")),
            (r#"{"name":"a","age":131}"#, 422, Some("age")),
            (r#"{"name":"a","nickname":"b"}"#, 422, Some("nickname")),
            (r#"{"name":"a","name":"b"}"#, 422, Some("name")),
        ];
        for (text, status, field) in cases {
            let error = read(text);
            assert_eq!(error.kind().status(), status, "{text}");
            assert_eq!(
                error
                    .field_errors()
                    .first()
                    .map(|first| first.field.as_str()),
                field,
                "{text}"
            );
        }
    }

    #[test]
    fn no_message_repeats_a_value() {
        for text in [
            r#"{"name":{"secret":"chest pain"}}"#,
            r#"{"name":"a","age":"chest pain"}"#,
        ] {
            let error = read(text);
            assert!(
                !format!("{error} {:?}", error.field_errors()).contains("chest"),
                "{error}"
            );
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        let body = Body::Binary(b"{\"name\":\"\xff\xfe\"}".to_vec());
        assert_eq!(
            json::<Sample>(&headers, &body, MAX_BYTES)
                .unwrap_err()
                .kind(),
            ErrorKind::BadRequest
        );
    }

    #[test]
    fn another_content_type_and_a_large_body_are_refused() {
        let error = json::<Sample>(&HeaderMap::new(), &Body::from("{}"), MAX_BYTES).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedMediaType);
        assert_eq!(
            read(&" ".repeat(MAX_BYTES + 1)).kind(),
            ErrorKind::PayloadTooLarge
        );
    }
}
