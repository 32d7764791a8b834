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
}

/// The reasons of one kind, for code that meets jobs of many kinds.
#[derive(Debug, Clone, Copy)]
pub struct KindReasons {
    kind: &'static str,
    texts: &'static [ReasonText],
}

impl KindReasons {
    /// The reasons of the kind `P`.
    pub const fn of<P: JobPayload>() -> Self {
        Self {
            kind: P::KIND,
            texts: P::REASONS,
        }
    }

    /// The reasons of the kind with this name; none if `kinds` does not have it.
    pub fn find(kinds: &[Self], kind: &str) -> &'static [ReasonText] {
        let known = kinds.iter().find(|reasons| reasons.kind == kind);
        known.map_or(&[], |reasons| reasons.texts)
    }
}
