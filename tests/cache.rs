//! The cache on a real Valkey: many environments, each with its own memory and its own connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use wenzhen::cache::{Cache, Cached, Key, Kind, Level, Policy, Tag};
use wenzhen::deadline::Deadline;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::identity::TenantId;

use crate::support::STACK;
use crate::support::valkey::{OwnServer, connect, prefix, raw};

const THINGS: Kind<Value> = Kind::new("things", 1);
const MINUTE: Policy = Policy::new(Duration::from_mins(1));

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

/// Environments that share a cache.
fn environments(url: &str, size: usize) -> Vec<Cache> {
    let prefix = prefix();
    (0..size)
        .map(|_| Cache::new(Some(connect(url, &prefix))))
        .collect()
}

async fn read(cache: &Cache, id: &str, policy: &Policy, value: Value) -> Cached<Value> {
    let load = || async { Ok(Some(value)) };
    cache
        .get_or_load(&key(id), policy, deadline(), load)
        .await
        .unwrap()
}

async fn read_in_vain(cache: &Cache, id: &str, policy: &Policy) -> Result<Cached<Value>, Error> {
    let load = || async { Err::<Option<Value>, _>(Error::new(ErrorKind::Unavailable, "gone")) };
    cache.get_or_load(&key(id), policy, deadline(), load).await
}

#[tokio::test]
async fn two_hundred_callers_of_twenty_environments_load_once() {
    let fleet = environments(&url(), 20);
    let loads = AtomicUsize::new(0);
    let calls = fleet
        .iter()
        .flat_map(|cache| (0..10).map(move |_| cache))
        .map(|cache| {
            let loads = &loads;
            async move {
                let load = || async {
                    loads.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(150)).await;
                    Ok(Some(json!(7)))
                };
                cache
                    .get_or_load(&key("hot"), &MINUTE, deadline(), load)
                    .await
                    .unwrap()
            }
        });
    let values = join_all(calls).await;
    assert!(values.len() == 200 && values.iter().all(|cached| cached.value == Some(json!(7))));
    assert_eq!(loads.into_inner(), 1);
    assert_eq!(
        values
            .iter()
            .filter(|cached| cached.level == Level::Loaded)
            .count(),
        1
    );
}

#[tokio::test]
async fn each_level_answers_before_the_next() {
    let fleet = environments(&url(), 2);
    assert_eq!(
        read(&fleet[0], "a", &MINUTE, json!(1)).await,
        Cached {
            value: Some(json!(1)),
            level: Level::Loaded
        }
    );
    assert_eq!(
        read(&fleet[0], "a", &MINUTE, json!(2)).await,
        Cached {
            value: Some(json!(1)),
            level: Level::Memory
        }
    );
    assert_eq!(
        read(&fleet[1], "a", &MINUTE, json!(2)).await,
        Cached {
            value: Some(json!(1)),
            level: Level::Shared
        }
    );
    assert_eq!(
        read(&fleet[1], "a", &MINUTE, json!(2)).await.level,
        Level::Memory
    );
}

#[tokio::test]
async fn a_read_costs_one_round_trip_and_brings_no_value_that_is_held() {
    let valkey = connect(&url(), &prefix());
    let cache = Cache::new(Some(Arc::clone(&valkey)));
    read(&cache, "a", &MINUTE, json!("x".repeat(10_000))).await;
    let before = valkey.round_trips();
    for _ in 0..10 {
        assert_eq!(
            read(&cache, "a", &MINUTE, json!(2)).await.level,
            Level::Memory
        );
    }
    assert_eq!(valkey.round_trips(), before + 10);
}

#[tokio::test]
async fn an_invalidation_is_seen_by_every_environment_with_its_next_read() {
    let fleet = environments(&url(), 5);
    for cache in &fleet {
        read(cache, "a", &MINUTE, json!("old")).await;
        read(cache, "b", &MINUTE, json!("other")).await;
    }
    fleet[3].invalidate(&[tag("a")], deadline()).await.unwrap();
    let read_again = join_all(
        fleet
            .iter()
            .map(|cache| read(cache, "a", &MINUTE, json!("new"))),
    )
    .await;
    assert!(
        read_again
            .iter()
            .all(|cached| cached.value == Some(json!("new"))),
        "{read_again:?}"
    );
    assert_eq!(
        read(&fleet[0], "b", &MINUTE, json!("new")).await.value,
        Some(json!("other")),
        "another tag"
    );
    // Nor does it serve on when it cannot be loaded.
    fleet[0].invalidate(&[tag("a")], deadline()).await.unwrap();
    assert!(read_in_vain(&fleet[1], "a", &MINUTE).await.is_err());
}

