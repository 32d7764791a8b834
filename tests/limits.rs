//! Rate limits, on a real Valkey: every decision of the script against a brute-force model,
//! concurrent clients, and what happens when the server is gone.

mod model;
mod settlement;
mod without_valkey;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use futures::future::join_all;
use redis::Value;
use wenzhen::config::LimitSettings;
use wenzhen::deadline::Deadline;
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen::limits::local::LocalLimiter;
use wenzhen::limits::{
    Algorithm, Charge, Client, Decision, DecisionMode, FailureMode, Limit, LimitCheck, LimitCost,
    LimitScope, Limiter, Rate, Settlement, script,
};

use self::model::{START, Scripts, random_cost, random_rate, random_walk};
use crate::support::STACK;
use crate::support::valkey::{OwnServer, connect, prefix, raw};

const HOUR: Duration = Duration::from_hours(1);

fn url() -> String {
    STACK.env("VALKEY_URL").unwrap()
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn caller(tenant: &str, user: &str) -> Caller {
    Caller {
        tenant: TenantId::try_from(tenant.to_owned()).unwrap(),
        user: UserId::try_from(user.to_owned()).unwrap(),
        role: Role::Patient,
    }
}

/// A client that is known by its token alone.
fn client_of(caller: &Caller) -> Client<'_> {
    Client {
        address: None,
        caller: Some(caller),
    }
}

fn limiter(url: &str, prefix: &str, limits: &[Limit]) -> Limiter {
    let valkey = connect(url, prefix);
    Limiter::new(Some(valkey), limits, &LimitSettings::default()).unwrap()
}

/// So many calls of one person in an hour.
fn user_limit(limit: u64) -> Limit {
    Limit::sliding_window("user", LimitScope::User, limit, HOUR)
}

/// Some 120,000 decisions of up to three limits together, of a few calls in a second up to 50
/// million tokens in a minute, on a clock that the test sets: the script, the local limiter and a
/// brute-force model agree about each.
#[tokio::test]
async fn every_decision_of_the_script_is_that_of_the_model() {
    let mut connection = raw(&url()).await;
    let scripts = Scripts::load(&mut connection).await;
    let mut random = fastrand::Rng::with_seed(20_261_124);
    let (mut decisions, mut admitted) = (0, 0);

    for _ in 0..600 {
        let walk = random_walk(&mut random, &scripts);
        let rates = &walk.rates;
        let replies: Vec<Value> = walk.pipeline.query_async(&mut connection).await.unwrap();

        for (step, (verdicts, reply)) in walk.expected.iter().zip(replies).enumerate() {
            let read = script::read_verdicts(reply);
            assert_eq!(read.as_ref(), Some(verdicts), "step {step}: {rates:?}");
        }
        decisions += walk.expected.len() * rates.len();
        admitted += walk.admitted;
    }
    assert!(decisions >= 100_000, "{decisions} decisions");
    assert!(admitted > 10_000, "{admitted} calls let in");
}

/// A client that waits as long as it is told is let in, and not a microsecond sooner.
#[tokio::test]
async fn the_wait_of_a_refusal_is_exact() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..2_000 {
        let rate = random_rate(&mut random);
        let mut local = LocalLimiter::default();
        let mut now = START;

        for _ in 0..30 {
            now += random.u64(0..100_000);
            let check = [LimitCheck {
                key: "k".to_owned(),
                rate,
                cost: random_cost(&mut random, &rate).max(1),
            }];
            let mut decide_at = |now: u64| local.decide(&check, now)[0];

            let verdict = decide_at(now);
            if let (false, Some(wait)) = (verdict.is_admitted, verdict.wait) {
                assert!(!decide_at(now + wait - 1).is_admitted, "{rate:?}");
                now += wait;
                assert!(decide_at(now).is_admitted, "{rate:?}");
            }
        }
    }
}

