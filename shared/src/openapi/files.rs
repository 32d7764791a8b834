//! Uploads.

use serde_json::json;

use super::operation::Operation;
use crate::page::PageItems;
use crate::uploads::{AcceptedUpload, UploadRequest, UploadView};

const TAG: &str = "Uploads";

pub(super) fn operations() -> Vec<Operation> {
    let of = |route, id, summary| Operation::new(route, id, TAG, summary);

    vec![
        of("POST /v1/uploads", "createUpload", "Announce a file")
            .takes::<UploadRequest>(json!({
                "file_name": "rash.jpg",
                "content_type": "image/jpeg",
                "size": 184_320,
            }))
            .answers::<AcceptedUpload>(202, "how the file is sent"),
        of(
            "GET /v1/uploads",
            "listUploads",
            "One's own files, the latest first",
        )
        .paged()
        .with_revalidation()
        .answers::<PageItems<UploadView>>(200, "a page; links are in the answers for one"),
        of(
            "POST /v1/uploads/{id}/complete",
            "completeUpload",
            "Put a file together that was sent in parts",
        )
        .answers::<AcceptedUpload>(202, "it is looked at"),
        of("GET /v1/uploads/{id}", "getUpload", "One file")
            .answers::<UploadView>(200, "its state, and a link once it is ready"),
        of("DELETE /v1/uploads/{id}", "deleteUpload", "Remove a file")
            .answers_empty(204, "nobody gets a link any more"),
    ]
}
