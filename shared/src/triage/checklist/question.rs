//! The form of a question.

use std::ops::RangeInclusive;

use crate::locale::Locale;
use crate::triage::rule::Source;
use crate::triage::rules;

/// A question after a danger sign.
#[derive(Debug)]
pub struct Question {
    /// Stable name, which answers carry.
    pub code: &'static str,
    /// What it belongs to: a body system, or `general`.
    pub topic: &'static str,
    /// Other body systems whose complaints ask it as well.
    pub(in crate::triage) other_topics: &'static [&'static str],
    pub(in crate::triage) en: &'static str,
    pub(in crate::triage) zh: &'static str,
    /// The rule that a "yes" raises.
    pub(in crate::triage) raises: &'static str,
    /// Other rules whose danger sign it asks after.
    pub(in crate::triage) covers: &'static [&'static str],
    /// Ages in completed years that it is for.
    pub(in crate::triage) ages: RangeInclusive<u8>,
}

impl Question {
    /// The question in the patient's language.
    #[must_use]
    pub const fn words(&self, locale: Locale) -> &'static str {
        match locale {
            Locale::Zh => self.zh,
            Locale::En => self.en,
        }
    }

    /// The topics whose complaints ask it, its own first.
    pub(in crate::triage) fn topics(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.topic).chain(self.other_topics.iter().copied())
    }

    /// The rules whose danger signs it asks after.
    pub(in crate::triage) fn rules(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.raises).chain(self.covers.iter().copied())
    }

    /// The guideline behind its danger sign.
    #[must_use]
    pub fn source(&self) -> Option<Source> {
        rules::rule_by_code(self.raises).map(|rule| rule.source)
    }
}
