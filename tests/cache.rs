//! The cache on a real Valkey: many environments, each with its own memory and its own connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};
use wenzhen::cache::{Cache, CachePolicy, Cached, EntryKind, Key, Level, LoadRequest, Tag};
use wenzhen::deadline::Deadline;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::identity::TenantId;
use wenzhen::valkey::Batch;

use crate::support::STACK;
use crate::support::valkey::{OwnServer, connect, prefix, raw};

const THINGS: EntryKind<Value> = EntryKind::new("things", 1);
const MINUTE: CachePolicy = CachePolicy::new(Duration::from_mins(1));

fn url() -> String {
    STACK.env("VALKEY_URL").unwrap()
}

fn tenant(id: &str) -> TenantId {
    TenantId::try_from(id.to_owned()).unwrap()
}

fn key(id: &str) -> Key<Value> {
    Key::of_tenant(&tenant("t"), &THINGS, id).tagged(&tag(id))
}

fn tag(id: &str) -> Tag {
    Tag::of_tenant(&tenant("t"), "thing", id)
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn request<'a>(key: &'a Key<Value>, policy: &'a CachePolicy) -> LoadRequest<'a, Value> {
    LoadRequest {
        key,
        policy,
        deadline: deadline(),
    }
}

fn cached(value: Value, level: Level) -> Cached<Value> {
    Cached {
        value: Some(value),
        level,
    }
}

/// Environments that share a cache.
fn environments(url: &str, size: usize) -> Vec<Cache> {
    let prefix = prefix();
    (0..size)
        .map(|_| Cache::new(Some(connect(url, &prefix))))
        .collect()
}

async fn read(cache: &Cache, id: &str, policy: &CachePolicy, value: Value) -> Cached<Value> {
    let load = async || Ok(Some(value));
    let found = cache.get_or_load(request(&key(id), policy), load).await;
    found.unwrap()
}

async fn read_absent(cache: &Cache, id: &str) -> Cached<Value> {
    let load = async || Ok(None);
    let found = cache.get_or_load(request(&key(id), &MINUTE), load).await;
    found.unwrap()
}

async fn read_in_vain(
    cache: &Cache,
    id: &str,
    policy: &CachePolicy,
) -> Result<Cached<Value>, Error> {
    let fails = Error::new(ErrorKind::Unavailable, "gone");
    let load = async || Err::<Option<Value>, _>(fails);
    cache.get_or_load(request(&key(id), policy), load).await
}

/// A loader that never ends, as one of an environment that was killed.
async fn load_for_ever() -> Result<Option<Value>, Error> {
    std::future::pending().await
}

#[tokio::test]
async fn two_hundred_callers_of_twenty_environments_load_once() {
    let fleet = environments(&url(), 20);
    let loads = AtomicUsize::new(0);
    let read_slowly = async |cache: &Cache| {
        let load = async || {
            loads.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(150)).await;
            Ok(Some(json!(7)))
        };
        let found = cache.get_or_load(request(&key("hot"), &MINUTE), load).await;
        found.unwrap()
    };

    let ten_callers = |cache| std::iter::repeat_n(cache, 10);
    let calls = fleet.iter().flat_map(ten_callers).map(&read_slowly);
    let values = join_all(calls).await;

    assert_eq!(values.len(), 200);
    assert!(values.iter().all(|found| found.value == Some(json!(7))));
    assert_eq!(loads.load(Ordering::Relaxed), 1);
    let loaded = values.iter().filter(|found| found.level == Level::Loaded);
    assert_eq!(loaded.count(), 1);
}

#[tokio::test]
async fn each_level_answers_before_the_next() {
    let fleet = environments(&url(), 2);

    let loaded = read(&fleet[0], "a", &MINUTE, json!(1)).await;
    assert_eq!(loaded, cached(json!(1), Level::Loaded));
    let in_memory = read(&fleet[0], "a", &MINUTE, json!(2)).await;
    assert_eq!(in_memory, cached(json!(1), Level::Memory));

    let shared = read(&fleet[1], "a", &MINUTE, json!(2)).await;
    assert_eq!(shared, cached(json!(1), Level::Shared));
    let in_memory = read(&fleet[1], "a", &MINUTE, json!(2)).await;
    assert_eq!(in_memory.level, Level::Memory);
}

