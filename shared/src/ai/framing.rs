//! What a body is: a stream of events, lines of JSON, or one piece, told by its first bytes and not
//! by its label, which endpoints and the proxies before them get wrong.

use std::error::Error;
use std::io;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, Stream, StreamExt};
use serde_json::Value;
use sse_stream::{Sse, SseByteStream};

use super::fault::Fault;
use super::surrogates::SurrogateRepair;

/// The largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// What begins a line of a stream of events.
const EVENT_FIELDS: [&[u8]; 5] = [b":", b"data", b"event", b"id:", b"retry"];

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The answer is larger than [`MAX_ANSWER_BYTES`].
#[derive(Debug, thiserror::Error)]
#[error("too large")]
struct TooLarge;

/// A body whose kind is known.
pub(super) enum Framing {
    /// It comes in events or lines.
    Events(EventStream),
    /// It came in one piece.
    Body(Vec<u8>),
}

/// One event or line of a stream.
pub(super) struct RawEvent {
    /// Whether the event's name is `error`.
    pub(super) is_error: bool,
    pub(super) data: String,
}

/// A stream of events or lines.
pub(super) type EventStream = BoxStream<'static, Result<RawEvent, EventError>>;

/// Why there is no event.
pub(super) enum EventError {
    /// It is no text.
    Unreadable,
    /// The body broke, or is too large.
    Body(Fault),
}

/// A body, chunk by chunk.
type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// A body that broke before it was known what it is.
pub(super) struct BrokenBody {
    pub(super) fault: Fault,
    /// Whether a part of an answer was there.
    pub(super) has_begun: bool,
}

/// Reads until it is known what the body is; a body in one piece, to its end.
pub(super) async fn read_framing(response: reqwest::Response) -> Result<Framing, BrokenBody> {
    let mut body = bounded_bytes(response).boxed();
    let mut start = BytesMut::new();
    let mut line_end = LineEnd::default();
    let mut has_checked_line = false;

    while let Some(bytes) = body.next().await {
        let bytes = bytes.map_err(|error| BrokenBody {
            fault: body_fault(&error),
            has_begun: !trim_start(&start).is_empty(),
        })?;
        start.extend_from_slice(&bytes);

        let text = trim_start(&start);
        if is_event_field(text) {
            let bytes = Bytes::copy_from_slice(text);
            return Ok(Framing::Events(read_events(rejoin(bytes, body))));
        }
        if !has_checked_line && let Some(end) = line_end.find_in(text) {
            has_checked_line = true;
            if text.get(..end).is_some_and(is_chunk_line) {
                let bytes = Bytes::copy_from_slice(text);
                return Ok(Framing::Events(read_lines(rejoin(bytes, body))));
            }
        }
    }

    Ok(Framing::Body(trim_start(&start).to_vec()))
}

/// The bytes of a response, as far as they are read.
fn bounded_bytes(response: reqwest::Response) -> impl Stream<Item = io::Result<Bytes>> {
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
            Ok(None) => None,
            Err(error) => Some((Err(io::Error::other(error.without_url())), None)),
        }
    })
}

fn rejoin(start: Bytes, rest: ByteStream) -> ByteStream {
    stream::iter([Ok(start)]).chain(rest).boxed()
}

fn trim_start(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.trim_ascii_start();
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    bytes.trim_ascii_start()
}

fn is_event_field(text: &[u8]) -> bool {
    EVENT_FIELDS.iter().any(|field| text.starts_with(field))
}

/// Where the first line of a growing text ends; what was searched is not searched again.
#[derive(Default)]
struct LineEnd {
    searched: usize,
}

impl LineEnd {
    fn find_in(&mut self, text: &[u8]) -> Option<usize> {
        let rest = text.get(self.searched..)?;
        let found = rest.iter().position(|byte| *byte == b'\n');
        let end = found.map(|at| self.searched + at);
        self.searched = text.len();
        end
    }
}

/// Whether a line is one of a stream, a chunk or a ping, and not a body in one piece.
fn is_chunk_line(line: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<Value>(line) else {
        return false;
    };

    let is_whole = value.pointer("/choices/0/message").is_some();
    let is_error = value.get("error").is_some() || value.get("detail").is_some();
    !value.is_array() && !is_whole && !is_error
}

fn read_events(body: ByteStream) -> EventStream {
    // The last event may lack the empty line that ends it.
    let end = stream::iter([Ok(Bytes::from_static(b"\n\n"))]);
    let text = body.chain(end).scan(Vec::new(), |rest, bytes| {
        let text = bytes.map(|bytes| readable_text(rest, &bytes));
        std::future::ready(Some(text))
    });
    let events = SseByteStream::new(text.boxed());
    events.map(read_event).boxed()
}

