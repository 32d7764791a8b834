//! Circuits while Valkey is gone, silent or another server, and when it is back.

use std::time::Duration;

use serde_json::json;
use wenzhen::resilience::breaker::state::Phase;
use wenzhen::resilience::breaker::{BreakerSettings, RefusalReason};

use super::{admit, call_in_vain, deadline, refresh_all, settings, view};
use crate::support::eventually;
use crate::support::valkey::{OwnServer, fleet, raw};

#[tokio::test]
async fn after_a_failover_the_new_primary_is_found() {
    let (old, new) = (OwnServer::start().await, OwnServer::start().await);
    let fleet = fleet(&old.url(), 1, &BreakerSettings::default());
    assert!(call_in_vain(&fleet[0]).await);
    assert!(view(&fleet[0]).is_shared);

    // As a planned failover does: the server becomes a replica, and the connection stays.
    let new_port = new.url().rsplit(':').next().unwrap().to_owned();
    replicate(&old, "127.0.0.1", &new_port).await;
    assert!(call_in_vain(&fleet[0]).await);
    let is_shared = view(&fleet[0]).is_shared;
    assert!(!is_shared, "a replica refuses to write");

    replicate(&old, "NO", "ONE").await;
    let goal = "it is the fleet's again, with what was counted alone";
    eventually(goal, async || {
        refresh_all(&fleet).await;
        let view = view(&fleet[0]);
        (view.is_shared && view.consecutive_faults >= 1).then_some(())
    })
    .await;
}

/// Makes the server a replica of another one, or, with `NO ONE`, a primary.
async fn replicate(server: &OwnServer, host: &str, port: &str) {
    let mut connection = raw(&server.url()).await;
    let mut command = redis::cmd("REPLICAOF");
    command.arg(host).arg(port);
    let _: () = command.query_async(&mut connection).await.unwrap();
}

/// Without Valkey each environment decides alone, and with it they agree again.
#[tokio::test]
async fn without_valkey_each_environment_decides_alone() {
    let mut server = OwnServer::start().await;
    let settings = settings(json!({ "open": 60, "failures": 5 }));
    let fleet = fleet(&server.url(), 2, &settings);
    for breakers in &fleet {
        let permit = admit(breakers).await.unwrap();
        permit.record_success(Duration::ZERO, deadline()).await;
    }
    server.kill();

    // Traffic goes on; the first environment sees a dead provider.
    for _ in 0..5 {
        let is_admitted = call_in_vain(&fleet[0]).await;
        assert!(is_admitted, "closed until the fifth fault");
        let other = admit(&fleet[1]).await;
        assert!(other.is_ok(), "the other one knows nothing of it");
    }
    let refused = admit(&fleet[0]).await.err();
    assert_eq!(refused, Some(RefusalReason::Open));
    assert!(!view(&fleet[0]).is_shared);

    server.bring_back().await;
    eventually("both know of the faults", async || {
        refresh_all(&fleet).await;
        let mut views = fleet.iter().map(view);
        let is_known = views.all(|view| view.is_shared && view.phase == Phase::Open);
        is_known.then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_silent_valkey_costs_a_call_little_and_then_nothing() {
    // Accepts connections and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let fleet = fleet(&url, 1, &BreakerSettings::default());

    for _ in 0..5 {
        assert!(call_in_vain(&fleet[0]).await);
    }
    let refused = admit(&fleet[0]).await.err();
    assert_eq!(refused, Some(RefusalReason::Open));
}
