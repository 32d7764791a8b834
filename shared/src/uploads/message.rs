//! What the queue of the uploads says: that a client has sent a file, or what a virus scanner has
//! found.

use aws_lambda_events::s3::S3Event;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::key::UploadKey;
use crate::identity::TenantId;

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub enum UploadMessage {
    /// S3 has these files.
    Arrived(Vec<UploadKey>),
    /// A scanner has looked at one.
    Scanned(UploadKey, ScanVerdict),
}

/// What a scanner found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanVerdict {
    /// Nothing.
    Clean,
    /// Something: the file is refused.
    Infected,
}

/// What a scanner is told, and what it answers with a `verdict`.
#[derive(Serialize, Deserialize)]
pub struct ScanMessage {
    /// The tenant.
    pub tenant: TenantId,
    /// The upload.
    pub upload: Uuid,
    /// The bucket.
    #[serde(default)]
    pub bucket: String,
    /// The object in it.
    #[serde(default)]
    pub object: String,
    /// What was found; none in a question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<ScanVerdict>,
}

impl UploadMessage {
    /// Reads a message; none if it is no such message. S3 says once that it will send some, which
    /// is a message about no file.
    pub fn read(body: &str) -> Option<Self> {
        if let Ok(scanned) = serde_json::from_str::<ScanMessage>(body) {
            let key = UploadKey {
                tenant: scanned.tenant,
                id: scanned.upload,
            };
            return Some(Self::Scanned(key, scanned.verdict?));
        }

        let value: serde_json::Value = serde_json::from_str(body).ok()?;
        if value.get("Event").is_some_and(|it| it == "s3:TestEvent") {
            return Some(Self::Arrived(Vec::new()));
        }
        let event: S3Event = serde_json::from_value(value).ok()?;
        let objects = event.records.into_iter();
        let keys = objects.filter_map(|record| {
            // In a form, where a space is a plus sign; no key of ours has either.
            UploadKey::of_incoming(&record.s3.object.key?.replace("%2F", "/"))
        });
        Some(Self::Arrived(keys.collect()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key() -> UploadKey {
        UploadKey {
            tenant: TenantId::try_from("clinic-1".to_owned()).unwrap(),
            id: Uuid::nil(),
        }
    }

    #[test]
    fn an_event_of_s3_names_the_uploads() {
        let event = json!({ "Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "eu-west-1",
            "eventTime": "2026-01-01T00:00:00.000Z",
            "eventName": "ObjectCreated:Post",
            "userIdentity": { "principalId": "x" },
            "requestParameters": { "sourceIPAddress": "127.0.0.1" },
            "responseElements": {},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "x",
                "bucket": { "name": "b", "ownerIdentity": { "principalId": "x" }, "arn": "x" },
                "object": { "key": key().incoming(), "size": 3, "eTag": "x", "sequencer": "0" },
            },
        }] });
        let read = UploadMessage::read(&event.to_string());
        assert_eq!(read, Some(UploadMessage::Arrived(vec![key()])));

        let test = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b" });
        let read = UploadMessage::read(&test.to_string());
        assert_eq!(read, Some(UploadMessage::Arrived(Vec::new())));
    }

    #[test]
    fn a_scanner_answers_what_it_was_asked_with_a_verdict() {
        let mut scanned = json!({ "tenant": "clinic-1", "upload": Uuid::nil(), "bucket": "b" });
        assert_eq!(UploadMessage::read(&scanned.to_string()), None);

        scanned["verdict"] = json!("infected");
        let read = UploadMessage::read(&scanned.to_string());
        let expected = UploadMessage::Scanned(key(), ScanVerdict::Infected);
        assert_eq!(read, Some(expected));
        assert_eq!(UploadMessage::read("hello"), None);
    }
}
