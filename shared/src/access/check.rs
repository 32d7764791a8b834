//! Asks whether a caller may still act as their token says.

use std::sync::Arc;

use time::OffsetDateTime;

use super::script::ReadAccess;
use crate::error::Error;
use crate::identity::Caller;
use crate::telemetry::metrics;
use crate::valkey::{Answers, Batch, Ticket, Valkey};

/// Asks Valkey what has changed of callers' access.
pub struct AccessCheck {
    /// None where no Valkey is configured.
    valkey: Option<Arc<Valkey>>,
}

/// A question that waits for Valkey's answer.
#[must_use = "the caller must not act before it is answered"]
pub struct PendingAccess {
    /// None where no Valkey is configured.
    ticket: Option<Ticket<ReadAccess>>,
}

impl AccessCheck {
    /// By this Valkey. Without one, tokens count as they are.
    pub const fn new(valkey: Option<Arc<Valkey>>) -> Self {
        Self { valkey }
    }

    /// Adds the question about a caller to a batch.
    pub fn prepare(&self, caller: &Caller, batch: &mut Batch) -> PendingAccess {
        let valkey = self.valkey.as_ref();
        let ticket = valkey.map(|valkey| batch.add(ReadAccess::of(valkey.prefix(), caller)));
        PendingAccess { ticket }
    }
}

impl PendingAccess {
    /// The caller as they may act now; 401 if they were signed out. Without an answer, as their
    /// token says.
    pub fn finish(
        self,
        answers: &mut Answers,
        caller: Caller,
        signed_in_at: OffsetDateTime,
    ) -> Result<Caller, Error> {
        let Some(ticket) = self.ticket else {
            return Ok(caller);
        };

        match answers.take(ticket) {
            Some(Some(change)) => change.apply(caller, signed_in_at),
            Some(None) => Ok(caller),
            None => {
                metrics::count("AccessUnchecked", &[]);
                Ok(caller)
            }
        }
    }
}
