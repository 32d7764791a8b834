//! Whom the provider asked to leave it alone, and until when.
//!
//! One client can make a provider ask for it alone, by one request that is too large for a limit.
//! So what it is asked for holds as far as two agree, and none contradicts: for the client that was
//! asked; for its tenant, once two of its users were; and for all, once two tenants were. Another
//! client's call that succeeds after one was asked says that the asking was about that one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::client::tenant_of;

/// The most clients whose cooldowns a circuit remembers.
pub(super) const MAX_COOLDOWNS: usize = 32;

/// One client's cooldown, in milliseconds since 1970. In JSON it is an array of the four numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u64; 4]", into = "[u64; 4]")]
pub struct Cooldown {
    /// When it ends for the client itself.
    own: u64,
    /// The end that it speaks for in its tenant; 0 if another user was served since.
    in_tenant: u64,
    /// The end that it speaks for among all; 0 if another client was served since.
    in_circuit: u64,
    /// When the provider asked for it last.
    asked_at: u64,
}

impl From<[u64; 4]> for Cooldown {
    fn from([own, in_tenant, in_circuit, asked_at]: [u64; 4]) -> Self {
        Self {
            own,
            in_tenant,
            in_circuit,
            asked_at,
        }
    }
}

impl From<Cooldown> for [u64; 4] {
    fn from(cooldown: Cooldown) -> Self {
        let Cooldown {
            own,
            in_tenant,
            in_circuit,
            asked_at,
        } = cooldown;
        [own, in_tenant, in_circuit, asked_at]
    }
}

/// The cooldowns of clients, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cooldowns(BTreeMap<String, Cooldown>);

impl Cooldowns {
    pub(super) fn extend(&mut self, client: &str, until: u64, now: u64) {
        let known = self.0.entry(client.to_owned()).or_default();
        *known = Cooldown {
            own: until.max(known.own),
            in_tenant: until.max(known.in_tenant),
            in_circuit: until.max(known.in_circuit),
            asked_at: now,
        };
    }

    /// Notes that a call of a client succeeded then.
    pub(super) fn contradict(&mut self, client: &str, at: u64) {
        for (name, cooldown) in &mut self.0 {
            if name == client || at <= cooldown.asked_at {
                continue;
            }
            cooldown.in_circuit = 0;
            if tenant_of(name) == tenant_of(client) {
                cooldown.in_tenant = 0;
            }
        }
    }

    /// Whether there is one that nobody has contradicted.
    pub(super) fn may_concern_others(&self) -> bool {
        self.0.values().any(|cooldown| cooldown.in_circuit > 0)
    }

    pub(super) fn bound_size(&mut self) {
        while self.0.len() > MAX_COOLDOWNS {
            self.forget_first();
        }
    }

    pub(super) fn forget_old(&mut self, now: u64) {
        self.0.retain(|_, cooldown| cooldown.own > now);
    }

    /// Until when a client is to leave the provider alone; 0 if it need not.
    pub fn end_for(&self, client: &str) -> u64 {
        self.own_end(client).max(self.end_for_all())
    }

    /// The same by what its tenant was told.
    pub(super) fn own_end(&self, client: &str) -> u64 {
        let own = self.0.get(client).map_or(0, |cooldown| cooldown.own);
        own.max(self.end_for_tenant(tenant_of(client)))
    }

    /// Until when a whole tenant is to: as two of its users were told.
    pub fn end_for_tenant(&self, tenant: &str) -> u64 {
        let cooldowns = self.0.iter();
        let of_tenant = cooldowns.filter(|(client, _)| tenant_of(client) == tenant);
        second_largest(of_tenant.map(|(_, cooldown)| cooldown.in_tenant))
    }

    /// Until when all are to: as two tenants were told.
    pub fn end_for_all(&self) -> u64 {
        let mut ends = BTreeMap::<&str, u64>::new();
        for (client, cooldown) in &self.0 {
            let end = ends.entry(tenant_of(client)).or_default();
            *end = cooldown.in_circuit.max(*end);
        }
        second_largest(ends.into_values())
    }

    /// The tenants of which any client was told to, and is to still.
    pub(super) fn tenants(&self, now: u64) -> BTreeSet<&str> {
        let active = self.0.iter().filter(|(_, cooldown)| cooldown.own > now);
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
        let first = of_tenant.min_by_key(|(client, cooldown)| (cooldown.own, *client));
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
