//! The form of a rule and of an entry of the lexicon.

use super::complaint::Sex;
use super::finding::Finding;
use super::urgency::Urgency;

/// A public guideline page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Publisher and title.
    pub title: &'static str,
    /// An `https` address.
    pub url: &'static str,
}

/// Patterns of one finding; several entries may serve the same finding.
#[derive(Debug)]
pub(super) struct LexiconEntry {
    pub(super) finding: Finding,
    /// English patterns.
    pub(super) en: &'static [&'static str],
    /// Chinese patterns, in simplified characters.
    pub(super) zh: &'static [&'static str],
}

/// Which patients a rule concerns, beyond what its findings say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SexFilter {
    AnySex,
    ExceptFemale,
    ExceptMale,
}

impl SexFilter {
    /// Whether the rule concerns a patient of this sex; an unknown sex excludes no rule.
    pub(super) fn admits(self, sex: Option<Sex>) -> bool {
        match self {
            Self::AnySex => true,
            Self::ExceptFemale => sex != Some(Sex::Female),
            Self::ExceptMale => sex != Some(Sex::Male),
        }
    }
}

/// One red flag.
#[derive(Debug)]
pub(super) struct Rule {
    /// Stable name, which records and answers carry.
    pub(super) code: &'static str,
    /// The urgency of a patient for whom the rule holds.
    pub(super) urgency: Urgency,
    /// English label.
    pub(super) en: &'static str,
    /// Chinese label.
    pub(super) zh: &'static str,
    /// Sets of findings; the rule holds when all findings of one set do.
    pub(super) any_of: &'static [&'static [Finding]],
    pub(super) sex_filter: SexFilter,
    pub(super) source: Source,
}
