//! A cache in three levels, made for environments that freeze: the environment's memory, Valkey,
//! and the loader.
//!
//! - **No background task and no pub/sub**: both break when an environment is frozen. Whether an
//!   entry still holds is read with the entry, in the same round trip: its tags' epochs, on the
//!   server's clock. So what is invalidated anywhere is seen by the next read everywhere, also by
//!   an environment that holds the value in memory.
//! - **One loader**: callers of an environment share a flight, and a lease in Valkey, taken in the
//!   read itself, lets one environment load. A loader that dies loses its lease by time; a late one
//!   does not overwrite.
//! - **Early**: a reader draws whether to load a little before the time, the likelier the longer
//!   loading takes ("Optimal probabilistic cache stampede prevention", Vattani et al., 2015).
//! - **Stale on error**: if loading fails, what was there serves on for a while, and says so. What
//!   was invalidated does not.
//! - **Without Valkey** memory serves alone: for a minute at most while Valkey is gone; where none
//!   is configured, only values without tags, since no other function's change would be seen.
//! - Ages are by the wall clock. An entry that cannot be read, or is of another version, is a miss.
//!   Absence is kept too, for a shorter time; `0`, `""`, `false` and `null` are values.
//!
//! ```
//! use std::time::Duration;
//! use wenzhen::cache::{Cache, EntryKind, Key, Level, LoadRequest, CachePolicy};
//! use wenzhen::{deadline::Deadline, identity::TenantId};
//!
//! const NAMES: EntryKind<String> = EntryKind::new("names", 1);
//! const POLICY: CachePolicy = CachePolicy::new(Duration::from_secs(300));
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let cache = Cache::new(None); // with `Some(valkey)` the fleet shares it
//! let tenant = TenantId::try_from("clinic".to_owned()).unwrap();
//! let key = Key::of_tenant(&tenant, &NAMES, "42");
//! let deadline = Deadline::after(Duration::from_secs(1));
//!
//! let read = async || {
//!     let request = LoadRequest { key: &key, policy: &POLICY, deadline };
//!     cache.get_or_load(request, async || Ok(Some("Zhang".to_owned()))).await.unwrap()
//! };
//! let first = read().await;
//! assert_eq!((first.value.as_deref(), first.level), (Some("Zhang"), Level::Loaded));
//! let second = read().await;
//! assert_eq!(second.level, Level::Memory);
//! # });
//! ```
//!
//! A route whose key is known before its limits are decided reads the entry in the limits' round
//! trip: [`Cache::plan_prefetch`] makes a [`PrefetchPlan`], which is added to a
//! [`Batch`](crate::valkey::Batch), and [`Cache::get_or_load_prefetched`] takes the result.

mod codec;
mod key;
mod last_change;
mod levels;
mod lookup;
mod memory;
mod policy;
mod prefetch;
mod reader;
mod request;
mod script;

use std::sync::Arc;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::error::Error;
use crate::telemetry::metrics;
use crate::valkey::Valkey;
pub use key::{EntryKind, Key, Tag};
pub use last_change::LastChange;
use levels::Levels;
pub use memory::Clock;
pub use policy::{CachePolicy, Cached, Fetched, Level};
pub use prefetch::{PendingPrefetch, PrefetchPlan, Prefetched};
use reader::EntryReader;
pub use request::{Cacheable, LoadRequest};
use script::InvalidateRequest;

/// When a caller may try again to invalidate entries.
const INVALIDATE_RETRY_DELAY: Duration = Duration::from_secs(2);

/// The cache of one environment.
pub struct Cache {
    levels: Levels,
}

impl Cache {
    /// A cache that the fleet shares, if there is Valkey. Without it a tagged value, which another
    /// function may change, is loaded for each read.
    pub fn new(valkey: Option<Arc<Valkey>>) -> Self {
        Self::with_clock(valkey, memory::wall_clock)
    }

    /// The same on another clock, in milliseconds since 1970.
    pub fn with_clock(valkey: Option<Arc<Valkey>>, clock: Clock) -> Self {
        let levels = Levels::new(valkey, clock);
        Self { levels }
    }

    /// The value, from the nearest level that has it, or from `load`, whose `None` means that there
    /// is none.
    pub async fn get_or_load<V: Cacheable, F: Into<Fetched<V>>>(
        &self,
        request: LoadRequest<'_, V>,
        load: impl AsyncFnOnce() -> Result<F, Error>,
    ) -> Result<Cached<V>, Error> {
        self.get_or_load_prefetched(None, request, load).await
    }

    /// The same, when a [`PrefetchPlan`] has been carried out before. What was prefetched of
    /// another entry is ignored.
    pub async fn get_or_load_prefetched<V: Cacheable, F: Into<Fetched<V>>>(
        &self,
        prefetched: Option<Prefetched>,
        request: LoadRequest<'_, V>,
        load: impl AsyncFnOnce() -> Result<F, Error>,
    ) -> Result<Cached<V>, Error> {
        let load = async |_| load().await;
        self.get_or_load_since(prefetched, request, load).await
    }

    /// The same for a loader that asks how long ago what it loads has changed.
    pub async fn get_or_load_since<V: Cacheable, F: Into<Fetched<V>>>(
        &self,
        prefetched: Option<Prefetched>,
        request: LoadRequest<'_, V>,
        load: impl AsyncFnOnce(LastChange) -> Result<F, Error>,
    ) -> Result<Cached<V>, Error> {
        let kind = request.key.kind();
        let reader = EntryReader::new(&self.levels, request);
        let load = async |last_change| load(last_change).await.map(Into::into);
        let cached = reader.read(prefetched, load).await?;

        let level = cached.level.as_str();
        metrics::count("CacheRead", &[("kind", kind), ("level", level)]);
        Ok(cached)
    }

    /// A read that can go out together with something else; `None` without Valkey.
    pub fn plan_prefetch<V: Cacheable>(
        &self,
        key: &Key<V>,
        policy: &CachePolicy,
    ) -> Option<PrefetchPlan> {
        self.levels.valkey.as_ref()?;

        let early_factor = lookup::draw_early_factor();
        Some(PrefetchPlan::new(&self.levels, key, policy, early_factor))
    }

    /// Makes every entry with one of these tags a miss, everywhere, from the next read on. An error
    /// means that Valkey is gone: old values may then be served until their time.
    pub async fn invalidate(&self, tags: &[Tag], deadline: Deadline) -> Result<(), Error> {
        let Levels {
            memory,
            valkey,
            prefix,
        } = &self.levels;
        let Some(valkey) = valkey else {
            memory.forget_all();
            return Ok(());
        };

        let request = InvalidateRequest::new(tags, prefix);
        let invalidated = valkey.run(request, deadline).await;
        invalidated
            .map(|_| ())
            .map_err(|error| Error::unavailable("The cache", INVALIDATE_RETRY_DELAY, error))
    }
}
