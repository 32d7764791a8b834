//! The knowledge base: documents, cut into passages that are found by their words and their
//! meaning, and quoted with their source.
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
//! | `bilingual` | the words of a question in the other language |
//! | `request` | the query of a search |
//! | `store` | writes, lists and removes |
//! | `index` | the vectors of passages: of which model, and which are missing |
//! | `vector_store` | what a server must do to hold a copy of the vectors |
//! | `chroma` | a Chroma server as one |
//! | `vector_index` | the model that makes vectors, with the store |
//! | `copies` | keeps the store's copy as the database has it |
//! | `search` | finds passages by their words and their meaning |
//! | `rerank` | puts what was found in order |
//! | `cached` | results of searches in the cache |
//! | `guidance` | the parts of a document that a patient is told |

mod bilingual;
mod cached;
mod chroma;
pub mod copies;
mod document;
mod guidance;
pub mod index;
mod new_document;
mod passages;
mod request;
mod rerank;
mod search;
pub mod store;
mod tasks;
mod terms;
mod vector_index;
mod vector_store;

pub use cached::{CACHE_POLICY, cache_key, forget_searches};
pub use document::{AcceptedDocument, DocumentStatus, ListedDocument, NewDocument, Owner, Source};
pub use guidance::Guidance;
pub use new_document::DocumentRequest;
pub use request::SearchRequest;
pub use rerank::put_in_order;
pub use search::{
    FoundPassage, PreparedQuestion, SearchDegradedReason, SearchResult, SearchSide, find_passages,
};
pub use tasks::IngestDocument;
pub use vector_index::VectorIndex;
