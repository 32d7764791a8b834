//! Files that people upload: photos, PDFs, texts and DICOM, straight to S3, verified before anybody
//! can use them, and delivered by the CDN.
//!
//! | file | what |
//! |---|---|
//! | `key` | which upload, and where its files are |
//! | `file_name` | names, safe in paths and headers |
//! | `upload` | an upload as it is asked for, and as it is shown |
//! | `accepted` | an upload that was accepted, with the way in which its file is sent |
//! | `store` | uploads in PostgreSQL |
//! | `attachments` | uploads that come with a complaint |
//! | `removal` | uploads that are gone, whose files are to be removed |
//! | `post_form` | the signed form with which a client sends one file |
//! | `bucket` | the bucket: what clients send, and what is kept |
//! | `message` | what the queue says |
//! | `scan_queue` | tells a virus scanner of files |
//! | `inspect` | what a file is, by its own bytes |
//! | `metadata` | takes out of a photo what it tells besides the picture |
//! | `parts` | large uploads, which are sent in parts |
//! | `pdf_text` | the text of a PDF, read in a process of its own |
//! | `verify` | looks at a file that a client has sent |
//! | `cdn` | signed links |
//! | `links` | links of the CDN, or S3's own |
//! | `invalidation` | the end of what the CDN has cached |

mod accepted;
pub mod attachments;
mod bucket;
mod cdn;
mod file_name;
mod inspect;
mod invalidation;
mod key;
mod links;
mod message;
mod metadata;
mod parts;
pub mod pdf_text;
mod post_form;
pub mod removal;
mod scan_queue;
pub mod store;
mod upload;
mod verify;

pub use accepted::AcceptedUpload;
pub use bucket::UploadBucket;
pub use cdn::CdnSigner;
pub use invalidation::Invalidations;
pub use key::UploadKey;
pub use links::UploadLinks;
pub use message::{ScanMessage, ScanVerdict, UploadMessage};
pub use parts::{Assembly, IncompleteParts, MAX_FORM_BYTES, PartLinks};
pub use post_form::PostForm;
pub use scan_queue::ScanQueue;
pub use upload::{
    Link, NewUpload, RejectionReason, Upload, UploadRequest, UploadState, UploadView,
};
pub use verify::{Verification, verify};
