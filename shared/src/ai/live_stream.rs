//! An answer that is passed on as it comes.

use std::collections::VecDeque;

use serde_json::Value;

use super::completion::Completion;
use super::fault::Fault;
use super::response::StartedResponse;
use super::usage::{PartUsage, UsedTokens};
use crate::deadline::Deadline;

/// An answer whose first token is there. Dropped before its end, it is cancelled, which says
/// nothing of the provider. When it is dropped, what it has used is written down.
pub struct LiveStream {
    response: StartedResponse,
    /// The chunks that are there.
    chunks: VecDeque<Value>,
    /// Until when the circuit can be told how the call went.
    deadline: Deadline,
}

impl LiveStream {
    pub(super) fn new(mut response: StartedResponse, deadline: Deadline) -> Self {
        let complete = response.completion().filter(|_| response.is_complete());
        let chunks = match complete {
            Some(completion) => completion.chunks(),
            None => std::mem::take(&mut response.chunks),
        };

        Self {
            response,
            chunks: chunks.into(),
            deadline,
        }
    }

    /// The tier's name.
    pub fn tier(&self) -> &str {
        &self.response.tier
    }

    /// From now on passes over chunks that cannot be read, each of which may have held words: no
    /// other tier will be asked, and the rest is worth more than nothing.
    pub fn tolerate_gaps(&mut self) {
        self.response.tolerate_gaps();
    }

    /// The number of chunks that were passed over.
    pub fn gaps(&self) -> u32 {
        self.response.gaps()
    }

    /// Whether the tier was given the beginning of its answer.
    pub(super) fn is_prefilled(&self) -> bool {
        self.response.is_prefilled
    }

    /// The tokens that all that has come took, by its length.
    pub(super) fn estimated_tokens(&self) -> u64 {
        let completion = self.response.completion();
        completion.map_or(0, Completion::estimated_tokens)
    }

    /// The tokens used, if the endpoint has said so yet.
    pub(super) fn usage(&self) -> Option<PartUsage> {
        PartUsage::read(self.response.completion()?.usage()?)
    }

    /// The tokens used so far.
    pub fn used_tokens(&self) -> Option<UsedTokens> {
        self.response.used_tokens()
    }

    /// The next chunk; `None` when the answer is complete. An error is the end: the chunks before
    /// it make no complete answer.
    pub async fn next_chunk(&mut self) -> Result<Option<Value>, Fault> {
        if let Some(chunk) = self.chunks.pop_front() {
            return Ok(Some(chunk));
        }

        let next = self.response.next_chunk().await;
        if !matches!(next, Ok(Some(_))) {
            let fault = next.as_ref().err();
            self.response.settle(fault, self.deadline).await;
        }

        next
    }
}
