//! The complete answer, asked for now.

use super::call::{ChatCall, CompleteAnswer, Served};
use super::failure::error_of;
use crate::ai::{Answer, Chain};
use crate::http::openai::ApiError;

/// Asks the chain, and charges the tokens that were used, those of failed tiers too.
pub(super) async fn ask_chain(chain: &Chain, call: &ChatCall) -> Result<CompleteAnswer, ApiError> {
    let outcome = chain.complete(&call.chain_request(), |_| Ok(())).await;

    let answer = outcome.answer.as_ref();
    let used_tokens = answer.map(|answer| answer.content.used_tokens);
    call.meter.settle_used(used_tokens, call.deadline).await;

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
