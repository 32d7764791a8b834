//! What a patient says when asked.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::locale::Locale;

/// What a patient says of a danger sign. A greater answer is the more alarming.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is not there.
    No,
    /// The patient cannot tell.
    Unsure,
    /// It is there.
    Yes,
}

impl Answer {
    /// The answer in words.
    #[must_use]
    pub const fn words(self, locale: Locale) -> &'static str {
        match (self, locale) {
            (Self::Yes, Locale::Zh) => "是",
            (Self::No, Locale::Zh) => "否",
            (Self::Unsure, Locale::Zh) => "不确定",
            (Self::Yes, Locale::En) => "Yes.",
            (Self::No, Locale::En) => "No.",
            (Self::Unsure, Locale::En) => "Not sure.",
        }
    }
}

/// Answers by the code of their question.
pub type Answers = BTreeMap<Cow<'static, str>, Answer>;
