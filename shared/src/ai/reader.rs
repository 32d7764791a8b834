//! A streamed answer, chunk by chunk: when it is complete, and when it is not.
//!
//! An answer is complete when every choice has named its `finish_reason`, and none of these says
//! that it was broken off. Nothing else proves it: not `[DONE]` alone, which some endpoints leave
//! out and others send after all, and not the end of the connection, which a crash brings about
//! too. A chunk that cannot be read may have held words, so before that proof it spoils the answer;
//! after it, it is passed over.

use std::error::Error;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::Value;
use sse_stream::{Sse, SseByteStream};

use super::chunk::has_token;
use super::completion::Completion;
use super::error_body::{fault_in_body, fault_of_error_event};
use super::fault::Fault;
use crate::deadline::Deadline;

/// The largest answer that is read, in bytes.
pub(super) const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// How long a finished answer waits for its usage.
const USAGE_TIMEOUT: Duration = Duration::from_millis(500);

/// How long the end of the stream is waited for after that, so that the connection can be used
/// again: it is in the same packet as a rule.
const END_TIMEOUT: Duration = Duration::from_millis(50);

/// The answer is larger than [`MAX_ANSWER_BYTES`].
#[derive(Debug, thiserror::Error)]
#[error("too large")]
struct TooLarge;

/// A streamed answer under way.
pub(super) struct StreamReader {
    events: BoxStream<'static, Result<Sse, sse_stream::Error>>,
    completion: Completion,
    /// Until when a finished answer waits for its usage.
    usage_deadline: Option<Deadline>,
    is_over: bool,
}

/// What an event of the stream says.
enum StreamEvent {
    Chunk(Value),
    Done,
    EndOfStream,
    Unreadable,
    Error(Fault),
    Ping,
}

impl StreamReader {
    pub(super) fn new(response: reqwest::Response, choices: u64) -> Self {
        let bytes = bounded_bytes(response).boxed();
        Self {
            events: SseByteStream::new(bytes).boxed(),
            completion: Completion::expecting(choices),
            usage_deadline: None,
            is_over: false,
        }
    }

    /// The next chunk, if there is one within `idle_timeout`, however often the endpoint says that
    /// it is still there; `None` when the answer is complete.
    pub(super) async fn next_chunk(
        &mut self,
        idle_timeout: Duration,
    ) -> Result<Option<Value>, Fault> {
        let deadline = Deadline::after(idle_timeout);

        while !self.is_over {
            let is_finished = self.completion.is_finished();
            if is_finished && self.completion.has_usage() {
                self.drain_stream().await;
                break;
            }

            let Some(event) = self.next_event(deadline).await? else {
                break;
            };
            match event {
                StreamEvent::Ping => {}
                StreamEvent::Chunk(chunk) => {
                    if self.completion.add_chunk(&chunk) {
                        return Ok(Some(chunk));
                    }
                    if !is_finished {
                        return Err(Fault::MalformedChunk);
                    }
                }

                // After the proof that it is complete, nothing spoils the answer any more.
                StreamEvent::Unreadable if is_finished => {}
                StreamEvent::EndOfStream | StreamEvent::Error(_) if is_finished => break,
                StreamEvent::Done if self.completion.is_finished_so_far() => break,

                StreamEvent::Unreadable => return Err(Fault::MalformedChunk),
                StreamEvent::Error(fault) => return Err(fault),
                StreamEvent::Done | StreamEvent::EndOfStream => return Err(Fault::Truncated),
            }
        }

        self.is_over = true;
        if self.completion.is_interrupted() {
            return Err(Fault::Interrupted);
        }

        Ok(None)
    }

    /// The next event before the deadline; `None` if a finished answer need not wait any longer.
    async fn next_event(&mut self, deadline: Deadline) -> Result<Option<StreamEvent>, Fault> {
        let is_finished = self.completion.is_finished();
        let deadline = if is_finished {
            let usage_deadline = self
                .usage_deadline
                .get_or_insert_with(|| Deadline::after(USAGE_TIMEOUT));
            deadline.min(*usage_deadline)
        } else {
            deadline
        };

        match deadline.run(self.events.next()).await {
            Ok(Some(event)) => Ok(Some(read_event(event))),
            Ok(None) => Ok(Some(StreamEvent::EndOfStream)),
            Err(_elapsed) if is_finished => Ok(None),
            Err(_elapsed) => Err(Fault::IdleTimeout),
        }
    }

    /// Reads to the end of the stream, if it is there.
    async fn drain_stream(&mut self) {
        let end = async { while self.events.next().await.is_some() {} };
        // Not there in time: the connection is closed, and the answer is complete all the same.
        Deadline::after(END_TIMEOUT).run(end).await.ok();
    }

    /// The chunks up to and with the first that brings anything.
    pub(super) async fn read_first_token(
        &mut self,
        deadline: Deadline,
    ) -> Result<Vec<Value>, Fault> {
        let mut chunks = Vec::new();
        while let Some(chunk) = self.next_chunk(deadline.remaining()).await? {
            let is_token = has_token(&chunk);
            chunks.push(chunk);
            if is_token {
                break;
            }
        }

        Ok(chunks)
    }

    /// The answer as far as it has come.
    pub(super) fn completion(&self) -> &Completion {
        &self.completion
    }

    /// The answer as far as it has come.
    pub(super) fn into_completion(self) -> Completion {
        self.completion
    }
}

/// The bytes of a response, as far as they are read, and an empty line, which the last event may
/// lack.
fn bounded_bytes(response: reqwest::Response) -> impl StreamExt<Item = io::Result<Bytes>> {
    stream::unfold(Some((response, 0)), |state| async move {
        let (mut response, read) = state?;
        match response.chunk().await {
            Ok(Some(bytes)) => {
                let read = read + bytes.len();
                if read > MAX_ANSWER_BYTES {
                    return Some((Err(io::Error::other(TooLarge)), None));
                }
                Some((Ok(bytes), Some((response, read))))
            }
            Ok(None) => Some((Ok(Bytes::from_static(b"\n\n")), None)),
            Err(error) => Some((Err(io::Error::other(error.without_url())), None)),
        }
    })
}

fn read_event(event: Result<Sse, sse_stream::Error>) -> StreamEvent {
    let event = match event {
        Ok(event) => event,
        Err(sse_stream::Error::Body(error)) => return StreamEvent::Error(body_fault(&*error)),
        Err(_) => return StreamEvent::Unreadable,
    };

    let name = event.event.as_deref().unwrap_or("message");
    let data = event.data.unwrap_or_default();
    let is_ping = !matches!(name, "message" | "error");
    if is_ping || data.trim().is_empty() {
        return StreamEvent::Ping;
    }
    if data.trim() == "[DONE]" {
        return StreamEvent::Done;
    }

    let Ok(value) = serde_json::from_str::<Value>(&data) else {
        return StreamEvent::Unreadable;
    };

    match fault_in_body(&value) {
        Some(fault) => StreamEvent::Error(fault),
        None if name == "error" => StreamEvent::Error(fault_of_error_event(&value)),
        None => StreamEvent::Chunk(value),
    }
}

/// Whether the stream broke, or was broken off here since it was too large.
fn body_fault(error: &(dyn Error + Send + Sync + 'static)) -> Fault {
    let error = error.downcast_ref::<io::Error>();
    let cause = error.and_then(io::Error::get_ref);

    if cause.is_some_and(<dyn Error + Send + Sync>::is::<TooLarge>) {
        Fault::ResponseTooLarge
    } else {
        Fault::Truncated
    }
}
