//! The findings that rules combine, and the status of each.

include!(concat!(env!("OUT_DIR"), "/triage_findings.rs"));

/// A text's statement on a finding; the most alarming of several mentions counts.
///
/// A finding that no text mentions has no status: it is unknown, not denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FindingStatus {
    /// The text denies it, or tells it of another person or of a time long past.
    Denied,
    /// The text names the illness, and tells of no onset: alone it raises nothing, beside a sign it
    /// counts.
    Named,
    /// The text leaves it open, or says that it is over.
    Uncertain,
    /// The text says so.
    Present,
}
