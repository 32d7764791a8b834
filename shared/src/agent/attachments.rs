//! What a patient has sent with the complaint, as models get it: the texts of text files and PDFs,
//! and pictures for tiers that see.

use std::sync::Arc;
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

/// The largest picture that is sent, in bytes, and all of them together: ten jobs share the
/// worker's memory, and each call of a model holds them once more.
const MAX_PICTURE_BYTES: i64 = 3_500_000;
const MAX_ALL_PICTURE_BYTES: i64 = 4_000_000;

/// The largest text that is read, in bytes.
const MAX_TEXT_BYTES: i64 = 1_000_000;

/// What is said of a file that S3 or the database does not give.
const NOT_NOW: &str = "it cannot be read now";

/// The files of one consultation. It has no `Debug`: it holds a patient's files.
#[derive(Default)]
pub(super) struct Attachments {
    files: Vec<Value>,
    pictures: Arc<[Value]>,
}

/// Where files are read.
pub(super) struct AttachmentReader<'a> {
    pub(super) database: &'a Database,
    /// None where there are no uploads.
    pub(super) bucket: Option<&'a UploadBucket>,
    pub(super) tenant: &'a TenantId,
    /// Whether a model can be shown pictures: else they are not read.
    pub(super) shows_pictures: bool,
}

enum Content {
    Text {
        text: String,
        is_cut: bool,
    },
    Picture(Value),
    /// Nothing of it can be sent.
    NotShown(&'static str),
}

impl Attachments {
    /// As the prompt names them, with their texts.
    pub(super) fn for_prompt(&self) -> &[Value] {
        &self.files
    }

    /// The pictures, as parts of a message.
    pub(super) fn pictures(&self) -> Arc<[Value]> {
        Arc::clone(&self.pictures)
    }
}

impl AttachmentReader<'_> {
    /// Reads the files of a consultation. What cannot be read is named as such; what was removed is
    /// left out.
    pub(super) async fn read(&self, of: &Consultation, deadline: Deadline) -> Attachments {
        let Some(bucket) = self.bucket.filter(|_| !of.attachments.is_empty()) else {
            return Attachments::default();
        };
        let deadline = deadline.at_most(READ_TIMEOUT);
        let uploads = match self.find(of, deadline).await {
            Ok(uploads) => uploads,
            Err(error) => {
                report(&error);
                let unread = json!({ "not_shown": NOT_NOW });
                return Attachments {
                    files: of.attachments.iter().map(|_| unread.clone()).collect(),
                    ..Attachments::default()
                };
            }
        };

        let mut left = MAX_ALL_PICTURE_BYTES;
        let reads = uploads.iter().map(|upload| {
            let why_not = self.why_not_shown(upload, &mut left);
            self.read_file(bucket, upload, why_not, deadline)
        });
        let contents = futures::future::join_all(reads.collect::<Vec<_>>()).await;

        let (mut files, mut pictures) = (Vec::new(), Vec::new());
        for (upload, content) in uploads.iter().zip(contents) {
            let (name, kind) = (&upload.file_name, upload.content_type.0.as_str());
            files.push(match content {
                Content::Text { text, is_cut } => {
                    json!({ "name": name, "type": kind, "text": text, "is_cut": is_cut })
                }
                Content::Picture(picture) => {
                    pictures.push(picture);
                    json!({ "name": name, "type": kind, "picture": pictures.len() })
                }
                Content::NotShown(why) => json!({ "name": name, "type": kind, "not_shown": why }),
            });
        }
        Attachments {
            files,
            pictures: pictures.into(),
        }
    }

    async fn find(&self, of: &Consultation, deadline: Deadline) -> Result<Vec<Upload>, Error> {
        let scope = Scope {
            tenant: self.tenant,
            owner: Some(&of.user_id),
        };
        let ids = &of.attachments;
        let find = async |connection: &mut _| store::ready(connection, scope, ids).await;
        self.database.within(deadline.remaining(), find).await
    }

    /// Why a file is not read, if it is not. `left` are the bytes of pictures that may yet be sent.
    fn why_not_shown(&self, upload: &Upload, left: &mut i64) -> Option<&'static str> {
        let content_type = upload.content_type.0;
        if content_type == UploadType::Text {
            return (upload.size > MAX_TEXT_BYTES).then_some("it is too large to be read");
        }
        if content_type == UploadType::Pdf {
            return None; // its text has its own bound
        }
        if !content_type.is_image() {
            return Some("files of this type are not read");
        }
        if !self.shows_pictures {
            return Some("pictures are not looked at");
        }
        if upload.size > MAX_PICTURE_BYTES.min(*left) {
            return Some("it is too large to be looked at");
        }
        *left -= upload.size;
        None
    }

    async fn read_file(
        &self,
        bucket: &UploadBucket,
        upload: &Upload,
        why_not: Option<&'static str>,
        deadline: Deadline,
    ) -> Content {
        if let Some(why) = why_not {
            return Content::NotShown(why);
        }
        match deadline.run(self.read_content(bucket, upload)).await {
            Ok(Ok(content)) => content,
            Ok(Err(error)) => {
                report(&error);
                Content::NotShown(NOT_NOW)
            }
            Err(_elapsed) => {
                metrics::count("AttachmentUnread", &[]);
                Content::NotShown(NOT_NOW)
            }
        }
    }

    async fn read_content(&self, bucket: &UploadBucket, upload: &Upload) -> Result<Content, Error> {
        const GONE: Content = Content::NotShown("it is not there");
        const NO_TEXT: Content = Content::NotShown("it has no text that can be read");

        let content_type = upload.content_type.0;
        if let Some(object) = upload.text_object(self.tenant) {
            let Some(text) = bucket.read_text(&object).await? else {
                let is_pdf = content_type == UploadType::Pdf;
                return Ok(if is_pdf { NO_TEXT } else { GONE });
            };
            let shown: String = text.chars().take(MAX_TEXT_CHARS).collect();
            return Ok(Content::Text {
                is_cut: shown.len() < text.len(),
                text: shown,
            });
        }
        let Some(object) = upload.kept_object(self.tenant) else {
            return Ok(GONE);
        };
        let Some(bytes) = bucket.read_bytes(&object).await? else {
            return Ok(GONE);
        };
        let mut url = format!("data:{};base64,", content_type.as_str());
        STANDARD.encode_string(bytes, &mut url);
        let picture = json!({ "type": "image_url", "image_url": { "url": url } });
        Ok(Content::Picture(picture))
    }
}

fn report(error: &Error) {
    metrics::count("AttachmentUnread", &[]);
    let causes = error_chain(error);
    tracing::warn!(causes, "an attachment cannot be read");
}
