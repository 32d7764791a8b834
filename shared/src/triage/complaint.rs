//! The input of the rules: the patient's words, age and sex.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The patient's sex, as far as it decides which rules apply.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    sqlx::Encode,
    sqlx::Decode,
    schemars::JsonSchema,
)]
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

/// The patient's words, age and sex.
#[derive(Clone, Copy)]
pub struct Complaint<'a> {
    /// The present illness, in the patient's words.
    pub symptoms: &'a str,
    /// Earlier illnesses and medicines, in the patient's words.
    pub history: Option<&'a str>,
    /// Age in completed years.
    pub age: Option<u8>,
    /// `None` when the patient does not say; every rule applies then.
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
