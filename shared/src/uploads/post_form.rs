//! A form with which a client sends one file to S3 by itself, signed for exactly that file.
//!
//! The SDK makes none (awslabs/aws-sdk-rust#863). "Browser-based uploads using POST (AWS Signature
//! Version 4)", Amazon S3 API reference.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::upload::NewUpload;
use crate::error::BoxError;

/// How long a form works.
pub(super) const FORM_TTL: Duration = Duration::from_mins(15);

/// What S3 answers when it has the file, so that a client sees that from the status.
const SUCCESS_STATUS: &str = "201";

/// Where and with what a file is sent: `multipart/form-data` with these fields, in any order, and
/// `file` as the last one. It has no `Debug`: whoever has it may write.
#[derive(Serialize, schemars::JsonSchema)]
pub struct PostForm {
    /// The address.
    pub url: String,
    /// The fields before `file`.
    pub fields: BTreeMap<&'static str, String>,
    /// Until when it works.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    pub expires_at: OffsetDateTime,
}

/// Where the form leads.
pub(super) struct PostTarget<'t> {
    pub(super) url: String,
    pub(super) bucket: &'t str,
    pub(super) region: &'t str,
    pub(super) key: String,
}

/// Signs a form that takes exactly this upload's type, number of bytes and, if it is declared,
/// checksum.
pub(super) fn sign_form(
    target: PostTarget<'_>,
    upload: &NewUpload,
    credentials: &Credentials,
    now: SystemTime,
) -> Result<PostForm, BoxError> {
    // S3 reads dates with whole seconds, or with milliseconds.
    let signed_at = OffsetDateTime::from(now).replace_nanosecond(0)?;
    let expires_at = signed_at + FORM_TTL;
    let day = signed_at.format(format_description!("[year][month][day]"))?;
    let second = format_description!("[year][month][day]T[hour][minute][second]Z");
    let scope = format!("{day}/{}/s3/aws4_request", target.region);

    let mut fields = BTreeMap::from([
        ("key", target.key),
        ("Content-Type", upload.content_type.as_str().to_owned()),
        ("success_action_status", SUCCESS_STATUS.to_owned()),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
        (
            "x-amz-credential",
            format!("{}/{scope}", credentials.access_key_id()),
        ),
        ("x-amz-date", signed_at.format(second)?),
    ]);
    if let Some(token) = credentials.session_token() {
        fields.insert("x-amz-security-token", token.to_owned());
    }
    if let Some(digits) = &upload.sha256 {
        fields.insert(
            "x-amz-checksum-sha256",
            STANDARD.encode(hex::decode(digits)?),
        );
    }

    let mut conditions: Vec<Value> = fields
        .iter()
        .map(|(name, value)| json!({ *name: value }))
        .collect();
    conditions.push(json!({ "bucket": target.bucket }));
    conditions.push(json!(["content-length-range", upload.size, upload.size]));
    let policy = json!({
        "expiration": expires_at.format(&Rfc3339)?,
        "conditions": conditions,
    });

    let policy = STANDARD.encode(policy.to_string());
    let secret = credentials.secret_access_key();
    let key = generate_signing_key(secret, now, target.region, "s3");
    fields.insert(
        "x-amz-signature",
        calculate_signature(key, policy.as_bytes()),
    );
    fields.insert("policy", policy);
    Ok(PostForm {
        url: target.url,
        fields,
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::config::UploadType;

    fn upload(sha256: Option<&str>) -> NewUpload {
        NewUpload {
            id: Uuid::nil(),
            file_name: "x.png".to_owned(),
            content_type: UploadType::Png,
            size: 123,
            sha256: sha256.map(str::to_owned),
        }
    }

    fn target() -> PostTarget<'static> {
        PostTarget {
            url: "https://b.s3.us-east-1.amazonaws.com/".to_owned(),
            bucket: "b",
            region: "us-east-1",
            key: "incoming/t/x".to_owned(),
        }
    }

    fn policy_of(form: &PostForm) -> Value {
        let policy = STANDARD.decode(&form.fields["policy"]).unwrap();
        serde_json::from_slice(&policy).unwrap()
    }

    #[test]
    fn every_field_is_signed_and_the_size_is_exact() {
        let credentials = Credentials::new("AKID", "SECRET", Some("TOKEN".into()), None, "test");
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000) + Duration::from_nanos(7);
        let hash = "00ff".repeat(16);
        let form = sign_form(target(), &upload(Some(&hash)), &credentials, now).unwrap();

        let policy = policy_of(&form);
        let conditions = policy["conditions"].as_array().unwrap();
        for (name, value) in &form.fields {
            let is_signature = ["policy", "x-amz-signature"].contains(name);
            let is_signed = conditions.contains(&json!({ *name: value }));
            assert!(is_signed != is_signature, "{name}");
        }
        assert!(conditions.contains(&json!(["content-length-range", 123, 123])));
        assert!(conditions.contains(&json!({ "bucket": "b" })));
        assert_eq!(policy["expiration"], "2027-01-15T08:15:00Z");
        assert_eq!(form.fields["x-amz-security-token"], "TOKEN");
        let checksum = STANDARD.encode([0, 255].repeat(16));
        assert_eq!(form.fields["x-amz-checksum-sha256"], checksum);
    }
}
