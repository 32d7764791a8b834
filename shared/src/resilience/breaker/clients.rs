//! The tenants and users of a circuit: their calls, and which of them are left out.
//!
//! What one client's calls do to a provider must not keep the provider from others. So calls are
//! counted where they belong: a user's faults and slow calls with the user. A tenant's calls are
//! its users' and those that it counts itself; the circuit's are its tenants' and those that it
//! counts itself. No call is counted twice, and none changes its owner while that one is
//! remembered.
//!
//! Only users that had a fault or a slow call are remembered, with their calls since. If they are
//! too many, those go first that are not left out and were not heard of for longest: a user's calls
//! become its tenant's, and a tenant's the circuit's, as those of many who had a few faults each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bar::Bar;
use super::client::{ProbeResult, tenant_of, to_millis};
use super::report::ProbeEnd;
use super::window::{CallTime, CallWindow, WindowSlot};
use crate::config::BreakerSettings;

/// The most tenants that a circuit remembers.
const MAX_TENANTS: usize = 16;

/// The most users that a circuit remembers.
pub(super) const MAX_USERS: usize = 16;

/// Faults since the last success of one's own, of one's tenant, and of anyone. In JSON it is an
/// array of the three numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u64; 3]", into = "[u64; 3]")]
pub struct FaultRows {
    /// Since the user's last success.
    pub own: u64,
    /// Since the last success in the tenant.
    pub in_tenant: u64,
    /// Since the last success of anyone.
    pub in_circuit: u64,
}

impl From<[u64; 3]> for FaultRows {
    fn from([own, in_tenant, in_circuit]: [u64; 3]) -> Self {
        Self {
            own,
            in_tenant,
            in_circuit,
        }
    }
}

impl From<FaultRows> for [u64; 3] {
    fn from(rows: FaultRows) -> Self {
        [rows.own, rows.in_tenant, rows.in_circuit]
    }
}

/// One user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserState {
    /// Its consecutive faults.
    pub rows: FaultRows,
    /// Its calls.
    pub slots: CallWindow,
    /// When its last fault was.
    pub last_fault: u64,
    /// When it was last heard of.
    pub at: u64,
    /// Whether, and until when, it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bar: Option<Bar>,
}

/// One tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantState {
    /// The calls of those of its users that are not remembered.
    pub slots: CallWindow,
    /// When its last fault was.
    pub last_fault: u64,
    /// When it was last heard of.
    pub at: u64,
    /// Whether, and until when, it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bar: Option<Bar>,
}

/// The tenants and users that had a fault or a slow call in the window.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clients {
    /// By the tenant's name.
    pub tenants: BTreeMap<String, TenantState>,
    /// By the client's whole name.
    pub users: BTreeMap<String, UserState>,
}

impl UserState {
    fn count(&mut self, calls: WindowSlot, time: &CallTime) {
        self.at = time.now;
        self.slots.add(time.slot, calls);
        if calls.successes > 0 && time.at > self.last_fault {
            self.rows.own = 0;
        }

        if calls.failures > 0 {
            self.rows.own += calls.failures;
            self.rows.in_tenant += calls.failures;
            self.rows.in_circuit += calls.failures;
            self.last_fault = self.last_fault.max(time.at);
        }
    }

    /// Whether there is nothing about it that counts.
    fn is_clean(&self) -> bool {
        let has_no_row = self.rows == FaultRows::default();
        self.bar.is_none() && has_no_row && !self.slots.total().has_bad_calls()
    }

    /// Forgets its faults and slow calls.
    fn forgive(&mut self) {
        self.rows = FaultRows::default();
        self.slots.clear_bad_calls();
    }
}

/// Whether a bar still holds whose owner was last heard of then.
fn is_bar_current(bar: &Bar, at: u64, window: u64, now: u64) -> bool {
    at.max(bar.until).saturating_add(window) > now
}

