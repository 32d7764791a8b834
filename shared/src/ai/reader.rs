//! A streamed answer, chunk by chunk: when it is complete, and when it is not.
//!
//! An answer is complete when every choice has named its `finish_reason`, and none of these says
//! that it was broken off. Nothing else proves it: not `[DONE]` alone, which some endpoints leave
//! out and others send after all, and not the end of the connection, which a crash brings about
//! too. A chunk that cannot be read may have held words, so before that proof it spoils the answer;
//! after it, it is passed over.

use std::collections::VecDeque;
use std::time::Duration;

use futures::stream::StreamExt;
use serde_json::Value;

use super::chunk::has_token;
use super::completion::Completion;
use super::error_body::{fault_in_body, fault_of_error_event};
use super::fault::Fault;
use super::framing::{EventError, EventStream, RawEvent, read_values};
use super::surrogates::SurrogateRepair;
use crate::deadline::Deadline;

/// How long a finished answer waits for its usage.
const USAGE_TIMEOUT: Duration = Duration::from_millis(500);

/// How long more is waited for behind that: the end is in the same packet as a rule.
const END_TIMEOUT: Duration = Duration::from_millis(50);

/// What says that a stream has ended.
const END_MARK: &str = "[DONE]";

/// What begins a line of an event.
const DATA_FIELD: &str = "data:";

/// A streamed answer under way.
pub(super) struct StreamReader {
    events: EventStream,
    /// Events that came together with one that was read.
    pending: VecDeque<StreamEvent>,
    surrogates: SurrogateRepair,
    completion: Completion,
    /// Until when a finished answer waits for its usage.
    usage_deadline: Option<Deadline>,
    is_over: bool,
    /// Whether a chunk that cannot be read is passed over.
    tolerates_gaps: bool,
    /// Chunks that were passed over.
    gaps: u32,
}

/// What an event of the stream says.
enum StreamEvent {
    Chunk(Value),
    Done,
    EndOfStream,
    Unreadable,
    Error(Fault),
    /// It brings nothing of the answer.
    Ping,
}

impl StreamReader {
    pub(super) fn new(events: EventStream, choices: u64) -> Self {
        Self {
            events,
            pending: VecDeque::new(),
            surrogates: SurrogateRepair::default(),
            completion: Completion::expecting(choices),
            usage_deadline: None,
            is_over: false,
            tolerates_gaps: false,
            gaps: 0,
        }
    }

    /// From now on passes over chunks that cannot be read.
    pub(super) fn tolerate_gaps(&mut self) {
        self.tolerates_gaps = true;
    }

