//! `POST /v1/chat/completions` and `GET /v1/models`: the chains, in `OpenAI`'s protocol. Source:
//! "Chat Completions", OpenAI API reference.
//!
//! | file | knows |
//! |---|---|
//! | `request` | what a client asks for |
//! | `meter` | how many tokens a call is charged |
//! | `call` | one call, with all that answers it; which tier served it |
//! | `failure` | what a client is told when no tier answered |
//! | `complete` | the complete answer, asked for now |
//! | `cached` | the answer to the same deterministic request at an earlier time |
//! | `events` | the events of an answer |
//! | `stream` | answers as server-sent events |
//! | `relay` | answers that are passed on as they come |

mod cached;
mod call;
mod complete;
mod events;
mod failure;
mod meter;
mod relay;
mod request;
mod stream;

pub use call::{Backend, ChatCall};
pub use meter::{Meter, TOKENS};
pub use request::ClientRequest;

use serde_json::{Value, json};

use crate::http::Origin;
use crate::http::openai::{ApiError, Reply};

/// Answers a request, all at once or as a stream.
pub async fn complete(call: ChatCall, origin: Origin) -> Result<Reply, ApiError> {
    if call.request.stream {
        return stream::answer_stream(call, origin).await;
    }

    let answer = cached::complete_or_cached(&call).await?;
    let mut reply = Reply::ok(&answer.completion.body());
    reply.headers.extend(answer.served.headers());

    Ok(reply)
}

/// The list of the chains, as `GET /v1/models` answers it.
pub fn models<'a>(chains: impl Iterator<Item = &'a String>) -> Value {
    // `created` is required; a chain has no time of creation.
    let models = chains
        .map(|id| json!({ "id": id, "object": "model", "created": 0, "owned_by": "wenzhen" }));
    json!({ "object": "list", "data": models.collect::<Value>() })
}
