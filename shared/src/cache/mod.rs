//! A cache in three levels, made for environments that freeze: the environment's memory, Valkey, and the loader.
//!
//! - **No background task and no pub/sub**: both break when an environment is frozen. Whether an entry still holds is read with the
//!   entry, in the same round trip: its tags' epochs, on the server's clock. So what is invalidated anywhere is seen by the next
//!   read everywhere, also by an environment that holds the value in memory.
//! - **One loader**: callers of an environment share a flight, and a lease in Valkey, taken in the read itself, lets one environment
//!   load. A loader that dies loses its lease by time; a late one does not overwrite.
//! - **Early**: a reader draws whether to load a little before the time, the likelier the longer loading takes ("Optimal
//!   probabilistic cache stampede prevention", Vattani et al., 2015).
//! - **Stale on error**: if loading fails, what was there serves on for a while, and says so. What was invalidated does not.
//! - Ages are by the wall clock. An entry that cannot be read, or is of another version, is a miss. Absence is kept too, for a shorter
//!   time; `0`, `""`, `false` and `null` are values.
//!
//! ```
//! use std::time::Duration;
//! use wenzhen::cache::{Cache, Key, Kind, Level, Policy};
//! use wenzhen::{deadline::Deadline, identity::TenantId};
//!
//! const NAMES: Kind<String> = Kind::new("names", 1);
//! const POLICY: Policy = Policy::new(Duration::from_secs(300));
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let cache = Cache::new(None); // with `Some(valkey)` the fleet shares it
//! let tenant = TenantId::try_from("clinic".to_owned()).unwrap();
//! let key = Key::of_tenant(&tenant, &NAMES, "42");
//! let deadline = Deadline::after(Duration::from_secs(1));
//! let load = || async { Ok(Some("Zhang".to_owned())) };
//! let first = cache.get_or_load(&key, &POLICY, deadline, load).await.unwrap();
//! assert_eq!((first.value.as_deref(), first.level), (Some("Zhang"), Level::Loaded));
//! let second = cache.get_or_load(&key, &POLICY, deadline, load).await.unwrap();
//! assert_eq!(second.level, Level::Memory);
//! # });
//! ```

mod entry;
mod key;
mod memory;
mod policy;
mod remote;

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use redis::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::deadline::Deadline;
use crate::error::{Error, error_chain};
use crate::telemetry::metrics;
use crate::valkey::{Script, ScriptCall, Valkey};
pub use key::{Key, Kind, Tag};
pub use memory::Clock;
use memory::{Held, Memory};
pub use policy::{Cached, Fetched, Level, Policy};
use remote::{Look, Turn, Write};

static INVALIDATE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("invalidate.lua").to_owned()));

/// How long a value in memory may be used without asking Valkey, while Valkey is gone.
const LONGEST_ALONE: Duration = Duration::from_mins(1);

/// An epoch outlives every entry that carries it.
const EPOCHS: Duration = Duration::from_hours(72);

/// Kept from a caller's time for an answer, when another environment has taken too long.
const RESERVE: Duration = Duration::from_millis(300);

/// Pauses between two looks at what another environment loads.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// A look that goes out together with something else, such as a limiter's question.
pub struct Plan {
    entry: String,
    version: String,
    asked: u64,
    /// What is asked.
    pub call: ScriptCall<'static>,
}

/// A plan and what Valkey answered; nothing, if it is gone.
pub struct Looked {
    /// What was asked.
    pub plan: Plan,
    /// The answer.
    pub answer: Option<Value>,
}

/// What can be kept: anything that has a JSON form.
pub trait Cacheable: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {}

impl<V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> Cacheable for V {}

/// The cache of one environment.
pub struct Cache {
    valkey: Option<Arc<Valkey>>,
    prefix: String,
    memory: Memory,
}

fn busy() -> Error {
    Error::unavailable(
        "What you ask for",
        Duration::from_secs(2),
        "another environment is loading it",
    )
}

