//! What `POST /v1/consultations` takes.

use std::str::FromStr;

use garde::Validate;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::{Error, ErrorKind};
use crate::locale::Locale;
use crate::triage::{Complaint, Sex};

/// The longest text of a patient, in characters.
const LONGEST_TEXT: usize = 8_000;

/// The body of the request.
#[derive(Deserialize, Serialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewConsultation {
    /// The patient's own words: 1 to 8,000 characters, not only white space.
    #[garde(custom(|value: &String, (): &()| text(value)))]
    pub symptoms: String,
    /// Whole years, 0 to 130.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(custom(|value: &i64, (): &()| years(*value))))]
    age: Option<i64>,
    /// As the patient states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub sex: Option<Sex>,
    /// Earlier illnesses and medicines: 1 to 8,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(custom(|value: &String, (): &()| text(value))))]
    pub history: Option<String>,
    /// The language of the answer: `zh` or `en`, also with a region; by default the language of the symptoms.
    #[serde(
        default,
        deserialize_with = "language",
        skip_serializing_if = "Option::is_none"
    )]
    #[garde(skip)]
    pub locale: Option<Locale>,
    /// Whether only an answer of a model will do: then it is waited for, up to an hour, and without one there is none. By
    /// default the rules answer alone if no model does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[garde(skip)]
    pub require_model: bool,
    /// Ids of uploads. There are none yet, so any id is one too many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(custom(|value: &Vec<Uuid>, (): &()| no_uploads(value)))]
    attachments: Vec<Uuid>,
}

impl NewConsultation {
    /// Whole years; the range was checked.
    pub fn age(&self) -> Option<u8> {
        self.age.and_then(|years| u8::try_from(years).ok())
    }

    /// The language asked for, or else the one the symptoms are written in.
    pub fn language(&self) -> Locale {
        self.locale
            .unwrap_or_else(|| Locale::detect(&self.symptoms))
    }

    /// What the rules read.
    pub fn complaint(&self) -> Complaint<'_> {
        Complaint {
            symptoms: &self.symptoms,
            history: self.history.as_deref(),
            age: self.age(),
            sex: self.sex,
        }
    }

    /// SHA-256 of what was asked, whatever its white space and the order of its fields. What was left out does not count,
    /// so that a field that is added later does not change the fingerprints of requests without it.
    pub fn fingerprint(&self) -> Result<[u8; 32], Error> {
        Ok(Sha256::digest(serde_json::to_vec(self).map_err(Error::internal)?).into())
    }
}

fn text(value: &str) -> garde::Result {
    if value.trim().is_empty() {
        return Err(garde::Error::new("must not be blank"));
    }
    if value.chars().count() > LONGEST_TEXT {
        return Err(garde::Error::new("must have at most 8,000 characters"));
    }
    // PostgreSQL cannot store U+0000, and no other control character is part of what somebody wrote.
    if value
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(garde::Error::new("must not contain control characters"));
    }
    Ok(())
}

fn years(value: i64) -> garde::Result {
    if (0..=130).contains(&value) {
        Ok(())
    } else {
        Err(garde::Error::new("must be from 0 to 130"))
    }
}

fn no_uploads(value: &[Uuid]) -> garde::Result {
    if value.is_empty() {
        Ok(())
    } else {
        Err(garde::Error::new(
            "must be ids of uploads of yours; there are none",
        ))
    }
}

fn language<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Locale>, D::Error> {
    let Some(tag) = Option::<String>::deserialize(input)? else {
        return Ok(None);
    };
    match tag
        .split(['-', '_'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "zh" => Ok(Some(Locale::Zh)),
        "en" => Ok(Some(Locale::En)),
        _ => Err(serde::de::Error::custom(
            "another language, expected `zh` or `en`",
        )),
    }
}

/// The `Idempotency-Key` header: 1 to 255 visible ASCII characters, chosen by the client for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// As it stands in a row.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let valid = (1..=255).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic());
        let rule = "The Idempotency-Key must be 1 to 255 visible ASCII characters, such as a UUID.";
        valid
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| Error::new(ErrorKind::BadRequest, rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<NewConsultation, String> {
        let value: NewConsultation =
            serde_json::from_str(json).map_err(|error| error.to_string())?;
        value.validate().map_err(|report| report.to_string())?;
        Ok(value)
    }

    #[test]
    fn the_limits_of_a_text_are_counted_in_characters() {
        let symptoms = |text: &str| read(&serde_json::json!({ "symptoms": text }).to_string());
        assert!(symptoms(&"痛".repeat(8_000)).is_ok());
        assert!(symptoms(&"痛".repeat(8_001)).is_err());
        assert!(symptoms(" \n\u{3000}").is_err());
        assert!(symptoms("pain\u{0}").is_err());
        assert!(symptoms("line one\r\n\tline two").is_ok());
    }

    #[test]
    fn the_language_is_the_one_asked_for_or_the_one_written() {
        assert_eq!(
            read(r#"{"symptoms":"头痛"}"#).unwrap().language(),
            Locale::Zh
        );
        assert_eq!(
            read(r#"{"symptoms":"头痛","locale":"en-GB"}"#)
                .unwrap()
                .language(),
            Locale::En
        );
        assert!(read(r#"{"symptoms":"x","locale":"fr"}"#).is_err());
    }

    #[test]
    fn ages_outside_a_life_are_refused() {
        for age in ["-1", "131", "1e400", "4.5"] {
            assert!(
                read(&format!(r#"{{"symptoms":"x","age":{age}}}"#)).is_err(),
                "{age}"
            );
        }
        assert_eq!(read(r#"{"symptoms":"x","age":0}"#).unwrap().age(), Some(0));
    }

    #[test]
    fn the_same_request_has_the_same_fingerprint_however_it_is_written() {
        let one = read(r#"{"symptoms":"x","age":3}"#)
            .unwrap()
            .fingerprint()
            .unwrap();
        let two = read(r#"{ "age": 3, "symptoms": "x", "sex": null }"#)
            .unwrap()
            .fingerprint()
            .unwrap();
        let other = read(r#"{"symptoms":"x","age":4}"#)
            .unwrap()
            .fingerprint()
            .unwrap();
        assert_eq!(one, two);
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
