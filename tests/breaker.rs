//! Circuits of a fleet, on a real Valkey: many environments, each with its own connection and its own copy of the state.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use redis::Value;
use wenzhen::deadline::Deadline;
use wenzhen::resilience::breaker::machine::{Phase, Report, State, Tally, Verdict};
use wenzhen::resilience::breaker::{
    Admission, Breakers, Permit, SNAPSHOT, Settings, View, Why, script,
};

use crate::support::valkey::{OwnServer, fleet, prefix, raw};
use crate::support::{STACK, eventually};

/// Times short enough to be lived through; `serde` fills the rest with the defaults.
fn settings(json: serde_json::Value) -> Settings {
    serde_json::from_value(json).unwrap()
}

fn url() -> String {
    STACK.env("VALKEY_URL").unwrap()
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

async fn admit(breakers: &Breakers) -> Result<Permit, Why> {
    match breakers.circuit("p").unwrap().admit(deadline()).await {
        Admission::Granted(permit) => Ok(permit),
        Admission::Refused(refusal) => Err(refusal.why),
    }
}

/// Calls a dead provider from one environment, if the circuit lets it.
async fn call_in_vain(breakers: &Breakers) -> bool {
    match admit(breakers).await {
        Ok(permit) => {
            permit.fail(deadline()).await;
            true
        }
        Err(_) => false,
    }
}

async fn open(fleet: &[Breakers]) {
    while call_in_vain(&fleet[0]).await {}
}

/// Waits until some environment is let in.
async fn probe(breakers: &Breakers) -> Permit {
    let probe = eventually("a probe", async || admit(breakers).await.ok()).await;
    assert!(probe.is_probe());
    probe
}

fn phase(breakers: &Breakers) -> Phase {
    breakers.circuit("p").unwrap().view().phase
}

#[tokio::test]
async fn the_script_and_the_machine_agree_on_every_state() {
    let mut connection = raw(&url()).await;
    let text = format!("local now = tonumber(ARGV[24])\n{}", script::SOURCE);
    let sha: String = redis::cmd("SCRIPT")
        .arg("LOAD")
        .arg(text)
        .query_async(&mut connection)
        .await
        .unwrap();
    let mut random = fastrand::Rng::with_seed(20_261_124);
    let (mut compared, mut phases) = (0, std::collections::BTreeMap::<&str, u32>::new());
    for _ in 0..300 {
        let settings = random_settings(&mut random);
        let key = format!("{}:circuit:{{p}}", prefix());
        let (mut state, mut now) = (State::default(), 1_790_000_000_000);
        let (mut epochs, mut tokens, mut expected) = (vec![0], vec![String::new()], Vec::new());
        let mut pipeline = redis::pipe();
        for _ in 0..100 {
            now += [
                0,
                random.u64(0..300),
                random.u64(0..20_000),
                random.u64(0..90_000),
            ][random.usize(0..4)];
            let who = ["a", "b", "c"][random.usize(0..3)];
            let report = random_report(&mut random, &epochs, &tokens);
            if let Some(token) = &report.acquire {
                tokens.push(token.clone());
            }
            let arguments = script::arguments(&settings, who, &report);
            pipeline
                .cmd("EVALSHA")
                .arg(&sha)
                .arg(1)
                .arg(&key)
                .arg(arguments)
                .arg(now.to_string());
            let applied = state.apply(&settings, who, &report, now);
            epochs.push(state.epoch);
            *phases.entry(state.phase.as_str()).or_default() += 1;
            expected.push((now, applied, state.clone()));
        }
        let answers: Vec<Value> = pipeline.query_async(&mut connection).await.unwrap();
        for (step, ((now, applied, state), answer)) in expected.iter().zip(&answers).enumerate() {
            let answer = script::read(answer).unwrap_or_else(|| panic!("step {step}: {answer:?}"));
            assert_eq!(
                (answer.now, answer.is_granted, answer.before),
                (*now, applied.is_granted, applied.before)
            );
            assert_eq!(answer.state, *state, "step {step}");
            compared += 1;
        }
    }
    assert_eq!(
        (compared, phases.len()),
        (30_000, 4),
        "every phase was visited: {phases:?}"
    );
}

fn random_settings(random: &mut fastrand::Rng) -> Settings {
    settings(serde_json::json!({
        "failures": random.u32(1..6), "failure_rate": random.f64().max(0.01), "slow_rate": random.f64().max(0.01),
        "minimum_calls": random.u32(1..12), "window": 0.5 + 30.0 * random.f64(), "open": 30.0 * random.f64() + 0.01,
        "reopen": 15.0 * random.f64() + 0.01, "probe_lease": 20.0 * random.f64() + 0.01, "ramp": 10.0 * random.f64() + 0.01,
        "quorum": random.u32(1..4),
    }))
}

fn random_report(random: &mut fastrand::Rng, epochs: &[u64], tokens: &[String]) -> Report {
    let recent =
        |random: &mut fastrand::Rng, length: usize| length - 1 - random.usize(0..length.min(3));
    let mut tally = |slow: bool| {
        let calls = random.u64(0..4);
        let at = if random.bool() {
            epochs.len() - 1
        } else {
            recent(random, epochs.len())
        };
        let age = Duration::from_millis(if random.bool() {
            0
        } else {
            random.u64(0..40_000)
        });
        Tally {
            epoch: epochs[at],
            calls,
            slow: if slow { random.u64(0..=calls) } else { 0 },
            age,
        }
    };
    let (successes, faults) = (tally(true), tally(false));
    let verdict = [Verdict::Good, Verdict::Bad, Verdict::None][random.usize(0..3)];
    let token = tokens[recent(random, tokens.len())].clone();
    let cooldown = Duration::from_millis(if random.u8(0..10) == 0 {
        random.u64(1..30_000)
    } else {
        0
    });
    Report {
        successes: if random.bool() {
            successes
        } else {
            Tally::default()
        },
        faults: if random.bool() {
            faults
        } else {
            Tally::default()
        },
        probe: (random.bool() && !token.is_empty()).then_some((token, verdict)),
        cooldown,
        acquire: random.bool().then(|| format!("t{}", tokens.len())),
        is_urgent: random.u8(0..4) == 0,
    }
}

#[tokio::test]
async fn fifty_environments_stop_calling_a_dead_provider_together() {
    let fleet = fleet(&url(), 50, &Settings::default());
    let calls = AtomicUsize::new(0);
    join_all(fleet.iter().map(|breakers| async {
        for _ in 0..20 {
            if call_in_vain(breakers).await {
                calls.fetch_add(1, Ordering::Relaxed);
            }
        }
    }))
    .await;
    // Each had at most one call under way when the fifth fault was written.
    let calls = calls.into_inner();
    assert!((5..=55).contains(&calls), "{calls} calls");
    assert!(
        join_all(fleet.iter().map(admit))
            .await
            .iter()
            .all(|admitted| matches!(admitted, Err(Why::Open)))
    );
}

#[tokio::test]
async fn it_opens_once_for_the_fleet() {
    let fleet = fleet(&url(), 20, &Settings::default());
    let permits = join_all(fleet.iter().map(admit)).await;
    join_all(
        permits
            .into_iter()
            .map(|permit| async { permit.unwrap().fail(deadline()).await }),
    )
    .await;
    // Twenty faults of one epoch: the fifth opened it, and the others, which came too late, count for nothing.
    eventually("all know it", async || {
        for breakers in &fleet {
            breakers.refresh(deadline()).await;
        }
        let views: Vec<_> = fleet
            .iter()
            .map(|breakers| breakers.circuit("p").unwrap().view())
            .collect();
        let is_late_ignored =
            |view: &View| view.is_shared && view.consecutive_faults == 0 && view.window.calls == 0;
        views
            .iter()
            .all(|view| view.phase == Phase::Open && is_late_ignored(view))
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn of_a_whole_fleet_one_environment_probes() {
    let fleet = fleet(
        &url(),
        50,
        &settings(serde_json::json!({ "open": 0.3, "ramp": 0.001 })),
    );
    open(&fleet).await;
    let probes = AtomicUsize::new(0);
    let held = eventually("the time of the opening has passed", async || {
        let mut admitted = join_all(fleet.iter().map(admit)).await;
        probes.fetch_add(
            admitted.iter().filter(|one| one.is_ok()).count(),
            Ordering::Relaxed,
        );
        let others = admitted.iter().filter_map(|one| one.as_ref().err());
        assert!(
            others
                .into_iter()
                .all(|why| matches!(why, Why::Open | Why::Probing))
        );
        let at = admitted.iter().position(Result::is_ok)?;
        Some(admitted.swap_remove(at).unwrap())
    })
    .await;
    assert!(held.is_probe());
    assert_eq!(probes.into_inner(), 1);
    held.succeed(Duration::ZERO, deadline()).await;
    eventually("the fleet goes on", async || {
        join_all(fleet.iter().map(admit))
            .await
            .iter()
            .all(Result::is_ok)
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_probe_that_dies_lets_another_in_after_its_lease() {
    let fleet = fleet(
        &url(),
        2,
        &settings(serde_json::json!({ "open": 0.05, "probe_lease": 0.5 })),
    );
    open(&fleet).await;
    // An environment that is killed says nothing: not even that the probe is given up.
    std::mem::forget(probe(&fleet[0]).await);
    assert_eq!(admit(&fleet[1]).await.err(), Some(Why::Probing));
    probe(&fleet[1])
        .await
        .succeed(Duration::ZERO, deadline())
        .await;
    assert_eq!(phase(&fleet[1]), Phase::Ramp);
}

#[tokio::test]
async fn a_late_probe_cannot_close_what_opened_anew() {
    let fleet = fleet(
        &url(),
        2,
        &settings(serde_json::json!({ "open": 0.05, "probe_lease": 0.2, "reopen": 60 })),
    );
    open(&fleet).await;
    let late = probe(&fleet[0]).await;
    probe(&fleet[1]).await.fail(deadline()).await;
    late.succeed(Duration::ZERO, deadline()).await;
    for breakers in &fleet {
        breakers.refresh(deadline()).await;
        assert_eq!(phase(breakers), Phase::Open);
        assert_eq!(breakers.circuit("p").unwrap().view().reason, "probe_failed");
    }
}

#[tokio::test]
async fn a_probe_that_is_given_up_lets_another_in() {
    let fleet = fleet(&url(), 2, &settings(serde_json::json!({ "open": 0.05 })));
    open(&fleet).await;
    drop(probe(&fleet[0]).await);
    eventually("the fleet is told", async || {
        fleet[0].refresh(deadline()).await;
        let admitted = admit(&fleet[1]).await;
        admitted.is_ok_and(|permit| permit.is_probe()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_quorum_keeps_one_broken_environment_from_opening_it() {
    let fleet = fleet(
        &url(),
        3,
        &settings(serde_json::json!({ "quorum": 3, "failures": 2 })),
    );
    for _ in 0..10 {
        assert!(call_in_vain(&fleet[0]).await);
    }
    assert!(call_in_vain(&fleet[1]).await);
    assert!(call_in_vain(&fleet[2]).await);
    assert_eq!(admit(&fleet[2]).await.err(), Some(Why::Open));
}

#[tokio::test]
async fn a_healthy_call_makes_no_round_trip_of_its_own() {
    let valkey = crate::support::valkey::of_stack(&prefix());
    let breakers = Breakers::new(Some(valkey.clone()), [("p", Settings::default())]);
    let started = Instant::now();
    for _ in 0..2_000 {
        let permit = admit(&breakers).await.unwrap();
        permit.succeed(Duration::from_millis(1), deadline()).await;
    }
    // The first use of the script may send it once; after that one refresh for each life of a copy.
    let refreshes = u64::try_from(started.elapsed().as_millis() / SNAPSHOT.as_millis()).unwrap();
    assert!(
        valkey.round_trips() <= refreshes + 3,
        "{} round trips",
        valkey.round_trips()
    );
    // What was counted goes out with the next refresh.
    let onlooker = Breakers::new(
        Some(crate::support::valkey::of_stack(valkey.prefix())),
        [("p", Settings::default())],
    );
    eventually("the successes", async || {
        breakers.refresh(deadline()).await;
        onlooker.refresh(deadline()).await;
        (onlooker.circuit("p").unwrap().view().window.calls == 2_000).then_some(())
    })
    .await;
}

#[tokio::test]
async fn several_circuits_are_refreshed_in_one_round_trip() {
    let valkey = crate::support::valkey::of_stack(&prefix());
    let names = ["a", "b", "c", "d"];
    let breakers = Breakers::new(
        Some(valkey.clone()),
        names.map(|name| (name, Settings::default())),
    );
    breakers.refresh(deadline()).await;
    let first = valkey.round_trips(); // with the script's text, if the server did not know it
    assert!(first <= 2, "{first}");
    tokio::time::sleep(SNAPSHOT * 2).await;
    join_all((0..10).map(|_| breakers.refresh(deadline()))).await;
    let all = valkey.round_trips() - first;
    assert!(
        all < 4,
        "{all} round trips for ten callers and four circuits"
    );
}

#[tokio::test]
async fn after_a_failover_the_new_primary_is_found() {
    let (old, new) = (OwnServer::start().await, OwnServer::start().await);
    let fleet = fleet(&old.url(), 1, &Settings::default());
    assert!(call_in_vain(&fleet[0]).await);
    assert!(fleet[0].circuit("p").unwrap().view().is_shared);
    // As a planned failover does: the server becomes a replica, and the connection stays.
    let mut connection = raw(&old.url()).await;
    let port = new.url().rsplit(':').next().unwrap().to_owned();
    let _: () = redis::cmd("REPLICAOF")
        .arg("127.0.0.1")
        .arg(port)
        .query_async(&mut connection)
        .await
        .unwrap();
    assert!(call_in_vain(&fleet[0]).await);
    assert!(
        !fleet[0].circuit("p").unwrap().view().is_shared,
        "a replica refuses to write"
    );
    let _: () = redis::cmd("REPLICAOF")
        .arg("NO")
        .arg("ONE")
        .query_async(&mut connection)
        .await
        .unwrap();
    eventually(
        "it is the fleet's again, with what was counted alone",
        async || {
            fleet[0].refresh(deadline()).await;
            let view = fleet[0].circuit("p").unwrap().view();
            (view.is_shared && view.consecutive_faults >= 1).then_some(())
        },
    )
    .await;
}

#[tokio::test]
async fn whoever_asks_for_too_long_is_left_alone_for_ten_minutes() {
    let fleet = fleet(&url(), 2, &Settings::default());
    let permit = admit(&fleet[0]).await.unwrap();
    permit
        .cool_down(Duration::from_secs(253_402_300_799), deadline())
        .await;
    let Admission::Refused(refusal) = fleet[1].circuit("p").unwrap().admit(deadline()).await else {
        panic!("let in")
    };
    assert_eq!(refusal.why, Why::CoolingDown);
    assert!(
        refusal.retry_in <= Duration::from_mins(10),
        "{:?}",
        refusal.retry_in
    );
}

#[tokio::test]
async fn a_report_that_is_cancelled_is_said_later() {
    let fleet = fleet(&url(), 2, &Settings::default());
    let permit = admit(&fleet[0]).await.unwrap();
    // Dropped at its first wait, before the answer of the server is there.
    assert!(futures::poll!(std::pin::pin!(permit.fail(deadline()))).is_pending());
    eventually("the fault is known", async || {
        fleet[0].refresh(deadline()).await;
        fleet[1].refresh(deadline()).await;
        (fleet[1].circuit("p").unwrap().view().consecutive_faults >= 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn without_valkey_each_environment_decides_alone_and_with_it_they_agree_again() {
    let mut server = OwnServer::start().await;
    let fleet = fleet(
        &server.url(),
        2,
        &settings(serde_json::json!({ "open": 60, "failures": 5 })),
    );
    for breakers in &fleet {
        admit(breakers)
            .await
            .unwrap()
            .succeed(Duration::ZERO, deadline())
            .await;
    }
    server.kill();
    // Traffic goes on; the first environment sees a dead provider.
    for _ in 0..5 {
        assert!(
            call_in_vain(&fleet[0]).await,
            "closed until the fifth fault"
        );
        assert!(
            admit(&fleet[1]).await.is_ok(),
            "the other one knows nothing of it"
        );
    }
    assert_eq!(admit(&fleet[0]).await.err(), Some(Why::Open));
    assert!(!fleet[0].circuit("p").unwrap().view().is_shared);

    server.bring_back().await;
    eventually("both know of the faults", async || {
        for breakers in &fleet {
            breakers.refresh(deadline()).await;
        }
        let views = fleet
            .iter()
            .map(|breakers| breakers.circuit("p").unwrap().view());
        views
            .into_iter()
            .all(|view| view.is_shared && view.phase == Phase::Open)
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_silent_valkey_costs_a_call_little_and_then_nothing() {
    // Accepts connections and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let fleet = fleet(&url, 1, &Settings::default());
    for _ in 0..5 {
        assert!(call_in_vain(&fleet[0]).await);
    }
    assert_eq!(admit(&fleet[0]).await.err(), Some(Why::Open));
}

#[tokio::test]
async fn a_circuit_that_cannot_be_read_is_as_new() {
    let prefix = prefix();
    let mut connection = raw(&url()).await;
    for garbage in ["", "not json", "[]", "null", "{\"phase\":1}"] {
        let key = format!("{prefix}:circuit:{{p}}");
        let _: () = redis::cmd("SET")
            .arg(key)
            .arg(garbage)
            .query_async(&mut connection)
            .await
            .unwrap();
        let breakers = Breakers::new(
            Some(crate::support::valkey::of_stack(&prefix)),
            [("p", Settings::default())],
        );
        assert!(admit(&breakers).await.is_ok(), "{garbage}");
        assert!(breakers.circuit("p").unwrap().view().is_shared, "{garbage}");
    }
}
