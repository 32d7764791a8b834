//! Whom the provider asked to leave it alone, and until when.
//!
//! One client can make a provider ask for it alone, by one request that is too large for a limit.
//! So what it is asked for holds as far as two agree: for the client that was asked; for its
//! tenant, once two of its users were; and for all, once two tenants were.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::client::tenant_of;

/// The most clients whose cooldowns a circuit remembers.
pub(super) const MAX_COOLDOWNS: usize = 32;

/// The end of each client's cooldown, in milliseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cooldowns(BTreeMap<String, u64>);

impl Cooldowns {
    pub(super) fn extend(&mut self, client: &str, until: u64) {
        let known = self.0.entry(client.to_owned()).or_default();
        *known = until.max(*known);
    }

    pub(super) fn bound_size(&mut self) {
        while self.0.len() > MAX_COOLDOWNS {
            self.forget_first();
        }
    }

    pub(super) fn forget_old(&mut self, now: u64) {
        self.0.retain(|_, until| *until > now);
    }

    /// Until when a client is to leave the provider alone; 0 if it need not.
    pub fn end_for(&self, client: &str) -> u64 {
        let own = self.0.get(client).copied().unwrap_or_default();
        own.max(self.end_for_tenant(tenant_of(client)))
            .max(self.end_for_all())
    }

    /// Until when a whole tenant is to: as two of its users were told.
    pub fn end_for_tenant(&self, tenant: &str) -> u64 {
        let ends = self.0.iter();
        let ends = ends.filter(|(client, _)| tenant_of(client) == tenant);
        second_largest(ends.map(|(_, until)| *until))
    }

    /// Until when all are to: as two tenants were told.
    pub fn end_for_all(&self) -> u64 {
        let mut ends = BTreeMap::<&str, u64>::new();
        for (client, until) in &self.0 {
            let end = ends.entry(tenant_of(client)).or_default();
            *end = (*until).max(*end);
        }
        second_largest(ends.into_values())
    }

    /// The tenants of which any client was told to, and is to still.
    pub(super) fn tenants(&self, now: u64) -> BTreeSet<&str> {
        let active = self.0.iter().filter(|(_, until)| **until > now);
        active.map(|(client, _)| tenant_of(client)).collect()
    }

    /// Forgets the one that ends first, of the tenant that has most.
    fn forget_first(&mut self) {
        let mut counts = BTreeMap::<&str, usize>::new();
        for client in self.0.keys() {
            *counts.entry(tenant_of(client)).or_default() += 1;
        }
        let largest = counts.into_iter().rev().max_by_key(|(_, count)| *count);
        let Some((tenant, _)) = largest else {
            return;
        };

        let of_tenant = self.0.iter();
        let of_tenant = of_tenant.filter(|(client, _)| tenant_of(client) == tenant);
        let first = of_tenant.min_by_key(|(client, until)| (**until, *client));
        if let Some(client) = first.map(|(client, _)| client.clone()) {
            self.0.remove(&client);
        }
    }
}

/// What two agree on: the largest but one; 0 if there is only one.
fn second_largest(ends: impl Iterator<Item = u64>) -> u64 {
    let (mut largest, mut second) = (0, 0);
    for end in ends {
        second = second.max(end.min(largest));
        largest = largest.max(end);
    }
    second
}
