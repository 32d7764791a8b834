//! The consultation agent: asks the models for a structured assessment, checks it, and lets the rules have the last word
//! on urgency.
//!
//! The model may raise the urgency, never lower it. Without a model the rules and a fixed text answer, and say so.

mod answer;
mod prompt;

use std::time::Duration;

use crate::ai::{Answer, Ask, Chain, Completion, Outcome};
use crate::consultations::{Assessment, Citation, Consultation, DegradedReason, ServedBy};
use crate::deadline::Deadline;
use crate::locale::Locale;
use crate::triage::{self, FlagStatus, RedFlag, Triage};
use answer::ModelAnswer;

/// The longest name of a model that is repeated in an answer, in characters.
const LONGEST_MODEL: usize = 200;

/// What a chain made of the question: an answer, or why there is none.
enum Asked {
    Answered {
        answer: ModelAnswer,
        served_by: ServedBy,
        by_fallback: bool,
    },
    AllFailed,
    NobodyToAsk,
}

/// Why there is no assessment of a consultation that requires a model's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoModel {
    /// There is none to ask.
    NotConfigured,
    /// No tier could be asked now: their circuits are open, or their keys cannot be fetched.
    AllShut {
        /// When one may be asked again at the earliest, if that is known.
        retry_in: Option<Duration>,
    },
    /// Those that could be asked gave no valid answer.
    AllFailed {
        /// What the providers asked to be waited for.
        retry_in: Option<Duration>,
    },
}

/// Makes the assessment of a consultation. It always makes one, unless the consultation requires a model's: what fails on the
/// way is said in it. Without a chain the rules answer.
pub async fn analyze(
    chain: Option<&Chain>,
    consultation: &Consultation,
    deadline: Deadline,
) -> Result<Assessment, NoModel> {
    let rules = triage::assess(&consultation.complaint());
    let (asked, why) = match chain {
        None => (Asked::NobodyToAsk, NoModel::NotConfigured),
        Some(chain) => {
            let request = prompt::request(consultation, &rules);
            let outcome = chain
                .whole(&Ask::new(&request, deadline), answer::check)
                .await;
            let why = why_none(&outcome);
            (outcome.answer.map_or(Asked::AllFailed, answered), why)
        }
    };
    let is_a_models = matches!(asked, Asked::Answered { .. });
    if consultation.requires_model && !is_a_models {
        Err(why)
    } else {
        Ok(assemble(consultation, &rules, asked))
    }
}

fn why_none<T>(outcome: &Outcome<T>) -> NoModel {
    let asked_for = outcome
        .failed
        .iter()
        .filter_map(|one| one.fault.retry_after())
        .min();
    if outcome
        .failed
        .iter()
        .any(|one| one.fault.reached_its_tier())
    {
        NoModel::AllFailed {
            retry_in: asked_for,
        }
    } else {
        NoModel::AllShut {
            retry_in: asked_for.into_iter().chain(outcome.retry_in).min(),
        }
    }
}

fn answered(by: Answer<(ModelAnswer, Completion, Vec<serde_json::Value>)>) -> Asked {
    let (answer, completion, _) = by.value;
    let model = completion
        .model()
        .map(|model| model.chars().take(LONGEST_MODEL).collect());
    let served_by = ServedBy {
        tier: by.tier,
        model,
    };
    Asked::Answered {
        answer,
        served_by,
        by_fallback: by.degraded.is_some(),
    }
}

fn assemble(consultation: &Consultation, rules: &Triage, asked: Asked) -> Assessment {
    let locale = consultation.locale;
    // What was said at once stands, also when the rules have changed since.
    let least = rules.urgency.raised_to(consultation.triage.urgency);
    let (answer, served_by, degraded_reason) = match asked {
        Asked::Answered {
            answer,
            served_by,
            by_fallback,
        } => (
            answer,
            served_by,
            by_fallback.then_some(DegradedReason::ServedByFallbackTier),
        ),
        Asked::AllFailed => fixed(locale, least, DegradedReason::AllAiTiersFailed),
        Asked::NobodyToAsk => fixed(locale, least, DegradedReason::NoAiTierConfigured),
    };
    let urgency = least.raised_to(answer.urgency);
    Assessment {
        summary: answer.summary,
        possible_causes: answer.possible_causes,
        urgency,
        red_flags: red_flags(&rules.red_flags, answer.red_flags, locale),
        recommended_actions: actions(urgency, locale, answer.recommended_actions),
        questions: answer.questions,
        citations: citations(&rules.red_flags),
        served_by,
        degraded: degraded_reason.is_some(),
        degraded_reason,
        disclaimer: triage::disclaimer(locale).to_owned(),
    }
}

fn fixed(
    locale: Locale,
    urgency: triage::Urgency,
    reason: DegradedReason,
) -> (ModelAnswer, ServedBy, Option<DegradedReason>) {
    let served_by = ServedBy {
        tier: "fixed_text".to_owned(),
        model: None,
    };
    (answer::fixed(locale, urgency), served_by, Some(reason))
}

/// What the urgency itself demands comes first, whatever the model recommends.
fn actions(urgency: triage::Urgency, locale: Locale, recommended: Vec<String>) -> Vec<String> {
    let first = triage::advice(urgency, locale).to_owned();
    let others = recommended
        .into_iter()
        .filter(|action| *action != first)
        .collect::<Vec<_>>();
    std::iter::once(first).chain(others).collect()
}

/// The danger signs of the rules, those that the patient is not sure of marked as such, then those that only the model
/// found.
fn red_flags(rules: &[RedFlag], found: Vec<String>, locale: Locale) -> Vec<String> {
    let in_words = |flag: &RedFlag| {
        let label = flag.label(locale).unwrap_or(&flag.code);
        match (flag.status, locale) {
            (FlagStatus::Present, _) => label.to_owned(),
            (FlagStatus::Uncertain, Locale::Zh) => format!("{label}（不确定）"),
            (FlagStatus::Uncertain, Locale::En) => format!("{label} (uncertain)"),
        }
    };
    let mut flags: Vec<String> = rules.iter().map(in_words).collect();
    for flag in found {
        if !flags.contains(&flag) {
            flags.push(flag);
        }
    }
    flags
}

fn citations(flags: &[RedFlag]) -> Vec<Citation> {
    let mut citations: Vec<Citation> = Vec::new();
    for citation in flags.iter().filter_map(Citation::of) {
        if !citations.contains(&citation) {
            citations.push(citation);
        }
    }
    citations
}

#[cfg(test)]
mod tests;
