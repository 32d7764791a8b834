//! Rate limits, on a real Valkey: every decision of the script against a brute-force model, concurrent clients, and what
//! happens when the server is gone.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use futures::future::join_all;
use redis::Value;
use wenzhen::config::LimitSettings;
use wenzhen::deadline::Deadline;
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen::limits::machine::Machine;
use wenzhen::limits::{
    Algorithm, Charge, Decision, Limit, Limiter, Mode, OnLoss, Rate, Scope, Who, script,
};

use crate::support::STACK;
use crate::support::valkey::{OwnServer, connect, prefix, raw};

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

/// One limit by brute force: all that was admitted, looked through each time; a bucket that is filled drop by drop.
struct Model {
    rate: Rate,
    admitted: Vec<(u64, u64)>,
    level: u64,
    filled: u64,
}

impl Model {
    fn new(rate: Rate, now: u64) -> Self {
        let level = if let Algorithm::TokenBucket { burst } = rate.algorithm {
            burst * rate.step()
        } else {
            0
        };
        Self {
            rate,
            admitted: Vec::new(),
            level,
            filled: now,
        }
    }

    fn room(&mut self, now: u64) -> u64 {
        match self.rate.algorithm {
            Algorithm::TokenBucket { burst } => {
                self.level = (self.level + (now - self.filled)).min(burst * self.rate.step());
                self.filled = now;
                self.level / self.rate.step()
            }
            Algorithm::SlidingWindow => {
                let in_window = self
                    .admitted
                    .iter()
                    .filter(|(at, _)| at + self.rate.window > now);
                self.rate.limit - in_window.map(|(_, cost)| cost).sum::<u64>()
            }
        }
    }

    fn charge(&mut self, cost: u64, now: u64) {
        self.admitted.push((now, cost));
        if let Algorithm::TokenBucket { .. } = self.rate.algorithm {
            self.level -= cost * self.rate.step();
        }
    }
}

fn random_rate(random: &mut fastrand::Rng) -> Rate {
    let limit = random.u64(1..40);
    let window = random.u64(1_000..5_000_000);
    let algorithm = if random.bool() {
        Algorithm::TokenBucket {
            burst: random.u64(1..60),
        }
    } else {
        Algorithm::SlidingWindow
    };
    Rate {
        algorithm,
        limit,
        window,
    }
}

#[tokio::test]
async fn every_decision_of_the_script_is_that_of_a_brute_force_model() {
    let mut connection = raw(&url()).await;
    let text = format!(
        "local now, slack = tonumber(ARGV[#ARGV]), 600000\n{}",
        script::SOURCE
    );
    let sha: String = redis::cmd("SCRIPT")
        .arg("LOAD")
        .arg(text)
        .query_async(&mut connection)
        .await
        .unwrap();
    let mut random = fastrand::Rng::with_seed(20_261_124);
    let (mut decisions, mut admitted) = (0, 0);
    for _ in 0..600 {
        let rates: Vec<_> = (0..random.usize(1..4))
            .map(|_| random_rate(&mut random))
            .collect();
        let tag = prefix();
        let keys: Vec<_> = (0..rates.len())
            .map(|at| format!("{tag}:{{limits}}:{at}"))
            .collect();
        let mut now = 1_790_000_000_000_000;
        let mut models: Vec<_> = rates.iter().map(|rate| Model::new(*rate, now)).collect();
        let (mut machine, mut pipeline, mut expected) =
            (Machine::default(), redis::pipe(), Vec::new());
        for _ in 0..100 {
            now += [
                0,
                random.u64(0..300),
                random.u64(0..200_000),
                random.u64(0..3_000_000),
            ][random.usize(0..4)];
            let costs: Vec<_> = rates
                .iter()
                .map(|_| if random.bool() { 1 } else { random.u64(0..12) })
                .collect();
            let rooms: Vec<_> = models.iter_mut().map(|model| model.room(now)).collect();
            let lets_in: Vec<_> = rooms
                .iter()
                .zip(&costs)
                .map(|(room, cost)| cost <= room)
                .collect();
            let all = lets_in.iter().all(|one| *one);
            if all {
                for (model, cost) in models.iter_mut().zip(&costs) {
                    model.charge(*cost, now);
                }
                admitted += 1;
            }
            let calls: Vec<_> = keys
                .iter()
                .zip(&rates)
                .zip(&costs)
                .map(|((k, r), c)| (k.clone(), *r, *c))
                .collect();
            let verdicts = machine.decide(&calls, now);
            for ((verdict, (room, cost)), one) in
                verdicts.iter().zip(rooms.iter().zip(&costs)).zip(&lets_in)
            {
                assert_eq!(verdict.is_admitted, *one);
                assert_eq!(verdict.remaining, if all { room - cost } else { *room });
            }
            let arguments = rates
                .iter()
                .zip(&costs)
                .flat_map(|(rate, cost)| script::arguments(rate, *cost));
            let arguments: Vec<_> = arguments.chain([now.to_string()]).collect();
            pipeline
                .cmd("EVALSHA")
                .arg(&sha)
                .arg(keys.len())
                .arg(&keys)
                .arg(arguments);
            expected.push(verdicts);
            decisions += rates.len();
        }
        let answers: Vec<Value> = pipeline.query_async(&mut connection).await.unwrap();
        for (step, (verdicts, answer)) in expected.iter().zip(&answers).enumerate() {
            assert_eq!(
                script::read(answer).as_ref(),
                Some(verdicts),
                "step {step}: {rates:?}"
            );
        }
    }
    assert!(
        decisions >= 100_000 && admitted > 10_000,
        "{decisions} decisions, {admitted} calls let in"
    );
}

