//! `POST /v1/chat/completions` and `GET /v1/models`: the chains, in `OpenAI`'s protocol. Source: "Chat Completions",
//! OpenAI API reference.

mod failure;
mod meter;
mod repeat;
mod request;
mod stream;

pub use meter::{Meter, TOKENS};
pub use request::ClientRequest;

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::ai::{Answer, Ask, Chain, Chains, Completion, Degraded};
use crate::cache::Cache;
use crate::deadline::Deadline;
use crate::http::Origin;
use crate::http::openai::{ApiError, Reply};
use crate::limits::Limiter;

/// What answers requests, made once for each environment.
#[derive(Clone)]
pub struct Backend {
    /// Who is asked.
    pub chains: Arc<Chains>,
    /// Where answers are kept that a chain wants kept.
    pub cache: Arc<Cache>,
    /// Told what a call has really used.
    pub limiter: Arc<Limiter>,
}

/// Which tier answered, after how many calls, and whether it is the one that was asked for first.
struct Served {
    tier: String,
    attempts: u32,
    degraded: Option<Degraded>,
    is_repeat: bool,
}

/// A whole answer.
struct Asked {
    served: Served,
    completion: Completion,
    /// The pieces of its stream, if they were kept.
    pieces: Vec<Value>,
}

/// Answers a request, all at once or as a stream.
pub async fn complete(
    backend: Backend,
    request: ClientRequest,
    meter: Meter,
    deadline: Deadline,
    origin: Origin,
) -> Result<Reply, ApiError> {
    if request.stream {
        return stream::answer(backend, request, meter, deadline, origin).await;
    }
    let Asked {
        served, completion, ..
    } = whole(&backend, &request, &meter, deadline).await?;
    let mut reply = Reply::ok(&completion.body());
    reply.headers.extend(served.headers());
    Ok(reply)
}

/// The whole answer; that of an earlier time, if the chain keeps those and the request is the same.
async fn whole(
    backend: &Backend,
    request: &ClientRequest,
    meter: &Meter,
    deadline: Deadline,
) -> Result<Asked, ApiError> {
    let chain = request.chain(&backend.chains)?;
    match chain.repeat_for().filter(|_| request.is_deterministic()) {
        Some(keep_for) => {
            Box::pin(repeat::whole(
                backend, chain, keep_for, request, meter, deadline,
            ))
            .await
        }
        None => ask(chain, request, meter, deadline).await,
    }
}

/// The whole answer, asked for now.
async fn ask(
    chain: &Chain,
    request: &ClientRequest,
    meter: &Meter,
    deadline: Deadline,
) -> Result<Asked, ApiError> {
    let ask = Ask::new(&request.request, deadline).in_order(request.order.as_deref());
    let outcome = chain
        .whole(
            &ask.passing_filter_on().keeping_pieces(request.stream),
            |_| Ok(()),
        )
        .await;
    let used = outcome
        .answer
        .as_ref()
        .map_or(Some(0), |answer| answer.value.1.tokens());
    if let Some(tokens) = used {
        meter.settle(tokens, deadline).await;
    }
    match outcome.answer {
        Some(Answer {
            value: ((), completion, pieces),
            tier,
            degraded,
        }) => {
            let served = Served {
                tier,
                attempts: outcome.attempts,
                degraded,
                is_repeat: false,
            };
            Ok(Asked {
                served,
                completion,
                pieces,
            })
        }
        None => Err(failure::of(&outcome)),
    }
}

impl Served {
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        // A tier's name is visible ASCII.
        if let Ok(tier) = HeaderValue::from_str(&self.tier) {
            headers.insert("x-served-by", tier);
        }
        headers.insert("x-attempts", HeaderValue::from(self.attempts));
        if self.is_repeat {
            headers.insert("x-cache", HeaderValue::from_static("hit"));
        }
        headers.insert("x-degraded", HeaderValue::from_static(self.degraded_word()));
        headers
    }

    fn degraded_word(&self) -> &'static str {
        self.degraded.map_or("false", Degraded::as_str)
    }
}

/// The list of the chains, as `GET /v1/models` answers it.
pub fn models<'a>(chains: impl Iterator<Item = &'a String>) -> Value {
    // `created` is required; a chain has no time of creation.
    let models = chains
        .map(|id| json!({ "id": id, "object": "model", "created": 0, "owned_by": "wenzhen" }));
    json!({ "object": "list", "data": models.collect::<Value>() })
}
