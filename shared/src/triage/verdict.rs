//! The decision of the rules: an urgency, and the red flags behind it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::advice::advice;
use super::answer::Answers;
use super::rule::Source;
use super::rules;
use super::tolerant::ReadAs;
use super::urgency::Urgency;
use crate::locale::Locale;

/// The certainty of a red flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlagStatus {
    /// The text says so.
    Present,
    /// The text leaves it open, or says that it is over; or its words as a whole speak for it (the
    /// `…_wording` flags) or against it (a single sign in a letter).
    Uncertain,
}

/// A warning sign that the rules found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedFlag {
    /// Stable name of the rule.
    pub code: Cow<'static, str>,
    /// The urgency of its rule when the flag is present, or when a suspicion is enough for the
    /// rule; else [`Urgency::Urgent`] when it is uncertain.
    pub urgency: Urgency,
    /// Present, or uncertain; a denied finding raises no flag.
    pub status: FlagStatus,
}

impl RedFlag {
    /// The label that the patient is shown; `None` for the code of an older version of the rules.
    #[must_use]
    pub fn label(&self, locale: Locale) -> Option<&'static str> {
        let rule = rules::rule_by_code(&self.code)?;

        Some(match locale {
            Locale::Zh => rule.zh,
            Locale::En => rule.en,
        })
    }

    /// The sign in words, marked if the patient is not sure of it.
    #[must_use]
    pub fn words(&self, locale: Locale) -> String {
        let label = self.label(locale).unwrap_or(&self.code);

        match (self.status, locale) {
            (FlagStatus::Present, _) => label.to_owned(),
            (FlagStatus::Uncertain, Locale::Zh) => format!("{label}（不确定）"),
            (FlagStatus::Uncertain, Locale::En) => format!("{label} (uncertain)"),
        }
    }

    /// Whether another flag of the same rule is more urgent, or as urgent and more certain.
    pub(super) fn is_less_alarming_than(&self, other: &Self) -> bool {
        let is_surer = self.status == FlagStatus::Uncertain && other.status == FlagStatus::Present;
        self.urgency < other.urgency || (self.urgency == other.urgency && is_surer)
    }

    /// The guideline behind the flag; `None` for the code of an older version of the rules.
    #[must_use]
    pub fn source(&self) -> Option<Source> {
        rules::rule_by_code(&self.code).map(|rule| rule.source)
    }
}

impl Triage {
    /// The next step for the patient: that of the urgency, then what single dangers demand besides.
    #[must_use]
    pub fn advice(&self, locale: Locale) -> String {
        let mut steps = vec![advice(self.urgency, locale)];
        steps.extend(self.advice_of_dangers(locale));

        let separator = match locale {
            Locale::Zh => "",
            Locale::En => " ",
        };
        steps.join(separator)
    }

    /// What single dangers demand besides, each once, the most urgent first.
    #[must_use]
    pub fn advice_of_dangers(&self, locale: Locale) -> Vec<&'static str> {
        let mut steps = Vec::new();

        for flag in &self.red_flags {
            let rule = rules::rule_by_code(&flag.code);
            let wording = rule.and_then(|rule| rule.advice);
            let step = wording.map(|wording| wording.words(locale));
            steps.extend(step.filter(|step| !steps.contains(step)));
        }
        steps
    }
}

/// The decision of the rules on one complaint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triage {
    /// The greatest urgency of the red flags, or what a complaint without any deserves.
    pub urgency: Urgency,
    /// The most urgent first.
    pub red_flags: Vec<RedFlag>,
    /// Codes of the questions that the patient is asked, in their order; none in an emergency.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Cow<'static, str>>,
    /// What the patient has answered.
    #[serde(default, skip_serializing_if = "Answers::is_empty")]
    pub answers: Answers,
    /// The misspelt words that a flag rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_as: Vec<ReadAs>,
    /// Version of the rules; 0 for records from before they had one.
    #[serde(default)]
    pub rules_version: u32,
}
