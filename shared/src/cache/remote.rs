//! The level that all environments share: entries, epochs and leases in Valkey.

use std::sync::LazyLock;
use std::time::Duration;

use redis::Value;
use serde::de::DeserializeOwned;

use super::memory::Held;
use super::policy::LONGEST;
use super::{Cache, Key, Policy, entry};
use crate::deadline::Deadline;
use crate::valkey::{Script, ScriptCall};

static READ: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("read.lua").to_owned()));
static WRITE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("write.lua").to_owned()));

/// By its version, so that one that was written meanwhile stays.
static DISCARD: LazyLock<Script> = LazyLock::new(|| {
    let text = "if redis.call('HGET', KEYS[1], 'version') == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";
    Script::new(text.to_owned())
});

/// What Valkey says of an entry.
pub(super) struct Look<V> {
    pub(super) epochs: String,
    pub(super) held: Option<Held<V>>,
    pub(super) turn: Turn,
}

/// Whose turn it is to load an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nobody's yet, or another's.
    None,
    /// The reader's, who holds the lease.
    Ours,
    /// The reader only looked: it should ask for the lease.
    ToAsk,
}

/// What is written.
pub(super) struct Write<'a> {
    pub(super) epochs: &'a str,
    pub(super) version: &'a str,
    pub(super) fresh: Duration,
    pub(super) stale: Duration,
    pub(super) cost: u64,
    pub(super) body: Vec<u8>,
}

impl Cache {
    /// Asks Valkey for the entry, and for the lease if it must be loaded; `None` if there is no Valkey.
    pub(super) async fn look<V: DeserializeOwned + Clone>(
        &self,
        key: &Key<V>,
        entry: &str,
        policy: &Policy,
        held: Option<&Held<V>>,
        (token, early): (&str, f64),
        deadline: Deadline,
    ) -> Option<Look<V>> {
        let valkey = self.valkey.as_ref()?;
        let asked = self.memory.turn();
        let version = held.map(|held| held.version.clone()).unwrap_or_default();
        let call = self.read_call(key, policy, &version, token, early);
        let answers = valkey.run(&[call], deadline).await.ok()?;
        self.heard(key, entry, held, answers.first()?, asked, deadline)
            .await
    }

    pub(super) fn read_call<V>(
        &self,
        key: &Key<V>,
        policy: &Policy,
        version: &str,
        token: &str,
        early: f64,
    ) -> ScriptCall<'static> {
        let early = format!("{early:.6}");
        let lease = policy.lease.as_millis().max(1).to_string();
        let arguments = [version, token, &lease, &early]
            .map(|text| text.as_bytes().to_vec())
            .to_vec();
        ScriptCall {
            script: &READ,
            keys: key.keys(&self.prefix),
            arguments,
        }
    }

    /// What Valkey's answer means; `None` if it is none.
    pub(super) async fn heard<V: DeserializeOwned + Clone>(
        &self,
        key: &Key<V>,
        entry: &str,
        held: Option<&Held<V>>,
        answer: &Value,
        asked: u64,
        deadline: Deadline,
    ) -> Option<Look<V>> {
        let (now, epochs, version, fresh, stale, body, leased): (
            u64,
            String,
            String,
            u64,
            u64,
            Vec<u8>,
            u8,
        ) = redis::from_redis_value_ref(answer).ok()?;
        self.memory.heard(now);
        let held = match held.filter(|held| held.version == version) {
            Some(held) => Some(Held {
                fresh,
                stale,
                asked,
                checked: self.memory.now(),
                ..held.clone()
            }),
            None if version.is_empty() => None,
            None => {
                let value = entry::decode::<V>(&body);
                if value.is_err() {
                    tracing::warn!(
                        kind = key.kind(),
                        "an entry that cannot be read is discarded"
                    );
                    self.discard(key, version.clone(), deadline).await;
                }
                let checked = self.memory.now();
                value.ok().map(|(value, size)| Held {
                    value,
                    version,
                    fresh,
                    stale,
                    checked,
                    asked,
                    size,
                })
            }
        };
        if held.is_none() {
            self.memory.forget(entry);
        }
        let turn = match leased {
            1 => Turn::Ours,
            2 => Turn::ToAsk,
            _ => Turn::None,
        };
        Some(Look { epochs, held, turn })
    }

    /// Takes an entry away that cannot be read, so that the next look may load it.
    async fn discard<V>(&self, key: &Key<V>, version: String, deadline: Deadline) {
        let Some(valkey) = &self.valkey else { return };
        let arguments = vec![version.into_bytes()];
        let call = ScriptCall {
            script: &DISCARD,
            keys: vec![key.entry(&self.prefix)],
            arguments,
        };
        if let Err(gone) = valkey.run(&[call], deadline).await {
            tracing::warn!(kind = key.kind(), error = %gone, "it could not be discarded");
        }
    }

    pub(super) async fn write<V>(&self, key: &Key<V>, token: &str, write: Write<'_>) -> bool {
        let Some(valkey) = &self.valkey else {
            return false;
        };
        let keys = key.keys(&self.prefix).into_iter().take(2).collect();
        let millis = |time: Duration| time.as_millis().max(1).to_string();
        let texts = [
            token.to_owned(),
            write.epochs.to_owned(),
            write.version.to_owned(),
            millis(write.fresh),
            millis(write.fresh.saturating_add(write.stale).min(LONGEST)),
            write.cost.to_string(),
        ];
        let arguments = texts
            .map(String::into_bytes)
            .into_iter()
            .chain([write.body])
            .collect();
        let call = ScriptCall {
            script: &WRITE,
            keys,
            arguments,
        };
        let written = valkey
            .run(&[call], Deadline::after(Duration::from_secs(1)))
            .await;
        written
            .ok()
            .is_some_and(|answers| answers.first() == Some(&Value::Int(1)))
    }
}
