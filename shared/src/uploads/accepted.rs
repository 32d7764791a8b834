//! An upload that was accepted, with the way in which its file is sent.

use serde::Serialize;
use uuid::Uuid;

use super::parts::PartLinks;
use super::post_form::PostForm;
use super::upload::UploadState;

/// The answer to `POST /v1/uploads`.
#[derive(Serialize, schemars::JsonSchema)]
pub struct AcceptedUpload {
    /// Its id.
    pub id: Uuid,
    /// Safe in paths and headers.
    pub file_name: String,
    /// [`UploadState::Pending`].
    pub state: UploadState,
    /// The form with which the file is sent; none if it is sent in parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<PostForm>,
    /// The links with which its parts are sent, if it is too large for a form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<PartLinks>,
}
