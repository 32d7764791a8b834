//! The wire form of the cache's scripts: entries, epochs and leases in Valkey.

use std::sync::LazyLock;
use std::time::Duration;

use super::key::{Key, Tag};
use super::policy::{CachePolicy, MAX_ENTRY_TTL};
use crate::valkey::{Reply, Script, ScriptCall, ScriptRequest};

/// An epoch outlives every entry that carries it.
const EPOCH_TTL: Duration = Duration::from_hours(72);

static READ_SCRIPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("read.lua").to_owned()));

static WRITE_SCRIPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("write.lua").to_owned()));

static DISCARD_SCRIPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("discard.lua").to_owned()));

static INVALIDATE_SCRIPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("invalidate.lua").to_owned()));

/// Reads an entry, and asks for the lease if the entry must be loaded.
pub(super) struct ReadRequest {
    keys: Vec<String>,
    lease_ttl: Duration,
    reader: ReaderState,
}

/// The state of a reader.
pub(super) struct ReaderState {
    /// The version that it holds; empty if it holds none.
    pub(super) held_version: String,
    /// Its token for the lease; empty if it only looks.
    pub(super) lease_token: String,
    /// The entry is loaded anew when less than so many times the cost of a load is left of its
    /// time.
    pub(super) early_factor: f64,
}

/// The state of an entry in Valkey.
pub(super) struct ReadAnswer {
    /// The server's time, in milliseconds since 1970.
    pub(super) now: u64,
    /// The epochs of the entry's tags.
    pub(super) epochs: String,
    /// The entry; `None` if there is none that holds.
    pub(super) entry: Option<SharedEntry>,
    pub(super) lease: LeaseAnswer,
}

/// An entry in Valkey that holds.
pub(super) struct SharedEntry {
    pub(super) version: String,
    pub(super) fresh_until: u64,
    pub(super) usable_until: u64,
    /// The encoded value; empty if the reader holds this version.
    pub(super) body: Vec<u8>,
}

/// Whether the reader may load the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeaseAnswer {
    /// It need not be loaded, or another reader loads it.
    NotGranted,
    /// The reader holds the lease.
    Granted,
    /// The reader only looked: it should ask for the lease.
    ShouldAsk,
}

impl ReadRequest {
    pub(super) fn new<V>(
        key: &Key<V>,
        prefix: &str,
        policy: &CachePolicy,
        reader: ReaderState,
    ) -> Self {
        let keys = [key.entry_key(prefix), key.lease_key(prefix)];
        let keys = keys.into_iter().chain(key.epoch_keys(prefix));

        Self {
            keys: keys.collect(),
            lease_ttl: policy.lease_ttl,
            reader,
        }
    }
}

impl ScriptRequest for ReadRequest {
    type Answer = ReadAnswer;

    fn into_call(self) -> ScriptCall {
        let lease_millis = self.lease_ttl.as_millis().max(1);
        let arguments = [
            self.reader.held_version,
            self.reader.lease_token,
            lease_millis.to_string(),
            format!("{:.6}", self.reader.early_factor),
        ];

        ScriptCall {
            script: &READ_SCRIPT,
            keys: self.keys,
            arguments: arguments.map(String::into_bytes).to_vec(),
        }
    }

    fn read_reply(reply: Reply) -> Option<ReadAnswer> {
        type Fields = (u64, String, String, u64, u64, Vec<u8>, u8);
        let fields: Fields = redis::from_redis_value(reply).ok()?;
        let (now, epochs, version, fresh_until, usable_until, body, lease) = fields;

        let entry = SharedEntry {
            version,
            fresh_until,
            usable_until,
            body,
        };
        let lease = match lease {
            1 => LeaseAnswer::Granted,
            2 => LeaseAnswer::ShouldAsk,
            _ => LeaseAnswer::NotGranted,
        };
        Some(ReadAnswer {
            now,
            epochs,
            entry: Some(entry).filter(|entry| !entry.version.is_empty()),
            lease,
        })
    }
}

/// Writes an entry and gives its lease back, if the lease is still the writer's.
pub(super) struct WriteRequest {
    pub(super) entry_key: String,
    pub(super) lease_key: String,
    pub(super) lease_token: String,
    pub(super) entry: NewEntry,
}

/// An entry that was just loaded. The default gives only the lease back.
#[derive(Default)]
pub(super) struct NewEntry {
    /// The epochs of its tags before it was loaded.
    pub(super) epochs: String,
    pub(super) version: String,
    pub(super) fresh_ttl: Duration,
    pub(super) stale_ttl: Duration,
    /// How long the load took, in milliseconds.
    pub(super) load_millis: u64,
    /// The encoded value; empty if nothing was loaded.
    pub(super) body: Vec<u8>,
}

impl ScriptRequest for WriteRequest {
    /// Whether the lease was still the writer's.
    type Answer = bool;

    fn into_call(self) -> ScriptCall {
        let Self { entry, .. } = self;
        let whole_ttl = entry.fresh_ttl.saturating_add(entry.stale_ttl);
        let millis = |time: Duration| time.as_millis().max(1).to_string();

        let texts = [
            self.lease_token,
            entry.epochs,
            entry.version,
            millis(entry.fresh_ttl),
            millis(whole_ttl.min(MAX_ENTRY_TTL)),
            entry.load_millis.to_string(),
        ];
        let texts = texts.map(String::into_bytes).into_iter();
        ScriptCall {
            script: &WRITE_SCRIPT,
            keys: vec![self.entry_key, self.lease_key],
            arguments: texts.chain([entry.body]).collect(),
        }
    }

    fn read_reply(reply: Reply) -> Option<bool> {
        Some(reply == Reply::Int(1))
    }
}

/// Takes an entry away that cannot be read, unless another version was written meanwhile.
pub(super) struct DiscardRequest {
    pub(super) entry_key: String,
    pub(super) version: String,
}

impl ScriptRequest for DiscardRequest {
    type Answer = ();

    fn into_call(self) -> ScriptCall {
        ScriptCall {
            script: &DISCARD_SCRIPT,
            keys: vec![self.entry_key],
            arguments: vec![self.version.into_bytes()],
        }
    }

    fn read_reply(_: Reply) -> Option<()> {
        Some(())
    }
}

/// Gives tags a new epoch.
pub(super) struct InvalidateRequest {
    epoch_keys: Vec<String>,
}

impl InvalidateRequest {
    pub(super) fn new(tags: &[Tag], prefix: &str) -> Self {
        let epoch_keys = tags.iter().map(|tag| tag.epoch_key(prefix));
        Self {
            epoch_keys: epoch_keys.collect(),
        }
    }
}

impl ScriptRequest for InvalidateRequest {
    type Answer = ();

    fn into_call(self) -> ScriptCall {
        let ttl = EPOCH_TTL.as_millis().to_string();
        ScriptCall {
            script: &INVALIDATE_SCRIPT,
            keys: self.epoch_keys,
            arguments: vec![ttl.into_bytes()],
        }
    }

    fn read_reply(_: Reply) -> Option<()> {
        Some(())
    }
}
