//! A read of the cache that goes out together with something else, such as a limiter's request.

use super::key::Key;
use super::levels::Levels;
use super::policy::CachePolicy;
use super::request::Cacheable;
use super::script::{ReadAnswer, ReadRequest, ReaderState};
use crate::valkey::{Answers, Batch, Ticket};

/// A read of one entry that was not sent yet.
pub struct PrefetchPlan {
    subject: PrefetchSubject,
    request: ReadRequest,
}

/// A read that was added to a batch.
#[must_use = "the answer is taken with it"]
pub struct PendingPrefetch {
    subject: PrefetchSubject,
    ticket: Ticket<ReadRequest>,
}

/// A read and Valkey's answer, if it gave one.
pub struct Prefetched {
    pub(super) subject: PrefetchSubject,
    pub(super) answer: Option<ReadAnswer>,
}

impl Prefetched {
    /// The answer and its subject; `None` if there is no answer.
    pub(super) fn answered(self) -> Option<(PrefetchSubject, ReadAnswer)> {
        Some((self.subject, self.answer?))
    }
}

/// The entry that is read, and the state of its reader.
pub(super) struct PrefetchSubject {
    pub(super) entry_key: String,
    /// Empty if the reader held none.
    pub(super) held_version: String,
    /// The sequence number of the question.
    pub(super) asked: u64,
}

impl PrefetchPlan {
    /// Only looks: a lease that is then not used, since the call is refused, would hold up all
    /// other readers.
    pub(super) fn new<V: Cacheable>(
        levels: &Levels,
        key: &Key<V>,
        policy: &CachePolicy,
        early_factor: f64,
    ) -> Self {
        let entry_key = key.entry_key(&levels.prefix);
        let held = levels.memory.get::<V>(&entry_key);
        let held_version = held.map(|held| held.version).unwrap_or_default();

        let reader = ReaderState {
            held_version: held_version.clone(),
            lease_token: String::new(),
            early_factor,
        };
        let request = ReadRequest::new(key, &levels.prefix, policy, reader);

        let subject = PrefetchSubject {
            entry_key,
            held_version,
            asked: levels.memory.next_sequence(),
        };
        Self { subject, request }
    }

    /// Adds the read to a batch.
    pub fn add_to(self, batch: &mut Batch) -> PendingPrefetch {
        let Self { subject, request } = self;
        let ticket = batch.add(request);
        PendingPrefetch { subject, ticket }
    }
}

impl PendingPrefetch {
    /// Takes the entry's answer from those of the batch.
    pub fn finish(self, answers: &mut Answers) -> Prefetched {
        let Self { subject, ticket } = self;
        let answer = answers.take(ticket);
        Prefetched { subject, answer }
    }
}
