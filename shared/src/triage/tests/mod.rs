//! Table-driven tests of the rules.

mod adversarial;
mod coverage;
mod negation;
mod patients;
mod records;
mod robustness;
mod self_care;
mod uncertainty;

use super::{Complaint, FlagStatus, Sex, Triage, Urgency, assess};

/// One text with what the rules must make of it. Codes that begin with `!` must be absent, those that begin
/// with `?` must be uncertain; `!` alone means that there must be no flag at all.
struct Case {
    name: &'static str,
    text: &'static str,
    urgency: Urgency,
    codes: &'static [&'static str],
}

const fn case(
    name: &'static str,
    text: &'static str,
    urgency: Urgency,
    codes: &'static [&'static str],
) -> Case {
    Case {
        name,
        text,
        urgency,
        codes,
    }
}

fn triage(text: &str) -> Triage {
    assess(&Complaint {
        symptoms: text,
        history: None,
        age: None,
        sex: None,
    })
}

fn patient(text: &str, history: Option<&str>, age: Option<u8>, sex: Option<Sex>) -> Triage {
    assess(&Complaint {
        symptoms: text,
        history,
        age,
        sex,
    })
}

fn status_of(triage: &Triage, code: &str) -> Option<FlagStatus> {
    triage
        .red_flags
        .iter()
        .find(|flag| flag.code == code)
        .map(|flag| flag.status)
}

/// Whether the triage meets one expectation of a case.
fn meets(triage: &Triage, expectation: &str) -> bool {
    match expectation.split_at(1) {
        ("!", "") => triage.red_flags.is_empty(),
        ("!", code) => status_of(triage, code).is_none(),
        ("?", code) => status_of(triage, code) == Some(FlagStatus::Uncertain),
        _ => status_of(triage, expectation) == Some(FlagStatus::Present),
    }
}

/// Checks all cases before it fails, so that one run shows every fault.
fn check(cases: &[Case]) {
    let mut faults = Vec::new();
    for case in cases {
        let triage = triage(case.text);
        if triage.urgency != case.urgency || !case.codes.iter().all(|code| meets(&triage, code)) {
            let flags: Vec<_> = triage
                .red_flags
                .iter()
                .map(|flag| (flag.code.as_ref(), flag.status))
                .collect();
            faults.push(format!(
                "{}: {:?} gave {:?} {flags:?}",
                case.name, case.text, triage.urgency
            ));
        }
    }
    assert!(
        faults.is_empty(),
        "{} of {} cases:\n{}",
        faults.len(),
        cases.len(),
        faults.join("\n")
    );
}
