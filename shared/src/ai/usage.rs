//! How many tokens an answer has used.

use serde_json::{Value, json};

/// Bytes of a text for each of its tokens: one and a half Chinese characters, or a short English
/// word.
pub const BYTES_PER_TOKEN: u64 = 4;

/// The tokens of a text, as far as its length tells.
pub(super) fn estimate_tokens(text: &str) -> u64 {
    estimate_tokens_of_bytes(text.len() as u64)
}

/// The tokens of texts of this length in all.
pub(super) const fn estimate_tokens_of_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN)
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
