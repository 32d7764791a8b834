//! An upload as it is asked for, and as it is shown.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use super::file_name::safe_file_name;
use super::key::UploadKey;
use crate::config::{UploadRules, UploadType};
use crate::error::{Error, FieldError};
use crate::identity::{TenantId, UserId};
use crate::postgres::text_columns;

/// The longest name that is taken, in characters.
const MAX_NAME_CHARS: usize = 300;

/// The most bytes of an image: it is decoded to see whether it is one.
pub const MAX_IMAGE_BYTES: u64 = 30 * 1024 * 1024;

/// Hexadecimal digits of a SHA-256.
const HASH_DIGITS: usize = 64;

/// A body of `POST /v1/uploads`.
#[derive(Deserialize, garde::Validate, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadRequest {
    #[garde(length(chars, min = 1, max = MAX_NAME_CHARS))]
    file_name: String,
    #[garde(skip)]
    #[schemars(with = "UploadType")]
    content_type: String,
    /// Bytes.
    #[garde(skip)]
    #[schemars(range(min = 1))]
    size: u64,
    /// In hexadecimal digits.
    #[serde(default)]
    #[garde(skip)]
    #[schemars(regex(pattern = "^[0-9A-Fa-f]{64}$"))]
    sha256: Option<String>,
}

impl UploadRequest {
    /// The upload, if the rules allow it. What breaks one is a 422 that names the field.
    pub fn into_upload(self, rules: &UploadRules) -> Result<NewUpload, Error> {
        let mut errors = Vec::new();
        let mut refuse = |field: &str, message: String| {
            errors.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };

        let content_type = self.content_type.parse::<UploadType>().ok();
        let content_type = content_type.filter(|it| rules.types.contains(it));
        if content_type.is_none() {
            let allowed: Vec<_> = rules.types.iter().map(|it| it.as_str()).collect();
            refuse(
                "content_type",
                format!("must be one of {}", allowed.join(", ")),
            );
        }
        let is_image = content_type.is_some_and(UploadType::is_image);
        let max_bytes = if is_image {
            rules.max_bytes.min(MAX_IMAGE_BYTES)
        } else {
            rules.max_bytes
        };
        if !(1..=max_bytes).contains(&self.size) {
            refuse("size", format!("must be 1 to {max_bytes} bytes"));
        }
        let sha256 = self.sha256.map(|digits| digits.to_ascii_lowercase());
        let is_hash = |digits: &String| {
            digits.len() == HASH_DIGITS && digits.bytes().all(|it| it.is_ascii_hexdigit())
        };
        if sha256.as_ref().is_some_and(|digits| !is_hash(digits)) {
            refuse("sha256", "must be 64 hexadecimal digits".to_owned());
        }

        match content_type {
            Some(content_type) if errors.is_empty() => Ok(NewUpload {
                id: Uuid::now_v7(),
                file_name: safe_file_name(&self.file_name, content_type),
                content_type,
                size: self.size,
                sha256,
            }),
            _ => Err(Error::fields(errors)),
        }
    }
}

/// An upload that is about to be accepted. Its name may tell of an illness: it has no `Debug`.
pub struct NewUpload {
    /// `UUIDv7`.
    pub id: Uuid,
    /// Safe in paths and headers.
    pub file_name: String,
    /// What is said to be in it.
    pub content_type: UploadType,
    /// Bytes.
    pub size: u64,
    /// In hexadecimal digits.
    pub sha256: Option<String>,
}

/// How far an upload is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Encode, sqlx::Decode, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum UploadState {
    /// Its bytes are awaited, or looked at.
    Pending,
    /// It is what it says it is, and a virus scanner looks at it.
    Scanning,
    /// It can be used.
    Ready,
    /// It was not what it said it was, and is gone.
    Rejected,
}

/// Why an upload was rejected.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Encode, sqlx::Decode, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum RejectionReason {
    /// It has another number of bytes than it was said to have.
    OtherSize,
    /// It has another SHA-256.
    OtherChecksum,
    /// It is of another type.
    OtherType,
    /// It is an image that cannot be decoded.
    UnreadableImage,
    /// It has more pixels than are decoded.
    TooManyPixels,
    /// It is no text in UTF-8.
    NotUtf8,
    /// A virus scanner refused it.
    Infected,
}

impl RejectionReason {
    /// Such as `other_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OtherSize => "other_size",
            Self::OtherChecksum => "other_checksum",
            Self::OtherType => "other_type",
            Self::UnreadableImage => "unreadable_image",
            Self::TooManyPixels => "too_many_pixels",
            Self::NotUtf8 => "not_utf8",
            Self::Infected => "infected",
        }
    }
}

