//! Valkey in cluster mode: three nodes, of which each has a third of the keys. All that the
//! functions ask of one server they ask of a cluster, too.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;
use wenzhen::access::{self, AccessChange, AccessCheck, PersonChange};
use wenzhen::cache::{Cache, CachePolicy, EntryKind, Key, Level, LoadRequest, Tag};
use wenzhen::config::LimitSettings;
use wenzhen::deadline::Deadline;
use wenzhen::fleet_metrics::script::{Flush, ReadSums};
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen::limits::{Client, DecisionMode, Limit, LimitScope, Limiter};
use wenzhen::resilience::breaker::{Admission, BreakerSettings, Breakers};
use wenzhen::valkey::{Batch, Reply, Script, ScriptCall, ScriptRequest, Valkey, ValkeyError};

use crate::support::eventually;
use crate::support::iam::{IamEnvironment, end_connections, set_user};
use crate::support::valkey::{OwnCluster, connect, prefix};

/// Counts at one key, and answers with the count.
struct CountAt(String);

static COUNT: LazyLock<Script> =
    LazyLock::new(|| Script::new("return redis.call('INCR', KEYS[1])".to_owned()));

impl ScriptRequest for CountAt {
    type Answer = u64;

    fn into_call(self) -> ScriptCall {
        ScriptCall {
            script: &COUNT,
            keys: vec![self.0],
            arguments: Vec::new(),
        }
    }

