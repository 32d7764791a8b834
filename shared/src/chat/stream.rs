//! Answers as server-sent events.
//!
//! Until the answer is sure, or a `live` or `resume` stream has its first token, nothing is sent
//! for [`HEAD_TIMEOUT`], so that an error still gets its status and an answer its headers. After
//! that comments keep the connection open, and the values that the headers would have had follow in
//! a comment. A stream that could not be completed ends with an error event, and without `[DONE]`.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};

use super::cached::complete_or_cached;
use super::call::ChatCall;
use super::events::{ReadyStream, event_of_chunk};
use super::relay;
use crate::config::StreamMode;
use crate::deadline::Deadline;
use crate::http::Origin;
use crate::http::openai::{ApiError, DONE, Reply, STILL_WORKING, event, keeping_alive};

/// How long the head of the answer is held back.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest silence after that.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);

pub(super) async fn answer_stream(call: ChatCall, origin: Origin) -> Result<Reply, ApiError> {
    let mode = call.stream_mode()?;
    let work = async move {
        match mode {
            StreamMode::Complete => complete_events(&call).await,
            StreamMode::Streamed | StreamMode::Resumed => relay::live_events(call, mode).await,
        }
    };
    let mut work: BoxFuture<'static, Result<ReadyStream, ApiError>> = Box::pin(work);

    // An answer that cannot be streamed is sent when all of it is there.
    let held_back = if origin == Origin::HttpApi {
        Ok(work.as_mut().await)
    } else {
        Deadline::after(HEAD_TIMEOUT).run(work.as_mut()).await
    };
    let Ok(ready) = held_back else {
        // The first comment goes out at once: the client has waited long enough to see the head.
        let rest = keeping_alive(work, KEEP_ALIVE_INTERVAL, late_events);
        let events = stream::iter([STILL_WORKING]).chain(rest);
        return Ok(Reply::events(events.boxed()));
    };

    let ready = ready?;
    let mut reply = Reply::events(ready.events);
    reply.headers.extend(ready.served.headers());

    Ok(reply)
}

/// The events that are sent once the head has gone.
fn late_events(ready: Result<ReadyStream, ApiError>) -> BoxStream<'static, Bytes> {
    let ReadyStream { served, events } = match ready {
        Ok(ready) => ready,
        Err(error) => {
            let status = error.status.as_u16();
            tracing::error!(status, "a stream ends with an error");
            return stream::iter([event(&error.body())]).boxed();
        }
    };

    let (tier, attempts) = (&served.tier, served.attempts);
    tracing::info!(tier, attempts, "a stream goes on");

    let degraded = served.degraded_word();
    let head = format!(": x-served-by={tier} x-attempts={attempts} x-degraded={degraded}\n\n");

    stream::iter([Bytes::from(head)]).chain(events).boxed()
}

/// The complete answer, then its chunks.
async fn complete_events(call: &ChatCall) -> Result<ReadyStream, ApiError> {
    let answer = complete_or_cached(call).await?;
    let chunks = if answer.chunks.is_empty() {
        answer.completion.chunks()
    } else {
        answer.chunks
    };

    let include_usage = call.request.include_usage;

    let events: Vec<_> = chunks
        .into_iter()
        .filter_map(|chunk| event_of_chunk(chunk, include_usage))
        .collect();
    Ok(ReadyStream {
        served: answer.served,
        events: stream::iter(events).chain(stream::iter([DONE])).boxed(),
    })
}
