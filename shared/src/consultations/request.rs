//! What `POST /v1/consultations` takes.

use std::collections::HashSet;
use std::str::FromStr;

use garde::Validate;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::{Error, ErrorKind};
use crate::locale::Locale;
use crate::text;
use crate::triage::{Complaint, Sex};

/// The longest text of a patient, in characters.
const MAX_TEXT_CHARS: usize = 8_000;

/// The most uploads of one complaint.
const MAX_ATTACHMENTS: usize = 5;

/// The body of the request.
#[derive(Deserialize, Serialize, Validate, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConsultation {
    /// The patient's own words: 1 to 8,000 characters, of which one at least is seen.
    #[garde(custom(|value: &String, (): &()| check_text(value, MAX_TEXT_CHARS)))]
    #[schemars(length(min = 1, max = 8_000), regex(pattern = crate::schema::TEXT))]
    pub symptoms: String,
    /// Whole years, 0 to 130.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(custom(|value: &i64, (): &()| check_age(*value))))]
    #[schemars(range(min = 0, max = 130))]
    age: Option<i64>,
    /// The patient's sex, as they state it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub sex: Option<Sex>,
    /// Earlier illnesses and medicines: 1 to 8,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(custom(|value: &String, (): &()| check_text(value, MAX_TEXT_CHARS))))]
    #[schemars(length(min = 1, max = 8_000), regex(pattern = crate::schema::TEXT))]
    pub history: Option<String>,
    /// The language of the answer: `zh` or `en`, also with a region; by default the language of
    /// the symptoms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(deserialize_with = "parse_language_tag")]
    #[garde(skip)]
    #[schemars(with = "Option<crate::schema::LanguageTag>")]
    pub locale: Option<Locale>,
    /// Whether only a model's answer will do: then the job waits for one, for up to an hour, and
    /// fails without one. By default the rules answer alone if no model does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[garde(skip)]
    pub require_model: bool,
    /// Ids of uploads of the caller's that are ready: up to 5, none of them twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(custom(|value: &Vec<Uuid>, (): &()| check_attachments(value)))]
    #[schemars(length(max = 5))]
    pub attachments: Vec<Uuid>,
}

impl NewConsultation {
    /// Whole years, 0 to 130.
    pub fn age(&self) -> Option<u8> {
        self.age.and_then(|years| u8::try_from(years).ok())
    }

    /// The language that the caller asks for, else the one that the symptoms are written in.
    pub fn language(&self) -> Locale {
        self.locale
            .unwrap_or_else(|| Locale::detect(&self.symptoms))
    }

    /// The part that the rules read.
    pub fn complaint(&self) -> Complaint<'_> {
        Complaint {
            symptoms: &self.symptoms,
            history: self.history.as_deref(),
            age: self.age(),
            sex: self.sex,
        }
    }

    /// SHA-256 of the request's values, regardless of white space and the order of fields. A field
    /// that was left out does not count, so that a field that is added to the API later does not
    /// change the fingerprints of requests without it.
    pub fn fingerprint(&self) -> Result<[u8; 32], Error> {
        let json = serde_json::to_vec(self).map_err(Error::internal)?;
        Ok(Sha256::digest(json).into())
    }
}

/// Refuses a text that shows nothing, or is longer than so many characters.
pub(super) fn check_text(value: &str, max_chars: usize) -> garde::Result {
    if text::is_blank(value) {
        return Err(garde::Error::new("must not be blank"));
    }
    if value.chars().count() > max_chars {
        let thousands = max_chars / 1_000;
        let rule = format!("must have at most {thousands},000 characters");
        return Err(garde::Error::new(rule));
    }

    // PostgreSQL cannot store U+0000, and no patient writes any other control character.
    let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if value.chars().any(is_control) {
        return Err(garde::Error::new("must not contain control characters"));
    }
    Ok(())
}

fn check_age(years: i64) -> garde::Result {
    if (0..=130).contains(&years) {
        Ok(())
    } else {
        Err(garde::Error::new("must be from 0 to 130"))
    }
}

fn check_attachments(ids: &[Uuid]) -> garde::Result {
    let distinct: HashSet<_> = ids.iter().collect();
    if ids.len() > MAX_ATTACHMENTS {
        return Err(garde::Error::new("must be at most 5 ids"));
    }
    if distinct.len() < ids.len() {
        return Err(garde::Error::new("must not name an upload twice"));
    }
    Ok(())
}