/// What providers sell: ten million calls, and fifty million tokens, in a minute.
#[tokio::test]
async fn large_limits_are_counted_to_the_token() {
    for limit in [10_000_000, 49_999_999, 50_000_000, 1_000_000_000] {
        let minute = Duration::from_mins(1);
        let tokens = Limit::token_bucket("tokens", LimitScope::Tenant, limit, minute, limit);
        let limiter = limiter(&url(), &prefix(), &[tokens]);
        let caller = caller("t", "u");
        let decide = async |cost: u64| {
            let limit = "tokens";
            let costs = [LimitCost { limit, cost }];
            limiter.decide(client_of(&caller), &costs, deadline()).await
        };

        assert!(decide(limit / 2).await.is_admitted());
        assert!(decide(limit / 2).await.is_admitted());

        let refused = decide(limit / 2).await;
        assert_eq!(refused.refused_by(), Some("tokens"));
        let wait = refused.retry_after().unwrap();
        assert!(wait <= minute / 2, "{wait:?}");
    }
}

/// A list of all calls would have no bound: a large window keeps ten thousand entries at most.
#[tokio::test]
async fn a_window_of_millions_keeps_few_entries() {
    let mut connection = raw(&url()).await;
    let scripts = Scripts::load(&mut connection).await;
    let key = format!("{}:{{limits}}:large", prefix());
    let rate = Rate {
        algorithm: Algorithm::SlidingWindow,
        limit: 10_000_000,
        window: 60_000_000,
    };
    let check = LimitCheck {
        key: key.clone(),
        rate,
        cost: 1,
    };

    let mut last = None;
    for round in 0..30_u64 {
        let mut pipeline = redis::pipe();
        for step in round * 1_000..(round + 1) * 1_000 {
            let arguments = script::check_arguments(&check).into_iter();
            let now = (START + step * 500).to_string();
            let command = pipeline
                .cmd("EVALSHA")
                .arg(&scripts.decide)
                .arg(1)
                .arg(&key);
            command.arg(arguments.chain([now]).collect::<Vec<_>>());
        }
        let replies: Vec<Value> = pipeline.query_async(&mut connection).await.unwrap();
        last = replies.last().cloned().and_then(script::read_verdicts);
    }
    assert_eq!(last.unwrap()[0].remaining, 10_000_000 - 30_000);

    let mut length = redis::cmd("LLEN");
    let entries: u64 = length.arg(&key).query_async(&mut connection).await.unwrap();
    let grains = 30_000 * 500 / rate.grain();
    assert!((grains..=grains + 1).contains(&entries), "{entries}");
}

#[tokio::test]
async fn fifty_clients_at_once_get_exactly_the_limit() {
    let kinds = [
        user_limit(100),
        Limit::token_bucket("user", LimitScope::User, 1, HOUR, 100),
    ];
    for limit in kinds {
        let (prefix, caller) = (prefix(), caller("t", "u"));
        let client = client_of(&caller);
        let limiters: Vec<_> = (0..50)
            .map(|_| limiter(&url(), &prefix, &[limit]))
            .collect();

        let four_calls =
            |limiter| (0..4).map(move |_| Limiter::decide(limiter, client, &[], deadline()));
        let decisions = join_all(limiters.iter().flat_map(four_calls)).await;
        let admitted = decisions.iter().filter(|decision| decision.is_admitted());
        assert_eq!(admitted.count(), 100);
    }
}

#[tokio::test]
async fn if_one_limit_refuses_none_is_charged() {
    let limits = [
        Limit::sliding_window("address", LimitScope::Address, 3, HOUR),
        user_limit(1),
    ];
    let prefix = prefix();
    let address = Some("192.0.2.1".parse().unwrap());
    let decide = async |user: &str| {
        let caller = &caller("t", user);
        let client = Client {
            address,
            ..client_of(caller)
        };
        // A limiter of its own each time: it remembers no refusal.
        let limiter = limiter(&url(), &prefix, &limits);
        limiter.decide(client, &[], deadline()).await
    };

    assert!(decide("a").await.is_admitted());
    for _ in 0..5 {
        let refused = decide("a").await;
        assert_eq!(refused.refused_by(), Some("user"));
        assert!(refused.retry_after().unwrap() > Duration::from_secs(3_500));
    }

    // The five refused calls did not use the address up.
    assert!(decide("b").await.is_admitted() && decide("c").await.is_admitted());
    assert_eq!(decide("d").await.refused_by(), Some("address"));
}

