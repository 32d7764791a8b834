//! Exact repeats of deterministic requests, for chains with a `cache_ttl`: the same tenant asks the
//! same of the same chain with `temperature` 0, and gets the same answer without another call.
//!
//! The request is part of the key only as a hash. The answer is kept in Valkey as it is, which is
//! why a chain has to ask for it. An answer that the same question may better is not kept: one of a
//! fallback, and one that is empty, filtered, refused or cut by its length.

use std::time::Duration;

use futures::future::FutureExt;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::{ChatCall, CompleteAnswer, Served};
use super::complete::ask_chain;
use crate::ai::{Chain, Completion};
use crate::cache::{CachePolicy, Cached, EntryKind, Fetched, Key, Level, LoadRequest};
use crate::error::{Error, ErrorKind};
use crate::http::openai::ApiError;

const ANSWERS: EntryKind<KeptAnswer> = EntryKind::new("answers", 1);

/// The longest that one call's load is held to be under way, if its environment dies.
const LOAD_LEASE_TTL: Duration = Duration::from_secs(30);

/// The longest that one call keeps others with the same request waiting; then they ask too.
const LOAD_WAIT_TIMEOUT: Duration = Duration::from_secs(3);

/// Reasons with which endpoints end a choice that is complete: `OpenAI`'s, those of
/// text-generation-inference and Ollama, and Anthropic's.
const COMPLETE_REASONS: [&str; 8] = [
    "stop",
    "tool_calls",
    "function_call",
    "eos",
    "eos_token",
    "stop_sequence",
    "end_turn",
    "tool_use",
];

/// An answer and the tier that gave it.
#[derive(Clone, Serialize, Deserialize)]
struct KeptAnswer {
    tier: String,
    attempts: u32,
    body: Value,
}

/// What a load leaves for its own caller, besides the value for the cache.
#[derive(Default)]
struct Loaded {
    answer: Mutex<Option<CompleteAnswer>>,
    refusal: Mutex<Option<ApiError>>,
}

/// The complete answer; that of an earlier time, if the chain keeps those and the request is the
/// same.
pub(super) async fn complete_or_cached(call: &ChatCall) -> Result<CompleteAnswer, ApiError> {
    let chain = call.chain()?;
    match chain.cache_ttl() {
        Some(cache_ttl) if call.request.is_deterministic() => {
            get_or_ask(call, chain, cache_ttl).boxed().await
        }
        _ => ask_chain(chain, call).await,
    }
}

/// The answer, kept or new. Only a good answer of the first tier is kept.
async fn get_or_ask(
    call: &ChatCall,
    chain: &Chain,
    cache_ttl: Duration,
) -> Result<CompleteAnswer, ApiError> {
    let key = cache_key(call, chain);
    let policy = CachePolicy::new(cache_ttl)
        .stale_for(Duration::ZERO)
        .lease_for(LOAD_LEASE_TTL)
        .load_anyway_after(LOAD_WAIT_TIMEOUT);

    let loaded = Loaded::default();
    let load = async || loaded.load(call, chain).await;
    let request = LoadRequest {
        key: &key,
        policy: &policy,
        deadline: call.deadline,
    };
    let cached = call.backend.cache.get_or_load(request, load).await;

    if let Some(answer) = take_from(&loaded.answer) {
        return Ok(answer);
    }
    let cached =
        cached.map_err(|error| take_from(&loaded.refusal).unwrap_or_else(|| error.into()))?;

    call.meter.settle(0, call.deadline).await;

    read_kept(cached)
}

fn cache_key(call: &ChatCall, chain: &Chain) -> Key<KeptAnswer> {
    let chain_identity = chain.cache_identity();
    let request_identity = call.request.cache_identity();
    let identity = format!("{chain_identity}\n{request_identity}");
    Key::of_tenant(call.meter.tenant(), &ANSWERS, &identity)
}

impl Loaded {
    async fn load(&self, call: &ChatCall, chain: &Chain) -> Result<Fetched<KeptAnswer>, Error> {
        let answer = match ask_chain(chain, call).await {
            Ok(answer) => answer,
            Err(refusal) => {
                put_into(&self.refusal, refusal);
                // The client gets the refusal itself.
                return Err(Error::new(ErrorKind::Unavailable, "no tier answered"));
            }
        };

        let is_fallback = answer.served.degraded.is_some();
        let kept = KeptAnswer {
            tier: answer.served.tier.clone(),
            attempts: answer.served.attempts,
            body: answer.completion.body(),
        };
        put_into(&self.answer, answer);

        Ok(if is_fallback || !is_worth_keeping(&kept.body) {
            Fetched::uncached(Some(kept))
        } else {
            Some(kept).into()
        })
    }
}

