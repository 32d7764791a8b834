//! What was done for an answer: for clinicians, without any of the patient's or the model's words.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What was done for one answer, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Trace {
    /// The steps.
    pub steps: Vec<TraceStep>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum TraceStep {
    /// The knowledge base was searched.
    Search {
        /// How long it took.
        milliseconds: u64,
        /// `text`, `vector`; empty if it could not be searched.
        searched_by: Vec<String>,
        /// What was found, the best first.
        passages: Vec<TracedPassage>,
    },
    /// A model that may call tools made a step.
    ModelStep {
        /// Its tier.
        tier: String,
        /// The step's number, from 1.
        number: u32,
        /// How long the model took.
        milliseconds: u64,
        /// The tools that it called; none for an answer in words.
        calls: Vec<String>,
        /// What the step used, if the provider says so.
        usage: Option<TokenUsage>,
    },
    /// A tool did what a model called it for.
    ToolCall {
        /// The model's tier.
        tier: String,
        /// The tool.
        tool: String,
        /// How long it took.
        milliseconds: u64,
        /// What was found that the model had not been given before.
        passages: Vec<TracedPassage>,
    },
    /// A model made a mistake, and was told of it.
    Mistake {
        /// Its tier.
        tier: String,
        /// Which, such as `bad arguments`.
        reason: String,
    },
    /// Models were asked: all of their steps together.
    Models {
        /// How long it took, with all tiers.
        milliseconds: u64,
        /// The tier that answered; none if none did.
        tier: Option<String>,
        /// Calls made.
        attempts: u32,
        /// The tiers that failed or were passed over.
        failures: Vec<TracedFailure>,
        /// What the answer used, with all steps to it, if the provider says so.
        usage: Option<TokenUsage>,
        /// Tokens of calls that made no answer.
        wasted_tokens: u64,
    },
    /// What the model cited was checked.
    Citations {
        /// Documents that are cited.
        kept: u64,
        /// Marks of what the model was not given.
        dropped: u64,
    },
    /// No model answered, and guidance was looked for.
    Guidance {
        /// The document that is quoted; none if none fits.
        document_id: Option<Uuid>,
    },
}

/// A passage that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TracedPassage {
    /// Its document.
    pub document_id: Uuid,
    /// Its number there, from 0.
    pub position: i32,
}

/// A tier that gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TracedFailure {
    /// Its name.
    pub tier: String,
    /// What was wrong, such as `status_503`.
    pub fault: String,
}

/// Tokens, by the provider's own word.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct TokenUsage {
    /// Of the prompt.
    pub prompt: u64,
    /// Of the prompt, those that the provider had kept from an earlier call, which cost less.
    pub cached: u64,
    /// Of the answer.
    pub completion: u64,
}
