//! How many tokens an answer has used.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};

/// Bytes of a text for each of its tokens: one and a half Chinese characters, or a short English
/// word.
pub const BYTES_PER_TOKEN: u64 = 4;

/// Fields of a message that the model did not write.
const NO_WORDS: [&str; 4] = ["id", "index", "role", "type"];

/// What the calls of one request have used so far, besides the answer that is under way: of tiers
/// that failed after their first token, of answers that were not accepted, and of calls that were
/// dropped. It can be read when all futures are gone.
#[derive(Debug, Default)]
pub struct UsageLedger {
    tokens: AtomicU64,
    has_unknown: AtomicBool,
}

impl UsageLedger {
    /// Adds what a call has used.
    pub(crate) fn add(&self, tokens: u64) {
        self.tokens.fetch_add(tokens, Ordering::Relaxed);
    }

    /// A call has used tokens, and nothing tells how many.
    pub(crate) fn add_unknown(&self) {
        self.has_unknown.store(true, Ordering::Relaxed);
    }

    /// The tokens used, as far as they are known.
    pub fn tokens(&self) -> u64 {
        self.tokens.load(Ordering::Relaxed)
    }

    /// Whether more may have been used than is known.
    pub fn has_unknown(&self) -> bool {
        self.has_unknown.load(Ordering::Relaxed)
    }
}

/// The tokens that an answer has used, as far as it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsedTokens {
    /// By the endpoint's own word.
    Known(u64),
    /// By the lengths of the request and of the text that was read.
    Estimated(u64),
}

impl UsedTokens {
    /// The number.
    pub const fn number(self) -> u64 {
        match self {
            Self::Known(tokens) | Self::Estimated(tokens) => tokens,
        }
    }

    /// The same with those of the steps before.
    pub(super) const fn plus(self, earlier: u64) -> Self {
        match self {
            Self::Known(tokens) => Self::Known(tokens.saturating_add(earlier)),
            Self::Estimated(tokens) => Self::Estimated(tokens.saturating_add(earlier)),
        }
    }
}

/// Bytes of what a model wrote into the messages of these choices.
pub(super) fn text_bytes(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.len() as u64,
        Value::Array(items) => items.iter().map(text_bytes).sum(),
        Value::Object(fields) => {
            let written = fields
                .iter()
                .filter(|(name, _)| !NO_WORDS.contains(&name.as_str()));
            written.map(|(_, value)| text_bytes(value)).sum()
        }
        _ => 0,
    }
}

/// The tokens of a text, as far as its length tells.
pub(super) fn estimate_tokens(text: &str) -> u64 {
    estimate_tokens_of_bytes(text.len() as u64)
}

/// The tokens of texts of this length in all.
pub(super) const fn estimate_tokens_of_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

/// What an endpoint says that an answer used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportedUsage {
    /// Of the prompt.
    pub prompt: u64,
    /// Of the prompt, those that the provider had kept from an earlier call.
    pub cached: u64,
    /// Of the answer.
    pub completion: u64,
}

impl ReportedUsage {
    /// What a `usage` says. Cached tokens stand in one of several places: `OpenAI`'s, `DeepSeek`'s,
    /// Anthropic's, Moonshot's.
    pub(super) fn read(usage: &Value) -> Option<Self> {
        let PartUsage { prompt, completion } = PartUsage::read(usage)?;
        let places = [
            "/prompt_tokens_details/cached_tokens",
            "/prompt_cache_hit_tokens",
            "/cache_read_input_tokens",
            "/cached_tokens",
        ];
        let mut found = places
            .iter()
            .filter_map(|place| usage.pointer(place)?.as_u64());

        Some(Self {
            prompt,
            cached: found.next().unwrap_or(0).min(prompt),
            completion,
        })
    }
}

/// Tokens of one part of an answer, by one tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PartUsage {
    /// Of the request.
    pub(super) prompt: u64,
    /// Of the part that was generated.
    pub(super) completion: u64,
}

impl PartUsage {
    /// What a `usage` says; one that names only the total is taken for the completion's.
    pub(super) fn read(usage: &Value) -> Option<Self> {
        let number = |name: &str| usage.get(name).and_then(Value::as_u64);
        let prompt = number("prompt_tokens");
        let rest = number("total_tokens").map(|all| all.saturating_sub(prompt.unwrap_or(0)));

        Some(Self {
            prompt: prompt.unwrap_or(0),
            completion: number("completion_tokens").or(rest)?,
        })
    }

    /// Both parts together.
    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            prompt: self.prompt.saturating_add(other.prompt),
            completion: self.completion.saturating_add(other.completion),
        }
    }

    /// All tokens.
    pub(super) const fn total(self) -> u64 {
        self.prompt.saturating_add(self.completion)
    }

    /// As a `usage` of an answer.
    pub(super) fn to_json(self) -> Value {
        json!({
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.total(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_tokens_are_read_wherever_a_provider_puts_them() {
        let read = |usage: Value| ReportedUsage::read(&usage).map(|usage| usage.cached);
        let with = |name: &str, value: Value| {
            let mut usage = json!({ "prompt_tokens": 100, "completion_tokens": 5 });
            usage[name] = value;
            usage
        };

        let openai = with("prompt_tokens_details", json!({ "cached_tokens": 64 }));
        assert_eq!(read(openai), Some(64));
        assert_eq!(read(with("prompt_cache_hit_tokens", json!(32))), Some(32));
        assert_eq!(read(with("cache_read_input_tokens", json!(900))), Some(100));
        assert_eq!(read(with("other", json!(1))), Some(0));
        assert_eq!(read(json!({})), None);
    }

    #[test]
    fn what_a_model_wrote_is_measured() {
        let function = json!({ "arguments": "90" });
        let message = json!({
            "role": "assistant", "content": [{ "type": "text", "text": "1234" }, "56"],
            "reasoning_content": "78",
            "tool_calls": [{ "id": "call_1", "type": "function", "function": function }],
        });
        assert_eq!(text_bytes(&message), 10);
        assert_eq!(text_bytes(&json!(null)), 0);
    }

    #[test]
    fn a_usage_is_read_and_written() {
        let usage = json!({ "prompt_tokens": 11, "completion_tokens": 22, "total_tokens": 33 });
        let read = PartUsage::read(&usage).unwrap();
        assert_eq!(read.total(), 33);
        assert_eq!(read.to_json(), usage);
        assert_eq!(PartUsage::read(&json!({})), None);

        let total = PartUsage::read(&json!({ "total_tokens": 7 })).unwrap();
        assert_eq!(total.total(), 7);
    }
}
