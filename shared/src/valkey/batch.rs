//! Several requests in one round trip.

use std::marker::PhantomData;

use super::client::Valkey;
use super::error::ValkeyError;
use super::script::{Reply, ScriptCall, ScriptRequest};
use crate::deadline::Deadline;

/// Requests of several users that go out together.
#[derive(Default)]
pub struct Batch {
    calls: Vec<ScriptCall>,
}

/// The claim to the answer of one request of a batch.
#[must_use = "the answer is taken with it"]
pub struct Ticket<R> {
    index: usize,
    request: PhantomData<fn() -> R>,
}

/// The answers of one batch. By default there are none, as if Valkey were gone.
#[derive(Default)]
pub struct Answers {
    replies: Vec<Option<Reply>>,
}

impl Batch {
    /// Adds a request, whose answer the ticket claims when this batch has run.
    pub fn add<R: ScriptRequest>(&mut self, request: R) -> Ticket<R> {
        let index = self.calls.len();
        self.calls.push(request.into_call());

        Ticket {
            index,
            request: PhantomData,
        }
    }

    /// Runs all requests in one round trip; an empty batch makes none. If the server refuses one
    /// of them, none has an answer.
    pub async fn run(self, valkey: &Valkey, deadline: Deadline) -> Result<Answers, ValkeyError> {
        if self.calls.is_empty() {
            return Ok(Answers::default());
        }

        let replies = valkey.run_scripts(&self.calls, deadline).await?;
        let replies = replies.into_iter().map(Some).collect();
        Ok(Answers { replies })
    }
}

impl Answers {
    /// The answer that the ticket claims; `None` if Valkey gave none, or one that cannot be read.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a ticket claims its answer once"
    )]
    pub fn take<R: ScriptRequest>(&mut self, ticket: Ticket<R>) -> Option<R::Answer> {
        let reply = self.replies.get_mut(ticket.index)?.take()?;
        R::read_reply(reply)
    }
}

impl Valkey {
    /// A batch of one request; `None` if its answer cannot be read.
    pub async fn run<R: ScriptRequest>(
        &self,
        request: R,
        deadline: Deadline,
    ) -> Result<Option<R::Answer>, ValkeyError> {
        let mut batch = Batch::default();
        let ticket = batch.add(request);

        let mut answers = batch.run(self, deadline).await?;
        Ok(answers.take(ticket))
    }
}
