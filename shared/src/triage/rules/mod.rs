//! The rule table and the lexicon: one file for each body system, in the words of a clinician,
//! which the build script checks and turns into tables.

use super::finding::Finding;
use super::rule::{Rule, SexFilter, Source};
use super::urgency::Urgency;

include!(concat!(env!("OUT_DIR"), "/triage_rules.rs"));

/// Every rule, in the order of the files.
pub(super) fn all_rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter()
}

/// The rule with this code; `None` for the code of an older version of the rules.
pub(super) fn rule_by_code(code: &str) -> Option<&'static Rule> {
    all_rules().find(|rule| rule.code == code)
}
