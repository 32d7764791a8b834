//! A streamed answer, piece by piece: when it is whole, and when it is not.
//!
//! An answer is whole when every choice has named its `finish_reason`, and none of these says that it was broken off. Nothing
//! else proves it: not `[DONE]` alone, which some endpoints leave out and others send after all, and not the end of the
//! connection, which a crash brings about too. A piece that cannot be read may
//! have held words, so before that proof it spoils the answer; after it, it is passed over.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::Value;
use sse_stream::{Sse, SseByteStream};

use super::completion::{Completion, has_token};
use super::fault::{self, Fault};
use crate::deadline::Deadline;

/// The largest answer that is read, in bytes.
pub(super) const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// How long a finished answer waits for its usage.
const USAGE_GRACE: Duration = Duration::from_millis(500);

/// How long the end of the stream is waited for after that, so that the connection can be used again: it is in the same
/// packet as a rule.
const END_GRACE: Duration = Duration::from_millis(50);

/// The answer is larger than what is read of one.
#[derive(Debug, thiserror::Error)]
#[error("too large")]
struct TooLarge;

/// A streamed answer under way.
pub(super) struct Reader {
    events: BoxStream<'static, Result<Sse, sse_stream::Error>>,
    completion: Completion,
    /// Until when a finished answer waits for its usage.
    grace: Option<Deadline>,
    is_over: bool,
}

enum Event {
    Piece(Value),
    Done,
    End,
    Unreadable,
    Error(Fault),
    Nothing,
}

impl Reader {
    pub(super) fn new(response: reqwest::Response, choices: u64) -> Self {
        let bytes = stream::unfold(Some((response, 0)), |state| async move {
            let (mut response, read) = state?;
            match response.chunk().await {
                Ok(Some(bytes)) if read + bytes.len() > LARGEST_ANSWER => {
                    Some((Err(std::io::Error::other(TooLarge)), None))
                }
                Ok(Some(bytes)) => Some((Ok(bytes.clone()), Some((response, read + bytes.len())))),
                // The last event may lack its empty line.
                Ok(None) => Some((Ok(Bytes::from_static(b"\n\n")), None)),
                Err(error) => Some((Err(std::io::Error::other(error.without_url())), None)),
            }
        });
        let events = SseByteStream::new(bytes.boxed()).boxed();
        Self {
            events,
            completion: Completion::expecting(choices),
            grace: None,
            is_over: false,
        }
    }

    /// The next piece, if there is one within `limit`, however often the endpoint says that it is still there; `None` when
    /// the answer is whole.
    pub(super) async fn next(&mut self, limit: Duration) -> Result<Option<Value>, Fault> {
        let limit = Deadline::after(limit);
        while !self.is_over {
            let is_finished = self.completion.is_finished();
            if is_finished && self.completion.has_usage() {
                self.drain().await;
                break;
            }
            let until = if is_finished {
                *self
                    .grace
                    .get_or_insert_with(|| Deadline::after(USAGE_GRACE))
            } else {
                limit
            };
            let event = match until.min(limit).run(self.events.next()).await {
                Err(_elapsed) if is_finished => break,
                Err(_elapsed) => return Err(Fault::Stalled),
                Ok(None) => Event::End,
                Ok(Some(event)) => read(event),
            };
            match event {
                Event::Nothing => {}
                Event::Piece(piece) => {
                    if self.completion.add(&piece) {
                        return Ok(Some(piece));
                    }
                    if !is_finished {
                        return Err(Fault::Malformed);
                    }
                }
                Event::Unreadable if is_finished => {}
                Event::End | Event::Error(_) if is_finished => break,
                Event::Done if self.completion.is_finished_so_far() => break,
                Event::Unreadable => return Err(Fault::Malformed),
                Event::Error(fault) => return Err(fault),
                Event::Done | Event::End => return Err(Fault::Cut),
            }
        }
        self.is_over = true;
        if self.completion.is_interrupted() {
            Err(Fault::Interrupted)
        } else {
            Ok(None)
        }
    }

    /// Reads to the end of the stream, if it is there.
    async fn drain(&mut self) {
        let end = async { while self.events.next().await.is_some() {} };
        // Not there in time: the connection is closed, and the answer is whole all the same.
        Deadline::after(END_GRACE).run(end).await.ok();
    }

    /// The pieces up to and with the first that brings anything.
    pub(super) async fn begin(&mut self, deadline: Deadline) -> Result<Vec<Value>, Fault> {
        let mut pieces = Vec::new();
        while let Some(piece) = self.next(deadline.remaining()).await? {
            let is_token = has_token(&piece);
            pieces.push(piece);
            if is_token {
                break;
            }
        }
        Ok(pieces)
    }

    /// What has come so far.
    pub(super) fn completion(&self) -> &Completion {
        &self.completion
    }

    /// What has come.
    pub(super) fn into_completion(self) -> Completion {
        self.completion
    }
}

fn read(event: Result<Sse, sse_stream::Error>) -> Event {
    let event = match event {
        Ok(event) => event,
        Err(sse_stream::Error::Body(error)) => {
            let cause = error
                .downcast_ref::<std::io::Error>()
                .and_then(std::io::Error::get_ref);
            let is_too_large = cause
                .and_then(|cause| cause.downcast_ref::<TooLarge>())
                .is_some();
            return Event::Error(if is_too_large {
                Fault::TooLarge
            } else {
                Fault::Cut
            });
        }
        Err(_) => return Event::Unreadable,
    };
    let name = event.event.as_deref().unwrap_or("message");
    let Some(data) = event.data.filter(|data| !data.trim().is_empty()) else {
        return Event::Nothing;
    };
    if !matches!(name, "message" | "error") {
        return Event::Nothing; // a ping of the endpoint's own
    }
    if data.trim() == "[DONE]" {
        return Event::Done;
    }
    match serde_json::from_str::<Value>(&data) {
        Err(_) => Event::Unreadable,
        Ok(value) => match fault::within(&value) {
            Some(fault) => Event::Error(fault),
            None if name == "error" => Event::Error(Fault::Status {
                status: 500,
                wait: None,
            }),
            None => Event::Piece(value),
        },
    }
}
