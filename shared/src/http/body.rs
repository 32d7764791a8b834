//! Reading a JSON body: its type, size and form, then the rules of its values. No error repeats a
//! value.

use http::{HeaderMap, header};
use lambda_http::Body;
use serde::de::{DeserializeOwned, IgnoredAny};

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
        let detail = "Send the body with `Content-Type: application/json`.";
        return Err(Error::new(ErrorKind::UnsupportedMediaType, detail));
    }
    parse_json(body, max_bytes)
}

/// Reads and checks JSON of at most so many bytes.
pub fn parse_json<T>(body: &[u8], max_bytes: usize) -> Result<T, Error>
where
    T: DeserializeOwned + garde::Validate<Context = ()>,
{
    if body.len() > max_bytes {
        let detail = format!("The body may have at most {max_bytes} bytes.");
        return Err(Error::new(ErrorKind::PayloadTooLarge, detail));
    }

    let value: T = parse_object(body)?;
    if let Err(report) = value.validate() {
        return Err(Error::fields(report.iter().map(broken_rule).collect()));
    }
    Ok(value)
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok());
    let media_type = value.unwrap_or_default().split(';').next();

    let media_type = media_type.unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}

fn parse_object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    // serde would read `["cough"]` as an object whose first field is "cough".
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(Error::field("the body", "must be a JSON object"));
    }

    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| explain_failure(body, &error))?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

/// `serde_json` calls a value malformed that is no name of an enum, such as `true`.
fn explain_failure(body: &[u8], failure: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let (path, error) = (failure.path().to_string(), failure.inner());
    let is_json = || serde_json::from_slice::<IgnoredAny>(body).is_ok();

    if error.to_string().starts_with("expected value") && is_json() {
        return Error::field(path, "must be of another type");
    }
    explain_error(&path, error)
}

/// The field and the rule that it breaks, from serde's message without the value.
fn explain_error(path: &str, error: &serde_json::Error) -> Error {
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
    Error::field(field, format!("must be {}", type_in_words(expected)))
}

/// serde's name of a type, in the reader's words.
fn type_in_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64" => "a whole number",
        text if text.starts_with("struct ") => "a JSON object",
        other => other,
    }
}

fn malformed(error: &serde_json::Error) -> Error {
    let (line, column) = (error.line(), error.column());
    let detail = format!("The body is not valid JSON: line {line}, column {column}.");
    Error::new(ErrorKind::BadRequest, detail)
}

fn broken_rule((path, error): &(garde::Path, garde::Error)) -> FieldError {
    FieldError {
        field: path.to_string(),
        message: error.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use garde::Validate;
    use serde::Deserialize;
    use serde_json::value::RawValue;

    use super::*;
    use crate::locale::Locale;

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[garde(length(min = 1))]
        name: String,
        #[garde(inner(range(min = 0, max = 130)))]
        age: Option<i64>,
        #[garde(skip)]
        #[expect(dead_code, reason = "what is tested is how it is read")]
        locale: Option<Locale>,
    }

    fn json_headers() -> HeaderMap {
        let content_type = "application/json; charset=utf-8".parse().unwrap();
        HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)])
    }

    fn read_error(text: &str) -> Error {
        json::<Sample>(&json_headers(), &Body::from(text), MAX_BYTES).unwrap_err()
    }

    struct Case {
        body: &'static str,
        status: u16,
        field: Option<&'static str>,
    }

    #[rustfmt::skip]
    const CASES: [Case; 17] = [
        Case { body: r#"{"name":"#, status: 400, field: None },
        Case { body: r#"{"name":"a"} x"#, status: 400, field: None },
        Case { body: r"[]", status: 422, field: Some("the body") },
        Case { body: r#" ["a"]"#, status: 422, field: Some("the body") },
        Case { body: r"7", status: 422, field: Some("the body") },
        Case { body: r"{}", status: 422, field: Some("name") },
        Case { body: r#"{"name":1}"#, status: 422, field: Some("name") },
        Case { body: r#"{"name":"a","age":"old"}"#, status: 422, field: Some("age") },
        Case { body: r#"{"name":"a","age":131}"#, status: 422, field: Some("age") },
        Case { body: r#"{"name":"a","locale":"fr"}"#, status: 422, field: Some("locale") },
        Case { body: r#"{"name":"a","locale":true}"#, status: 422, field: Some("locale") },
        Case { body: r#"{"name":"a","locale":[1]}"#, status: 422, field: Some("locale") },
        Case { body: r#"{"name":"a","locale":true"#, status: 400, field: None },
        Case { body: r#"{"name":"a","nickname":"b"}"#, status: 422, field: Some("nickname") },
        Case { body: r#"{"name":"a","name":"b"}"#, status: 422, field: Some("name") },
        Case { body: r#"{"name":"a","\u006eame":"b"}"#, status: 422, field: Some("name") },
        Case { body: r#"{"name":"a","age":1,"age":1}"#, status: 422, field: Some("age") },
    ];

    #[test]
    fn each_fault_has_its_status_and_names_its_field() {
        for case in CASES {
            let error = read_error(case.body);
            assert_eq!(error.kind().status(), case.status, "{}", case.body);

            let field = error.field_errors().first();
            let field = field.map(|error| error.field.as_str());
            assert_eq!(field, case.field, "{}", case.body);
        }
    }

    #[derive(Deserialize, Validate)]
    struct Rows {
        #[garde(length(max = 2))]
        rows: Vec<Box<RawValue>>,
    }

    /// Parts that are read later, each by itself.
    #[test]
    fn a_part_can_be_left_as_it_was_sent() {
        let body = Body::from(r#"{"rows":[ {"a":1, "a":2}, "x"]}"#);
        let read = json::<Rows>(&json_headers(), &body, MAX_BYTES).unwrap();
        let parts: Vec<_> = read.rows.iter().map(|row| row.get()).collect();
        assert_eq!(parts, [r#"{"a":1, "a":2}"#, r#""x""#]);

        let body = Body::from(r#"{"rows":[{"a":}]}"#);
        let error = json::<Rows>(&json_headers(), &body, MAX_BYTES)
            .err()
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::BadRequest);
    }

    #[test]
    fn no_message_repeats_a_value() {
        for text in [
            r#"{"name":{"secret":"chest pain"}}"#,
            r#"{"name":"a","age":"chest pain"}"#,
        ] {
            let error = read_error(text);
            let said = format!("{error} {:?}", error.field_errors());
            assert!(!said.contains("chest"), "{said}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused() {
        let body = Body::Binary(b"{\"name\":\"\xff\xfe\"}".to_vec());
        let error = json::<Sample>(&json_headers(), &body, MAX_BYTES).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest);
    }

    #[test]
    fn another_content_type_and_a_large_body_are_refused() {
        let error = json::<Sample>(&HeaderMap::new(), &Body::from("{}"), MAX_BYTES).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedMediaType);

        let large = " ".repeat(MAX_BYTES + 1);
        assert_eq!(read_error(&large).kind(), ErrorKind::PayloadTooLarge);
    }
}
