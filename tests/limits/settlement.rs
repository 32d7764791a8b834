//! What a call reserved and did not use is given back.

use super::*;

#[tokio::test]
async fn what_was_charged_too_much_is_given_back() {
    let limits = [Limit::token_bucket(
        "tokens",
        LimitScope::Tenant,
        100,
        HOUR,
        100,
    )];
    let prefix = prefix();
    let caller = caller("t", "u");
    let client = client_of(&caller);
    let decide = async |cost: u64| -> Decision {
        let costs = [LimitCost {
            limit: "tokens",
            cost,
        }];
        let limiter = limiter(&url(), &prefix, &limits);
        limiter.decide(client, &costs, deadline()).await
    };
    let settle = async |charged: u64, cost: u64| {
        let charge = Charge {
            cost: charged,
            at: SystemTime::now(),
            mode: DecisionMode::Shared,
        };
        let settlement = Settlement {
            limit: "tokens",
            client,
            charge,
            cost,
        };
        let limiter = limiter(&url(), &prefix, &limits);
        limiter.settle(settlement, deadline()).await;
    };

    assert!(decide(80).await.is_admitted() && !decide(30).await.is_admitted());
    settle(80, 10).await;
    assert!(decide(90).await.is_admitted(), "70 were given back");
    assert!(!decide(1).await.is_admitted());

    settle(90, 190).await;
    settle(100, 0).await;
    settle(1_000_000, 0).await;
    let full = decide(100).await;
    assert!(full.is_admitted(), "a bucket is never more than full");

    let never = decide(101).await;
    assert_eq!(never.refused_by(), Some("tokens"));
    assert_eq!(never.retry_after(), None);
}

/// What came back by itself, or was never counted, is not given back.
#[tokio::test]
async fn no_more_is_given_back_than_is_still_owed() {
    let limit = Limit::token_bucket("tokens", LimitScope::Tenant, 100, HOUR, 100).settled();
    let limiter = limiter(&url(), &prefix(), &[limit]);
    let caller = caller("t", "u");
    let client = client_of(&caller);
    let is_admitted = async |cost: u64| {
        let costs = [LimitCost {
            limit: "tokens",
            cost,
        }];
        let decision = limiter.decide(client, &costs, deadline()).await;
        decision.is_admitted()
    };
    let give_back = async |at: SystemTime, mode: DecisionMode| {
        let settlement = Settlement {
            limit: "tokens",
            client,
            charge: Charge {
                cost: 100,
                at,
                mode,
            },
            cost: 0,
        };
        limiter.settle(settlement, deadline()).await;
    };

    assert!(is_admitted(100).await);
    let now = SystemTime::now();
    give_back(now, DecisionMode::Open).await; // no count holds it
    give_back(now - HOUR * 2, DecisionMode::Shared).await; // all of it came back since
    assert!(!is_admitted(5).await);

    give_back(now, DecisionMode::Shared).await;
    assert!(is_admitted(90).await);
}
