//! An answer that is passed on as it comes.

use std::collections::VecDeque;

use serde_json::Value;

use super::fault::Fault;
use super::response::StartedResponse;
use super::usage::PartUsage;
use crate::deadline::Deadline;

/// An answer whose first token is there. Dropped before its end, it is cancelled, which says
/// nothing of the provider.
pub struct LiveStream {
    response: StartedResponse,
    /// The chunks that are there.
    chunks: VecDeque<Value>,
    /// Until when the circuit can be told how the call went.
    deadline: Deadline,
}

impl LiveStream {
    pub(super) fn new(mut response: StartedResponse, deadline: Deadline) -> Self {
        let chunks = if response.is_complete() {
            response.completion().chunks()
        } else {
            std::mem::take(&mut response.chunks)
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
        self.response.completion().estimated_tokens()
    }

    /// The tokens used, if the endpoint has said so yet.
    pub(super) fn usage(&self) -> Option<PartUsage> {
        PartUsage::read(self.response.completion().usage()?)
    }

    /// The number of tokens used, if the endpoint has said so yet.
    pub fn total_tokens(&self) -> Option<u64> {
        self.response.completion().total_tokens()
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
