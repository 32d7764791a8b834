//! What a circuit does with calls.

use serde::{Deserialize, Serialize};

/// What a circuit does with calls.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Lets every call in.
    #[default]
    Closed,
    /// Lets none in.
    Open,
    /// Has let one in, as a probe.
    HalfOpen,
    /// Lets a growing share in, after a probe that succeeded.
    Ramp,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Closed, Self::Open, Self::HalfOpen, Self::Ramp];

    /// As logs and metrics call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::Ramp => "ramp",
        }
    }

    /// Whether results of calls count: an open circuit has no calls but its probe.
    pub(super) const fn counts_calls(self) -> bool {
        matches!(self, Self::Closed | Self::Ramp)
    }
}