    fn read_reply(reply: Reply) -> Option<u64> {
        redis::from_redis_value(reply).ok()
    }
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn caller() -> Caller {
    Caller {
        tenant: TenantId::try_from("t".to_owned()).unwrap(),
        user: UserId::try_from("u".to_owned()).unwrap(),
        role: Role::Admin,
    }
}

/// The counts of so many keys, each at a slot of its own, asked for together.
async fn count_at(valkey: &Valkey, keys: usize) -> Vec<Option<u64>> {
    let mut batch = Batch::default();
    let tickets: Vec<_> = (0..keys)
        .map(|key| batch.add(CountAt(format!("count:{key}"))))
        .collect();
    let mut answers = batch.run(valkey, deadline()).await.unwrap();
    let counts = tickets.into_iter().map(|ticket| answers.take(ticket));
    counts.collect()
}

#[tokio::test]
async fn a_batch_reaches_the_nodes_of_its_keys_in_one_round_trip() {
    let cluster = OwnCluster::start().await;
    let valkey = connect(&cluster.url(), "unused");

    assert_eq!(count_at(&valkey, 60).await, vec![Some(1); 60]);
    let before = valkey.round_trips();
    assert_eq!(count_at(&valkey, 60).await, vec![Some(2); 60]);
    assert_eq!(valkey.round_trips(), before + 1);

    let keys = cluster.keys().await;
    assert_eq!(keys.iter().sum::<u64>(), 60);
    assert!(keys.iter().all(|keys| *keys > 5), "{keys:?}");
}

#[tokio::test]
async fn limits_are_shared_by_environments_on_a_cluster() {
    let cluster = OwnCluster::start().await;
    let prefix = prefix();
    let limits = [
        Limit::sliding_window("user", LimitScope::User, 3, Duration::from_hours(1)),
        Limit::token_bucket("tenant", LimitScope::Tenant, 50, Duration::from_mins(1), 50),
    ];
    let environments = [(); 2].map(|()| {
        let valkey = connect(&cluster.url(), &prefix);
        Limiter::new(Some(valkey), &limits, &LimitSettings::default()).unwrap()
    });

    let caller = caller();
    let mut admitted = 0;
    for call in 0..6 {
        let client = Client {
            address: None,
            caller: Some(&caller),
        };
        let limiter = &environments[call % 2];
        let decision = limiter.decide(client, &[], deadline()).await;
        assert_eq!(decision.mode(), DecisionMode::Shared);
        admitted += u32::from(decision.is_admitted());
    }
    assert_eq!(admitted, 3);
}

#[tokio::test]
async fn what_one_environment_has_cached_another_finds_on_a_cluster() {
    const THINGS: EntryKind<Value> = EntryKind::new("things", 1);
    let cluster = OwnCluster::start().await;
    let prefix = prefix();
    let policy = CachePolicy::new(Duration::from_mins(1));
    let [first, second] = [(); 2].map(|()| Cache::new(Some(connect(&cluster.url(), &prefix))));

    let tenant = caller().tenant;
    for id in ["a", "b", "c", "d", "e", "f"] {
        let tag = Tag::of_tenant(&tenant, "thing", id);
        let key = Key::of_tenant(&tenant, &THINGS, id).tagged(&tag);
        let read = async |cache: &Cache, value: u32| {
            let request = LoadRequest {
                key: &key,
                policy: &policy,
                deadline: deadline(),
            };
            let load = async || Ok(Some(json!(value)));
            cache.get_or_load(request, load).await.unwrap()
        };

        read(&first, 1).await;
        let found = read(&second, 2).await;
        assert_eq!((found.value, found.level), (Some(json!(1)), Level::Shared));
        let tags = std::slice::from_ref(&tag);
        second.invalidate(tags, deadline()).await.unwrap();
        assert_eq!(read(&second, 3).await.value, Some(json!(3)));
    }
}

#[tokio::test]
async fn a_circuit_that_one_environment_opens_is_open_for_another_on_a_cluster() {
    let cluster = OwnCluster::start().await;
    let prefix = prefix();
    let tiers = || ["p", "q", "r", "s"].map(|name| (name, BreakerSettings::default()));
    let [first, second] =
        [(); 2].map(|()| Breakers::new(Some(connect(&cluster.url(), &prefix)), tiers()));

    let circuit = first.circuit("q").unwrap();
    while let Admission::Granted(permit) = circuit.admit("", deadline()).await {
        permit.record_failure(deadline()).await;
    }
    second.refresh(deadline()).await;
    let asked = second.circuit("q").unwrap().admit("", deadline()).await;
    assert!(matches!(asked, Admission::Refused(_)));
    let other = second.circuit("r").unwrap().admit("", deadline()).await;
    assert!(matches!(other, Admission::Granted(_)));
}

#[tokio::test]
async fn the_fleets_sums_and_changes_of_access_are_kept_on_a_cluster() {
    let cluster = OwnCluster::start().await;
    let prefix = prefix();
    let valkey = connect(&cluster.url(), &prefix);

    let increments = HashMap::from([("calls".to_owned(), 2)]);
    let flush = || Flush {
        prefix: &prefix,
        id: Uuid::now_v7(),
        increments: &increments,
    };
    valkey.run(flush(), deadline()).await.unwrap().unwrap();
    valkey.run(flush(), deadline()).await.unwrap().unwrap();
    let sums = ReadSums { prefix: &prefix };
    let sums = valkey.run(sums, deadline()).await.unwrap().unwrap();
    assert_eq!(sums, [("calls".to_owned(), 4)]);

    let Caller { tenant, user, .. } = caller();
    let change = PersonChange {
        tenant,
        user,
        change: AccessChange {
            role: Some(Role::Patient),
            signed_out_at: None,
            changed_at: OffsetDateTime::now_utc(),
        },
    };
    assert!(access::publish(&valkey, &[change], deadline()).await);
    assert_eq!(role_on(&valkey).await, Role::Patient);
}

async fn role_on(valkey: &Arc<Valkey>) -> Role {
    let check = AccessCheck::new(Some(Arc::clone(valkey)));
    let mut batch = Batch::default();
    let pending = check.prepare(&caller(), &mut batch);
    let mut answers = batch.run(valkey, deadline()).await.unwrap();
    let now = OffsetDateTime::now_utc();
    pending.finish(&mut answers, caller(), now).unwrap().role
}

/// As when a cluster gets a node more: its slots move one after the other.
#[tokio::test]
async fn a_key_whose_slot_has_moved_is_found_at_its_new_node() {
    let cluster = OwnCluster::start().await;
    let valkey = connect(&cluster.url(), "unused");
    assert_eq!(count_at(&valkey, 20).await, vec![Some(1); 20]);

    for key in ["moved:1", "moved:2", "moved:3", "moved:4"] {
        cluster.move_slot_of(key).await;
        let count = valkey.run(CountAt(key.to_owned()), deadline()).await;
        assert_eq!(count.unwrap(), Some(1), "{key}");
    }
}

#[tokio::test]
async fn a_key_whose_slot_is_moving_is_asked_for_at_both_nodes() {
    let cluster = OwnCluster::start().await;
    let valkey = connect(&cluster.url(), "unused");
    assert_eq!(count_at(&valkey, 20).await, vec![Some(1); 20]);

    for key in ["moving:1", "moving:2", "moving:3"] {
        cluster.begin_move_of(key).await;
        for expected in 1..=3 {
            let count = valkey.run(CountAt(key.to_owned()), deadline()).await;
            assert_eq!(count.unwrap(), Some(expected), "{key}");
        }
    }
}

/// What it holds is asked for in vain, within bounds, until it is back.
#[tokio::test]
async fn a_node_that_is_gone_is_asked_again_when_it_is_back() {
    let mut cluster = OwnCluster::start().await;
    let valkey = connect(&cluster.url(), "unused");
    assert_eq!(count_at(&valkey, 60).await, vec![Some(1); 60]);

    cluster.kill(1);
    eventually("the node is missed", async || {
        let mut batch = Batch::default();
        for key in 0..60 {
            let _ticket = batch.add(CountAt(format!("count:{key}")));
        }
        let run = batch.run(&valkey, deadline()).await;
        run.err().map(drop)
    })
    .await;
    let refused = valkey.run(CountAt("count:1".to_owned()), deadline()).await;
    assert!(
        matches!(refused, Err(ValkeyError::BackingOff)),
        "{refused:?}"
    );

    cluster.bring_back(1).await;
    eventually("all nodes answer", async || {
        let mut batch = Batch::default();
        let tickets: Vec<_> = (0..60)
            .map(|key| batch.add(CountAt(format!("count:{key}"))))
            .collect();
        let mut answers = batch.run(&valkey, deadline()).await.ok()?;
        let mut counts = tickets.into_iter().map(|ticket| answers.take(ticket));
        counts.all(|count| count.is_some()).then_some(())
    })
    .await;
}

/// A node whose connection has ended refuses the first token, as ElastiCache does when that is
/// older than 15 minutes: then the whole cluster is connected to anew, with a new token.
#[tokio::test]
async fn a_cluster_is_logged_in_to_by_iam() {
    let cluster = OwnCluster::start().await;
    let mut operators = cluster.operators().await;
    for operator in &mut operators {
        set_user(operator, "nopass").await;
    }

    let environment = IamEnvironment::new(&cluster.url(), "unused");
    let counts = count_at(&environment.valkey, 60).await;
    assert_eq!(counts, vec![Some(1); 60]);
    assert_eq!(environment.tokens(), 1);

    set_user(&mut operators[1], "resetpass").await;
    assert!(end_connections(&mut operators[1]).await > 0);
    eventually("a new token is made", async || {
        let mut batch = Batch::default();
        for key in 0..60 {
            let _ticket = batch.add(CountAt(format!("count:{key}")));
        }
        let asked = batch.run(&environment.valkey, deadline()).await;
        assert!(asked.is_err(), "a node refuses");
        (environment.tokens() > 1).then_some(())
    })
    .await;

    set_user(&mut operators[1], "nopass").await;
    eventually("all nodes answer", async || {
        let asked = CountAt("after".to_owned());
        let asked = environment.valkey.run(asked, deadline()).await;
        asked.ok().flatten()
    })
    .await;
    let counts = count_at(&environment.valkey, 60).await;
    assert!(counts.iter().all(Option::is_some), "{counts:?}");
}
