//! The complete answer, asked for now.

use super::call::{ChatCall, CompleteAnswer, Served};
use super::failure::error_of;
use crate::ai::{Answer, Chain};
use crate::http::openai::ApiError;

/// Asks the chain, and charges the tokens that were used.
pub(super) async fn ask_chain(chain: &Chain, call: &ChatCall) -> Result<CompleteAnswer, ApiError> {
    let outcome = chain.complete(&call.chain_request(), |_| Ok(())).await;

    let used_tokens = match &outcome.answer {
        Some(answer) => answer.content.completion.total_tokens(),
        None => Some(0),
    };
    call.meter.settle_known(used_tokens, call.deadline).await;

    let attempts = outcome.attempts;
    let Some(Answer {
        content,
        tier,
        degraded,
    }) = outcome.answer
    else {
        return Err(error_of(&outcome));
    };

    Ok(CompleteAnswer {
        served: Served {
            tier,
            attempts,
            degraded,
            is_cache_hit: false,
        },
        completion: content.completion,
        chunks: content.chunks,
    })
}
