//! Answers that are passed on as they come.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, Stream, StreamExt};

use super::call::{ChatCall, Served};
use super::events::{ReadyStream, event_of_chunk};
use super::failure::{error_midway, error_of};

use crate::ai::{Answer, Chain, Fault, LiveStream, ResumedItem, ResumedStream, Seam, UsedTokens};
use crate::config::StreamMode;
use crate::deadline::Deadline;
use crate::http::openai::{ApiError, DONE, STILL_WORKING, event};
use crate::telemetry::trace;

/// The longest silence of a stream.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);

/// The chunks as they come; in the mode `resume`, another tier goes on when one breaks.
pub(super) async fn live_events(call: ChatCall, mode: StreamMode) -> Result<ReadyStream, ApiError> {
    let chain = Arc::clone(call.chain()?);
    let request = call.chain_request();
    let outcome = chain.start_stream(&request).await;
    if outcome.answer.is_none() {
        call.meter.settle_used(None, call.deadline).await;
    }

    let attempts = outcome.attempts;
    let Some(Answer {
        content: mut live,
        tier,
        degraded,
    }) = outcome.answer
    else {
        return Err(error_of(&outcome));
    };

    let source = if mode == StreamMode::Resumed {
        Source::Resumed(Box::new(ResumedStream::new(live, &outcome.failures)))
    } else {
        live.tolerate_gaps();
        Source::Live(Box::new(live))
    };
    let events = keep_alive(Relay {
        source,
        chain,
        call,
    });
    Ok(ReadyStream {
        served: Served {
            tier,
            attempts,
            degraded,
            is_cache_hit: false,
        },
        events: events.boxed(),
    })
}

/// The events of a relay, with a comment where there is none for long: while a tool call is
/// collected, or another tier is asked to go on.
fn keep_alive(relay: Relay) -> impl Stream<Item = Bytes> + Send {
    let first: NextEvent = Box::pin(relay.next_event());

    stream::unfold(Some(first), |work| async move {
        let mut work = work?;
        match Deadline::after(KEEP_ALIVE_INTERVAL)
            .run(work.as_mut())
            .await
        {
            Ok(next) => {
                let (event, relay) = next?;
                let work = relay.map(|relay| -> NextEvent { Box::pin(relay.next_event()) });
                Some((event, work))
            }
            Err(_elapsed) => Some((STILL_WORKING, Some(work))),
        }
    })
}

/// The next event under way, and the relay if there are more.
type NextEvent = BoxFuture<'static, Option<(Bytes, Option<Relay>)>>;

/// Where the chunks come from.
enum Source {
    Live(Box<LiveStream>),
    Resumed(Box<ResumedStream>),
}

/// An answer that is passed on. If it is dropped, the source goes first, and has written down what
/// it has used when the call's meter goes.
struct Relay {
    source: Source,
    chain: Arc<Chain>,
    call: ChatCall,
}

impl Relay {
    /// The next event, and the relay if there are more.
    async fn next_event(mut self) -> Option<(Bytes, Option<Self>)> {
        loop {
            match self.next_item().await {
                Ok(Some(ResumedItem::Chunk(chunk))) => {
                    if let Some(event) = event_of_chunk(chunk, self.call.request.include_usage) {
                        return Some((event, Some(self)));
                    }
                }
                Ok(Some(ResumedItem::Seam(seam))) => {
                    return Some((seam_comment(&seam), Some(self)));
                }
                Ok(None) => {
                    self.settle_tokens().await;
                    return Some((self.last_events(), None));
                }
                Err(fault) => {
                    self.settle_broken().await;
                    let tier = self.source.tier();
                    tracing::error!(tier, fault = %fault, "a live answer broke");
                    trace::fail("a live answer broke");
                    return Some((event(&error_midway(&fault).body()), None));
                }
            }
        }
    }

    async fn next_item(&mut self) -> Result<Option<ResumedItem>, Fault> {
        match &mut self.source {
            Source::Live(live) => {
                let chunk = live.next_chunk().await?;
                Ok(chunk.map(ResumedItem::Chunk))
            }
            Source::Resumed(resumed) => {
                let request = self.call.chain_request();
                resumed.next_item(&self.chain, &request).await
            }
        }
    }

    /// The end of a complete answer; it says if chunks of it could not be read.
    fn last_events(&self) -> Bytes {
        let gaps = self.source.gaps();
        if gaps == 0 {
            return DONE;
        }

        let tier = self.source.tier();
        tracing::warn!(tier, gaps, "chunks of a live answer could not be read");
        let comment = format!(": {gaps} unreadable chunks were left out\n\n");
        Bytes::from([comment.as_bytes(), &DONE].concat())
    }

    /// The tokens of the answer, and those of tiers that broke.
    async fn settle_tokens(&mut self) {
        let used_tokens = self.source.used_tokens();
        let deadline = self.call.deadline;
        self.call.meter.settle_used(used_tokens, deadline).await;
    }

    /// The same if the answer broke: what was read of it is what it has used.
    async fn settle_broken(&mut self) {
        let used_tokens = self.source.used_tokens();
        let read = used_tokens.map(|used| UsedTokens::Known(used.number()));
        let deadline = self.call.deadline;
        self.call.meter.settle_used(read, deadline).await;
    }
}

impl Source {
    fn tier(&self) -> &str {
        match self {
            Self::Live(live) => live.tier(),
            Self::Resumed(resumed) => resumed.tier(),
        }
    }

    fn gaps(&self) -> u32 {
        match self {
            Self::Live(live) => live.gaps(),
            Self::Resumed(_) => 0, // such a chunk is a reason to resume
        }
    }

    fn used_tokens(&self) -> Option<UsedTokens> {
        match self {
            Self::Live(live) => live.used_tokens(),
            Self::Resumed(resumed) => resumed.used_tokens(),
        }
    }
}

/// A comment that says where another tier goes on; a tier's name is visible ASCII.
fn seam_comment(seam: &Seam) -> Bytes {
    let Seam {
        offset,
        from,
        fault,
        to,
    } = seam;
    Bytes::from(format!(
        ": seam offset={offset} from={from} fault={fault} to={to}\n\n"
    ))
}