#[tokio::test]
async fn whoever_waits_as_long_as_they_are_told_is_let_in_and_not_a_moment_sooner() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..2_000 {
        let (rate, mut machine, mut now) = (
            random_rate(&mut random),
            Machine::default(),
            1_790_000_000_000_000,
        );
        for _ in 0..30 {
            now += random.u64(0..100_000);
            let call = [("k".to_owned(), rate, random.u64(1..12))];
            let verdict = machine.decide(&call, now)[0];
            if let (false, Some(wait)) = (verdict.is_admitted, verdict.wait) {
                assert!(
                    !machine.decide(&call, now + wait - 1)[0].is_admitted,
                    "{rate:?}"
                );
                now += wait;
                assert!(machine.decide(&call, now)[0].is_admitted, "{rate:?}");
            }
        }
    }
}

#[tokio::test]
async fn fifty_clients_at_once_get_exactly_the_limit() {
    let kinds = [
        Limit::sliding_window("user", Scope::User, 100, Duration::from_hours(1)),
        Limit::token_bucket("user", Scope::User, 1, Duration::from_hours(1), 100),
    ];
    for limit in kinds {
        let (prefix, caller) = (prefix(), caller("t", "u"));
        let limiters: Vec<_> = (0..50)
            .map(|_| limiter(&url(), &prefix, &[limit]))
            .collect();
        let who = Who {
            address: None,
            caller: Some(&caller),
        };
        let calls = limiters
            .iter()
            .flat_map(|limiter| (0..4).map(|_| limiter.decide(who, &[], deadline())));
        let decisions = join_all(calls).await;
        assert_eq!(
            decisions
                .iter()
                .filter(|decision| decision.is_admitted())
                .count(),
            100
        );
    }
}

fn limiter(url: &str, prefix: &str, limits: &[Limit]) -> Limiter {
    Limiter::new(
        Some(connect(url, prefix)),
        limits,
        &LimitSettings::default(),
    )
    .unwrap()
}

