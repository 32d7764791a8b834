//! The rule table and the lexicon: one file for each body system, in the words of a clinician, which
//! the build script checks and turns into tables.

use super::finding::Finding;
use super::rule::{LexiconEntry, Rule, SexFilter, Source};
use super::urgency::Urgency;

include!(concat!(env!("OUT_DIR"), "/triage_rules.rs"));

/// Findings that no rule asks for: they tell whether a minor complaint is all that a text tells.
/// Their words are wide, and must not stand in the way of the search for denials.
const SELF_CARE_FINDINGS: &[Finding] = &[
    Finding::Lasting,
    Finding::MinorCompanion,
    Finding::OtherSymptom,
    Finding::UnderCare,
];

/// Every rule, in the order of the files.
pub(super) fn all_rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter()
}

/// The rule with this code; `None` for the code of an older version of the rules.
pub(super) fn rule_by_code(code: &str) -> Option<&'static Rule> {
    all_rules().find(|rule| rule.code == code)
}

/// Patterns that are looked for in the symptoms.
pub(super) fn symptom_lexicon() -> impl Iterator<Item = &'static LexiconEntry> {
    let entries = LEXICON.iter();
    entries.filter(|entry| !SELF_CARE_FINDINGS.contains(&entry.finding))
}

/// Patterns that are looked for only where a minor complaint is told and no red flag was raised.
pub(super) fn self_care_lexicon() -> impl Iterator<Item = &'static LexiconEntry> {
    let entries = LEXICON.iter();
    entries.filter(|entry| SELF_CARE_FINDINGS.contains(&entry.finding))
}

/// Patterns that are looked for in the history, too.
pub(super) fn risk_lexicon() -> impl Iterator<Item = &'static LexiconEntry> {
    LEXICON.iter().filter(|entry| entry.in_history)
}
