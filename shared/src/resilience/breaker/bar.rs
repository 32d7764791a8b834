//! The bar of a user or a tenant that is left out alone: let in for one trial at a time.

use serde::{Deserialize, Serialize};

use super::client::{ProbeResult, to_millis};
use crate::config::BreakerSettings;

/// The bar of a user or a tenant that is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// When it began, or its last trial failed.
    pub since: u64,
    /// When a trial may be made.
    pub until: u64,
    /// The token of the trial under way; empty if there is none.
    pub trial: String,
    /// When the trial's lease ends.
    pub trial_until: u64,
    /// Whose call the trial under way is.
    pub trial_user: String,
    /// Of a tenant: whose trial failed last. The tenant's other users come first then.
    pub failed_user: String,
}

impl Bar {
    pub(super) fn begin(settings: &BreakerSettings, now: u64) -> Self {
        Self {
            since: now,
            until: now.saturating_add(to_millis(settings.open)),
            ..Self::default()
        }
    }

    /// When a trial of this client may be made, but for one that is under way.
    fn due_at(&self, settings: &BreakerSettings, client: &str, is_urgent: bool) -> u64 {
        if client == self.failed_user {
            return self.since.saturating_add(to_millis(settings.open));
        }

        let urgent_from = self.since.saturating_add(to_millis(settings.reopen));
        if is_urgent {
            self.until.min(urgent_from)
        } else {
            self.until
        }
    }

    /// Until when a trial that is under way keeps this client out: another user's may take the
    /// place of one that takes longer than `reopen`.
    fn busy_until(&self, settings: &BreakerSettings, client: &str) -> u64 {
        if self.trial.is_empty() {
            return 0;
        }
        if client == self.trial_user {
            return self.trial_until;
        }

        let lease = to_millis(settings.probe_lease);
        let began_at = self.trial_until.saturating_sub(lease);
        let replaced_at = began_at.saturating_add(to_millis(settings.reopen));
        self.trial_until.min(replaced_at)
    }

    /// When a trial of this client may be made.
    pub(super) fn trial_at(
        &self,
        settings: &BreakerSettings,
        client: &str,
        is_urgent: bool,
    ) -> u64 {
        let due_at = self.due_at(settings, client, is_urgent);
        due_at.max(self.busy_until(settings, client))
    }

    pub(super) fn begin_trial(&mut self, token: &str, client: &str, until: u64) {
        token.clone_into(&mut self.trial);
        client.clone_into(&mut self.trial_user);
        self.trial_until = until;
    }

    /// Takes in the end of a trial that did not succeed. Returns whose it was.
    pub(super) fn end_trial(
        &mut self,
        settings: &BreakerSettings,
        result: ProbeResult,
        now: u64,
    ) -> String {
        self.trial = String::new();
        self.trial_until = 0;
        if result == ProbeResult::Failed {
            self.since = now;
            self.until = now.saturating_add(to_millis(settings.reopen));
        }

        std::mem::take(&mut self.trial_user)
    }
}