impl Clients {
    /// The users of a tenant.
    pub(super) fn users_of<'a>(
        &'a self,
        tenant: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a UserState)> {
        let users = self.users.iter();
        users.filter(move |(name, _)| tenant_of(name) == tenant)
    }

    fn users_of_mut<'a>(
        &'a mut self,
        tenant: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a mut UserState)> {
        let users = self.users.iter_mut();
        users.filter(move |(name, _)| tenant_of(name) == tenant)
    }

    /// Remembers a client from now on, if its calls failed or were slow. Of calls that are counted
    /// together, all such clients are remembered first, so that their order does not matter.
    pub(super) fn remember_bad(&mut self, client: &str, calls: WindowSlot) {
        if calls.has_bad_calls() {
            let tenant = tenant_of(client).to_owned();
            self.tenants.entry(tenant).or_default();
            self.users.entry(client.to_owned()).or_default();
        }
    }

    /// Counts calls of a client that ended alike. Returns those that belong to nobody here: they
    /// succeeded in time, and the tenant has had no fault.
    pub(super) fn count(&mut self, client: &str, calls: WindowSlot, time: &CallTime) -> WindowSlot {
        if calls.calls() == 0 {
            return calls;
        }
        let tenant_name = tenant_of(client);
        let Some(tenant) = self.tenants.get_mut(tenant_name) else {
            return calls;
        };
        tenant.at = time.now;
        let ends_row = calls.successes > 0 && time.at > tenant.last_fault;
        if calls.failures > 0 {
            tenant.last_fault = tenant.last_fault.max(time.at);
        }

        match self.users.get_mut(client) {
            Some(user) => user.count(calls, time),
            None => tenant.slots.add(time.slot, calls),
        }
        if ends_row {
            self.end_row_of(tenant_name);
        }

        WindowSlot::default()
    }

    fn end_row_of(&mut self, tenant: &str) {
        for (_, user) in self.users_of_mut(tenant) {
            user.rows.in_tenant = 0;
        }
    }

    /// Ends the row of faults of all together.
    pub(super) fn end_row(&mut self) {
        for user in self.users.values_mut() {
            user.rows.in_circuit = 0;
        }
    }

    /// Consecutive faults of all together.
    pub(super) fn row(&self) -> u64 {
        let users = self.users.values();
        users.map(|user| user.rows.in_circuit).sum()
    }

    /// The calls of the whole window.
    pub(super) fn window_total(&self) -> WindowSlot {
        let of_tenants = self.tenants.values().map(|tenant| tenant.slots.total());
        let of_users = self.users.values().map(|user| user.slots.total());
        of_tenants
            .chain(of_users)
            .fold(WindowSlot::default(), WindowSlot::plus)
    }

    /// Forgets what has left the window. The calls of a client of whom nothing else is left go to
    /// its tenant, and those of such a tenant to `unattributed`.
    pub(super) fn forget_old(&mut self, window: u64, now: u64, unattributed: &mut CallWindow) {
        let is_over = |last_fault: u64| last_fault.saturating_add(window) <= now;
        let is_current = |bar: &Bar, at: u64| is_bar_current(bar, at, window, now);

        for (name, user) in &mut self.users {
            let tenant = self.tenants.get(tenant_of(name));
            user.slots.forget_old(window, now);
            if is_over(user.last_fault) {
                user.rows.own = 0;
            }
            if tenant.is_none_or(|tenant| is_over(tenant.last_fault)) {
                user.rows.in_tenant = 0;
            }
            let at = user.at;
            user.bar.take_if(|bar| !is_current(bar, at));
        }

        let clean = self.users.extract_if(.., |_, user| user.is_clean());
        for (name, user) in clean {
            if let Some(tenant) = self.tenants.get_mut(tenant_of(&name)) {
                tenant.slots.take_over(&user.slots);
            }
        }

        let users = &self.users;
        self.tenants.retain(|name, tenant| {
            tenant.slots.forget_old(window, now);
            let at = tenant.at;
            tenant.bar.take_if(|bar| !is_current(bar, at));

            let has_users = users.keys().any(|user| tenant_of(user) == name);
            let has_bad_calls = tenant.slots.total().has_bad_calls();
            let is_kept = has_users || has_bad_calls || tenant.bar.is_some();
            if !is_kept {
                unattributed.take_over(&tenant.slots);
            }
            is_kept
        });
    }

    /// Forgets as many as are too many: first those that are not left out, and users of the tenant
    /// that has most of them.
    pub(super) fn bound_size(&mut self, unattributed: &mut CallWindow) {
        while self.users.len() > MAX_USERS {
            let Some(name) = self.first_user_to_forget() else {
                return;
            };
            let tenant = self.tenants.get_mut(tenant_of(&name));
            if let (Some(user), Some(tenant)) = (self.users.remove(&name), tenant) {
                tenant.slots.take_over(&user.slots);
            }
        }

        while self.tenants.len() > MAX_TENANTS {
            let tenants = self.tenants.iter();
            let first = tenants.min_by_key(|(name, tenant)| {
                let has_bar = tenant.bar.is_some();
                let has_barred = self.users_of(name).any(|(_, user)| user.bar.is_some());
                (has_bar || has_barred, tenant.at, (*name).clone())
            });
            let Some(name) = first.map(|(name, _)| name.clone()) else {
                return;
            };
            self.forget_tenant(&name, unattributed);
        }
    }

    fn first_user_to_forget(&self) -> Option<String> {
        let tenants = self.tenants.keys().rev();
        let largest = tenants.max_by_key(|name| self.users_of(name).count())?;

        let users = self.users_of(largest);
        let first = users.min_by_key(|(name, user)| (user.bar.is_some(), user.at, *name));
        first.map(|(name, _)| name.clone())
    }

    fn forget_tenant(&mut self, name: &str, unattributed: &mut CallWindow) {
        let users = self.users.extract_if(.., |user, _| tenant_of(user) == name);
        for (_, user) in users {
            unattributed.take_over(&user.slots);
        }
        if let Some(tenant) = self.tenants.remove(name) {
            unattributed.take_over(&tenant.slots);
        }
    }

    /// The bar that keeps a client out: its tenant's, or its own.
    pub(super) fn bar_of(&self, client: &str) -> Option<&Bar> {
        let tenant = self.tenants.get(tenant_of(client));
        let of_tenant = tenant.and_then(|tenant| tenant.bar.as_ref());
        of_tenant.or_else(|| self.users.get(client)?.bar.as_ref())
    }

    pub(super) fn bar_of_mut(&mut self, client: &str) -> Option<&mut Bar> {
        let tenant = self.tenants.get_mut(tenant_of(client));
        let of_tenant = tenant.and_then(|tenant| tenant.bar.as_mut());
        of_tenant.or_else(|| self.users.get_mut(client)?.bar.as_mut())
    }

    /// Takes in the end of a trial. Returns whose it was, if it succeeded: that client's bar is
    /// lifted, and its faults are forgotten.
    pub(super) fn end_trial(
        &mut self,
        settings: &BreakerSettings,
        probe: &ProbeEnd,
        now: u64,
    ) -> Option<String> {
        let holds = |bar: &Option<Bar>| bar.as_ref().is_some_and(|bar| bar.trial == probe.token);
        let is_success = probe.result == ProbeResult::Succeeded;

        let mut users = self.users.iter_mut();
        if let Some((name, user)) = users.find(|(_, user)| holds(&user.bar)) {
            if is_success {
                user.bar = None;
                user.forgive();
                return Some(name.clone());
            }
            user.at = now;
            let bar = user.bar.as_mut()?;
            bar.end_trial(settings, probe.result, now);
            return None;
        }

        let mut tenants = self.tenants.iter_mut();
        let (name, tenant) = tenants.find(|(_, tenant)| holds(&tenant.bar))?;
        if is_success {
            let prober = tenant.bar.take()?.trial_user;
            tenant.slots.clear_bad_calls();
            let name = name.clone();
            self.forgive_users(&name, &prober);
            return Some(prober);
        }
        tenant.at = now;
        let bar = tenant.bar.as_mut()?;
        let prober = bar.end_trial(settings, probe.result, now);
        if probe.result == ProbeResult::Failed {
            bar.failed_user = prober;
        }
        None
    }

    /// Forgets the faults of the users of a tenant, but of those that are left out by themselves.
    fn forgive_users(&mut self, tenant: &str, prober: &str) {
        for (name, user) in self.users_of_mut(tenant) {
            if name == prober {
                user.bar = None;
            }
            if user.bar.is_none() {
                user.forgive();
            }
        }
    }

    /// Leaves a user out.
    pub(super) fn bar_user(&mut self, settings: &BreakerSettings, client: &str, now: u64) {
        if let Some(user) = self.users.get_mut(client) {
            user.bar = Some(Bar::begin(settings, now));
        }
    }

    /// Leaves a tenant out.
    pub(super) fn bar_tenant(&mut self, settings: &BreakerSettings, tenant: &str, now: u64) {
        if let Some(tenant) = self.tenants.get_mut(tenant) {
            tenant.bar = Some(Bar::begin(settings, now));
        }
    }

    /// The number of tenants that are left out.
    pub fn barred_tenants(&self) -> usize {
        let tenants = self.tenants.values();
        tenants.filter(|tenant| tenant.bar.is_some()).count()
    }

    /// The number of users that are left out by themselves.
    pub fn barred_users(&self) -> usize {
        let users = self.users.values();
        users.filter(|user| user.bar.is_some()).count()
    }
}

/// The window of the settings in milliseconds.
pub(super) fn window_millis(settings: &BreakerSettings) -> u64 {
    to_millis(settings.window)
}
