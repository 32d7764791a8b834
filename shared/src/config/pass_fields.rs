//! What of a client's request a tier is sent.

use std::collections::BTreeSet;

use serde::Deserialize;

/// Fields that every tier is sent: `OpenAI`'s that shape an answer, and such of other servers that
/// many clients use. None of them lets a client reach or buy something else.
const SAFE_FIELDS: [&str; 35] = [
    "enable_thinking",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "min_p",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "random_seed",
    "reasoning",
    "reasoning_effort",
    "repeat_penalty",
    "repetition_penalty",
    "response_format",
    "safety_identifier",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
    "typical_p",
    "user",
    "verbosity",
];

/// Types of the parts of a message that every tier is sent. Media among them are sent if the
/// request holds them.
const SAFE_PARTS: [&str; 11] = [
    "audio_url",
    "file",
    "image_url",
    "input_audio",
    "input_text",
    "output_text",
    "reference",
    "refusal",
    "text",
    "thinking",
    "video_url",
];

/// The type of tools that the client runs itself. All others are run by the provider.
const SAFE_TOOL: &str = "function";

/// What a tier is sent besides the safe fields: names of fields, `tools.TYPE`, `content.TYPE`, or
/// `*` for all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct PassFields(BTreeSet<String>);

impl PassFields {
    /// Whether it is sent a field of this name.
    pub fn passes_field(&self, name: &str) -> bool {
        is_safe_field(name) || self.has(name)
    }

    /// Whether it is sent tools of this type.
    pub fn passes_tool(&self, kind: &str) -> bool {
        is_safe_tool(kind) || self.has(&format!("tools.{kind}"))
    }

    /// Whether it is sent parts of messages of this type.
    pub fn passes_part(&self, kind: &str) -> bool {
        is_safe_part(kind) || self.has(&format!("content.{kind}"))
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains("*") || self.0.contains(name)
    }
}

/// Whether every tier is sent a field of this name.
pub fn is_safe_field(name: &str) -> bool {
    SAFE_FIELDS.contains(&name)
}

/// Whether every tier is sent tools of this type.
pub fn is_safe_tool(kind: &str) -> bool {
    kind == SAFE_TOOL
}

/// Whether every tier is sent parts of messages of this type.
pub fn is_safe_part(kind: &str) -> bool {
    SAFE_PARTS.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass_fields(json: &str) -> PassFields {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_tier_is_sent_what_is_safe_and_what_it_lists() {
        let usual = PassFields::default();
        assert!(usual.passes_field("top_k") && !usual.passes_field("service_tier"));
        assert!(usual.passes_tool("function") && !usual.passes_tool("mcp"));
        assert!(usual.passes_part("image_url") && !usual.passes_part("document"));

        let wider = pass_fields(r#"["service_tier","tools.mcp","content.document"]"#);
        assert!(wider.passes_field("service_tier") && !wider.passes_field("mcp"));
        assert!(wider.passes_tool("mcp") && !wider.passes_tool("code_interpreter"));
        assert!(wider.passes_part("document") && wider.passes_part("text"));

        let all = pass_fields(r#"["*"]"#);
        assert!(all.passes_field("x") && all.passes_tool("x") && all.passes_part("x"));
    }
}
