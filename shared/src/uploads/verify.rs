//! Looks at a file that a client has sent, and keeps it if it is what it was said to be.

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};

use super::bucket::{IncomingObject, KeptFile, UploadBucket};
use super::inspect::{HEAD_BYTES, TextCheck, check_head, check_image};
use super::key::UploadKey;
use super::metadata::strip_metadata;
use super::pdf_text::{MAX_PDF_BYTES, PdfTextReader};
use super::upload::{RejectionReason, Upload};
use crate::config::UploadType;
use crate::error::Error;

/// What came of looking at a file. Its object's name may tell of an illness: it has no `Debug`.
pub enum Verification {
    /// It is kept.
    Kept {
        /// Where.
        object: String,
        /// Its bytes: of an image, those without metadata.
        size: u64,
        /// Of these, in hexadecimal digits.
        sha256: String,
    },
    /// It is not what it was said to be.
    Rejected(RejectionReason),
    /// It is not there any more, or another one by now: another message tells of that.
    Gone,
}

/// What was read of a file.
struct ReadFile {
    size: u64,
    sha256: String,
    /// All of it, of an image or a PDF whose text is read.
    bytes: Bytes,
}

/// Looks at what lies in the bucket for this upload, and keeps the text of a PDF. Doing it twice
/// changes nothing.
pub async fn verify(
    bucket: &UploadBucket,
    pdf_texts: &PdfTextReader,
    key: &UploadKey,
    upload: &Upload,
) -> Result<Verification, Error> {
    let Some(incoming) = bucket.open_incoming(key).await? else {
        return Ok(Verification::Gone);
    };
    let etag = incoming.etag.clone();
    let content_type = upload.content_type.0;
    let read = match read_file(incoming, upload).await? {
        Ok(read) => read,
        Err(reason) => return Ok(Verification::Rejected(reason)),
    };

    let file_for = |sha256: &str| KeptFile {
        object: key.kept(sha256, &upload.file_name),
        content_type,
        file_name: &upload.file_name,
    };
    if !content_type.is_image() {
        let file = file_for(&read.sha256);
        if is_read_pdf(upload)
            && let Some(text) = pdf_texts.read(&read.bytes).await?
        {
            bucket.keep_text(key.text(&read.sha256), text).await?;
        }
        let is_same = bucket.keep_incoming(key, &file, &etag).await?;
        return Ok(if is_same {
            Verification::Kept {
                object: file.object,
                size: read.size,
                sha256: read.sha256,
            }
        } else {
            Verification::Gone
        });
    }

    let picture = match read_picture(&read.bytes, content_type) {
        Ok(picture) => picture,
        Err(reason) => return Ok(Verification::Rejected(reason)),
    };
    let (size, sha256) = (picture.len() as u64, hex::encode(Sha256::digest(&picture)));
    let file = file_for(&sha256);
    bucket.keep_bytes(&file, picture).await?;
    Ok(Verification::Kept {
        object: file.object,
        size,
        sha256,
    })
}

/// The picture without metadata. A decoder that panics has found an image that is none.
fn read_picture(bytes: &Bytes, content_type: UploadType) -> Result<Bytes, RejectionReason> {
    let read = || {
        check_image(bytes, content_type)?;
        strip_metadata(bytes, content_type)
    };
    let read = std::panic::catch_unwind(read);
    read.unwrap_or(Err(RejectionReason::UnreadableImage))
}

/// Whether it is a PDF whose text is read: a larger one is kept, and nothing more.
fn is_read_pdf(upload: &Upload) -> bool {
    let size = u64::try_from(upload.size).unwrap_or_default();
    upload.content_type.0 == UploadType::Pdf && size <= MAX_PDF_BYTES
}

/// Reads a file to its end, with its size, checksum and first bytes held against what was said of
/// it. Only an image, or a PDF whose text is read, is held in memory.
async fn read_file(
    incoming: IncomingObject,
    upload: &Upload,
) -> Result<Result<ReadFile, RejectionReason>, Error> {
    let content_type = upload.content_type.0;
    let declared = u64::try_from(upload.size).unwrap_or_default();
    let (mut body, mut hash, mut text) = (incoming.body, Sha256::new(), TextCheck::default());
    let is_held = content_type.is_image() || is_read_pdf(upload);
    let (mut head, mut bytes, mut size) = (Vec::new(), BytesMut::new(), 0_u64);

    while let Some(piece) = body.next().await {
        let piece = piece.map_err(Error::internal)?;
        size += piece.len() as u64;
        if size > declared {
            return Ok(Err(RejectionReason::OtherSize));
        }
        hash.update(&piece);
        let missing = HEAD_BYTES.saturating_sub(head.len()).min(piece.len());
        head.extend(piece.iter().take(missing));
        if is_held {
            bytes.extend_from_slice(&piece);
        }
        if content_type == UploadType::Text
            && let Err(reason) = text.push(&piece)
        {
            return Ok(Err(reason));
        }
    }

    let sha256 = hex::encode(hash.finalize());
    let is_declared = upload.sha256.as_ref().is_none_or(|it| *it == sha256);
    let checks = [
        (size == declared)
            .then_some(())
            .ok_or(RejectionReason::OtherSize),
        is_declared
            .then_some(())
            .ok_or(RejectionReason::OtherChecksum),
        check_head(&head, content_type),
        text.finish(),
    ];
    let checked: Result<Vec<()>, _> = checks.into_iter().collect();
    Ok(checked.map(|_| ReadFile {
        size,
        sha256,
        bytes: bytes.freeze(),
    }))
}
