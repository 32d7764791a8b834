//! The first level: the memory of this environment, bounded by its size.

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

/// The most that is held, in bytes of the values' stored form.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The weight of a key and of the times of an entry, in bytes.
const ENTRY_OVERHEAD: u32 = 256;

/// A clock in milliseconds since 1970.
pub type Clock = fn() -> u64;

/// The wall clock: the monotonic one may stand still in a freeze.
pub(super) fn wall_clock() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    millis(now.unwrap_or_default())
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A value, its version, and its times by the server's clock in milliseconds since 1970.
#[derive(Clone)]
pub(super) struct HeldEntry<V> {
    /// `None` is the known absence of a value.
    pub(super) value: Option<V>,
    pub(super) version: String,
    pub(super) fresh_until: u64,
    /// Beyond this it does not serve even if loading fails.
    pub(super) usable_until: u64,
    /// When it was last known to hold.
    pub(super) checked_at: u64,
    /// The sequence number of the question to which that was the answer: a caller that arrived
    /// before it need not ask again.
    pub(super) asked: u64,
    /// Bytes of its JSON.
    pub(super) size: usize,
}

impl<V> HeldEntry<V> {
    pub(super) const fn is_fresh(&self, now: u64) -> bool {
        now < self.fresh_until
    }

    pub(super) const fn is_usable(&self, now: u64) -> bool {
        now < self.usable_until
    }

    pub(super) fn is_recent(&self, now: u64, max_age: Duration) -> bool {
        now.saturating_sub(self.checked_at) <= millis(max_age)
    }
}

/// The lock that callers share who ask for one entry at the same time.
type Flight = tokio::sync::Mutex<()>;

/// A held entry of some type, and its weight.
#[derive(Clone)]
struct WeighedEntry {
    held: Arc<dyn Any + Send + Sync>,
    weight: u32,
}

pub(super) struct Memory {
    entries: moka::sync::Cache<String, WeighedEntry>,
    flights: Mutex<HashMap<String, Weak<Flight>>>,
    clock: Clock,
    /// The server's clock less ours, in milliseconds.
    clock_offset: AtomicI64,
    sequence: AtomicU64,
}

impl Memory {
    pub(super) fn new(clock: Clock) -> Self {
        let entries = moka::sync::Cache::builder()
            .weigher(|_, entry: &WeighedEntry| entry.weight)
            .max_capacity(MAX_BYTES)
            .build();

        Self {
            entries,
            flights: Mutex::default(),
            clock,
            clock_offset: AtomicI64::new(0),
            sequence: AtomicU64::new(0),
        }
    }

    /// The next number in the order of events in this environment: a clock is too coarse to order
    /// them.
    pub(super) fn next_sequence(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed)
    }

    /// Now, by the server's clock as far as it is known.
    pub(super) fn now(&self) -> u64 {
        let offset = self.clock_offset.load(Ordering::Relaxed);
        (self.clock)().saturating_add_signed(offset)
    }

    /// Follows the server's clock, which has just said `server_now`.
    pub(super) fn adjust_clock(&self, server_now: u64) {
        let signed = |millis: u64| i64::try_from(millis).unwrap_or(i64::MAX);
        let offset = signed(server_now) - signed((self.clock)());
        self.clock_offset.store(offset, Ordering::Relaxed);
    }

    pub(super) fn get<V: Clone + Send + Sync + 'static>(
        &self,
        entry_key: &str,
    ) -> Option<HeldEntry<V>> {
        let entry = self.entries.get(entry_key)?;
        entry.held.downcast_ref::<HeldEntry<V>>().cloned()
    }

    pub(super) fn put<V: Send + Sync + 'static>(&self, entry_key: &str, held: HeldEntry<V>) {
        let size = u32::try_from(held.size).unwrap_or(u32::MAX);
        let entry = WeighedEntry {
            held: Arc::new(held),
            weight: size.saturating_add(ENTRY_OVERHEAD),
        };
        self.entries.insert(entry_key.to_owned(), entry);
    }

    pub(super) fn forget(&self, entry_key: &str) {
        self.entries.invalidate(entry_key);
    }

    pub(super) fn forget_all(&self) {
        self.entries.invalidate_all();
    }

    /// The flight of those who ask for one entry at the same time.
    pub(super) fn join_flight(&self, entry_key: &str) -> Arc<Flight> {
        let mut flights = self.flights.lock();
        if let Some(flight) = flights.get(entry_key).and_then(Weak::upgrade) {
            return flight;
        }

        flights.retain(|_, flight| flight.strong_count() > 0);
        let flight = Arc::new(Flight::default());
        flights.insert(entry_key.to_owned(), Arc::downgrade(&flight));
        flight
    }
}
