//! What a server beside the database must do to hold a copy of the passages' vectors.
//!
//! The database itself is no such store: its own index is asked in the statement that looks for
//! words, so it costs no round trip.

use futures::future::BoxFuture;
use uuid::Uuid;

use crate::ai::{Embedding, Fault, ServiceCall};
use crate::locale::Locale;

/// Holds copies of vectors, of one model.
pub trait VectorStore: Send + Sync {
    /// Which collection holds the copy; none if there is none. Another one than before says that
    /// the earlier copy was lost.
    fn collection<'a>(
        &'a self,
        call: &'a ServiceCall,
    ) -> BoxFuture<'a, Result<Option<Uuid>, Fault>>;

    /// Makes an empty collection, instead of the one that there is.
    fn renew<'a>(&'a self, call: &'a ServiceCall) -> BoxFuture<'a, Result<Uuid, Fault>>;

    /// The passages nearest to a question, the nearest first. Its owners' alone are looked at.
    fn nearest<'a>(
        &'a self,
        query: NearestQuery<'a>,
        call: &'a ServiceCall,
    ) -> BoxFuture<'a, Result<Neighbours, Fault>>;

    /// The number of vectors that it holds.
    fn count<'a>(&'a self, call: &'a ServiceCall) -> BoxFuture<'a, Result<u64, Fault>>;

    /// The ids of the vectors that it holds of one document.
    fn ids_of<'a>(
        &'a self,
        document: Uuid,
        call: &'a ServiceCall,
    ) -> BoxFuture<'a, Result<Vec<VectorId>, Fault>>;

    /// Writes vectors: all of them or none. One that is there is written again.
    fn write<'a>(
        &'a self,
        vectors: &'a [StoredVector],
        call: &'a ServiceCall,
    ) -> BoxFuture<'a, Result<(), Fault>>;

    /// Removes vectors; those that are not there count as removed.
    fn remove<'a>(
        &'a self,
        ids: &'a [VectorId],
        call: &'a ServiceCall,
    ) -> BoxFuture<'a, Result<(), Fault>>;
}

/// What is looked for.
#[derive(Clone, Copy)]
pub struct NearestQuery<'a> {
    /// Whose passages are looked at.
    pub owners: [&'a str; 2],
    /// In which language; any if none is given.
    pub language: Option<Locale>,
    /// The question.
    pub embedding: &'a Embedding,
    /// The most passages.
    pub limit: u16,
}

/// The passages nearest to a question.
pub struct Neighbours {
    /// The collection that was asked.
    pub collection: Uuid,
    /// Their vectors, the nearest first.
    pub ids: Vec<VectorId>,
}

/// A vector and where it belongs.
pub struct StoredVector {
    /// Its id.
    pub id: VectorId,
    /// Whose document it is of.
    pub owner: String,
    /// The document's language.
    pub language: Locale,
    /// Its numbers.
    pub numbers: Vec<f32>,
}

/// The passage that a vector is of, and a digest of its numbers and its language
/// (`vector_digest` of `0012_vector_store.sql`): what has changed has another id, so a vector that
/// is out of date is no passage's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VectorId {
    /// The passage's document.
    pub document: Uuid,
    /// The passage's number in it.
    pub position: i32,
    /// In hexadecimal digits.
    pub digest: String,
}

impl VectorId {
    /// As one text: `DOCUMENT:POSITION:DIGEST`.
    pub fn to_text(&self) -> String {
        let Self {
            document,
            position,
            digest,
        } = self;
        format!("{document}:{position}:{digest}")
    }

    /// Reads what [`VectorId::to_text`] wrote.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        Some(Self {
            document: parts.next()?.parse().ok()?,
            position: parts.next()?.parse().ok()?,
            digest: parts.next()?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written() {
        let id = VectorId {
            document: Uuid::now_v7(),
            position: 12,
            digest: "9f".to_owned(),
        };
        assert_eq!(VectorId::from_text(&id.to_text()), Some(id));

        for text in ["", "x", "01234567-89ab-7def-8123-456789abcdef:1"] {
            assert_eq!(VectorId::from_text(text), None, "{text}");
        }
    }
}
