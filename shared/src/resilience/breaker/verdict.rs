//! Who is failing: a user, a tenant, or the provider.
//!
//! - A user is, by its own consecutive faults, or its own shares.
//! - A tenant is, by consecutive faults of which half are others' than of the user with most of
//!   them, or by shares without that user's calls, and without users that are left out.
//! - The provider is, by the same of tenants.
//!
//! So one user takes nothing from its tenant, and one tenant nothing from the others.

use super::client::{exceeds_rate, tenant_of};
use super::clients::{Clients, TenantState, UserState};
use super::window::WindowSlot;
use crate::config::BreakerSettings;

/// Calls of which it is not known whose they are. Each counts as another client's.
pub(super) struct UnattributedCalls {
    /// Those of the window.
    pub(super) calls: WindowSlot,
    /// Faults since the last success of anyone.
    pub(super) row: u64,
}

/// How many are left out from now on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NewBars {
    /// Users, by themselves.
    pub users: u64,
    /// Tenants.
    pub tenants: u64,
}

impl NewBars {
    pub(super) const fn add(&mut self, more: Self) {
        self.users += more.users;
        self.tenants += more.tenants;
    }
}

impl Clients {
    /// Leaves out those of these clients, and of their tenants, that are failing.
    pub(super) fn bar_failing<'a>(
        &mut self,
        settings: &BreakerSettings,
        clients: impl Iterator<Item = &'a String> + Clone,
        now: u64,
    ) -> NewBars {
        let mut new_bars = NewBars::default();
        for client in clients.clone() {
            let user = self.users.get(client).filter(|user| user.bar.is_none());
            if user.is_some_and(|user| user.is_failing(settings)) {
                self.bar_user(settings, client, now);
                new_bars.users += 1;
            }
        }

        for client in clients {
            let name = tenant_of(client);
            let tenant = self.tenants.get(name);
            let tenant = tenant.filter(|tenant| tenant.bar.is_none());
            if tenant.is_some_and(|tenant| self.is_tenant_failing(settings, name, tenant)) {
                self.bar_tenant(settings, name, now);
                new_bars.tenants += 1;
            }
        }

        new_bars
    }

    fn is_tenant_failing(
        &self,
        settings: &BreakerSettings,
        name: &str,
        tenant: &TenantState,
    ) -> bool {
        let rows = self.users_of(name).map(|(_, user)| user.rows.in_tenant);
        if is_shared_row(settings, 0, rows) {
            return true;
        }

        let counted = self.users_of(name).filter(|(_, user)| user.bar.is_none());
        let rest = sum_without_worst(counted.map(|(_, user)| user.slots.total()));
        excessive_share(settings, rest.plus(tenant.slots.total())).is_some()
    }

    /// Why the circuit is to open for all, if it is.
    pub(super) fn reason_to_open(
        &self,
        settings: &BreakerSettings,
        unattributed: &UnattributedCalls,
    ) -> Option<&'static str> {
        let rows = self.tenants.keys().map(|name| {
            let users = self.users_of(name);
            users.map(|(_, user)| user.rows.in_circuit).sum()
        });
        if is_shared_row(settings, unattributed.row, rows) {
            return Some("consecutive_faults");
        }

        let counted = self.tenants.iter();
        let counted = counted.filter(|(_, tenant)| tenant.bar.is_none());
        let rest =
            sum_without_worst(counted.map(|(name, tenant)| self.counted_calls(name, tenant)));
        excessive_share(settings, rest.plus(unattributed.calls))
    }

    /// The calls of a tenant, but of users that are left out.
    fn counted_calls(&self, name: &str, tenant: &TenantState) -> WindowSlot {
        let users = self.users_of(name).filter(|(_, user)| user.bar.is_none());
        let calls = users.map(|(_, user)| user.slots.total());
        calls.fold(tenant.slots.total(), WindowSlot::plus)
    }
}

impl UserState {
    fn is_failing(&self, settings: &BreakerSettings) -> bool {
        self.rows.own >= u64::from(settings.failures)
            || excessive_share(settings, self.slots.total()).is_some()
    }
}

/// Whether a row of faults is long enough, and half of it others' than of the one with most.
fn is_shared_row(
    settings: &BreakerSettings,
    unattributed: u64,
    rows: impl Iterator<Item = u64>,
) -> bool {
    let (mut all, mut longest) = (unattributed, 0);
    for row in rows {
        all += row;
        longest = row.max(longest);
    }

    let failures = u64::from(settings.failures);
    all >= failures && all - longest >= failures.div_ceil(2)
}

/// The sum of all but the one with most faults or slow calls.
fn sum_without_worst(parts: impl Iterator<Item = WindowSlot>) -> WindowSlot {
    let parts: Vec<_> = parts.collect();
    let worst = parts
        .iter()
        .max_by_key(|calls| calls.failures.max(calls.slow));
    let worst = worst.copied().unwrap_or_default();

    let sum = parts
        .into_iter()
        .fold(WindowSlot::default(), WindowSlot::plus);
    sum.less(worst)
}

/// The share of calls that is too large, if one is.
fn excessive_share(settings: &BreakerSettings, calls: WindowSlot) -> Option<&'static str> {
    let exceeds = |rate, part| exceeds_rate(settings, rate, part, calls.calls());
    if exceeds(settings.failure_rate, calls.failures) {
        Some("failure_rate")
    } else if exceeds(settings.slow_rate, calls.slow) {
        Some("slow_calls")
    } else {
        None
    }
}