#[tokio::test]
async fn what_changes_while_it_is_loaded_is_loaded_again() {
    let fleet = environments(&url(), 2);
    let load = || async {
        fleet[1].invalidate(&[tag("a")], deadline()).await?;
        Ok(Some(json!("read before the change")))
    };
    fleet[0]
        .get_or_load(&key("a"), &MINUTE, deadline(), load)
        .await
        .unwrap();
    assert_eq!(
        read(&fleet[0], "a", &MINUTE, json!("after")).await.value,
        Some(json!("after"))
    );
}

#[tokio::test]
async fn a_loader_that_fails_serves_what_was_there_and_says_so() {
    let policy = Policy::new(Duration::from_millis(200)).stale_for(Duration::from_mins(1));
    let fleet = environments(&url(), 2);
    read(&fleet[0], "a", &policy, json!("old")).await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    for cache in &fleet {
        let cached = read_in_vain(cache, "a", &policy).await.unwrap();
        assert_eq!(
            cached,
            Cached {
                value: Some(json!("old")),
                level: Level::Stale
            }
        );
    }
    assert_eq!(
        read(&fleet[1], "a", &policy, json!("new")).await.value,
        Some(json!("new")),
        "the lease was given back"
    );
    assert!(
        read_in_vain(&fleet[0], "never there", &policy)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_loader_that_dies_loses_its_lease() {
    let policy = MINUTE.lease(Duration::from_millis(300));
    let fleet = environments(&url(), 2);
    let (key_a, held) = (key("a"), deadline());
    let never = fleet[0].get_or_load(
        &key_a,
        &policy,
        held,
        std::future::pending::<Result<Option<Value>, Error>>,
    );
    // Killed while it loads: it says nothing.
    assert!(
        tokio::time::timeout(Duration::from_millis(150), never)
            .await
            .is_err()
    );
    let cached = read(&fleet[1], "a", &policy, json!("from another")).await;
    assert_eq!(
        cached,
        Cached {
            value: Some(json!("from another")),
            level: Level::Loaded
        }
    );
}

#[tokio::test]
async fn a_look_that_is_not_followed_up_holds_nobody_up() {
    let fleet = environments(&url(), 2);
    let valkey = connect(&url(), "unused");
    let plan = fleet[0].plan(&key("a"), &MINUTE).unwrap();
    valkey.run(&[plan.call], deadline()).await.unwrap(); // and then the call is refused
    assert_eq!(
        read(
            &fleet[1],
            "a",
            &MINUTE.lease(Duration::from_mins(1)),
            json!(1)
        )
        .await
        .level,
        Level::Loaded
    );
}

#[tokio::test]
async fn whoever_waits_too_long_for_another_is_told_to_come_back() {
    let fleet = environments(&url(), 2);
    let slow = MINUTE.lease(Duration::from_mins(1));
    let key = key("a");
    let never = fleet[0].get_or_load(
        &key,
        &slow,
        deadline(),
        std::future::pending::<Result<Option<Value>, Error>>,
    );
    let waits = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let load = || async { Ok(Some(json!("a second query"))) };
        let soon = Deadline::after(Duration::from_millis(300));
        let refused = fleet[1]
            .get_or_load(&key, &slow, soon, load)
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unavailable);
        let beside = slow.loading_beside_after(Duration::from_millis(100));
        let load = || async { Ok(Some(json!("beside"))) };
        assert_eq!(
            fleet[1]
                .get_or_load(&key, &beside, deadline(), load)
                .await
                .unwrap()
                .level,
            Level::Loaded
        );
    };
    tokio::select! {
        _ = never => panic!("it never ends"),
        () = waits => {}
    }
}

#[tokio::test]
async fn a_late_loader_does_not_overwrite_a_newer_value() {
    let policy = MINUTE.lease(Duration::from_millis(100));
    let fleet = environments(&url(), 3);
    let late = async {
        let load = || async {
            tokio::time::sleep(Duration::from_millis(600)).await;
            Ok(Some(json!("late")))
        };
        fleet[0]
            .get_or_load(&key("a"), &policy, deadline(), load)
            .await
            .unwrap()
    };
    let newer = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        read(&fleet[1], "a", &policy, json!("newer")).await
    };
    let (late, newer) = futures::join!(late, newer);
    assert_eq!(
        (late.value, newer.value),
        (Some(json!("late")), Some(json!("newer")))
    );
    for cache in &fleet {
        assert_eq!(
            read(cache, "a", &policy, json!("x")).await.value,
            Some(json!("newer"))
        );
    }
}

