//! Rules that decide an urgency from a patient's free text, in Chinese or English.
//!
//! The rules run before the model and again after it: the model may raise the urgency, never lower
//! it. They do no I/O and look only at what is written. A finding that is not mentioned is unknown,
//! not denied. Where a text can be read in two ways, the more urgent one counts:
//!
//! - A hedged finding ("maybe chest pain", 不确定有没有胸痛) is [`FlagStatus::Uncertain`], and so is
//!   one that is said to be over ("chest pain has gone"), as it may be back in an hour. An emergency
//!   flag that is uncertain still counts as [`Urgency::Urgent`].
//! - Only the symptoms are searched for red flags. The history tells risks: pregnancy, weakened
//!   immunity, blood thinners, diabetes, heart disease.
//! - [`Urgency::SelfCare`] needs a text in which every word belongs to a known minor complaint, from
//!   a patient whose age is given and who belongs to no risk group.

mod advice;
mod cues;
mod experience;
mod finding;
mod locale;
mod measures;
mod pattern;
mod picture;
mod postfix;
mod rules;
mod scope;
mod sections;
mod self_care;
#[cfg(test)]
mod tests;
mod text;
mod words;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use advice::{advice, disclaimer};
pub use locale::Locale;

use finding::{Applies, Rule};
use picture::Picture;
use scope::Status;

/// Raised whenever a change to the rules can change an outcome.
const RULES_VERSION: u32 = 2;

/// How soon a patient needs care; a greater value is more urgent.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    sqlx::Encode,
    sqlx::Decode,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum Urgency {
    /// Can be looked after at home.
    SelfCare,
    /// An appointment in the next days.
    Routine,
    /// Medical care today.
    Urgent,
    /// An ambulance or an emergency department now.
    Emergency,
}

impl Urgency {
    /// The value's name, as it is serialised.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SelfCare => "self_care",
            Self::Routine => "routine",
            Self::Urgent => "urgent",
            Self::Emergency => "emergency",
        }
    }

    /// The more urgent of the two.
    #[must_use]
    pub fn raised_to(self, other: Self) -> Self {
        self.max(other)
    }
}

/// The patient's sex, as far as it decides which rules apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Encode, sqlx::Decode)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
    /// Neither, or not told: every rule applies.
    Other,
}

impl Sex {
    /// The value's name, as it is serialised.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
            Self::Other => "other",
        }
    }
}

/// What the patient tells.
#[derive(Clone, Copy)]
pub struct Complaint<'a> {
    /// What is wrong now, in the patient's words.
    pub symptoms: &'a str,
    /// Earlier illnesses and medicines, in the patient's words.
    pub history: Option<&'a str>,
    /// Age in completed years.
    pub age: Option<u8>,
    /// Sex.
    pub sex: Option<Sex>,
}

impl fmt::Debug for Complaint<'_> {
    /// Leaves out the texts, which are medical data and must not reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Complaint")
            .field("age", &self.age)
            .field("sex", &self.sex)
            .finish_non_exhaustive()
    }
}

/// How certain a red flag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlagStatus {
    /// The text says so.
    Present,
    /// The text leaves it open, or says that it is over.
    Uncertain,
}

/// A warning sign that the rules found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedFlag {
    /// Stable name of the rule.
    pub code: Cow<'static, str>,
    /// How urgent the flag makes the case: what its rule says when the flag is present, and
    /// [`Urgency::Urgent`] when it is uncertain.
    pub urgency: Urgency,
    /// How certain the flag is.
    pub status: FlagStatus,
}

impl RedFlag {
    /// What to show for the flag; `None` for the code of an older version of the rules.
    #[must_use]
    pub fn label(&self, locale: Locale) -> Option<&'static str> {
        let rule = rules::find(&self.code)?;
        Some(match locale {
            Locale::Zh => rule.zh,
            Locale::En => rule.en,
        })
    }

    /// The guideline behind the flag; `None` for the code of an older version of the rules.
    #[must_use]
    pub fn source(&self) -> Option<Source> {
        rules::find(&self.code).map(|rule| rule.source)
    }
}

/// A public guideline page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Publisher and title.
    pub title: &'static str,
    /// Address.
    pub url: &'static str,
}

/// What the rules decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triage {
    /// The greatest urgency of the red flags, or what a complaint without any deserves.
    pub urgency: Urgency,
    /// The most urgent first.
    pub red_flags: Vec<RedFlag>,
    /// Version of the rules; 0 for records from before they had one.
    #[serde(default)]
    pub rules_version: u32,
}

/// Decides the urgency of a complaint.
#[must_use]
pub fn assess(complaint: &Complaint<'_>) -> Triage {
    let symptoms = text::normalise(complaint.symptoms);
    let tokens = text::tokenise(&symptoms);
    let picture = Picture::of(complaint, &tokens);
    let mut red_flags: Vec<RedFlag> = rules::all()
        .filter_map(|rule| flag(rule, &picture, complaint.sex))
        .collect();
    red_flags.sort_by_key(|flag| std::cmp::Reverse(flag.urgency));
    let urgency = red_flags
        .iter()
        .map(|flag| flag.urgency)
        .max()
        .unwrap_or_else(|| {
            if self_care::suffices(&picture, complaint.age, &tokens) {
                Urgency::SelfCare
            } else {
                Urgency::Routine
            }
        });
    Triage {
        urgency,
        red_flags,
        rules_version: RULES_VERSION,
    }
}

fn flag(rule: &Rule, picture: &Picture, sex: Option<Sex>) -> Option<RedFlag> {
    let spared = matches!(
        (rule.applies, sex),
        (Applies::NotToFemale, Some(Sex::Female)) | (Applies::NotToMale, Some(Sex::Male))
    );
    if spared {
        return None;
    }
    let status = rule
        .any_of
        .iter()
        .filter_map(|set| picture.all(set))
        .max()?;
    let (status, urgency) = match status {
        Status::Present => (FlagStatus::Present, rule.urgency),
        Status::Uncertain => (FlagStatus::Uncertain, Urgency::Urgent),
        Status::Denied => return None,
    };
    Some(RedFlag {
        code: Cow::Borrowed(rule.code),
        urgency,
        status,
    })
}
