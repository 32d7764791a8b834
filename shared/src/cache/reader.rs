//! One read of one entry, through all levels.

use std::time::{Duration, Instant};

use super::codec::{self, Decoded, Encoded};
use super::last_change::LastChange;
use super::levels::Levels;
use super::lookup::{ALWAYS_EARLY, LoadLease, Lookup, draw_early_factor};
use super::memory::{HeldEntry, millis};
use super::policy::{Cached, Fetched, Level};
use super::prefetch::Prefetched;
use super::request::{Cacheable, LoadRequest};
use super::script::{
    DiscardRequest, LeaseAnswer, NewEntry, ReadAnswer, ReadRequest, ReaderState, SharedEntry,
    WriteRequest,
};
use crate::deadline::Deadline;
use crate::error::{Error, error_chain};

/// How long a value in memory may be used without asking Valkey, while Valkey is gone.
const MAX_AGE_WITHOUT_VALKEY: Duration = Duration::from_mins(1);

/// Kept from the caller's time for an answer, when another environment takes too long to load.
const ANSWER_RESERVE: Duration = Duration::from_millis(300);

/// The pause before the second look at what another environment loads.
const FIRST_POLL_DELAY: Duration = Duration::from_millis(10);

/// The longest pause between two looks at what another environment loads.
const MAX_POLL_DELAY: Duration = Duration::from_millis(200);

/// Time to write a loaded value. The loader's own deadline may be near, but the value is there.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// When a caller that was refused may come back.
const BUSY_RETRY_DELAY: Duration = Duration::from_secs(2);

/// One read of one entry.
pub(super) struct EntryReader<'a, V> {
    levels: &'a Levels,
    request: LoadRequest<'a, V>,
    entry_key: String,
}

/// The question that a reader asks Valkey until it has an answer that it can use.
struct Question<V> {
    held: Option<HeldEntry<V>>,
    lease_token: String,
    early_factor: f64,
}

/// The state of a reader when it asked.
struct AskedWith<'q, V> {
    held: Option<&'q HeldEntry<V>>,
    lease_token: &'q str,
    /// The sequence number of the question.
    asked: u64,
}

/// The result of a loader, and how long it took.
struct LoadedValue<V> {
    fetched: Fetched<V>,
    /// The sequence number of the load.
    asked: u64,
    load_millis: u64,
}

impl<'a, V: Cacheable> EntryReader<'a, V> {
    pub(super) fn new(levels: &'a Levels, request: LoadRequest<'a, V>) -> Self {
        let entry_key = request.key.entry_key(&levels.prefix);
        Self {
            levels,
            request,
            entry_key,
        }
    }

    /// Reads the entry, with Valkey's answer if it was prefetched.
    pub(super) async fn read(
        &self,
        prefetched: Option<Prefetched>,
        load: impl AsyncFnOnce(LastChange) -> Result<Fetched<V>, Error>,
    ) -> Result<Cached<V>, Error> {
        let prefetched = prefetched.filter(|one| one.subject.entry_key == self.entry_key);
        let Some((subject, answer)) = prefetched.and_then(Prefetched::answered) else {
            return self.read_in_turn(draw_early_factor(), load).await;
        };

        let held = self
            .held()
            .filter(|held| held.version == subject.held_version);
        let asked_with = AskedWith {
            held: held.as_ref(),
            lease_token: "",
            asked: subject.asked,
        };
        let lookup = self.apply_response(answer, asked_with).await;

        let is_fresh = lookup.is_fresh(self.now());
        if is_fresh && lookup.lease != LoadLease::ShouldAsk {
            return Ok(self.hit(lookup, held.as_ref()));
        }

        // A reader that has been drawn to load the entry early stays drawn.
        let early_factor = if is_fresh {
            ALWAYS_EARLY
        } else {
            draw_early_factor()
        };
        self.read_in_turn(early_factor, load).await
    }