/// -ln of a uniform number: mostly below one, seldom several times the cost of a load.
fn early() -> f64 {
    -(1.0 - fastrand::f64()).ln()
}

impl Cache {
    /// A cache that the fleet shares, if there is Valkey.
    pub fn new(valkey: Option<Arc<Valkey>>) -> Self {
        Self::with_clock(valkey, memory::wall_clock)
    }

    /// The same on another clock, in milliseconds since 1970.
    pub fn with_clock(valkey: Option<Arc<Valkey>>, clock: Clock) -> Self {
        let prefix = valkey
            .as_ref()
            .map_or("local", |valkey| valkey.prefix())
            .to_owned();
        Self {
            valkey,
            prefix,
            memory: Memory::new(clock),
        }
    }

    /// The value, from the nearest level that has it, or from `load`, whose `None` means that there is none.
    pub async fn get_or_load<V, F, Load, Loading>(
        &self,
        key: &Key<V>,
        policy: &Policy,
        deadline: Deadline,
        load: Load,
    ) -> Result<Cached<V>, Error>
    where
        V: Cacheable,
        F: Into<Fetched<V>>,
        Load: FnOnce() -> Loading,
        Loading: Future<Output = Result<F, Error>>,
    {
        self.get_or_load_after(None, key, policy, deadline, load)
            .await
    }

    /// The same, when a [`Plan`] has been carried out before.
    pub async fn get_or_load_after<V, F, Load, Loading>(
        &self,
        looked: Option<Looked>,
        key: &Key<V>,
        policy: &Policy,
        deadline: Deadline,
        load: Load,
    ) -> Result<Cached<V>, Error>
    where
        V: Cacheable,
        F: Into<Fetched<V>>,
        Load: FnOnce() -> Loading,
        Loading: Future<Output = Result<F, Error>>,
    {
        let entry = key.entry(&self.prefix);
        let cached =
            match looked.filter(|looked| looked.plan.entry == entry && looked.answer.is_some()) {
                Some(looked) => self.after_look(looked, key, policy, deadline, load).await,
                None => {
                    self.in_turn(key, &entry, policy, false, deadline, load)
                        .await
                }
            };
        if let Ok(cached) = &cached {
            metrics::count(
                "CacheRead",
                &[("kind", key.kind()), ("level", cached.level.as_str())],
            );
        }
        cached
    }

