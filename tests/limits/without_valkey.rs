//! Limits while Valkey is gone, and where there never was one.

use super::*;

#[tokio::test]
async fn without_valkey_each_limit_does_what_it_says() {
    let mut server = OwnServer::start().await;
    let caller = caller("t", "u");
    let client = client_of(&caller);
    let modes = [FailureMode::Open, FailureMode::Closed, FailureMode::Local];
    let limiters = modes.map(|failure_mode| {
        let limit = user_limit(20).failure_mode(failure_mode);
        limiter(&server.url(), &prefix(), &[limit])
    });
    for limiter in &limiters {
        let decision = limiter.decide(client, &[], deadline()).await;
        assert_eq!(decision.mode(), DecisionMode::Shared);
    }

    server.kill(); // in the middle of a flood
    let mut admitted = BTreeMap::new();
    for limiter in &limiters {
        for _ in 0..10 {
            let decision = limiter.decide(client, &[], deadline()).await;
            let count = admitted.entry(decision.mode().as_str()).or_insert(0);
            *count += u32::from(decision.is_admitted());
            assert!(decision.is_admitted() || decision.retry_after().is_some());
        }
    }
    // A tenth of twenty for one environment.
    let expected = BTreeMap::from([("open", 10), ("closed", 0), ("local", 2)]);
    assert_eq!(admitted, expected);

    server.bring_back().await;
    crate::support::eventually("the counts are shared again", async || {
        let decision = limiters[0].decide(client, &[], deadline()).await;
        let is_shared = decision.mode() == DecisionMode::Shared;
        (is_shared && decision.is_admitted()).then_some(())
    })
    .await;
}

/// The template's default. Each limit has all of its rate here: nobody else counts.
#[tokio::test]
async fn with_no_valkey_each_environment_counts_by_itself() {
    let cases = [
        (FailureMode::Open, DecisionMode::Local, 20),
        (FailureMode::Local, DecisionMode::Local, 20),
        (FailureMode::Closed, DecisionMode::Closed, 0),
    ];
    for (failure_mode, mode, expected) in cases {
        let limit = user_limit(20).failure_mode(failure_mode);
        let limiter = Limiter::new(None, &[limit], &LimitSettings::default()).unwrap();
        let [caller, other] = ["u", "v"].map(|user| caller("t", user));

        let mut admitted = 0;
        for _ in 0..40 {
            let decision = limiter.decide(client_of(&caller), &[], deadline()).await;
            assert_eq!(decision.mode(), mode);
            admitted += u32::from(decision.is_admitted());
        }
        assert_eq!(admitted, expected, "{failure_mode:?}");

        let decision = limiter.decide(client_of(&other), &[], deadline()).await;
        assert_eq!(decision.is_admitted(), expected > 0);
    }
}

#[tokio::test]
async fn with_no_valkey_tokens_are_counted_and_settled() {
    let tokens = Limit::token_bucket("tokens", LimitScope::Tenant, 100, HOUR, 100).settled();
    let limiter = Limiter::new(None, &[tokens], &LimitSettings::default()).unwrap();
    let caller = caller("t", "u");
    let client = client_of(&caller);
    let decide = async |cost: u64| {
        let limit = "tokens";
        let costs = [LimitCost { limit, cost }];
        limiter.decide(client, &costs, deadline()).await
    };
    let settle = async |charged: u64, cost: u64| {
        let charge = Charge {
            cost: charged,
            at: SystemTime::now(),
            mode: DecisionMode::Local,
        };
        let settlement = Settlement {
            limit: "tokens",
            client,
            charge,
            cost,
        };
        limiter.settle(settlement, deadline()).await;
    };

    assert!(decide(60).await.is_admitted());
    assert!(!decide(60).await.is_admitted());

    settle(60, 10).await;
    assert!(decide(60).await.is_admitted());

    settle(60, 90).await; // more than there was
    assert!(!decide(1).await.is_admitted());
}
