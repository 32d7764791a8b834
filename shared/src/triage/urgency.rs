//! The four degrees of urgency.

use serde::{Deserialize, Serialize};

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
    schemars::JsonSchema,
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
    /// Every urgency, the least first.
    pub const ALL: [Self; 4] = [Self::SelfCare, Self::Routine, Self::Urgent, Self::Emergency];

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