fn parse_language_tag<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Locale>, D::Error> {
    let Some(tag) = Option::<String>::deserialize(input)? else {
        return Ok(None);
    };

    let locale = Locale::of_tag(&tag);
    let refusal = || serde::de::Error::custom("another language, expected `zh` or `en`");
    locale.map(Some).ok_or_else(refusal)
}

/// The `Idempotency-Key` header: 1 to 255 visible ASCII characters, chosen by the client for one
/// request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key as text, for its row.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_visible && (1..=255).contains(&text.len()) {
            return Ok(Self(text.to_owned()));
        }

        let rule = "The Idempotency-Key must be 1 to 255 visible ASCII characters, such as a UUID.";
        Err(Error::new(ErrorKind::BadRequest, rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<NewConsultation, String> {
        let request: NewConsultation =
            serde_json::from_str(json).map_err(|error| error.to_string())?;
        request.validate().map_err(|report| report.to_string())?;
        Ok(request)
    }

    fn fingerprint(json: &str) -> [u8; 32] {
        read(json).unwrap().fingerprint().unwrap()
    }

    #[test]
    fn the_limits_of_a_text_are_counted_in_characters() {
        let symptoms = |text: &str| read(&serde_json::json!({ "symptoms": text }).to_string());

        assert!(symptoms(&"痛".repeat(8_000)).is_ok());
        assert!(symptoms(&"痛".repeat(8_001)).is_err());
        assert!(symptoms(" \n\u{3000}").is_err());
        assert!(symptoms("pain\u{0}").is_err());
        assert!(symptoms(&"&#30171;".repeat(1_000)).is_ok());
        assert!(symptoms(&"&#30171;".repeat(1_001)).is_err());
        assert!(symptoms("line one\r\n\tline two").is_ok());
    }

    #[test]
    fn texts_that_show_nothing_are_blank() {
        for blank in [
            "\u{200b}\u{2060}",
            "\u{3164} \u{2800}",
            "\u{fe0f}\u{301}",
            "<p><br></p>",
        ] {
            for field in ["symptoms", "history"] {
                let mut body = serde_json::json!({ "symptoms": "胸痛", "history": "高血压" });
                body[field] = blank.into();

                let refusal = read(&body.to_string()).err();
                let refusal = refusal.expect("a blank text is refused");
                assert!(refusal.contains("must not be blank"), "{refusal}");
            }
        }
    }

    #[test]
    fn the_language_is_the_one_asked_for_or_the_one_written() {
        let written = read(r#"{"symptoms":"头痛"}"#).unwrap();
        assert_eq!(written.language(), Locale::Zh);

        let requested = read(r#"{"symptoms":"头痛","locale":"en-GB"}"#).unwrap();
        assert_eq!(requested.language(), Locale::En);

        assert!(read(r#"{"symptoms":"x","locale":"fr"}"#).is_err());
    }

    #[test]
    fn ages_outside_a_life_are_refused() {
        for age in ["-1", "131", "1e400", "4.5"] {
            let json = format!(r#"{{"symptoms":"x","age":{age}}}"#);
            assert!(read(&json).is_err(), "{age}");
        }

        let newborn = read(r#"{"symptoms":"x","age":0}"#).unwrap();
        assert_eq!(newborn.age(), Some(0));
    }

    /// However it is written: the order of its fields, white space, fields that are null.
    #[test]
    fn the_same_request_has_the_same_fingerprint() {
        let one = fingerprint(r#"{"symptoms":"x","age":3}"#);
        let same = fingerprint(r#"{ "age": 3, "symptoms": "x", "sex": null }"#);
        let other = fingerprint(r#"{"symptoms":"x","age":4}"#);

        assert_eq!(one, same);
        assert_ne!(one, other);
    }

    #[test]
    fn an_idempotency_key_is_short_and_visible() {
        assert!("7e1c-key".parse::<IdempotencyKey>().is_ok());

        for wrong in ["", "a b", "钥匙", &"k".repeat(256)] {
            assert!(wrong.parse::<IdempotencyKey>().is_err(), "{wrong:?}");
        }
    }
}
