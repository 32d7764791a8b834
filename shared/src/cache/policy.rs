//! How long values are kept, and where they came from.

use std::time::Duration;

/// The longest that an entry can be kept, fresh and stale together.
pub(super) const MAX_ENTRY_TTL: Duration = Duration::from_hours(48);

/// How long a value is kept.
#[derive(Debug, Clone, Copy)]
pub struct CachePolicy {
    pub(super) fresh_ttl: Duration,
    pub(super) stale_ttl: Duration,
    pub(super) absent_ttl: Duration,
    pub(super) lease_ttl: Duration,
    pub(super) max_wait: Duration,
    pub(super) loads_anyway: bool,
}

impl CachePolicy {
    /// A value that is as good as new for this time, at most a day. It serves on for as long again
    /// if it cannot be loaded; absence is kept for a tenth; a loader may take 5 s before another
    /// one is let in. A caller that has waited 10 s for another environment's load is told to come
    /// back.
    pub const fn new(fresh_ttl: Duration) -> Self {
        Self {
            fresh_ttl,
            stale_ttl: fresh_ttl,
            absent_ttl: Duration::from_secs(fresh_ttl.as_secs() / 10),
            lease_ttl: Duration::from_secs(5),
            max_wait: Duration::from_secs(10),
            loads_anyway: false,
        }
    }

    /// How long it serves on beyond its time, if it cannot be loaded.
    #[must_use]
    pub const fn stale_for(mut self, stale_ttl: Duration) -> Self {
        self.stale_ttl = stale_ttl;
        self
    }

    /// How long it is known that there is none.
    #[must_use]
    pub const fn absent_for(mut self, absent_ttl: Duration) -> Self {
        self.absent_ttl = absent_ttl;
        self
    }

    /// How long a loader may take before another one is let in.
    #[must_use]
    pub const fn lease_for(mut self, lease_ttl: Duration) -> Self {
        self.lease_ttl = lease_ttl;
        self
    }

    /// A caller that has waited this long for another environment's load loads it too.
    #[must_use]
    pub const fn load_anyway_after(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self.loads_anyway = true;
        self
    }

    /// With up to a tenth less, so that values that were loaded together do not expire together.
    pub(super) fn jittered_ttl(&self, is_absent: bool) -> Duration {
        let ttl = if is_absent {
            self.absent_ttl
        } else {
            self.fresh_ttl
        };

        let factor = 0.1f64.mul_add(-fastrand::f64(), 1.0);
        ttl.min(MAX_ENTRY_TTL / 2).mul_f64(factor)
    }
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The environment's memory.
    Memory,
    /// Valkey.
    Shared,
    /// The loader.
    Loaded,
    /// Memory or Valkey, beyond its time: the loader failed.
    Stale,
}

impl Level {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Shared => "shared",
            Self::Loaded => "loaded",
            Self::Stale => "stale",
        }
    }
}

/// A value, or the known absence of one, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cached<V> {
    /// `None` if it is known that there is none.
    pub value: Option<V>,
    /// The level that answered.
    pub level: Level,
}

impl<V> Cached<V> {
    pub(super) const fn new(value: Option<V>, level: Level) -> Self {
        Self { value, level }
    }
}

/// The result of a loader.
pub struct Fetched<V> {
    pub(super) value: Option<V>,
    pub(super) is_kept: bool,
}

impl<V> Fetched<V> {
    /// A value, or the absence of one, that must not be kept, since it is still changing.
    pub const fn uncached(value: Option<V>) -> Self {
        Self {
            value,
            is_kept: false,
        }
    }
}

impl<V> From<Option<V>> for Fetched<V> {
    fn from(value: Option<V>) -> Self {
        Self {
            value,
            is_kept: true,
        }
    }
}
