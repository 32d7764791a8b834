//! The consultation agent: asks the models for a structured assessment, checks it, and lets the rules have the last word
//! on urgency.
//!
//! The model may raise the urgency, never lower it. Without a model the rules and a fixed text answer, and say so.

mod answer;
mod prompt;

use crate::ai::{Chain, Outcome};
use crate::consultations::{Assessment, Citation, Consultation, DegradedReason, ServedBy};
use crate::deadline::Deadline;
use crate::triage::{self, FlagStatus, Locale, RedFlag, Triage};
use answer::ModelAnswer;

/// Makes the assessment of a consultation. It always makes one: what fails on the way is said in it.
pub async fn analyze(chain: &Chain, consultation: &Consultation, deadline: Deadline) -> Assessment {
    let rules = triage::assess(&consultation.complaint());
    let request = prompt::request(consultation, &rules);
    let outcome = chain.ask(&request, deadline, answer::check).await;
    assemble(consultation, &rules, outcome, chain.is_empty())
}

fn assemble(consultation: &Consultation, rules: &Triage, outcome: Outcome<ModelAnswer>, no_tiers: bool) -> Assessment {
    let locale = consultation.locale;
    // What was said at once stands, also when the rules have changed since.
    let least = rules.urgency.raised_to(consultation.triage.urgency);
    let first_tier_failed = !outcome.failed.is_empty();
    let (answer, served_by, degraded_reason) = if let Some(answer) = outcome.answer {
        let served_by = ServedBy { tier: answer.tier, model: Some(answer.model) };
        (answer.value, served_by, first_tier_failed.then_some(DegradedReason::ServedByFallbackTier))
    } else {
        let served_by = ServedBy { tier: "fixed_text".to_owned(), model: None };
        let reason = if no_tiers { DegradedReason::NoAiTierConfigured } else { DegradedReason::AllAiTiersFailed };
        (answer::fixed(locale, least), served_by, Some(reason))
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

/// What the urgency itself demands comes first, whatever the model recommends.
fn actions(urgency: triage::Urgency, locale: Locale, recommended: Vec<String>) -> Vec<String> {
    let first = triage::advice(urgency, locale).to_owned();
    let others = recommended.into_iter().filter(|action| *action != first).collect::<Vec<_>>();
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