#[tokio::test]
async fn falsy_values_are_values_and_absence_is_remembered() {
    let fleet = environments(&url(), 2);
    for (at, value) in [json!(0), json!(""), json!(false), Value::Null]
        .into_iter()
        .enumerate()
    {
        read(&fleet[0], &at.to_string(), &MINUTE, value.clone()).await;
        for cache in &fleet {
            let cached = read(cache, &at.to_string(), &MINUTE, json!("wrong")).await;
            assert_eq!(cached.value, Some(value.clone()));
            assert_ne!(cached.level, Level::Loaded);
        }
    }
    let none = || async { Ok(None) };
    fleet[0]
        .get_or_load(&key("none"), &MINUTE, deadline(), none)
        .await
        .unwrap();
    assert_eq!(
        read(&fleet[1], "none", &MINUTE, json!("wrong")).await,
        Cached {
            value: None,
            level: Level::Shared
        }
    );
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_or_is_of_another_version_is_a_miss() {
    let prefix = prefix();
    let cache = || Cache::new(Some(connect(&url(), &prefix)));
    let mut valkey = raw(&url()).await;
    let entry = format!("{prefix}:cache:{{t}}:v:things/1/a");
    for corrupt in ["", "j{", "z\u{1}\u{2}", "?", "n1"] {
        read(&cache(), "a", &MINUTE, json!("good")).await;
        let _: i64 = redis::cmd("HSET")
            .arg(&entry)
            .arg("body")
            .arg(corrupt)
            .query_async(&mut valkey)
            .await
            .unwrap();
        let cached = read(&cache(), "a", &MINUTE, json!("good")).await;
        assert_eq!(cached.value, Some(json!("good")), "{corrupt:?}");
        let _: i64 = redis::cmd("DEL")
            .arg(&entry)
            .query_async(&mut valkey)
            .await
            .unwrap();
    }
    let _: () = redis::cmd("SET")
        .arg(&entry)
        .arg("not a hash")
        .query_async(&mut valkey)
        .await
        .unwrap();
    assert_eq!(
        read(&cache(), "a", &MINUTE, json!("good")).await.value,
        Some(json!("good"))
    );
    let newer: Kind<Value> = Kind::new("things", 2);
    let key = Key::of_tenant(&tenant("t"), &newer, "a");
    let load = || async { Ok(Some(json!("of version 2"))) };
    assert_eq!(
        cache()
            .get_or_load(&key, &MINUTE, deadline(), load)
            .await
            .unwrap()
            .level,
        Level::Loaded
    );
}

#[tokio::test]
async fn one_tenant_never_reads_anothers_entry() {
    let cache = &environments(&url(), 1)[0];
    let read = async |whose: &str, value: &str| {
        let load = || async { Ok(Some(json!(value))) };
        let key = Key::of_tenant(&tenant(whose), &THINGS, "same-id");
        cache
            .get_or_load(&key, &MINUTE, deadline(), load)
            .await
            .unwrap()
            .value
            .unwrap()
    };
    assert_eq!(
        (read("a", "of a").await, read("b", "of b").await),
        (json!("of a"), json!("of b"))
    );
    assert_eq!(
        (read("a", "x").await, read("b", "x").await),
        (json!("of a"), json!("of b"))
    );
}

/// A clock that jumps, as a frozen environment's does.
static JUMPED: AtomicU64 = AtomicU64::new(0);

fn jumping_clock() -> u64 {
    1_790_000_000_000 + JUMPED.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_frozen_environment_serves_nothing_beyond_its_age() {
    let cache = Cache::with_clock(None, jumping_clock);
    read(&cache, "a", &MINUTE, json!("old")).await;
    assert_eq!(
        read(&cache, "a", &MINUTE, json!("new")).await.level,
        Level::Memory
    );
    JUMPED.fetch_add(61_000, Ordering::Relaxed);
    assert_eq!(
        read(&cache, "a", &MINUTE, json!("new")).await,
        Cached {
            value: Some(json!("new")),
            level: Level::Loaded
        }
    );
    // Nor does it serve on for ever if it cannot be loaded.
    JUMPED.fetch_add(121_000, Ordering::Relaxed);
    assert!(read_in_vain(&cache, "a", &MINUTE).await.is_err());
}

#[tokio::test]
async fn without_valkey_memory_serves_for_a_while_and_then_the_loader() {
    let mut server = OwnServer::start().await;
    let cache = &environments(&server.url(), 1)[0];
    read(cache, "a", &MINUTE, json!("old")).await;
    let none = || async { Ok(None) };
    cache
        .get_or_load(&key("none"), &MINUTE, deadline(), none)
        .await
        .unwrap();
    server.kill();
    let found = read(cache, "none", &MINUTE, json!("found")).await;
    assert_eq!(
        found.level,
        Level::Loaded,
        "nobody could say that the absence has ended"
    );
    assert_eq!(
        read(cache, "a", &MINUTE, json!("new")).await,
        Cached {
            value: Some(json!("old")),
            level: Level::Memory
        }
    );
    assert_eq!(
        read(cache, "b", &MINUTE, json!("b")).await.level,
        Level::Loaded
    );
    assert!(
        cache.invalidate(&[tag("a")], deadline()).await.is_err(),
        "whoever changes something is told"
    );
    server.bring_back().await;
    crate::support::eventually("it can be invalidated again", async || {
        (cache.invalidate(&[tag("a")], deadline()).await.is_ok()).then_some(())
    })
    .await;
}
