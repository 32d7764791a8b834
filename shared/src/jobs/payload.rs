//! A kind of job: its payload, its time, its reasons.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::reason::ReasonText;

/// A kind of job. The payload is stored in the job's row; it holds ids, never medical text.
pub trait JobPayload: Serialize + DeserializeOwned {
    /// The kind's name, in rows, messages, logs and metrics.
    const KIND: &'static str;

    /// The longest that one attempt may take. The worker begins no attempt with less time left.
    const ATTEMPT_TIMEOUT: Duration;

    /// The reasons of this kind: each code that its handler gives, with its words. A code that
    /// stands neither here nor among the reasons of all kinds is shown as a fault of ours.
    const REASONS: &'static [ReasonText];

    /// Whether a caller may cancel such a job: not what has been promised and begun.
    const IS_CANCELLABLE: bool = true;
}

/// What is known of one kind, for code that meets jobs of many kinds.
#[derive(Debug, Clone, Copy)]
pub struct JobKind {
    name: &'static str,
    reasons: &'static [ReasonText],
    is_cancellable: bool,
}

impl JobKind {
    /// Whether one of `kinds` has this name.
    pub fn is_known(kinds: &[Self], name: &str) -> bool {
        kinds.iter().any(|kind| kind.name == name)
    }

    /// The kind `P`.
    pub const fn of<P: JobPayload>() -> Self {
        Self {
            name: P::KIND,
            reasons: P::REASONS,
            is_cancellable: P::IS_CANCELLABLE,
        }
    }

    /// The reasons of the kind with this name; none if `kinds` does not have it.
    pub fn reasons(kinds: &[Self], name: &str) -> &'static [ReasonText] {
        let known = kinds.iter().find(|kind| kind.name == name);
        known.map_or(&[], |kind| kind.reasons)
    }

    /// Whether a caller may cancel a job of the kind with this name.
    pub fn is_cancellable(kinds: &[Self], name: &str) -> bool {
        let known = kinds.iter().find(|kind| kind.name == name);
        known.is_none_or(|kind| kind.is_cancellable)
    }
}