text_columns!(UploadState, RejectionReason);

/// An upload. Its name may tell of an illness: it has no `Debug`.
#[derive(FromRow)]
pub struct Upload {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: UserId,
    /// Safe in paths and headers.
    pub file_name: String,
    /// Of which type it is.
    #[sqlx(try_from = "String")]
    pub content_type: ContentType,
    /// Bytes: declared, and when it is ready, of what is kept.
    pub size: i64,
    /// In hexadecimal digits, likewise.
    pub sha256: Option<String>,
    /// How far it is.
    pub state: UploadState,
    /// Why it was rejected.
    pub reason: Option<RejectionReason>,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
}

/// A type as the database has it.
#[derive(Clone, Copy)]
pub struct ContentType(pub UploadType);

impl TryFrom<String> for ContentType {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

/// What `GET /v1/uploads/{id}` answers.
#[derive(Serialize, schemars::JsonSchema)]
pub struct UploadView {
    /// Its id.
    pub id: Uuid,
    /// Safe in paths and headers.
    pub file_name: String,
    /// Of which type it is.
    pub content_type: UploadType,
    /// Bytes.
    pub size: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    state: UploadState,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<RejectionReason>,
    /// When it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    pub created_at: OffsetDateTime,
    /// Where it can be had, for a while; none while it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
}

/// An address that delivers an upload for a short time. It has no `Debug`: whoever has it may read.
#[derive(Serialize, schemars::JsonSchema)]
pub struct Link {
    /// The address, signed.
    pub url: String,
    /// Until when it works.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    pub expires_at: OffsetDateTime,
}

impl Upload {
    /// The object that is kept; none before it was verified.
    pub fn kept_object(&self, tenant: &TenantId) -> Option<String> {
        let is_kept = matches!(self.state, UploadState::Scanning | UploadState::Ready);
        let sha256 = self.sha256.as_deref().filter(|_| is_kept)?;
        let key = UploadKey {
            tenant: tenant.clone(),
            id: self.id,
        };
        Some(key.kept(sha256, &self.file_name))
    }

    /// Where its text is kept, if it has one: a text file itself, or what was taken out of a PDF.
    /// There need not be any.
    pub fn text_object(&self, tenant: &TenantId) -> Option<String> {
        match self.content_type.0 {
            UploadType::Text => self.kept_object(tenant),
            UploadType::Pdf => {
                let tenant = tenant.clone();
                let key = UploadKey {
                    tenant,
                    id: self.id,
                };
                Some(key.text(self.sha256.as_ref()?))
            }
            _ => None,
        }
    }

    /// As its owner sees it.
    pub fn into_view(self, link: Option<Link>) -> UploadView {
        UploadView {
            id: self.id,
            file_name: self.file_name,
            content_type: self.content_type.0,
            size: self.size,
            sha256: self.sha256,
            state: self.state,
            reason: self.reason,
            created_at: self.created_at,
            link,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rules() -> UploadRules {
        UploadRules {
            types: vec![UploadType::Png, UploadType::Pdf],
            max_bytes: 100 * 1024 * 1024,
        }
    }

    fn ask(change: impl FnOnce(&mut Value)) -> Result<NewUpload, Vec<String>> {
        let mut body = json!({ "file_name": "x", "content_type": "image/png", "size": 10 });
        change(&mut body);
        let request: UploadRequest = serde_json::from_value(body).unwrap();
        let upload = request.into_upload(&rules());
        upload.map_err(|error| {
            let fields = error.field_errors().iter();
            fields.map(|it| it.field.clone()).collect()
        })
    }

    #[test]
    fn a_wrong_field_is_named() {
        for (field, value) in [
            ("content_type", json!("image/svg+xml")),
            ("content_type", json!("text/html")),
            ("content_type", json!("image/jpeg")),
            ("size", json!(0)),
            ("size", json!(MAX_IMAGE_BYTES + 1)),
            ("sha256", json!("abc")),
            ("sha256", json!("g".repeat(64))),
        ] {
            let fields = ask(|body| body[field] = value.clone()).err().unwrap();
            assert_eq!(fields, [field], "{value}");
        }
    }

    #[test]
    fn a_document_may_be_larger_than_an_image() {
        let large = ask(|body| {
            body["content_type"] = json!("application/pdf");
            body["size"] = json!(MAX_IMAGE_BYTES + 1);
            body["sha256"] = json!("AB".repeat(32));
        });
        let large = large.unwrap_or_else(|fields| panic!("{fields:?}"));
        assert_eq!(large.sha256.unwrap(), "ab".repeat(32));
        assert_eq!(large.file_name, "x.pdf");
    }
}