    /// The number of chunks that were passed over, each of which may have held words.
    pub(super) fn gaps(&self) -> u32 {
        self.gaps
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
            let Some(event) = self.next_event(deadline).await? else {
                break;
            };
            match event {
                StreamEvent::Ping => {}
                StreamEvent::Chunk(mut chunk) => {
                    if !self.completion.add_chunk(&mut chunk) {
                        return Err(Fault::NotACompletion);
                    }
                    if self.completion.is_interrupted() {
                        break; // its last chunk would present it as complete
                    }
                    return Ok(Some(chunk));
                }

                // After the proof that it is complete, nothing spoils the answer any more.
                StreamEvent::Unreadable if is_finished => {}
                StreamEvent::EndOfStream | StreamEvent::Error(_) if is_finished => break,
                StreamEvent::Done if self.completion.is_finished_so_far() => {
                    self.read_end().await;
                    break;
                }

                StreamEvent::Unreadable if self.tolerates_gaps => self.gaps += 1,
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
        let deadline = if is_finished && self.completion.has_usage() {
            // Some endpoints name usage and end with every chunk, and go on.
            deadline.min(Deadline::after(END_TIMEOUT))
        } else if is_finished {
            let usage_deadline = self
                .usage_deadline
                .get_or_insert_with(|| Deadline::after(USAGE_TIMEOUT));
            deadline.min(*usage_deadline)
        } else {
            deadline
        };

        if let Some(event) = self.pending.pop_front() {
            return Ok(Some(event));
        }

        match deadline.run(self.events.next()).await {
            Ok(Some(Ok(event))) => {
                self.pending = read_event(&event, &mut self.surrogates);
                Ok(self.pending.pop_front().or(Some(StreamEvent::Ping)))
            }
            Ok(Some(Err(EventError::Body(fault)))) => Ok(Some(StreamEvent::Error(fault))),
            Ok(Some(Err(EventError::Unreadable))) => Ok(Some(StreamEvent::Unreadable)),
            Ok(None) => Ok(Some(StreamEvent::EndOfStream)),
            Err(_elapsed) if is_finished => Ok(None),
            Err(_elapsed) => Err(Fault::IdleTimeout),
        }
    }

    /// Reads the end of the stream behind its last event, so that the connection can be used again.
    async fn read_end(&mut self) {
        let end = Deadline::after(END_TIMEOUT).run(self.events.next());
        drop(end.await); // not there in time: the connection is closed
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

/// What an event says: one thing as a rule, several where an endpoint leaves out what parts them.
fn read_event(event: &RawEvent, surrogates: &mut SurrogateRepair) -> VecDeque<StreamEvent> {
    let mut data = event.data.trim();
    while let Some(inner) = data.strip_prefix(DATA_FIELD) {
        data = inner.trim_start(); // a proxy has framed what was framed
    }
    let (data, is_done) = match data.strip_suffix(END_MARK) {
        Some(data) => (data.trim_end(), true),
        None => (data, false),
    };

    let mut said = VecDeque::new();
    match read_values(data, surrogates) {
        Some(values) => {
            let values = values.into_iter().flat_map(elements_of);
            said.extend(values.map(|value| event_of_value(value, event.is_error)));
        }
        None if event.is_error => {
            let error = Value::String(data.to_owned());
            said.push_back(StreamEvent::Error(fault_of_error_event(&error)));
        }
        // Another text, such as a ping, holds no words of the answer.
        None if data.contains(['{', '[']) => said.push_back(StreamEvent::Unreadable),
        None => {}
    }

    if is_done {
        said.push_back(StreamEvent::Done);
    }
    said
}

fn elements_of(value: Value) -> Vec<Value> {
    match value {
        Value::Array(elements) => elements,
        value => vec![value],
    }
}

fn event_of_value(value: Value, is_error: bool) -> StreamEvent {
    if let Some(fault) = fault_in_body(&value) {
        return StreamEvent::Error(fault);
    }

    let has_choices = value.get("choices").is_some_and(Value::is_array);
    let has_usage = value.get("usage").is_some_and(Value::is_object);
    if is_error {
        StreamEvent::Error(fault_of_error_event(&value))
    } else if has_choices || has_usage {
        StreamEvent::Chunk(value)
    } else {
        StreamEvent::Ping
    }
}

/// An answer in one piece: a completion, or all chunks of one.
pub(super) fn read_body(body: &[u8], choices: u64) -> Result<Completion, Fault> {
    let text = std::str::from_utf8(body).map_err(|_| Fault::NotACompletion)?;
    let text = text.trim();
    let text = text.strip_suffix(END_MARK).unwrap_or(text);
    let values = read_values(text, &mut SurrogateRepair::default());
    let mut values = values.ok_or(Fault::NotACompletion)?;

    let is_whole = |value: &Value| value.pointer("/choices/0/message").is_some();
    let whole = match &mut values[..] {
        [value] if fault_in_body(value).is_none() && is_whole(value) => {
            Completion::from_body(value.take())
        }
        _ => None,
    };
    let completion = match whole {
        Some(completion) => completion,
        None => join_chunks(values, choices)?,
    };

    if completion.is_interrupted() {
        return Err(Fault::Interrupted);
    }
    Ok(completion)
}

fn join_chunks(values: Vec<Value>, choices: u64) -> Result<Completion, Fault> {
    let mut completion = Completion::expecting(choices);
    for value in values.into_iter().flat_map(elements_of) {
        let mut chunk = match event_of_value(value, false) {
            StreamEvent::Error(fault) => return Err(fault),
            StreamEvent::Chunk(chunk) => chunk,
            _ => continue, // it brings nothing of the answer
        };
        if !completion.add_chunk(&mut chunk) {
            return Err(Fault::NotACompletion);
        }
    }

    if completion.is_finished_so_far() {
        Ok(completion)
    } else if completion.has_choices() {
        Err(Fault::Truncated)
    } else {
        Err(Fault::NotACompletion)
    }
}
