//! Reports of consultations, as HTML and Markdown, for the patient to keep or to show.

mod bucket;
mod render;

pub use bucket::{Bucket, LinkSigner, REPORT_LIFETIME, ReportKey};
pub use render::{Rendered, render};