/// Whether every choice of an answer ended as it should, and says something.
fn is_worth_keeping(body: &Value) -> bool {
    let choices = body.get("choices").and_then(Value::as_array);
    choices.is_some_and(|choices| !choices.is_empty() && choices.iter().all(is_good_choice))
}

fn is_good_choice(choice: &Value) -> bool {
    let reason = choice.get("finish_reason").and_then(Value::as_str);
    let has_ended = reason.is_some_and(|reason| COMPLETE_REASONS.contains(&reason));

    let message = &choice["message"];
    let is_refused = has_text(&message["refusal"]);
    let has_call = is_filled(&message["tool_calls"]) || is_filled(&message["function_call"]);

    has_ended && !is_refused && (has_call || has_text(&message["content"]))
}

/// Whether a content has text, in one piece or in parts.
fn has_text(content: &Value) -> bool {
    match content {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(parts) => parts.iter().any(|part| has_text(&part["text"])),
        _ => false,
    }
}

fn is_filled(calls: &Value) -> bool {
    match calls {
        Value::Array(calls) => !calls.is_empty(),
        Value::Object(call) => !call.is_empty(),
        _ => false,
    }
}

fn put_into<T>(slot: &Mutex<Option<T>>, value: T) {
    *slot.lock() = Some(value);
}

fn take_from<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().take()
}

fn read_kept(cached: Cached<KeptAnswer>) -> Result<CompleteAnswer, ApiError> {
    let unreadable = || ApiError::from(Error::internal("a kept answer is none"));
    let kept = cached.value.ok_or_else(unreadable)?;
    let completion = Completion::from_body(kept.body).ok_or_else(unreadable)?;

    Ok(CompleteAnswer {
        served: Served {
            tier: kept.tier,
            attempts: 0,
            degraded: None,
            is_cache_hit: cached.level != Level::Loaded,
        },
        completion,
        chunks: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use serde_json::json;

    use super::*;

    fn choice_of(reason: &str, message: &str) -> Value {
        let message: Value = serde_json::from_str(message).unwrap();
        json!({ "index": 0, "finish_reason": reason, "message": message })
    }

    fn is_kept(choices: &[Value]) -> bool {
        is_worth_keeping(&json!({ "id": "c", "choices": choices }))
    }

    #[test]
    fn a_whole_answer_that_says_something_is_kept() {
        let choices = [
            choice_of("stop", r#"{"content":"yes","refusal":null}"#),
            choice_of("eos_token", r#"{"content":[{"type":"text","text":"yes"}]}"#),
            choice_of(
                "tool_calls",
                r#"{"content":null,"tool_calls":[{"id":"a"}]}"#,
            ),
            choice_of("function_call", r#"{"function_call":{"name":"f"}}"#),
        ];
        for choice in &choices {
            assert!(is_kept(from_ref(choice)), "{choice}");
        }
        assert!(is_kept(&choices));
    }

    #[test]
    fn an_answer_that_another_call_may_better_is_not_kept() {
        let choices = [
            choice_of("length", r#"{"content":"yes"}"#),
            choice_of("content_filter", r#"{"content":"yes"}"#),
            choice_of("content_filter: SAFETY", r#"{"content":"yes"}"#),
            choice_of("from_the_future", r#"{"content":"yes"}"#),
            choice_of("", r#"{"content":"yes"}"#),
            choice_of("stop", r#"{"content":""}"#),
            choice_of("stop", r#"{"content":" \n"}"#),
            choice_of("stop", r#"{"content":[{"type":"text","text":""}]}"#),
            choice_of("stop", r#"{"content":null,"reasoning_content":"hm"}"#),
            choice_of("stop", r#"{"content":"no","refusal":"I cannot."}"#),
            choice_of("tool_calls", r#"{"content":"","tool_calls":[]}"#),
        ];
        let good = choice_of("stop", r#"{"content":"yes"}"#);
        for choice in choices {
            assert!(!is_kept(from_ref(&choice)), "{choice}");
            assert!(!is_kept(&[good.clone(), choice.clone()]), "{choice}");
        }

        assert!(!is_kept(&[]));
    }
}