/// A read costs one round trip, and brings no value that the environment holds.
#[tokio::test]
async fn a_read_of_what_is_held_costs_one_round_trip() {
    let valkey = connect(&url(), &prefix());
    let cache = Cache::new(Some(Arc::clone(&valkey)));
    read(&cache, "a", &MINUTE, json!("x".repeat(10_000))).await;

    let before = valkey.round_trips();
    for _ in 0..10 {
        let found = read(&cache, "a", &MINUTE, json!(2)).await;
        assert_eq!(found.level, Level::Memory);
    }
    assert_eq!(valkey.round_trips(), before + 10);
}

#[tokio::test]
async fn every_environment_sees_an_invalidation_with_its_next_read() {
    let fleet = environments(&url(), 5);
    for cache in &fleet {
        read(cache, "a", &MINUTE, json!("old")).await;
        read(cache, "b", &MINUTE, json!("other")).await;
    }

    fleet[3].invalidate(&[tag("a")], deadline()).await.unwrap();
    let read_again = async |cache| read(cache, "a", &MINUTE, json!("new")).await;
    let found = join_all(fleet.iter().map(read_again)).await;
    let is_new = |found: &Cached<Value>| found.value == Some(json!("new"));
    assert!(found.iter().all(is_new), "{found:?}");

    let other = read(&fleet[0], "b", &MINUTE, json!("new")).await;
    assert_eq!(other.value, Some(json!("other")), "another tag");

    // Nor does it serve on when it cannot be loaded.
    fleet[0].invalidate(&[tag("a")], deadline()).await.unwrap();
    assert!(read_in_vain(&fleet[1], "a", &MINUTE).await.is_err());
}

#[tokio::test]
async fn what_changes_while_it_is_loaded_is_loaded_again() {
    let fleet = environments(&url(), 2);
    let load = async || {
        fleet[1].invalidate(&[tag("a")], deadline()).await?;
        Ok(Some(json!("read before the change")))
    };
    let found = fleet[0]
        .get_or_load(request(&key("a"), &MINUTE), load)
        .await;
    found.unwrap();

    let after = read(&fleet[0], "a", &MINUTE, json!("after")).await;
    assert_eq!(after.value, Some(json!("after")));
}

#[tokio::test]
async fn a_loader_that_fails_serves_what_was_there_and_says_so() {
    let policy = CachePolicy::new(Duration::from_millis(200)).stale_for(Duration::from_mins(1));
    let fleet = environments(&url(), 2);
    read(&fleet[0], "a", &policy, json!("old")).await;
    tokio::time::sleep(Duration::from_millis(250)).await;

    for cache in &fleet {
        let found = read_in_vain(cache, "a", &policy).await.unwrap();
        assert_eq!(found, cached(json!("old"), Level::Stale));
    }

    let new = read(&fleet[1], "a", &policy, json!("new")).await;
    assert_eq!(new.value, Some(json!("new")), "the lease was given back");
    let never_there = read_in_vain(&fleet[0], "never there", &policy).await;
    assert!(never_there.is_err());
}

#[tokio::test]
async fn a_loader_that_dies_loses_its_lease() {
    let policy = MINUTE.lease_for(Duration::from_millis(300));
    let fleet = environments(&url(), 2);

    // Killed while it loads: it says nothing.
    let key_a = key("a");
    let never = fleet[0].get_or_load(request(&key_a, &policy), load_for_ever);
    let killed = tokio::time::timeout(Duration::from_millis(150), never).await;
    assert!(killed.is_err());

    let found = read(&fleet[1], "a", &policy, json!("from another")).await;
    assert_eq!(found, cached(json!("from another"), Level::Loaded));
}

/// A prefetch takes no lease: the call that it was for may be refused.
#[tokio::test]
async fn a_prefetch_that_is_not_used_holds_no_reader_up() {
    let fleet = environments(&url(), 2);
    let valkey = connect(&url(), "unused");

    let mut batch = Batch::default();
    let plan = fleet[0].plan_prefetch(&key("a"), &MINUTE).unwrap();
    let prefetch = plan.add_to(&mut batch);
    batch.run(&valkey, deadline()).await.unwrap();
    drop(prefetch); // the call is refused

    let policy = MINUTE.lease_for(Duration::from_mins(1));
    let found = read(&fleet[1], "a", &policy, json!(1)).await;
    assert_eq!(found.level, Level::Loaded);
}

