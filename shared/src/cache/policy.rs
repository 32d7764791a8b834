//! How long values are kept, and where they came from.

use std::time::Duration;

/// The longest that an entry can be kept.
pub(super) const LONGEST: Duration = Duration::from_hours(48);

/// How long a value is kept.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    pub(super) fresh: Duration,
    pub(super) stale: Duration,
    pub(super) absent: Duration,
    pub(super) lease: Duration,
    pub(super) patience: Duration,
    pub(super) loads_beside: bool,
}

impl Policy {
    /// A value that is as good as new for this time, at most a day. It serves on for as long again if it cannot be loaded;
    /// absence is kept for a tenth; a loader may take 5 s before another one is let in. Whoever has waited 10 s for another
    /// environment's load is told to come back.
    pub const fn new(fresh: Duration) -> Self {
        let absent = Duration::from_secs(fresh.as_secs() / 10);
        let (lease, patience) = (Duration::from_secs(5), Duration::from_secs(10));
        Self {
            fresh,
            stale: fresh,
            absent,
            lease,
            patience,
            loads_beside: false,
        }
    }

    /// How long it serves on beyond its time, if it cannot be loaded.
    #[must_use]
    pub const fn stale_for(mut self, stale: Duration) -> Self {
        self.stale = stale;
        self
    }

    /// How long it is known that there is none.
    #[must_use]
    pub const fn absent_for(mut self, absent: Duration) -> Self {
        self.absent = absent;
        self
    }

    /// How long a loader may take before another one is let in.
    #[must_use]
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Whoever has waited this long for another environment's load loads it too.
    #[must_use]
    pub const fn loading_beside_after(mut self, patience: Duration) -> Self {
        (self.patience, self.loads_beside) = (patience, true);
        self
    }

    /// With up to a tenth less, so that what was loaded together does not expire together.
    pub(super) fn fresh_for(&self, is_absent: bool) -> Duration {
        let whole = if is_absent { self.absent } else { self.fresh }.min(LONGEST / 2);
        whole.mul_f64(0.1f64.mul_add(-fastrand::f64(), 1.0))
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
    /// The value.
    pub value: Option<V>,
    /// Where it came from.
    pub level: Level,
}

/// What a loader found.
pub struct Fetched<V> {
    pub(super) value: Option<V>,
    pub(super) is_kept: bool,
}

impl<V> Fetched<V> {
    /// A value, or the absence of one, that is not to be kept, since it is still changing.
    pub const fn passing(value: Option<V>) -> Self {
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
