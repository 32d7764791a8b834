//! The answer to a consultation, with what made it.

use serde::{Deserialize, Serialize};

use crate::locale::Locale;
use crate::triage::{self, RedFlag, Source, Urgency};

/// The answer, as it is stored and sent. Its texts are in the consultation's language.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// One to a few sentences, which the patient reads first.
    pub summary: String,
    /// The most likely cause first; empty when no model answered.
    pub possible_causes: Vec<String>,
    /// How soon help is needed; never below what the rules say.
    pub urgency: Urgency,
    /// Danger signs found by the rules and by the model, in words.
    pub red_flags: Vec<String>,
    /// What to do, the most important first.
    pub recommended_actions: Vec<String>,
    /// Questions that a clinician should ask next.
    pub questions: Vec<String>,
    /// The sources of the rules.
    pub citations: Vec<Citation>,
    /// The tier and the model that made this answer.
    pub served_by: ServedBy,
    /// Whether something less than the first tier made it.
    pub degraded: bool,
    /// Why it is degraded; none if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degraded_reason: Option<DegradedReason>,
    /// That this is no diagnosis.
    pub disclaimer: String,
}

impl Assessment {
    /// The assessment of a consultation whose answers have raised the urgency since: what the
    /// urgency demands comes first.
    #[must_use]
    pub fn raised_to(mut self, urgency: Urgency, locale: Locale) -> Self {
        if urgency > self.urgency {
            self.urgency = urgency;
            let advice = triage::advice(urgency, locale).to_owned();
            self.recommended_actions.insert(0, advice);
        }
        self
    }
}

/// A public source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The source's title, in its own language.
    pub title: String,
    /// An absolute `https` address.
    pub url: String,
}

impl Citation {
    /// The source of the rule behind a danger sign; none if the rule no longer exists.
    pub fn of(flag: &RedFlag) -> Option<Self> {
        flag.source().map(Self::of_source)
    }

    /// The source of a rule.
    pub fn of_source(source: Source) -> Self {
        Self {
            title: source.title.to_owned(),
            url: source.url.to_owned(),
        }
    }
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
