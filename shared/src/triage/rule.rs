//! The form of a rule and of an entry of the lexicon.

use super::complaint::Sex;
use super::finding::Finding;
use super::urgency::Urgency;
use crate::locale::Locale;

/// A public guideline page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Publisher and title.
    pub title: &'static str,
    /// An `https` address.
    pub url: &'static str,
}

/// A text in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wording {
    pub(super) en: &'static str,
    pub(super) zh: &'static str,
}

impl Wording {
    /// The text in one language.
    pub(super) const fn words(self, locale: Locale) -> &'static str {
        match locale {
            Locale::Zh => self.zh,
            Locale::En => self.en,
        }
    }
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
    /// Findings that explain the others: while one is present, an emergency is left open and
    /// another rule does not hold.
    pub(super) unless: &'static [Finding],
    /// Whether a suspicion weighs as much as a certain finding.
    pub(super) on_suspicion: bool,
    pub(super) sex_filter: SexFilter,
    pub(super) source: Source,
    /// What to do besides the advice of the urgency.
    pub(super) advice: Option<Wording>,
    /// Texts that raise the flag.
    #[cfg(test)]
    pub(super) examples: &'static [&'static str],
    /// Texts that resemble them and do not.
    #[cfg(test)]
    pub(super) counterexamples: &'static [&'static str],
}

impl Rule {
    /// The urgency of a patient for whom the rule may hold.
    pub(super) const fn uncertain_urgency(&self) -> Urgency {
        if self.on_suspicion {
            self.urgency
        } else {
            Urgency::Urgent
        }
    }
}
