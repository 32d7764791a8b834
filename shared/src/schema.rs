//! Schemas of values that `schemars` does not know.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// What a text of several lines fits: it has no control characters but tabs and ends of lines.
pub const TEXT: &str = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$";

/// What a text of one line fits: it has no control characters.
pub const LINE: &str = r"^[^\x00-\x1F\x7F-\x9F]*$";

/// The language of a text as a client names it, for `#[schemars(with = …)]`: what
/// [`Locale::of_tag`](crate::locale::Locale::of_tag) reads.
pub struct LanguageTag;

impl JsonSchema for LanguageTag {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "LanguageTag".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^([Zz][Hh]|[Ee][Nn])([_-].*)?$" })
    }
}

/// A time as the API writes it (RFC 3339), for `#[schemars(with = …)]`.
pub struct Timestamp;

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}
