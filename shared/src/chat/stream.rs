//! Answers as server-sent events.
//!
//! Until the answer is sure, or `live` has its first token, nothing is said for [`HOLD`], so that an error still gets its
//! status and an answer its headers. After that comments keep the connection open, and what the headers would have said
//! follows in a comment. A stream that could not be completed ends with an error event, and without `[DONE]`.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::{Value, json};

use super::{Asked, Backend, ClientRequest, Meter, Served, failure, whole};
use crate::ai::{Answer, Ask, Chain, Live};
use crate::config::StreamMode;
use crate::deadline::Deadline;
use crate::http::Origin;
use crate::http::openai::{ApiError, DONE, Reply, event, keeping_alive};

/// How long the head of the answer is held back, and the longest silence after that.
const HOLD: Duration = Duration::from_secs(5);

/// An answer that is ready to be sent.
type Ready = (Served, BoxStream<'static, Bytes>);

pub(super) async fn answer(
    backend: Backend,
    request: ClientRequest,
    meter: Meter,
    deadline: Deadline,
    origin: Origin,
) -> Result<Reply, ApiError> {
    let mode = request.chain(&backend.chains)?.mode();
    let work = async move {
        match mode {
            StreamMode::Whole => whole_events(&backend, &request, &meter, deadline).await,
            StreamMode::Live => {
                live_events(request.chain(&backend.chains)?, &request, meter, deadline).await
            }
        }
    };
    let mut work: BoxFuture<'static, Result<Ready, ApiError>> = Box::pin(work);
    // What cannot be streamed is sent when all of it is there.
    let held = if origin == Origin::HttpApi {
        Ok(work.as_mut().await)
    } else {
        Deadline::after(HOLD).run(work.as_mut()).await
    };
    match held {
        Ok(ready) => {
            let (served, events) = ready?;
            let mut reply = Reply::events(events);
            reply.headers.extend(served.headers());
            Ok(reply)
        }
        Err(_elapsed) => {
            let rest = keeping_alive(work, HOLD, late);
            // The first comment goes out at once: the client has waited long enough to see the head.
            Ok(Reply::events(
                stream::iter([Bytes::from_static(b": still working\n\n")])
                    .chain(rest)
                    .boxed(),
            ))
        }
    }
}

/// What is sent once the head has gone.
fn late(ready: Result<Ready, ApiError>) -> BoxStream<'static, Bytes> {
    match ready {
        Ok((served, events)) => {
            tracing::info!(
                tier = served.tier,
                attempts = served.attempts,
                "a stream goes on"
            );
            let (tier, attempts, degraded) =
                (&served.tier, served.attempts, served.degraded_word());
            let head =
                format!(": x-served-by={tier} x-attempts={attempts} x-degraded={degraded}\n\n");
            stream::iter([Bytes::from(head)]).chain(events).boxed()
        }
        Err(error) => {
            tracing::error!(
                status = error.status.as_u16(),
                "a stream ends with an error"
            );
            stream::iter([event(&error.body())]).boxed()
        }
    }
}

/// The whole answer, then its pieces.
async fn whole_events(
    backend: &Backend,
    request: &ClientRequest,
    meter: &Meter,
    deadline: Deadline,
) -> Result<Ready, ApiError> {
    let Asked {
        served,
        completion,
        pieces,
    } = whole(backend, request, meter, deadline).await?;
    let pieces = if pieces.is_empty() {
        completion.chunks()
    } else {
        pieces
    };
    let include_usage = request.include_usage;
    let events: Vec<_> = pieces
        .into_iter()
        .filter_map(|piece| shown(piece, include_usage))
        .collect();
    Ok((
        served,
        stream::iter(events).chain(stream::iter([DONE])).boxed(),
    ))
}

/// The pieces as they come.
async fn live_events(
    chain: &Chain,
    request: &ClientRequest,
    meter: Meter,
    deadline: Deadline,
) -> Result<Ready, ApiError> {
    let ask = Ask::new(&request.request, deadline)
        .in_order(request.order.as_deref())
        .passing_filter_on();
    let outcome = chain.live(&ask).await;
    if outcome.answer.is_none() {
        meter.settle(0, deadline).await;
    }
    let attempts = outcome.attempts;
    let Some(Answer {
        value,
        tier,
        degraded,
    }) = outcome.answer
    else {
        return Err(failure::of(&outcome));
    };
    let include_usage = request.include_usage;
    let start = Some(Passing {
        live: value,
        meter,
        deadline,
    });
    let events = stream::unfold(start, move |passing| async move {
        next(passing?, include_usage).await
    });
    Ok((
        Served {
            tier,
            attempts,
            degraded,
            is_repeat: false,
        },
        events.boxed(),
    ))
}

/// A live answer that is passed on.
struct Passing {
    live: Live,
    meter: Meter,
    deadline: Deadline,
}

async fn next(mut passing: Passing, include_usage: bool) -> Option<(Bytes, Option<Passing>)> {
    loop {
        match passing.live.next().await {
            Ok(Some(piece)) => {
                if let Some(event) = shown(piece, include_usage) {
                    return Some((event, Some(passing)));
                }
            }
            Ok(None) => {
                settle(&passing.meter, passing.live.tokens(), passing.deadline).await;
                return Some((DONE, None));
            }
            Err(fault) => {
                settle(&passing.meter, passing.live.tokens(), passing.deadline).await;
                tracing::error!(tier = passing.live.tier(), fault = %fault, "a live answer broke");
                let message =
                    format!("The answer broke off ({fault}). What came before is incomplete.");
                let error = json!({ "error": { "message": message, "type": "server_error", "param": null, "code": "stream_broken" } });
                return Some((event(&error), None));
            }
        }
    }
}

/// What was used of a broken answer is charged too; if nobody says how much, the estimate stands.
async fn settle(meter: &Meter, tokens: Option<u64>, deadline: Deadline) {
    if let Some(tokens) = tokens {
        meter.settle(tokens, deadline).await;
    }
}

/// A piece as the client asked for it; none if it holds nothing but a usage that nobody asked for.
fn shown(mut piece: Value, include_usage: bool) -> Option<Bytes> {
    if !include_usage && let Some(fields) = piece.as_object_mut() {
        let had_usage = fields.remove("usage").is_some_and(|usage| !usage.is_null());
        let says_nothing = fields
            .get("choices")
            .and_then(Value::as_array)
            .is_none_or(Vec::is_empty);
        if had_usage && says_nothing {
            return None;
        }
    }
    Some(event(&piece))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usage_is_shown_only_to_those_who_asked() {
        let last = json!({ "choices": [], "usage": { "total_tokens": 1 } });
        assert!(shown(last.clone(), true).is_some() && shown(last, false).is_none());
        let piece = json!({ "choices": [{ "delta": {} }], "usage": null });
        let text = String::from_utf8(shown(piece, false).unwrap().to_vec()).unwrap();
        assert_eq!(text, "data: {\"choices\":[{\"delta\":{}}]}\n\n");
    }
}
