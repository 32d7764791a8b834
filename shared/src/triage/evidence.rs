//! How far a text supports a finding.

/// Ordered so that "or" is the maximum and "and" the minimum.
///
/// Silence stays apart from denial: only what was asked and answered may count as absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Evidence {
    /// The text says that it is absent.
    Denied,
    /// The text does not say.
    #[default]
    Unknown,
    /// The text leaves it open, or says that it went away.
    Uncertain,
    /// The text says that it is there.
    Present,
}

impl Evidence {
    /// `Present` when `holds`, otherwise `Unknown`.
    pub(super) fn known(holds: bool) -> Self {
        if holds { Self::Present } else { Self::Unknown }
    }
}
