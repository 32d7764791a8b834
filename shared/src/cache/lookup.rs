//! The outcome of one look at an entry in Valkey, and how early a reader loads an entry anew.

use super::memory::HeldEntry;

/// An early factor with which any entry is loaded anew.
pub(super) const ALWAYS_EARLY: f64 = 4_294_967_295.0;

/// How early a reader loads an entry anew: -ln of a uniform number, mostly below one, seldom
/// several times the cost of a load.
pub(super) fn draw_early_factor() -> f64 {
    -(1.0 - fastrand::f64()).ln()
}

/// The state of an entry after a look.
pub(super) struct Lookup<V> {
    pub(super) epochs: String,
    pub(super) held: Option<HeldEntry<V>>,
    pub(super) lease: LoadLease,
}

/// Whether a reader may load an entry.
#[derive(PartialEq, Eq)]
pub(super) enum LoadLease {
    /// It holds no lease, and should not ask for one now.
    NotGranted,
    /// It holds the lease, with this token.
    Granted(String),
    /// It only looked: it should ask for the lease.
    ShouldAsk,
}

impl<V> Lookup<V> {
    /// That of a reader without a lease: its memory alone keeps the value that it loads.
    pub(super) const fn without_lease(epochs: String, held: Option<HeldEntry<V>>) -> Self {
        Self {
            epochs,
            held,
            lease: LoadLease::NotGranted,
        }
    }

    pub(super) fn is_fresh(&self, now: u64) -> bool {
        self.held.as_ref().is_some_and(|held| held.is_fresh(now))
    }
}
