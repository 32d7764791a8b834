//! Reports that wait to be sent: what they say of clients stays theirs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::client::ClientCounts;
use super::super::snapshot::PendingReport;
use super::super::state::CircuitReport;
use super::{faults, successes};

fn failed(client: &str, epoch: u64) -> CircuitReport {
    let counts = ClientCounts {
        faults: 1,
        ..ClientCounts::default()
    };
    CircuitReport {
        clients: BTreeMap::from([(client.to_owned(), counts)]),
        ..faults(epoch, 1)
    }
}

fn served(client: &str, epoch: u64) -> CircuitReport {
    let counts = ClientCounts {
        successes: 1,
        ..ClientCounts::default()
    };
    CircuitReport {
        clients: BTreeMap::from([(client.to_owned(), counts)]),
        ..successes(epoch, 1)
    }
}

fn take(pending: &mut PendingReport) -> CircuitReport {
    let mut report = CircuitReport::default();
    pending.take_into(&mut report);
    report
}

fn faults_of_clients(report: &CircuitReport) -> u64 {
    report.clients.values().map(|counts| counts.faults).sum()
}

/// Faults of more clients than are remembered would else count as those of clients not known.
#[test]
fn a_long_wait_makes_no_fault_nobodys() {
    let mut pending = PendingReport::default();
    for number in 0..100 {
        pending.merge(&served(&format!("t/a{number}"), 0));
    }
    for number in 0..100 {
        pending.merge(&failed(&format!("t/b{number}"), 0));
    }

    let report = take(&mut pending);
    assert_eq!((report.successes.calls, report.clients.len()), (100, 16));
    assert_eq!((report.faults.calls, faults_of_clients(&report)), (16, 16));
}

#[test]
fn faults_of_an_earlier_epoch_give_way() {
    let mut pending = PendingReport::default();
    pending.merge(&failed("t/a", 1));
    pending.merge(&failed("t/b", 2));
    pending.merge(&failed("t/c", 1));

    let report = take(&mut pending);
    assert_eq!((report.faults.epoch, report.faults.calls), (2, 1));
    assert_eq!(faults_of_clients(&report), 1);
    assert_eq!(report.clients["t/b"].faults, 1);
}

#[test]
fn each_clients_longest_cooldown_is_kept() {
    let mut pending = PendingReport::default();
    for (client, seconds) in [("t/a", 100), ("t/b", 300), ("t/a", 200)] {
        let wait = Duration::from_secs(seconds);
        pending.merge(&CircuitReport {
            cooldowns: BTreeMap::from([(client.to_owned(), wait)]),
            ..CircuitReport::default()
        });
    }

    let report = take(&mut pending);
    let is_about = |client: &str, seconds: u64| {
        let wait = report.cooldowns[client].as_secs();
        (seconds - 50..=seconds).contains(&wait)
    };
    assert!(is_about("t/a", 200) && is_about("t/b", 300));
    assert!(take(&mut pending).cooldowns.is_empty());
}
