//! Reports: what a consultation came to, as HTML and Markdown, for the patient to keep or to show.

mod bucket;
mod render;

pub use bucket::{Bucket, Links};
pub use render::{Rendered, render};