    /// Callers of an environment that ask for the same entry share one flight.
    async fn read_in_turn(
        &self,
        early_factor: f64,
        load: impl AsyncFnOnce(LastChange) -> Result<Fetched<V>, Error>,
    ) -> Result<Cached<V>, Error> {
        let arrived = self.levels.memory.next_sequence();
        let flight = self.levels.memory.join_flight(&self.entry_key);
        let _turn = flight.lock().await;

        // The caller that went before may have asked for all who waited.
        let held = self.held();
        if let Some(held) = &held
            && held.asked > arrived
            && held.is_fresh(self.now())
        {
            return Ok(Cached::new(held.value.clone(), Level::Memory));
        }

        let question = Question {
            held,
            lease_token: random_token(),
            early_factor,
        };
        self.ask_or_load(question, load).await
    }

    /// Asks Valkey until it has the entry, or until this reader may load it.
    async fn ask_or_load(
        &self,
        question: Question<V>,
        load: impl AsyncFnOnce(LastChange) -> Result<Fetched<V>, Error>,
    ) -> Result<Cached<V>, Error> {
        let LoadRequest {
            policy, deadline, ..
        } = self.request;
        let end = deadline.less(ANSWER_RESERVE).at_most(policy.max_wait);
        let mut delay = FIRST_POLL_DELAY;

        loop {
            let Some(lookup) = self.look_up(&question).await else {
                return self.read_without_valkey(question.held, load).await;
            };
            if let LoadLease::Granted(_) = lookup.lease {
                return self.load(lookup, load).await;
            }
            if lookup.is_fresh(self.now()) {
                return Ok(self.hit(lookup, question.held.as_ref()));
            }
            if end.remaining().is_zero() {
                return self.give_up(lookup, load).await;
            }

            #[expect(
                clippy::disallowed_methods,
                reason = "a poll bounded by `end`: another environment loads it"
            )]
            tokio::time::sleep(delay.min(end.remaining())).await;
            delay = (delay * 2).min(MAX_POLL_DELAY);
        }
    }

    /// Asks Valkey for the entry, and for the lease if it must be loaded; `None` if Valkey gives no
    /// answer.
    async fn look_up(&self, question: &Question<V>) -> Option<Lookup<V>> {
        let valkey = self.levels.valkey.as_ref()?;
        let LoadRequest {
            key,
            policy,
            deadline,
        } = self.request;
        let held = question.held.as_ref();
        let asked = self.levels.memory.next_sequence();

        let held_version = held.map(|held| held.version.clone());
        let reader = ReaderState {
            held_version: held_version.unwrap_or_default(),
            lease_token: question.lease_token.clone(),
            early_factor: question.early_factor,
        };
        let request = ReadRequest::new(key, &self.levels.prefix, policy, reader);
        let answer = valkey.run(request, deadline).await.ok().flatten()?;

        let asked_with = AskedWith {
            held,
            lease_token: &question.lease_token,
            asked,
        };
        Some(self.apply_response(answer, asked_with).await)
    }

    /// Takes Valkey's answer in: its clock, the entry and the lease.
    async fn apply_response(&self, answer: ReadAnswer, asked_with: AskedWith<'_, V>) -> Lookup<V> {
        let memory = &self.levels.memory;
        memory.adjust_clock(answer.now);

        let held = match answer.entry {
            Some(entry) => self.hold_shared(entry, &asked_with).await,
            None => None,
        };
        if held.is_none() {
            memory.forget(&self.entry_key);
        }

        let lease = match answer.lease {
            LeaseAnswer::NotGranted => LoadLease::NotGranted,
            LeaseAnswer::Granted => LoadLease::Granted(asked_with.lease_token.to_owned()),
            LeaseAnswer::ShouldAsk => LoadLease::ShouldAsk,
        };
        Lookup {
            epochs: answer.epochs,
            held,
            lease,
        }
    }

    /// The entry of Valkey as it can be held here; `None` if it cannot be read.
    async fn hold_shared(
        &self,
        entry: SharedEntry,
        asked_with: &AskedWith<'_, V>,
    ) -> Option<HeldEntry<V>> {
        let checked_at = self.now();
        let AskedWith { held, asked, .. } = *asked_with;
        if let Some(held) = held.filter(|held| held.version == entry.version) {
            return Some(HeldEntry {
                fresh_until: entry.fresh_until,
                usable_until: entry.usable_until,
                checked_at,
                asked,
                ..held.clone()
            });
        }

        let Ok(decoded) = codec::decode::<V>(&entry.body) else {
            self.discard(entry.version).await;
            return None;
        };
        let Decoded { value, size } = decoded;
        Some(HeldEntry {
            value,
            version: entry.version,
            fresh_until: entry.fresh_until,
            usable_until: entry.usable_until,
            checked_at,
            asked,
            size,
        })
    }

    /// Takes an entry away that cannot be read, so that the next look may load it.
    async fn discard(&self, version: String) {
        let kind = self.request.key.kind();
        tracing::warn!(kind, "an entry that cannot be read is discarded");
        let Some(valkey) = &self.levels.valkey else {
            return;
        };

        let request = DiscardRequest {
            entry_key: self.entry_key.clone(),
            version,
        };
        if let Err(error) = valkey.run(request, self.request.deadline).await {
            tracing::warn!(kind, %error, "it could not be discarded");
        }
    }

    /// A value in memory serves for a while, then the loader is the next level. Absence does not
    /// serve: no environment could say that it has ended.
    async fn read_without_valkey(
        &self,
        held: Option<HeldEntry<V>>,
        load: impl AsyncFnOnce(LastChange) -> Result<Fetched<V>, Error>,
    ) -> Result<Cached<V>, Error> {
        if self.request.deadline.remaining().is_zero() {
            return Err(busy()); // no time is left to load it
        }

        match held {
            Some(held) if self.serves_alone(&held) => Ok(Cached::new(held.value, Level::Memory)),
            held => {
                let lookup = Lookup::without_lease(String::new(), held);
                self.load(lookup, load).await
            }
        }
    }

    /// Whether a value in memory serves without Valkey's word. Where none is configured, no change
    /// by another function would ever be seen here: then only what has no tags serves.
    fn serves_alone(&self, held: &HeldEntry<V>) -> bool {
        let now = self.now();
        let sees_changes = self.levels.valkey.is_some() || !self.request.key.is_tagged();
        let is_recent = held.is_recent(now, MAX_AGE_WITHOUT_VALKEY);

        sees_changes && held.value.is_some() && held.is_fresh(now) && is_recent
    }

    /// Another environment has been loading for too long: what was there serves, or this reader
    /// loads it too, or its caller is told to come back.
    async fn give_up(
        &self,
        lookup: Lookup<V>,
        load: impl AsyncFnOnce(LastChange) -> Result<Fetched<V>, Error>,
    ) -> Result<Cached<V>, Error> {
        let now = self.now();
        match lookup.held {
            Some(held) if held.is_usable(now) => Ok(Cached::new(held.value, Level::Stale)),
            held if self.request.policy.loads_anyway => {
                let lookup = Lookup::without_lease(lookup.epochs, held);
                self.load(lookup, load).await
            }
            _ => Err(busy()),
        }
    }

    /// The value that the look found, held in memory from now on.
    fn hit(&self, lookup: Lookup<V>, held_before: Option<&HeldEntry<V>>) -> Cached<V> {
        let Some(held) = lookup.held else {
            return Cached::new(None, Level::Shared);
        };
        let is_same = held_before.is_some_and(|before| before.version == held.version);
        let level = if is_same {
            Level::Memory
        } else {
            Level::Shared
        };

        let value = held.value.clone();
        self.levels.memory.put(&self.entry_key, held);
        Cached::new(value, level)
    }

    /// Loads the value and keeps it in both levels. If that fails, what was there serves on.
    async fn load(
        &self,
        lookup: Lookup<V>,
        load: impl AsyncFnOnce(LastChange) -> Result<Fetched<V>, Error>,
    ) -> Result<Cached<V>, Error> {
        let asked = self.levels.memory.next_sequence();
        let started = Instant::now();
        let last_change = LastChange::of_epochs(&lookup.epochs, self.now());
        let loaded = load(last_change).await;
        let load_millis = millis(started.elapsed());

        match loaded {
            Ok(fetched) => {
                let loaded = LoadedValue {
                    fetched,
                    asked,
                    load_millis,
                };
                Ok(self.keep(lookup, loaded).await)
            }
            Err(error) => self.serve_stale(lookup, error).await,
        }
    }

    /// Writes the value to Valkey and to memory, unless it must not be kept. A lease is given back
    /// in any case.
    async fn keep(&self, lookup: Lookup<V>, loaded: LoadedValue<V>) -> Cached<V> {
        let LoadedValue { fetched, asked, .. } = loaded;
        let Fetched { value, is_kept } = fetched;
        let stale_ttl = self.request.policy.stale_ttl;
        let fresh_ttl = self.request.policy.jittered_ttl(value.is_none());

        let encoded = if is_kept {
            codec::encode(value.as_ref())
        } else {
            None
        };
        let Encoded { bytes, size } = encoded.unwrap_or_default();
        let has_form = !bytes.is_empty();

        let version = random_token();
        let entry = NewEntry {
            epochs: lookup.epochs,
            version: version.clone(),
            fresh_ttl,
            stale_ttl,
            load_millis: loaded.load_millis,
            body: bytes,
        };
        // A loader that has lost its lease is late: a newer value may be there.
        let is_current = match lookup.lease {
            LoadLease::Granted(lease_token) => self.write(lease_token, entry).await,
            _ => true,
        };

        if is_current && has_form {
            let now = self.now();
            let fresh_until = now.saturating_add(millis(fresh_ttl));
            let held = HeldEntry {
                value: value.clone(),
                version,
                fresh_until,
                usable_until: fresh_until.saturating_add(millis(stale_ttl)),
                checked_at: now,
                asked,
                size,
            };
            self.levels.memory.put(&self.entry_key, held);
        }
        Cached::new(value, Level::Loaded)
    }

    /// What was there serves on when loading fails, but not if it was invalidated. The lease is
    /// given back.
    async fn serve_stale(&self, lookup: Lookup<V>, error: Error) -> Result<Cached<V>, Error> {
        if let LoadLease::Granted(lease_token) = lookup.lease {
            self.write(lease_token, NewEntry::default()).await;
        }

        let now = self.now();
        let Some(held) = lookup.held.filter(|held| held.is_usable(now)) else {
            return Err(error);
        };
        let (kind, causes) = (self.request.key.kind(), error_chain(&error));
        tracing::warn!(kind, %error, causes, "what was there serves on");

        // It was loaded before its time: then it is not old yet.
        let level = if held.is_fresh(now) {
            Level::Shared
        } else {
            Level::Stale
        };
        Ok(Cached::new(held.value, level))
    }

    /// Writes the entry, and says whether the lease was still this reader's.
    async fn write(&self, lease_token: String, entry: NewEntry) -> bool {
        let Some(valkey) = &self.levels.valkey else {
            return false;
        };

        let request = WriteRequest {
            entry_key: self.entry_key.clone(),
            lease_key: self.request.key.lease_key(&self.levels.prefix),
            lease_token,
            entry,
        };
        let written = valkey.run(request, Deadline::after(WRITE_TIMEOUT)).await;
        written.ok().flatten().unwrap_or(false)
    }

    fn held(&self) -> Option<HeldEntry<V>> {
        self.levels.memory.get(&self.entry_key)
    }

    fn now(&self) -> u64 {
        self.levels.memory.now()
    }
}

fn random_token() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn busy() -> Error {
    let reason = "another environment is loading it";
    Error::unavailable("What you ask for", BUSY_RETRY_DELAY, reason)
}