    /// A look that can be carried out together with something else; none without Valkey.
    pub fn plan<V: Clone + Send + Sync + 'static>(
        &self,
        key: &Key<V>,
        policy: &Policy,
    ) -> Option<Plan> {
        self.valkey.as_ref()?;
        let entry = key.entry(&self.prefix);
        let version = self
            .memory
            .get::<V>(&entry)
            .map(|held| held.version)
            .unwrap_or_default();
        // It only looks: a lease that nobody uses, since the call is refused, would hold up all others.
        let call = self.read_call(key, policy, &version, "", early());
        Some(Plan {
            entry,
            version,
            asked: self.memory.turn(),
            call,
        })
    }

    async fn after_look<V, F, Load, Loading>(
        &self,
        looked: Looked,
        key: &Key<V>,
        policy: &Policy,
        deadline: Deadline,
        load: Load,
    ) -> Result<Cached<V>, Error>
    where
        V: Cacheable,
        F: Into<Fetched<V>>,
        Load: FnOnce() -> Loading,
        Loading: Future<Output = Result<F, Error>>,
    {
        let Looked { plan, answer } = looked;
        let held = self
            .memory
            .get::<V>(&plan.entry)
            .filter(|held| held.version == plan.version);
        let answer = answer.unwrap_or(Value::Nil);
        let look = self
            .heard(
                key,
                &plan.entry,
                held.as_ref(),
                &answer,
                plan.asked,
                deadline,
            )
            .await;
        let is_fresh = |look: &Look<V>| {
            look.held
                .as_ref()
                .is_some_and(|held| held.is_fresh(self.memory.now()))
        };
        match look {
            Some(look) if is_fresh(&look) && look.turn != Turn::ToAsk => {
                Ok(self.hit(&plan.entry, look, held.as_ref()))
            }
            look => {
                let is_due = look.is_some_and(|look| is_fresh(&look));
                self.in_turn(key, &plan.entry, policy, is_due, deadline, load)
                    .await
            }
        }
    }

    /// Callers of an environment that ask for the same thing share one flight.
    async fn in_turn<V, F, Load, Loading>(
        &self,
        key: &Key<V>,
        entry: &str,
        policy: &Policy,
        is_due: bool,
        deadline: Deadline,
        load: Load,
    ) -> Result<Cached<V>, Error>
    where
        V: Cacheable,
        F: Into<Fetched<V>>,
        Load: FnOnce() -> Loading,
        Loading: Future<Output = Result<F, Error>>,
    {
        let arrived = self.memory.turn();
        let flight = self.memory.flight(entry);
        let _turn = flight.lock().await;
        // Whoever went before has just asked for all who waited.
        let asked_since = |held: &Held<V>| held.asked > arrived && held.is_fresh(self.memory.now());
        if let Some(held) = self.memory.get::<V>(entry).filter(asked_since) {
            return Ok(Cached {
                value: held.value,
                level: Level::Memory,
            });
        }
        let held = self.memory.get::<V>(entry);
        let token = uuid::Uuid::new_v4().simple().to_string();
        let end = deadline.less(RESERVE).at_most(policy.patience);
        // Whoever has been drawn to load it early stays drawn.
        let early = if is_due { f64::from(u32::MAX) } else { early() };
        let mut pause = FIRST_PAUSE;
        loop {
            let look = match (
                self.look(key, entry, policy, held.as_ref(), (&token, early), deadline)
                    .await,
                &held,
            ) {
                (Some(look), _) => look,
                // There is no time left to ask anybody.
                (None, _) if deadline.remaining().is_zero() => return Err(busy()),
                // Alone: a value in memory serves for a while, then the loader is the next level. Absence does not: nobody could
                // say that it has ended.
                (None, Some(held))
                    if held.value.is_some()
                        && held.is_fresh(self.memory.now())
                        && held.is_recent(self.memory.now(), LONGEST_ALONE) =>
                {
                    return Ok(Cached {
                        value: held.value.clone(),
                        level: Level::Memory,
                    });
                }
                (None, _) => {
                    let look = Look {
                        epochs: String::new(),
                        held: held.clone(),
                        turn: Turn::None,
                    };
                    return self.load(key, entry, policy, &token, look, load).await;
                }
            };
            let is_fresh = look
                .held
                .as_ref()
                .is_some_and(|held| held.is_fresh(self.memory.now()));
            if look.turn == Turn::Ours {
                return self.load(key, entry, policy, &token, look, load).await;
            }
            if is_fresh {
                return Ok(self.hit(entry, look, held.as_ref()));
            }
            if end.remaining().is_zero() {
                return self.give_up(key, entry, policy, look, load).await;
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "a poll bounded by `end`: another environment loads it"
            )]
            tokio::time::sleep(pause.min(end.remaining())).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Another environment has been loading for too long: what was there serves, or the caller is told to come back, or loads it too.
    async fn give_up<V, F, Load, Loading>(
        &self,
        key: &Key<V>,
        entry: &str,
        policy: &Policy,
        look: Look<V>,
        load: Load,
    ) -> Result<Cached<V>, Error>
    where
        V: Cacheable,
        F: Into<Fetched<V>>,
        Load: FnOnce() -> Loading,
        Loading: Future<Output = Result<F, Error>>,
    {
        match look.held {
            Some(held) if held.is_usable(self.memory.now()) => Ok(Cached {
                value: held.value,
                level: Level::Stale,
            }),
            held if policy.loads_beside => {
                let alone = Look {
                    epochs: look.epochs,
                    held,
                    turn: Turn::None,
                };
                self.load(key, entry, policy, "", alone, load).await
            }
            _ => Err(busy()),
        }
    }

    fn hit<V: Clone + Send + Sync + 'static>(
        &self,
        entry: &str,
        look: Look<V>,
        before: Option<&Held<V>>,
    ) -> Cached<V> {
        let Some(held) = look.held else {
            return Cached {
                value: None,
                level: Level::Shared,
            };
        };
        let is_same = before.is_some_and(|before| before.version == held.version);
        let value = held.value.clone();
        self.memory.put(entry, held);
        Cached {
            value,
            level: if is_same {
                Level::Memory
            } else {
                Level::Shared
            },
        }
    }

    /// Loads the value and writes it to both levels. If that fails, what was there serves on, but not if it was invalidated.
    async fn load<V, F, Load, Loading>(
        &self,
        key: &Key<V>,
        entry: &str,
        policy: &Policy,
        token: &str,
        look: Look<V>,
        load: Load,
    ) -> Result<Cached<V>, Error>
    where
        V: Cacheable,
        F: Into<Fetched<V>>,
        Load: FnOnce() -> Loading,
        Loading: Future<Output = Result<F, Error>>,
    {
        let (started, asked) = (Instant::now(), self.memory.turn());
        let loaded = load().await;
        let cost = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match loaded {
            Ok(fetched) => {
                let Fetched { value, is_kept } = fetched.into();
                let fresh = policy.fresh_for(value.is_none());
                let encoded = if is_kept {
                    entry::encode(value.as_ref())
                } else {
                    None
                };
                let (body, size) = encoded.unwrap_or_default();
                let has_form = !body.is_empty();
                let version = uuid::Uuid::new_v4().simple().to_string();
                let write = Write {
                    epochs: &look.epochs,
                    version: &version,
                    fresh,
                    stale: policy.stale,
                    cost,
                    body,
                };
                let is_kept = look.turn != Turn::Ours || self.write(key, token, write).await;
                if is_kept && has_form {
                    self.memory.put(
                        entry,
                        self.memory.hold(
                            value.clone(),
                            version,
                            asked,
                            (fresh, policy.stale),
                            size,
                        ),
                    );
                }
                Ok(Cached {
                    value,
                    level: Level::Loaded,
                })
            }
            Err(error) => {
                let nothing = Write {
                    epochs: "",
                    version: "",
                    fresh: Duration::ZERO,
                    stale: Duration::ZERO,
                    cost,
                    body: Vec::new(),
                };
                if look.turn == Turn::Ours {
                    self.write(key, token, nothing).await;
                }
                let stale = look.held.filter(|held| held.is_usable(self.memory.now()));
                let Some(held) = stale else { return Err(error) };
                tracing::warn!(kind = key.kind(), error = %error, causes = error_chain(&error), "what was there serves on");
                // It was loaded before its time: then it is not old yet.
                let level = if held.is_fresh(self.memory.now()) {
                    Level::Shared
                } else {
                    Level::Stale
                };
                Ok(Cached {
                    value: held.value,
                    level,
                })
            }
        }
    }

    /// Makes every entry with one of these tags a miss, everywhere, from the next read on. An error means that Valkey is gone: old
    /// values may then be served until their time.
    pub async fn invalidate(&self, tags: &[Tag], deadline: Deadline) -> Result<(), Error> {
        let Some(valkey) = &self.valkey else {
            self.memory.forget_all();
            return Ok(());
        };
        let keys = tags.iter().map(|tag| tag.key(&self.prefix)).collect();
        let arguments = vec![EPOCHS.as_millis().to_string().into_bytes()];
        let call = ScriptCall {
            script: &INVALIDATE,
            keys,
            arguments,
        };
        let done = valkey.run(&[call], deadline).await;
        done.map(drop)
            .map_err(|gone| Error::unavailable("The cache", Duration::from_secs(2), gone))
    }
}
