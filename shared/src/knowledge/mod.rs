//! The knowledge base: documents, cut into passages that are found by their words and quoted with
//! their source.
//!
//! A document belongs to a tenant, or to all of them. A tenant finds its own and the shared ones.
//!
//! | file | what |
//! |---|---|
//! | `document` | a document as it is written, and as a list shows it |
//! | `new_document` | the body of a request, with a clean text |
//! | `tasks` | the job that brings a document in |
//! | `passages` | cuts its text where sentences end |
//! | `terms` | what a text is found by: English words, pairs of Han characters |
//! | `request` | the query of a search |
//! | `store` | writes, searches, lists and removes |
//! | `guidance` | the parts of a document that a patient is told |

mod document;
mod guidance;
mod new_document;
mod passages;
mod request;
pub mod store;
mod tasks;
mod terms;

pub use document::{DocumentStatus, ListedDocument, NewDocument, Owner, Source};
pub use guidance::Guidance;
pub use new_document::DocumentRequest;
pub use request::SearchRequest;
pub use store::FoundPassage;
pub use tasks::IngestDocument;