/// A caller that waits too long for another environment is told to come back, or loads it too.
#[tokio::test]
async fn a_caller_does_not_wait_for_ever() {
    let fleet = environments(&url(), 2);
    let slow = MINUTE.lease_for(Duration::from_mins(1));
    let key = key("a");
    let never = fleet[0].get_or_load(request(&key, &slow), load_for_ever);

    let waits = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let soon = LoadRequest {
            deadline: Deadline::after(Duration::from_millis(300)),
            ..request(&key, &slow)
        };
        let load = async || Ok(Some(json!("a second query")));
        let refused = fleet[1].get_or_load(soon, load).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unavailable);

        let anyway = slow.load_anyway_after(Duration::from_millis(100));
        let load = async || Ok(Some(json!("beside")));
        let found = fleet[1].get_or_load(request(&key, &anyway), load).await;
        assert_eq!(found.unwrap().level, Level::Loaded);
    };
    tokio::select! {
        _ = never => panic!("it never ends"),
        () = waits => {}
    }
}

#[tokio::test]
async fn a_late_loader_does_not_overwrite_a_newer_value() {
    let policy = MINUTE.lease_for(Duration::from_millis(100));
    let fleet = environments(&url(), 3);
    let late = async {
        let load = async || {
            tokio::time::sleep(Duration::from_millis(600)).await;
            Ok(Some(json!("late")))
        };
        let found = fleet[0]
            .get_or_load(request(&key("a"), &policy), load)
            .await;
        found.unwrap()
    };
    let newer = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        read(&fleet[1], "a", &policy, json!("newer")).await
    };

    let (late, newer) = futures::join!(late, newer);
    assert_eq!(late.value, Some(json!("late")));
    assert_eq!(newer.value, Some(json!("newer")));
    for cache in &fleet {
        let found = read(cache, "a", &policy, json!("x")).await;
        assert_eq!(found.value, Some(json!("newer")));
    }
}

#[tokio::test]
async fn falsy_values_are_values_and_absence_is_remembered() {
    let fleet = environments(&url(), 2);
    let values = [json!(0), json!(""), json!(false), Value::Null];
    for (at, value) in values.into_iter().enumerate() {
        let id = at.to_string();
        read(&fleet[0], &id, &MINUTE, value.clone()).await;
        for cache in &fleet {
            let found = read(cache, &id, &MINUTE, json!("wrong")).await;
            assert_eq!(found.value, Some(value.clone()));
            assert_ne!(found.level, Level::Loaded);
        }
    }

    read_absent(&fleet[0], "none").await;
    let absent = read(&fleet[1], "none", &MINUTE, json!("wrong")).await;
    let expected = Cached {
        value: None,
        level: Level::Shared,
    };
    assert_eq!(absent, expected);
}

async fn set_body(valkey: &mut MultiplexedConnection, entry: &str, body: &str) {
    let mut set = redis::cmd("HSET");
    set.arg(entry).arg("body").arg(body);
    let _: i64 = set.query_async(valkey).await.unwrap();
}

async fn delete(valkey: &mut MultiplexedConnection, entry: &str) {
    let mut delete = redis::cmd("DEL");
    delete.arg(entry);
    let _: i64 = delete.query_async(valkey).await.unwrap();
}

/// An entry that cannot be read, or is of another version, is a miss.
#[tokio::test]
async fn an_unreadable_entry_is_a_miss() {
    let prefix = prefix();
    let cache = || Cache::new(Some(connect(&url(), &prefix)));
    let mut valkey = raw(&url()).await;
    let entry = format!("{prefix}:cache:{{t}}:v:things/1/a");

    for corrupt in ["", "j{", "z\u{1}\u{2}", "?", "n1"] {
        read(&cache(), "a", &MINUTE, json!("good")).await;
        set_body(&mut valkey, &entry, corrupt).await;
        let found = read(&cache(), "a", &MINUTE, json!("good")).await;
        assert_eq!(found.value, Some(json!("good")), "{corrupt:?}");
        delete(&mut valkey, &entry).await;
    }

    let mut set = redis::cmd("SET");
    set.arg(&entry).arg("not a hash");
    let _: () = set.query_async(&mut valkey).await.unwrap();
    let found = read(&cache(), "a", &MINUTE, json!("good")).await;
    assert_eq!(found.value, Some(json!("good")));

    let newer: EntryKind<Value> = EntryKind::new("things", 2);
    let key = Key::of_tenant(&tenant("t"), &newer, "a");
    let load = async || Ok(Some(json!("of version 2")));
    let found = cache().get_or_load(request(&key, &MINUTE), load).await;
    assert_eq!(found.unwrap().level, Level::Loaded);
}

