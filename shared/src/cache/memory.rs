//! The first level: what this environment holds, bounded by its size.

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

/// The most that is held, in bytes of the values' stored form.
const CAPACITY: u64 = 16 * 1024 * 1024;

/// A clock in milliseconds since 1970.
pub type Clock = fn() -> u64;

/// The wall clock: the monotonic one may stand still in a freeze.
pub(super) fn wall_clock() -> u64 {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// A value, its version and its times, by the server's clock.
#[derive(Clone)]
pub(super) struct Held<V> {
    pub(super) value: Option<V>,
    pub(super) version: String,
    pub(super) fresh: u64,
    pub(super) stale: u64,
    /// When it was last known to hold.
    pub(super) checked: u64,
    /// The turn at which that was asked: whoever came before it need not ask again.
    pub(super) asked: u64,
    pub(super) size: usize,
}

impl<V> Held<V> {
    pub(super) const fn is_fresh(&self, now: u64) -> bool {
        now < self.fresh
    }

    pub(super) const fn is_usable(&self, now: u64) -> bool {
        now < self.stale
    }

    pub(super) fn is_recent(&self, now: u64, age: Duration) -> bool {
        u128::from(now.saturating_sub(self.checked)) <= age.as_millis()
    }
}

type Flight = tokio::sync::Mutex<()>;

/// A held value of some type, and what it weighs.
#[derive(Clone)]
struct Weighed {
    held: Arc<dyn Any + Send + Sync>,
    weight: u32,
}

pub(super) struct Memory {
    entries: moka::sync::Cache<String, Weighed>,
    flights: Mutex<HashMap<String, Weak<Flight>>>,
    clock: Clock,
    /// The server's clock less ours, in milliseconds.
    ahead: AtomicI64,
    turns: AtomicU64,
}

impl Memory {
    pub(super) fn new(clock: Clock) -> Self {
        let entries = moka::sync::Cache::builder()
            .weigher(|_, entry: &Weighed| entry.weight)
            .max_capacity(CAPACITY)
            .build();
        Self {
            entries,
            flights: Mutex::default(),
            clock,
            ahead: AtomicI64::new(0),
            turns: AtomicU64::new(0),
        }
    }

    /// The next number of a count of what happens in this environment: a clock is too coarse to say what came first.
    pub(super) fn turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// Now, by the server's clock as far as it is known.
    pub(super) fn now(&self) -> u64 {
        (self.clock)().saturating_add_signed(self.ahead.load(Ordering::Relaxed))
    }

    /// The server has told its time.
    pub(super) fn heard(&self, now: u64) {
        let signed = |millis: u64| i64::try_from(millis).unwrap_or(i64::MAX);
        self.ahead
            .store(signed(now) - signed((self.clock)()), Ordering::Relaxed);
    }

    /// What was just loaded; `times` is how long it is fresh, and how long it serves on beyond that.
    pub(super) fn hold<V>(
        &self,
        value: Option<V>,
        version: String,
        asked: u64,
        times: (Duration, Duration),
        size: usize,
    ) -> Held<V> {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let now = self.now();
        let fresh = now.saturating_add(millis(times.0));
        Held {
            value,
            version,
            fresh,
            stale: fresh.saturating_add(millis(times.1)),
            checked: now,
            asked,
            size,
        }
    }

    pub(super) fn get<V: Clone + Send + Sync + 'static>(&self, entry: &str) -> Option<Held<V>> {
        self.entries
            .get(entry)?
            .held
            .downcast_ref::<Held<V>>()
            .cloned()
    }

    pub(super) fn put<V: Send + Sync + 'static>(&self, entry: &str, held: Held<V>) {
        // The key and the times weigh something too.
        let weight = u32::try_from(held.size)
            .unwrap_or(u32::MAX)
            .saturating_add(256);
        self.entries.insert(
            entry.to_owned(),
            Weighed {
                held: Arc::new(held),
                weight,
            },
        );
    }

    pub(super) fn forget(&self, entry: &str) {
        self.entries.invalidate(entry);
    }

    pub(super) fn forget_all(&self) {
        self.entries.invalidate_all();
    }

    /// What those who ask for one entry at the same time share.
    pub(super) fn flight(&self, entry: &str) -> Arc<Flight> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(entry).and_then(Weak::upgrade) {
            return flight;
        }
        flights.retain(|_, flight| flight.strong_count() > 0);
        let flight = Arc::new(Flight::default());
        flights.insert(entry.to_owned(), Arc::downgrade(&flight));
        flight
    }
}