#[tokio::test]
async fn tenants_and_users_are_told_apart() {
    let limiter = limiter(&url(), &prefix(), &[user_limit(1)]);
    let decide = async |tenant: &str, user: &str| {
        let caller = caller(tenant, user);
        let decision = limiter.decide(client_of(&caller), &[], deadline()).await;
        decision.is_admitted()
    };

    assert!(decide("a", "u").await && decide("b", "u").await && decide("a", "v").await);
    assert!(!decide("a", "u").await && !decide("b", "u").await);
}

/// An IPv6 network of 64 bits is one address.
#[tokio::test]
async fn addresses_and_networks_are_told_apart() {
    let limit = Limit::sliding_window("address", LimitScope::Address, 1, HOUR);
    let limiter = limiter(&url(), &prefix(), &[limit]);
    let decide = async |address: &str| {
        let address: IpAddr = address.parse().unwrap();
        let client = Client {
            address: Some(address),
            caller: None,
        };
        let decision = limiter.decide(client, &[], deadline()).await;
        decision.is_admitted()
    };

    assert!(decide("2001:db8::1").await && !decide("2001:db8::2").await);
    assert!(decide("2001:db8:0:1::1").await);
    assert!(decide("192.0.2.1").await && decide("192.0.2.2").await);
    assert!(!decide("192.0.2.1").await);
}

#[tokio::test]
async fn a_flood_of_refused_calls_costs_no_round_trip() {
    let valkey = connect(&url(), &prefix());
    let settings = LimitSettings::default();
    let limiter = Limiter::new(Some(valkey.clone()), &[user_limit(2)], &settings).unwrap();
    let caller = caller("t", "u");
    let client = client_of(&caller);
    for _ in 0..3 {
        limiter.decide(client, &[], deadline()).await;
    }

    let before = valkey.round_trips();
    for _ in 0..1_000 {
        let refused = limiter.decide(client, &[], deadline()).await;
        assert!(!refused.is_admitted() && refused.mode() == DecisionMode::Shared);
        assert!(refused.retry_after().unwrap() > Duration::from_secs(3_500));
    }
    assert_eq!(valkey.round_trips(), before);
}

#[tokio::test]
async fn one_round_trip_decides_all_limits_of_a_call() {
    let minute = Duration::from_mins(1);
    let second = Duration::from_secs(1);
    let limits = [
        Limit::token_bucket("address", LimitScope::Address, 100, second, 200),
        Limit::sliding_window("user", LimitScope::User, 100, minute),
        Limit::sliding_window("tenant", LimitScope::Tenant, 1_000, minute),
        Limit::sliding_window("global", LimitScope::Global, 10_000, minute),
    ];
    let valkey = connect(&url(), &prefix());
    let settings = LimitSettings::default();
    let limiter = Limiter::new(Some(valkey.clone()), &limits, &settings).unwrap();
    let caller = caller("t", "u");
    let client = Client {
        address: Some("192.0.2.1".parse().unwrap()),
        caller: Some(&caller),
    };
    limiter.decide(client, &[], deadline()).await;

    let before = valkey.round_trips();
    let decision = limiter.decide(client, &[], deadline()).await;
    assert_eq!(valkey.round_trips(), before + 1);
    assert_eq!(
        decision.policy(),
        r#""address";q=100;w=1, "user";q=100;w=60, "tenant";q=1000;w=60, "global";q=10000;w=60"#
    );
    let remaining = decision.remaining();
    assert!(remaining.contains(r#""user";r=98;t=60"#), "{remaining}");
}

/// The algorithms keep different things, so each has its own keys.
#[tokio::test]
async fn another_algorithm_begins_anew_and_disturbs_no_other() {
    let prefix = prefix();
    let caller = caller("t", "u");
    let window = [user_limit(1)];
    let bucket = [Limit::token_bucket("user", LimitScope::User, 1, HOUR, 1)];

    for limits in [window, bucket, window] {
        let limiter = limiter(&url(), &prefix, &limits);
        let decision = limiter.decide(client_of(&caller), &[], deadline()).await;
        assert_eq!(decision.mode(), DecisionMode::Shared);
    }
}