#[tokio::test]
async fn if_one_limit_refuses_none_is_charged() {
    let limits = [
        Limit::sliding_window("address", Scope::Address, 3, Duration::from_hours(1)),
        Limit::sliding_window("user", Scope::User, 1, Duration::from_hours(1)),
    ];
    let prefix = prefix();
    let address = Some("192.0.2.1".parse().unwrap());
    let decide = async |user: &str| {
        let caller = caller("t", user);
        // A limiter of its own each time: it remembers nobody.
        limiter(&url(), &prefix, &limits)
            .decide(
                Who {
                    address,
                    caller: Some(&caller),
                },
                &[],
                deadline(),
            )
            .await
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
async fn tenants_users_and_networks_are_told_apart() {
    let limits = [Limit::sliding_window(
        "user",
        Scope::User,
        1,
        Duration::from_hours(1),
    )];
    let one = limiter(&url(), &prefix(), &limits);
    let decide = async |tenant: &str, user: &str| {
        let caller = caller(tenant, user);
        one.decide(
            Who {
                address: None,
                caller: Some(&caller),
            },
            &[],
            deadline(),
        )
        .await
        .is_admitted()
    };
    assert!(decide("a", "u").await && decide("b", "u").await && decide("a", "v").await);
    assert!(!decide("a", "u").await && !decide("b", "u").await);
    let limits = [Limit::sliding_window(
        "address",
        Scope::Address,
        1,
        Duration::from_hours(1),
    )];
    let one = limiter(&url(), &prefix(), &limits);
    let from = async |address: &str| {
        let address: IpAddr = address.parse().unwrap();
        one.decide(
            Who {
                address: Some(address),
                caller: None,
            },
            &[],
            deadline(),
        )
        .await
        .is_admitted()
    };
    assert!(
        from("2001:db8::1").await && !from("2001:db8::2").await && from("2001:db8:0:1::1").await
    );
    assert!(from("192.0.2.1").await && from("192.0.2.2").await && !from("192.0.2.1").await);
}

#[tokio::test]
async fn a_flood_of_refused_calls_costs_no_round_trip() {
    let limits = [Limit::sliding_window(
        "user",
        Scope::User,
        2,
        Duration::from_hours(1),
    )];
    let valkey = connect(&url(), &prefix());
    let limiter = Limiter::new(Some(valkey.clone()), &limits, &LimitSettings::default()).unwrap();
    let caller = caller("t", "u");
    let who = Who {
        address: None,
        caller: Some(&caller),
    };
    for _ in 0..3 {
        limiter.decide(who, &[], deadline()).await;
    }
    let before = valkey.round_trips();
    for _ in 0..1_000 {
        let refused = limiter.decide(who, &[], deadline()).await;
        assert!(!refused.is_admitted() && refused.mode() == Mode::Shared);
        assert!(refused.retry_after().unwrap() > Duration::from_secs(3_500));
    }
    assert_eq!(valkey.round_trips(), before);
}

#[tokio::test]
async fn one_round_trip_decides_all_limits_of_a_call() {
    let limits = [
        Limit::token_bucket("address", Scope::Address, 100, Duration::from_secs(1), 200),
        Limit::sliding_window("user", Scope::User, 100, Duration::from_mins(1)),
        Limit::sliding_window("tenant", Scope::Tenant, 1_000, Duration::from_mins(1)),
        Limit::sliding_window("global", Scope::Global, 10_000, Duration::from_mins(1)),
    ];
    let valkey = connect(&url(), &prefix());
    let limiter = Limiter::new(Some(valkey.clone()), &limits, &LimitSettings::default()).unwrap();
    let caller = caller("t", "u");
    let who = Who {
        address: Some("192.0.2.1".parse().unwrap()),
        caller: Some(&caller),
    };
    limiter.decide(who, &[], deadline()).await;
    let before = valkey.round_trips();
    let decision = limiter.decide(who, &[], deadline()).await;
    assert_eq!(valkey.round_trips(), before + 1);
    assert_eq!(
        decision.policy(),
        r#""address";q=100;w=1, "user";q=100;w=60, "tenant";q=1000;w=60, "global";q=10000;w=60"#
    );
    assert!(
        decision.remaining().contains(r#""user";r=98;t=60"#),
        "{}",
        decision.remaining()
    );
}

#[tokio::test]
async fn what_was_charged_too_much_is_given_back() {
    let limits = [Limit::token_bucket(
        "tokens",
        Scope::Tenant,
        100,
        Duration::from_hours(1),
        100,
    )];
    let prefix = prefix();
    let caller = caller("t", "u");
    let who = Who {
        address: None,
        caller: Some(&caller),
    };
    let decide = async |cost: u64| -> Decision {
        limiter(&url(), &prefix, &limits)
            .decide(who, &[("tokens", cost)], deadline())
            .await
    };
    let settle = async |charged: u64, cost: u64| {
        let charge = Charge {
            calls: charged,
            at: std::time::SystemTime::now(),
            mode: Mode::Shared,
        };
        limiter(&url(), &prefix, &limits)
            .settle("tokens", who, charge, cost, deadline())
            .await;
    };
    assert!(decide(80).await.is_admitted() && !decide(30).await.is_admitted());
    settle(80, 10).await;
    assert!(decide(90).await.is_admitted(), "70 were given back");
    assert!(!decide(1).await.is_admitted());
    settle(90, 190).await;
    settle(100, 0).await;
    settle(1_000_000, 0).await;
    assert!(
        decide(100).await.is_admitted(),
        "a bucket is never more than full"
    );
    let never = decide(101).await;
    assert_eq!(
        (never.refused_by(), never.retry_after()),
        (Some("tokens"), None)
    );
}

#[tokio::test]
async fn what_came_back_by_itself_or_was_never_counted_is_not_given_back() {
    let limits = [
        Limit::token_bucket("tokens", Scope::Tenant, 100, Duration::from_hours(1), 100).settled(),
    ];
    let prefix = prefix();
    let caller = caller("t", "u");
    let who = Who {
        address: None,
        caller: Some(&caller),
    };
    let one = limiter(&url(), &prefix, &limits);
    assert!(
        one.decide(who, &[("tokens", 100)], deadline())
            .await
            .is_admitted()
    );
    let now = std::time::SystemTime::now();
    let nobody = Charge {
        calls: 100,
        at: now,
        mode: Mode::Open,
    };
    one.settle("tokens", who, nobody, 0, deadline()).await;
    let long_ago = Charge {
        calls: 100,
        at: now - Duration::from_hours(2),
        mode: Mode::Shared,
    };
    one.settle("tokens", who, long_ago, 0, deadline()).await;
    assert!(
        !one.decide(who, &[("tokens", 5)], deadline())
            .await
            .is_admitted()
    );
    let just_now = Charge {
        calls: 100,
        at: now,
        mode: Mode::Shared,
    };
    one.settle("tokens", who, just_now, 0, deadline()).await;
    assert!(
        one.decide(who, &[("tokens", 90)], deadline())
            .await
            .is_admitted()
    );
}

#[tokio::test]
async fn another_algorithm_begins_anew_and_disturbs_nobody() {
    let prefix = prefix();
    let caller = caller("t", "u");
    let who = Who {
        address: None,
        caller: Some(&caller),
    };
    let window = [Limit::sliding_window(
        "user",
        Scope::User,
        1,
        Duration::from_hours(1),
    )];
    let bucket = [Limit::token_bucket(
        "user",
        Scope::User,
        1,
        Duration::from_hours(1),
        1,
    )];
    for limits in [window, bucket, window] {
        let decision = limiter(&url(), &prefix, &limits)
            .decide(who, &[], deadline())
            .await;
        assert_eq!(decision.mode(), Mode::Shared);
    }
}

#[tokio::test]
async fn without_valkey_each_limit_does_what_it_says() {
    let mut server = OwnServer::start().await;
    let limit = |on_loss| {
        [
            Limit::sliding_window("user", Scope::User, 20, Duration::from_hours(1))
                .on_loss(on_loss),
        ]
    };
    let caller = caller("t", "u");
    let who = Who {
        address: None,
        caller: Some(&caller),
    };
    let mut admitted = BTreeMap::new();
    let limiters: Vec<_> = [OnLoss::Open, OnLoss::Closed, OnLoss::Local]
        .into_iter()
        .map(|on_loss| limiter(&server.url(), &prefix(), &limit(on_loss)))
        .collect();
    for limiter in &limiters {
        assert_eq!(
            limiter.decide(who, &[], deadline()).await.mode(),
            Mode::Shared
        );
    }
    server.kill(); // in the middle of a flood
    for limiter in &limiters {
        for _ in 0..10 {
            let decision = limiter.decide(who, &[], deadline()).await;
            *admitted.entry(decision.mode().as_str()).or_insert(0) +=
                u32::from(decision.is_admitted());
            assert!(decision.is_admitted() || decision.retry_after().is_some());
        }
    }
    // A tenth of twenty for one environment.
    assert_eq!(
        admitted,
        BTreeMap::from([("open", 10), ("closed", 0), ("local", 2)])
    );
    server.bring_back().await;
    crate::support::eventually("the counts are shared again", async || {
        let decision = limiters[0].decide(who, &[], deadline()).await;
        (decision.mode() == Mode::Shared && decision.is_admitted()).then_some(())
    })
    .await;
}