/// The text of some bytes: what is none becomes U+FFFD, and a character that is not whole yet waits
/// in `rest`. One bad byte would end the whole stream otherwise.
fn readable_text(rest: &mut Vec<u8>, bytes: &[u8]) -> Bytes {
    rest.extend_from_slice(bytes);

    let mut text = Vec::with_capacity(rest.len());
    let mut unread = rest.as_slice();
    let waiting = loop {
        let Err(error) = std::str::from_utf8(unread) else {
            text.extend_from_slice(unread);
            break &[][..];
        };

        let (valid, after) = unread.split_at(error.valid_up_to());
        text.extend_from_slice(valid);
        let Some(length) = error.error_len() else {
            break after;
        };
        text.extend_from_slice("\u{fffd}".as_bytes());
        unread = after.get(length..).unwrap_or_default();
    };

    let waiting = waiting.to_vec();
    *rest = waiting;
    Bytes::from(text)
}

fn read_event(event: Result<Sse, sse_stream::Error>) -> Result<RawEvent, EventError> {
    match event {
        Ok(event) => Ok(RawEvent {
            is_error: event.event.as_deref() == Some("error"),
            data: event.data.unwrap_or_default(),
        }),
        Err(sse_stream::Error::Body(error)) => Err(EventError::Body(body_fault(&*error))),
        Err(_) => Err(EventError::Unreadable),
    }
}

/// Each line as an event.
fn read_lines(body: ByteStream) -> EventStream {
    let state = (Some(body), BytesMut::new());

    stream::unfold(state, |(mut body, mut rest)| async move {
        let mut line_end = LineEnd::default();
        loop {
            if let Some(end) = line_end.find_in(&rest) {
                let line = rest.split_to(end + 1);
                return Some((line_event(&line), (body, rest)));
            }

            let next = match &mut body {
                Some(body) => body.next().await,
                None => return None,
            };
            match next {
                Some(Ok(bytes)) => rest.extend_from_slice(&bytes),
                Some(Err(error)) => {
                    let fault = EventError::Body(body_fault(&error));
                    return Some((Err(fault), (None, rest)));
                }
                None => {
                    let line = std::mem::take(&mut rest);
                    return Some((line_event(&line), (None, rest)));
                }
            }
        }
    })
    .boxed()
}

fn line_event(line: &[u8]) -> Result<RawEvent, EventError> {
    let data = std::str::from_utf8(line).map_err(|_| EventError::Unreadable)?;
    Ok(RawEvent {
        is_error: false,
        data: data.trim().to_owned(),
    })
}

/// Whether the body broke, or was broken off here since it was too large.
fn body_fault(error: &(dyn Error + Send + Sync + 'static)) -> Fault {
    let error = error.downcast_ref::<io::Error>();
    let cause = error.and_then(io::Error::get_ref);

    if cause.is_some_and(<dyn Error + Send + Sync>::is::<TooLarge>) {
        return Fault::ResponseTooLarge;
    }

    let timeout = cause.and_then(|cause| cause.downcast_ref::<reqwest::Error>());
    if timeout.is_some_and(reqwest::Error::is_timeout) {
        Fault::FirstTokenTimeout
    } else {
        Fault::Truncated
    }
}

/// The JSON values of a text: one as a rule, several where an endpoint sends chunks without the
/// empty line between them. `None` if it is none.
pub(super) fn read_values(text: &str, surrogates: &mut SurrogateRepair) -> Option<Vec<Value>> {
    if let Ok(value) = serde_json::from_str(text) {
        surrogates.forget();
        return Some(vec![value]);
    }

    // Only a text that cannot be read may hold half of a character.
    let repaired = surrogates.repair(text);
    let text = repaired.as_deref().unwrap_or(text);
    let values = serde_json::Deserializer::from_str(text).into_iter();
    let values: Option<Vec<Value>> = values.map(Result::ok).collect();
    values.filter(|values| !values.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_in_two_pieces_is_whole_and_a_bad_byte_is_replaced() {
        let mut rest = Vec::new();
        let text = "胸痛".as_bytes();
        let pieces = [&text[..2], &text[2..4], &text[4..], b"\xff!"];
        let read: Vec<u8> = pieces
            .iter()
            .flat_map(|piece| readable_text(&mut rest, piece))
            .collect();
        assert_eq!(String::from_utf8(read).unwrap(), "胸痛\u{fffd}!");
        assert!(rest.is_empty());
    }
}