#[tokio::test]
async fn one_tenant_never_reads_anothers_entry() {
    let cache = &environments(&url(), 1)[0];
    let read = async |tenant_id: &str, value: &str| {
        let key = Key::of_tenant(&tenant(tenant_id), &THINGS, "same-id");
        let load = async || Ok(Some(json!(value)));
        let found = cache.get_or_load(request(&key, &MINUTE), load).await;
        found.unwrap().value.unwrap()
    };

    assert_eq!(read("a", "of a").await, json!("of a"));
    assert_eq!(read("b", "of b").await, json!("of b"));
    assert_eq!(read("a", "x").await, json!("of a"));
    assert_eq!(read("b", "x").await, json!("of b"));
}

/// A clock that jumps, as a frozen environment's does.
static JUMPED: AtomicU64 = AtomicU64::new(0);

fn jumping_clock() -> u64 {
    1_790_000_000_000 + JUMPED.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_frozen_environment_serves_nothing_beyond_its_age() {
    let cache = Cache::with_clock(None, jumping_clock);
    let unchanging = Key::of_tenant(&tenant("t"), &THINGS, "a");
    let read = async |value: &str| {
        let load = async || Ok(Some(json!(value)));
        cache
            .get_or_load(request(&unchanging, &MINUTE), load)
            .await
            .unwrap()
    };
    read("old").await;
    assert_eq!(read("new").await.level, Level::Memory);

    JUMPED.fetch_add(61_000, Ordering::Relaxed);
    assert_eq!(read("new").await, cached(json!("new"), Level::Loaded));

    // Nor does it serve on for ever if it cannot be loaded.
    JUMPED.fetch_add(121_000, Ordering::Relaxed);
    assert!(read_in_vain(&cache, "a", &MINUTE).await.is_err());
}

#[tokio::test]
async fn without_valkey_memory_serves_for_a_while_and_then_the_loader() {
    let mut server = OwnServer::start().await;
    let cache = &environments(&server.url(), 1)[0];
    read(cache, "a", &MINUTE, json!("old")).await;
    read_absent(cache, "none").await;
    server.kill();

    let found = read(cache, "none", &MINUTE, json!("found")).await;
    let reason = "no environment could say that the absence has ended";
    assert_eq!(found.level, Level::Loaded, "{reason}");
    let held = read(cache, "a", &MINUTE, json!("new")).await;
    assert_eq!(held, cached(json!("old"), Level::Memory));
    let loaded = read(cache, "b", &MINUTE, json!("b")).await;
    assert_eq!(loaded.level, Level::Loaded);

    let invalidated = cache.invalidate(&[tag("a")], deadline()).await;
    assert!(
        invalidated.is_err(),
        "a caller that changes a value is told"
    );
    server.bring_back().await;
    crate::support::eventually("it can be invalidated again", async || {
        let invalidated = cache.invalidate(&[tag("a")], deadline()).await;
        invalidated.is_ok().then_some(())
    })
    .await;
}

/// Where none is configured, no change by another function would ever be seen: only what nothing
/// changes serves from memory.
#[tokio::test]
async fn with_no_valkey_what_may_change_is_loaded_each_time() {
    let cache = &Cache::new(None);
    for value in 1..4 {
        let found = read(cache, "a", &MINUTE, json!(value)).await;
        assert_eq!(found, cached(json!(value), Level::Loaded));
    }

    let unchanging = Key::of_tenant(&tenant("t"), &THINGS, "b");
    for (value, level) in [(1, Level::Loaded), (2, Level::Memory)] {
        let load = async || Ok(Some(json!(value)));
        let found = cache.get_or_load(request(&unchanging, &MINUTE), load).await;
        assert_eq!(found.unwrap(), cached(json!(1), level));
    }
}
