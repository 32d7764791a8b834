//! What a person reads.

use std::collections::BTreeMap;
use std::time::Duration;

use wenzhen::triage::Urgency;

use super::cases::Judged;
use super::scores::{Scores, Share, grouped};
use crate::report::say;

/// Kinds with fewer cases are not shown by themselves.
const MIN_CASES_OF_KIND: usize = 2;

/// The scores by set, language and kind, and the time that a text takes.
pub fn print_scores(judged: &[Judged]) {
    let all: Vec<&Judged> = judged.iter().collect();
    print_groups("set", vec![("all".to_owned(), all)]);
    print_groups("set", grouped(judged, |judged| judged.case.set.clone()));
    print_groups(
        "language",
        grouped(judged, |judged| judged.case.lang.clone()),
    );

    let mut kinds = grouped(judged, |judged| {
        judged.case.kind.clone().unwrap_or_default()
    });
    kinds.retain(|(name, cases)| !name.is_empty() && cases.len() >= MIN_CASES_OF_KIND);
    kinds.sort_by_key(|(_, cases)| std::cmp::Reverse(Scores::of(cases).under_triage.part));
    print_kinds(&kinds);

    let mut times: Vec<Duration> = judged.iter().map(|judged| judged.time).collect();
    times.sort_unstable();
    let at = |percent: usize| {
        times
            .get(times.len() * percent / 100)
            .map(Duration::as_micros)
    };
    if let (Some(median), Some(slow)) = (at(50), at(99)) {
        say(format!(
            "\ntime for a text: median {median} us, 99 % within {slow} us"
        ));
    }
}

fn print_groups(title: &str, groups: Vec<(String, Vec<&Judged>)>) {
    say(format!(
        "\n{title:<14} {:>5} {:>16} {:>16} {:>16} {:>16} {:>16} {:>16} {:>16} {:>16}",
        "cases",
        "emergency",
        "at least urgent",
        "urgent found",
        "over-triage",
        "alarms",
        "self care",
        "exact",
        "pairs right"
    ));
    for (name, cases) in groups {
        let scores = Scores::of(&cases);
        let shares = [
            scores.emergency_sensitivity,
            scores.at_least_urgent,
            scores.urgent_recall,
            scores.over_triage,
            scores.alarm_share,
            scores.self_care,
            scores.exact,
            scores.pairs,
        ];
        let shares: Vec<String> = shares
            .iter()
            .map(|share| format!("{:>16}", percent(*share)))
            .collect();
        say(format!(
            "{name:<14} {:>5} {}",
            scores.cases,
            shares.join(" ")
        ));
    }
}

/// The kinds that miss most come first.
fn print_kinds(kinds: &[(String, Vec<&Judged>)]) {
    say(format!(
        "\n{:<28} {:>5} {:>5} {:>5} {:>5}",
        "kind", "cases", "exact", "under", "over"
    ));
    for (name, cases) in kinds {
        let Scores {
            exact,
            under_triage,
            over_triage,
            ..
        } = Scores::of(cases);
        say(format!(
            "{name:<28} {:>5} {:>5} {:>5} {:>5}",
            cases.len(),
            exact.part,
            under_triage.part,
            over_triage.part
        ));
    }
}

/// `91 % (85-95)`: the share and its 95 % interval.
fn percent(share: Share) -> String {
    let (Some(value), Some((low, high))) = (share.value(), share.interval()) else {
        return "-".to_owned();
    };

    let (value, low, high) = (value * 100.0, low * 100.0, high * 100.0);
    format!("{value:.1} % ({low:.0}-{high:.0})")
}

/// Every case that got less or more than it should, the worst first.
pub fn print_misses(judged: &[Judged]) {
    let mut misses: Vec<(Urgency, &Judged)> = judged
        .iter()
        .filter_map(|judged| Some((judged.case.expected?, judged)))
        .filter(|(expected, judged)| *expected != judged.urgency())
        .collect();
    misses.sort_by_key(|(expected, judged)| {
        let is_over = judged.urgency() > *expected;
        (is_over, std::cmp::Reverse(*expected), judged.urgency())
    });

    say("\nmisses");
    for (expected, judged) in misses {
        let flags: Vec<&str> = judged
            .triage
            .red_flags
            .iter()
            .map(|flag| flag.code.as_ref())
            .collect();
        let age = judged
            .case
            .age()
            .map_or("-".to_owned(), |age| age.to_string());
        say(format!(
            "{} {} not {} [{}] {age}: {}",
            judged.case.id,
            judged.urgency().as_str(),
            expected.as_str(),
            flags.join(" "),
            judged.case.text.replace('\n', " / ")
        ));
    }
}

/// How often each rule raised its flag, and how often on a case of at least its urgency.
pub fn print_rules(judged: &[Judged]) {
    let mut counts: BTreeMap<&str, Share> = BTreeMap::new();
    for judged in judged {
        for flag in &judged.triage.red_flags {
            let count = counts.entry(flag.code.as_ref()).or_default();
            count.whole += 1;
            count.part += u32::from(judged.case.expected >= Some(flag.urgency));
        }
    }

    say(format!("\n{:<34} {:>6} {:>6}", "rule", "raised", "right"));
    for (code, share) in counts {
        say(format!("{code:<34} {:>6} {:>6}", share.whole, share.part));
    }
}
