//! The answer to a consultation, with what made it.

use serde::{Deserialize, Serialize};

use crate::triage::Urgency;

/// The answer, as it is stored and sent. Its texts are in the consultation's language.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// What the patient is told first.
    pub summary: String,
    /// The most likely first; empty when no model answered.
    pub possible_causes: Vec<String>,
    /// Never below what the rules say.
    pub urgency: Urgency,
    /// Danger signs found by the rules and by the model, in words.
    pub red_flags: Vec<String>,
    /// What to do, the most important first.
    pub recommended_actions: Vec<String>,
    /// What the patient should be asked next.
    pub questions: Vec<String>,
    /// Where the statements of the rules come from.
    pub citations: Vec<Citation>,
    /// What made this answer.
    pub served_by: ServedBy,
    /// Whether something less than the first tier made it.
    pub degraded: bool,
    /// Why, if it is degraded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degraded_reason: Option<DegradedReason>,
    /// That this is no diagnosis.
    pub disclaimer: String,
}

/// A public source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// Its title.
    pub title: String,
    /// Its address.
    pub url: String,
}

/// What made an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedBy {
    /// The tier's name in `AI_TIERS`, or `fixed_text`.
    pub tier: String,
    /// The model that the tier says it used; none for the fixed text.
    pub model: Option<String>,
}

/// Why an answer is degraded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DegradedReason {
    /// No tier is configured: the rules and a fixed text answer.
    NoAiTierConfigured,
    /// Every tier failed or gave no valid answer: the rules and a fixed text answer.
    AllAiTiersFailed,
    /// The first tier failed; a later one answered.
    ServedByFallbackTier,
}
