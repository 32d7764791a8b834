//! What a patient has sent with the complaint, as models get it: the texts of text files, and
//! pictures for tiers that see.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::config::UploadType;
use crate::consultations::Consultation;
use crate::deadline::Deadline;
use crate::error::{Error, error_chain};
use crate::identity::{Scope, TenantId};
use crate::postgres::Database;
use crate::telemetry::metrics;
use crate::uploads::{Upload, UploadBucket, store};

/// The longest that all files may take to come: the patient waits meanwhile.
const READ_TIMEOUT: Duration = Duration::from_secs(8);

/// Of each text, the characters that are sent.
const MAX_TEXT_CHARS: usize = 8_000;

/// The largest picture that is sent, in bytes: providers take 5 MB in base64 and more.
const MAX_PICTURE_BYTES: i64 = 3_500_000;

/// The largest text that is read, in bytes.
const MAX_TEXT_BYTES: i64 = 1_000_000;

/// The files of one consultation. It has no `Debug`: it holds a patient's files.
#[derive(Default)]
pub(super) struct Attachments(Vec<AttachedFile>);

struct AttachedFile {
    name: String,
    content_type: UploadType,
    content: Content,
}

enum Content {
    Text(String),
    /// In base64.
    Picture(String),
    /// Nothing of it can be sent.
    NotShown(&'static str),
}

impl Attachments {
    /// Reads the files of a consultation. What cannot be read is named as such; what was removed is
    /// left out.
    pub(super) async fn read(
        database: &Database,
        bucket: Option<&UploadBucket>,
        tenant: &TenantId,
        consultation: &Consultation,
        deadline: Deadline,
    ) -> Self {
        let Some(bucket) = bucket.filter(|_| !consultation.attachments.is_empty()) else {
            return Self::default();
        };
        let scope = Scope {
            tenant,
            owner: Some(&consultation.user_id),
        };
        let ids = &consultation.attachments;
        let find = async |connection: &mut _| store::ready(connection, scope, ids).await;
        let uploads = match database.within(READ_TIMEOUT, find).await {
            Ok(uploads) => uploads,
            Err(error) => {
                report(&error);
                return Self::default();
            }
        };

        let deadline = deadline.at_most(READ_TIMEOUT);
        let reads = uploads
            .into_iter()
            .map(|upload| read_file(bucket, tenant, upload, deadline));
        Self(futures::future::join_all(reads).await)
    }

    /// As the prompt names them, with their texts.
    pub(super) fn for_prompt(&self) -> Vec<Value> {
        let files = self.0.iter().map(|file| {
            let (name, content_type) = (&file.name, file.content_type.as_str());
            match &file.content {
                Content::Text(text) => json!({ "name": name, "type": content_type, "text": text }),
                Content::Picture(_) => json!({ "name": name, "type": content_type }),
                Content::NotShown(why) => {
                    json!({ "name": name, "type": content_type, "not_shown": why })
                }
            }
        });
        files.collect()
    }

    /// The pictures, as parts of a message.
    pub(super) fn pictures(&self) -> Vec<Value> {
        let pictures = self.0.iter().filter_map(|file| match &file.content {
            Content::Picture(data) => {
                let url = format!("data:{};base64,{data}", file.content_type.as_str());
                Some(json!({ "type": "image_url", "image_url": { "url": url } }))
            }
            Content::Text(_) | Content::NotShown(_) => None,
        });
        pictures.collect()
    }
}

async fn read_file(
    bucket: &UploadBucket,
    tenant: &TenantId,
    upload: Upload,
    deadline: Deadline,
) -> AttachedFile {
    let content_type = upload.content_type.0;
    let reading = deadline.run(read_content(bucket, tenant, &upload));
    let content = match reading.await {
        Ok(Ok(content)) => content,
        Ok(Err(error)) => {
            report(&error);
            Content::NotShown("it cannot be read now")
        }
        Err(_elapsed) => {
            metrics::count("AttachmentUnread", &[]);
            Content::NotShown("it cannot be read now")
        }
    };
    AttachedFile {
        name: upload.file_name,
        content_type,
        content,
    }
}

async fn read_content(
    bucket: &UploadBucket,
    tenant: &TenantId,
    upload: &Upload,
) -> Result<Content, Error> {
    let content_type = upload.content_type.0;
    let max_bytes = match content_type {
        UploadType::Text => MAX_TEXT_BYTES,
        _ if content_type.is_image() => MAX_PICTURE_BYTES,
        _ => return Ok(Content::NotShown("files of this type are not read")),
    };
    if upload.size > max_bytes {
        return Ok(Content::NotShown("it is too large to be read"));
    }
    let Some(object) = upload.kept_object(tenant) else {
        return Ok(Content::NotShown("it is not there"));
    };

    if content_type == UploadType::Text {
        let text = bucket.read_text(&object).await?;
        let text = text.unwrap_or_default();
        return Ok(Content::Text(text.chars().take(MAX_TEXT_CHARS).collect()));
    }
    Ok(match bucket.read_bytes(&object).await? {
        Some(bytes) => Content::Picture(STANDARD.encode(bytes)),
        None => Content::NotShown("it is not there"),
    })
}

fn report(error: &Error) {
    metrics::count("AttachmentUnread", &[]);
    let causes = error_chain(error);
    tracing::warn!(causes, "an attachment cannot be read");
}
