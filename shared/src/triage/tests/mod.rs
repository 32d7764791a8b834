//! Table-driven tests of the rules.

mod accidents;
mod adversarial;
mod checklist;
mod coverage;
mod decorated;
mod decorated_cases;
mod denial_traps;
mod disguised;
mod history;
mod hypotheticals;
mod lasting;
mod letters;
mod negation;
mod patients;
mod records;
mod review_traps;
mod robustness;
mod rule_table;
mod self_care;
mod tolerant;
mod uncertainty;
mod wording;

use super::{Complaint, FlagStatus, Triage, Urgency, assess};

/// One text with what the rules must make of it.
struct Case {
    name: &'static str,
    text: &'static str,
    urgency: Urgency,
    /// Codes of red flags. Those that begin with `!` must be absent, those that begin with `?` must
    /// be uncertain; `!` alone means that there must be no flag at all.
    flags: &'static [&'static str],
}

const fn case(
    name: &'static str,
    text: &'static str,
    urgency: Urgency,
    flags: &'static [&'static str],
) -> Case {
    Case {
        name,
        text,
        urgency,
        flags,
    }
}

/// What a patient writes who tells neither age nor sex nor history.
const fn symptoms_alone(symptoms: &str) -> Complaint<'_> {
    Complaint {
        symptoms,
        history: None,
        age: None,
        sex: None,
    }
}

fn assess_text(symptoms: &str) -> Triage {
    assess(&symptoms_alone(symptoms))
}

fn status_of(triage: &Triage, code: &str) -> Option<FlagStatus> {
    let mut flags = triage.red_flags.iter();

    flags.find(|flag| flag.code == code).map(|flag| flag.status)
}

/// Whether the triage meets one expectation of a case.
fn meets_expectation(triage: &Triage, expected: &str) -> bool {
    match expected.split_at(1) {
        ("!", "") => triage.red_flags.is_empty(),
        ("!", code) => status_of(triage, code).is_none(),
        ("?", code) => status_of(triage, code) == Some(FlagStatus::Uncertain),
        _ => status_of(triage, expected) == Some(FlagStatus::Present),
    }
}

/// Checks all cases before it fails, so that one run shows every fault.
fn check_cases(cases: &[Case]) {
    let faults: Vec<String> = cases.iter().filter_map(fault_of).collect();

    assert_no_faults(&faults);
}

fn assert_no_faults(faults: &[String]) {
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// What is wrong with the triage of a case, if something is.
fn fault_of(case: &Case) -> Option<String> {
    let triage = assess_text(case.text);
    let mut expected = case.flags.iter();
    let is_met = expected.all(|flag| meets_expectation(&triage, flag));
    if is_met && triage.urgency == case.urgency {
        return None;
    }

    let flags: Vec<_> = triage
        .red_flags
        .iter()
        .map(|flag| (flag.code.as_ref(), flag.status))
        .collect();
    Some(format!(
        "{}: {:?} gave {:?} {flags:?}",
        case.name, case.text, triage.urgency
    ))
}

/// Checks that every text is as urgent as told, or more.
fn assert_at_least(urgency: Urgency, texts: &[&str]) {
    assert_urgencies(texts, |found| found >= urgency);
}

/// Checks that no text is more urgent than told.
fn assert_at_most(urgency: Urgency, texts: &[&str]) {
    assert_urgencies(texts, |found| found <= urgency);
}

fn assert_urgencies(texts: &[&str], holds: impl Fn(Urgency) -> bool) {
    let faults: Vec<String> = texts
        .iter()
        .map(|text| (text, assess_text(text)))
        .filter(|(_, triage)| !holds(triage.urgency))
        .map(|(text, triage)| format!("{text:?} gave {triage:?}"))
        .collect();

    assert_no_faults(&faults);
}
