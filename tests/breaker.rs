//! Circuits of a fleet, on a real Valkey: many environments, each with its own connection and its
//! own copy of the state.

mod script;
mod without_valkey;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};
use wenzhen::deadline::Deadline;
use wenzhen::resilience::breaker::state::Phase;
use wenzhen::resilience::breaker::{
    Admission, BreakerSettings, Breakers, Circuit, CircuitView, Permit, RefusalReason, SNAPSHOT_TTL,
};

use crate::support::valkey::{fleet, of_stack, prefix, raw};
use crate::support::{STACK, eventually};

/// Times short enough to be lived through; `serde` fills the rest with the defaults.
fn settings(json: Value) -> BreakerSettings {
    serde_json::from_value(json).unwrap()
}

fn valkey_url() -> String {
    STACK.env("VALKEY_URL").unwrap()
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

/// The one circuit that all these tests are about.
fn circuit(breakers: &Breakers) -> &Arc<Circuit> {
    breakers.circuit("p").unwrap()
}

fn view(breakers: &Breakers) -> CircuitView {
    circuit(breakers).view()
}

async fn admit(breakers: &Breakers) -> Result<Permit, RefusalReason> {
    match circuit(breakers).admit("", deadline()).await {
        Admission::Granted(permit) => Ok(permit),
        Admission::Refused(refusal) => Err(refusal.reason),
    }
}

async fn admit_all(fleet: &[Breakers]) -> Vec<Result<Permit, RefusalReason>> {
    join_all(fleet.iter().map(admit)).await
}

async fn refresh_all(fleet: &[Breakers]) {
    for breakers in fleet {
        breakers.refresh(deadline()).await;
    }
}

/// Calls a dead provider from one environment; `false` if the circuit does not let it.
async fn call_in_vain(breakers: &Breakers) -> bool {
    match admit(breakers).await {
        Ok(permit) => {
            permit.record_failure(deadline()).await;
            true
        }
        Err(_) => false,
    }
}

/// Calls a dead provider until the circuit is open.
async fn open_circuit(fleet: &[Breakers]) {
    while call_in_vain(&fleet[0]).await {}
}

/// Waits until some environment is let in.
async fn wait_for_probe(breakers: &Breakers) -> Permit {
    let probe = eventually("a probe", async || admit(breakers).await.ok()).await;
    assert!(probe.is_probe());
    probe
}

#[tokio::test]
async fn fifty_environments_stop_calling_a_dead_provider_together() {
    let fleet = fleet(&valkey_url(), 50, &BreakerSettings::default());
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
    let admissions = admit_all(&fleet).await;
    let mut refusals = admissions.into_iter().map(Result::err);
    assert!(refusals.all(|reason| reason == Some(RefusalReason::Open)));
}

#[tokio::test]
async fn it_opens_once_for_the_fleet() {
    let fleet = fleet(&valkey_url(), 20, &BreakerSettings::default());
    let permits = admit_all(&fleet).await.into_iter();
    let fail = |permit: Result<Permit, RefusalReason>| permit.unwrap().record_failure(deadline());
    join_all(permits.map(fail)).await;

    // Twenty faults of one epoch: the fifth opened it, and the others, which came too late, count
    // for nothing.
    let is_open = |view: CircuitView| view.is_shared && view.phase == Phase::Open;
    let ignores_late = |view: CircuitView| view.consecutive_faults == 0 && view.window.calls == 0;
    eventually("all know it", async || {
        refresh_all(&fleet).await;
        let mut views = fleet.iter().map(view);
        let is_known = views.all(|view| is_open(view.clone()) && ignores_late(view));
        is_known.then_some(())
    })
    .await;
}

#[tokio::test]
async fn of_a_whole_fleet_one_environment_probes() {
    let settings = settings(json!({ "open": 0.3, "ramp": 0.001 }));
    let fleet = fleet(&valkey_url(), 50, &settings);
    open_circuit(&fleet).await;

    let probes = AtomicUsize::new(0);
    let held = eventually("the time of the opening has passed", async || {
        let mut admissions = admit_all(&fleet).await;
        let granted = admissions.iter().filter(|one| one.is_ok()).count();
        probes.fetch_add(granted, Ordering::Relaxed);

        let mut reasons = admissions.iter().filter_map(|one| one.as_ref().err());
        let is_shut =
            |reason: &RefusalReason| matches!(reason, RefusalReason::Open | RefusalReason::Probing);
        assert!(reasons.all(is_shut));

        let at = admissions.iter().position(Result::is_ok)?;
        Some(admissions.swap_remove(at).unwrap())
    })
    .await;
    assert!(held.is_probe());
    assert_eq!(probes.into_inner(), 1);

    held.record_success(Duration::ZERO, deadline()).await;
    eventually("the fleet goes on", async || {
        let admissions = admit_all(&fleet).await;
        admissions.iter().all(Result::is_ok).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_probe_that_dies_lets_another_in_after_its_lease() {
    let settings = settings(json!({ "open": 0.05, "probe_lease": 0.5 }));
    let fleet = fleet(&valkey_url(), 2, &settings);
    open_circuit(&fleet).await;

    // An environment that is killed says nothing: not even that the probe is given up.
    std::mem::forget(wait_for_probe(&fleet[0]).await);
    let refused = admit(&fleet[1]).await.err();
    assert_eq!(refused, Some(RefusalReason::Probing));

    let probe = wait_for_probe(&fleet[1]).await;
    probe.record_success(Duration::ZERO, deadline()).await;
    assert_eq!(view(&fleet[1]).phase, Phase::Ramp);
}

#[tokio::test]
async fn a_late_probe_cannot_close_what_opened_anew() {
    let settings = settings(json!({ "open": 0.05, "probe_lease": 0.2, "reopen": 60 }));
    let fleet = fleet(&valkey_url(), 2, &settings);
    open_circuit(&fleet).await;

    let late = wait_for_probe(&fleet[0]).await;
    let probe = wait_for_probe(&fleet[1]).await;
    probe.record_failure(deadline()).await;
    late.record_success(Duration::ZERO, deadline()).await;

    refresh_all(&fleet).await;
    for breakers in &fleet {
        assert_eq!(view(breakers).phase, Phase::Open);
        assert_eq!(view(breakers).reason, "probe_failed");
    }
}

#[tokio::test]
async fn a_probe_that_is_given_up_lets_another_in() {
    let fleet = fleet(&valkey_url(), 2, &settings(json!({ "open": 0.05 })));
    open_circuit(&fleet).await;
    drop(wait_for_probe(&fleet[0]).await);

    eventually("the fleet is told", async || {
        fleet[0].refresh(deadline()).await;
        let admission = admit(&fleet[1]).await;
        let is_probe = admission.is_ok_and(|permit| permit.is_probe());
        is_probe.then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_quorum_keeps_one_broken_environment_from_opening_it() {
    let settings = settings(json!({ "quorum": 3, "failures": 2 }));
    let fleet = fleet(&valkey_url(), 3, &settings);
    for _ in 0..10 {
        assert!(call_in_vain(&fleet[0]).await);
    }
    assert!(call_in_vain(&fleet[1]).await);
    assert!(call_in_vain(&fleet[2]).await);

    let refused = admit(&fleet[2]).await.err();
    assert_eq!(refused, Some(RefusalReason::Open));
}

#[tokio::test]
async fn a_healthy_call_makes_no_round_trip_of_its_own() {
    let valkey = of_stack(&prefix());
    let breakers = Breakers::new(Some(valkey.clone()), [("p", BreakerSettings::default())]);
    let started = Instant::now();
    for _ in 0..2_000 {
        let permit = admit(&breakers).await.unwrap();
        let took = Duration::from_millis(1);
        permit.record_success(took, deadline()).await;
    }

    // The first use of the script may send it once; after that one refresh for each life of a copy.
    let refreshes = started.elapsed().as_millis() / SNAPSHOT_TTL.as_millis();
    let refreshes = u64::try_from(refreshes).unwrap();
    let round_trips = valkey.round_trips();
    assert!(round_trips <= refreshes + 3, "{round_trips} round trips");

    // The calls that were counted go out with the next refresh.
    let onlooker = of_stack(valkey.prefix());
    let onlooker = Breakers::new(Some(onlooker), [("p", BreakerSettings::default())]);
    eventually("the successes", async || {
        breakers.refresh(deadline()).await;
        onlooker.refresh(deadline()).await;
        (view(&onlooker).window.calls == 2_000).then_some(())
    })
    .await;
}

#[tokio::test]
async fn several_circuits_are_refreshed_in_one_round_trip() {
    let valkey = of_stack(&prefix());
    let circuits = ["a", "b", "c", "d"].map(|name| (name, BreakerSettings::default()));
    let breakers = Breakers::new(Some(valkey.clone()), circuits);

    breakers.refresh(deadline()).await;
    let first = valkey.round_trips(); // with the script's text, if the server did not know it
    assert!(first <= 2, "{first}");

    tokio::time::sleep(SNAPSHOT_TTL * 2).await;
    join_all((0..10).map(|_| breakers.refresh(deadline()))).await;
    let further = valkey.round_trips() - first;
    assert!(
        further < 4,
        "{further} round trips for ten callers and four circuits"
    );
}

/// However long a provider asks to be left alone, it is left alone for ten minutes at most.
#[tokio::test]
async fn a_cooldown_lasts_for_ten_minutes_at_most() {
    let fleet = fleet(&valkey_url(), 2, &BreakerSettings::default());
    let permit = admit(&fleet[0]).await.unwrap();
    let until_the_year_9999 = Duration::from_secs(253_402_300_799);
    permit
        .record_cooldown(until_the_year_9999, deadline())
        .await;

    let admission = circuit(&fleet[1]).admit("", deadline()).await;
    let Admission::Refused(refusal) = admission else {
        panic!("let in")
    };
    assert_eq!(refusal.reason, RefusalReason::CoolingDown);
    let retry_in = refusal.retry_in;
    assert!(retry_in <= Duration::from_mins(10), "{retry_in:?}");
}

#[tokio::test]
async fn a_report_that_is_cancelled_is_sent_later() {
    let fleet = fleet(&valkey_url(), 2, &BreakerSettings::default());
    let permit = admit(&fleet[0]).await.unwrap();
    // Dropped at its first wait, before the answer of the server is there.
    let report = permit.record_failure(deadline());
    assert!(futures::poll!(pin!(report)).is_pending());

    eventually("the fault is known", async || {
        refresh_all(&fleet).await;
        (view(&fleet[1]).consecutive_faults >= 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_circuit_that_cannot_be_read_is_as_new() {
    let prefix = prefix();
    let key = format!("{prefix}:circuit2:{{p}}");
    let mut connection = raw(&valkey_url()).await;

    for garbage in ["", "not json", "[]", "null", "{\"phase\":1}"] {
        let mut set = redis::cmd("SET");
        set.arg(&key).arg(garbage);
        let _: () = set.query_async(&mut connection).await.unwrap();

        let valkey = Some(of_stack(&prefix));
        let breakers = Breakers::new(valkey, [("p", BreakerSettings::default())]);
        assert!(admit(&breakers).await.is_ok(), "{garbage}");
        assert!(view(&breakers).is_shared, "{garbage}");
    }
}
