//! What a patient says when asked.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a patient says of a danger sign. A greater answer is the more alarming.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is not there.
    No,
    /// The patient cannot tell.
    Unsure,
    /// It is there.
    Yes,
}

/// Answers by the code of their question.
pub type Answers = BTreeMap<Cow<'static, str>, Answer>;
