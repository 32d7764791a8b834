//! Uploads.

use super::operation::Operation;
use crate::uploads::{AcceptedUpload, UploadRequest, UploadView};

const TAG: &str = "Uploads";

pub(super) fn operations() -> Vec<Operation> {
    let of = |route, id, summary| Operation::new(route, id, TAG, summary);

    vec![
        of("POST /v1/uploads", "createUpload", "Announce a file")
            .takes::<UploadRequest>()
            .answers::<AcceptedUpload>(202, "how the file is sent"),
        of("GET /v1/uploads/{id}", "getUpload", "One file")
            .answers::<UploadView>(200, "its state, and a link once it is ready"),
        of("DELETE /v1/uploads/{id}", "deleteUpload", "Remove a file")
            .answers_empty(204, "nobody gets a link any more"),
    ]
}
