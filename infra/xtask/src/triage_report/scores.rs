//! Shares of cases that got what they should, each with its 95 % interval.

use std::collections::HashMap;

use serde_json::{Value, json};
use wenzhen::triage::Urgency;

use super::cases::Judged;

/// The quantile of the normal distribution for an interval of 95 %.
const Z: f64 = 1.959_964;

/// A number of cases out of others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// Those that got it.
    pub part: u32,
    /// All that could.
    pub whole: u32,
}

impl Share {
    fn of(
        cases: &[&Judged],
        belongs: impl Fn(&Judged) -> bool,
        holds: impl Fn(&Judged) -> bool,
    ) -> Self {
        let mut share = Self::default();
        for judged in cases.iter().filter(|judged| belongs(judged)) {
            share.whole += 1;
            share.part += u32::from(holds(judged));
        }
        share
    }

    /// Between 0 and 1; `None` of no case.
    pub fn value(self) -> Option<f64> {
        (self.whole > 0).then(|| f64::from(self.part) / f64::from(self.whole))
    }

    /// The interval in which the share of all such texts lies with 95 % (Wilson, "Probable
    /// inference, the law of succession, and statistical inference", JASA 22, 1927).
    pub fn interval(self) -> Option<(f64, f64)> {
        let share = self.value()?;
        let number = f64::from(self.whole);

        let centre = share + Z * Z / (2.0 * number);
        let variance = share * (1.0 - share) / number + Z * Z / (4.0 * number * number);
        let spread = Z * variance.sqrt();
        let scale = 1.0 + Z * Z / number;
        let (low, high) = ((centre - spread) / scale, (centre + spread) / scale);
        Some((low.max(0.0), high.min(1.0)))
    }
}

/// How the rules did on some cases.
#[derive(Debug, Clone, Copy)]
pub struct Scores {
    /// The number of cases.
    pub cases: usize,
    /// Emergencies that got `emergency`.
    pub emergency_sensitivity: Share,
    /// Emergencies that got at least `urgent`.
    pub at_least_urgent: Share,
    /// Urgent cases that got at least `urgent`.
    pub urgent_recall: Share,
    /// Cases that got more than they should.
    pub over_triage: Share,
    /// Cases that got less than they should.
    pub under_triage: Share,
    /// All cases that got `emergency`, also those of unknown urgency.
    pub alarm_share: Share,
    /// Cases that `self_care` is right for, and that got it.
    pub self_care: Share,
    /// Cases that got what they should.
    pub exact: Share,
    /// Pairs of which the more serious case got more.
    pub pairs: Share,
}

impl Scores {
    /// Counts them.
    pub fn of(cases: &[&Judged]) -> Self {
        let expects = |urgency| move |judged: &Judged| judged.case.expected == Some(urgency);
        let is_known = |judged: &Judged| judged.case.expected.is_some();
        let is_alarm = |judged: &Judged| judged.urgency() == Urgency::Emergency;
        let is_urgent = |judged: &Judged| judged.urgency() >= Urgency::Urgent;

        Self {
            cases: cases.len(),
            emergency_sensitivity: Share::of(cases, expects(Urgency::Emergency), is_alarm),
            at_least_urgent: Share::of(cases, expects(Urgency::Emergency), is_urgent),
            urgent_recall: Share::of(cases, expects(Urgency::Urgent), is_urgent),
            over_triage: Share::of(cases, is_known, |judged| {
                Some(judged.urgency()) > judged.case.expected
            }),
            under_triage: Share::of(cases, is_known, |judged| {
                Some(judged.urgency()) < judged.case.expected
            }),
            alarm_share: Share::of(cases, |_| true, is_alarm),
            self_care: Share::of(cases, expects(Urgency::SelfCare), |judged| {
                judged.urgency() == Urgency::SelfCare
            }),
            exact: Share::of(cases, is_known, |judged| {
                Some(judged.urgency()) == judged.case.expected
            }),
            pairs: pairs_right(cases),
        }
    }

    /// As `--json` prints them: shares between 0 and 1, `null` of no case.
    pub fn to_json(self, name: &str) -> Value {
        json!({
            "name": name,
            "cases": self.cases,
            "emergency_sensitivity": self.emergency_sensitivity.value(),
            "at_least_urgent": self.at_least_urgent.value(),
            "urgent_recall": self.urgent_recall.value(),
            "over_triage": self.over_triage.value(),
            "under_triage": self.under_triage.value(),
            "alarm_share": self.alarm_share.value(),
            "self_care": self.self_care.value(),
            "exact": self.exact.value(),
            "pairs": self.pairs.value(),
        })
    }
}

fn pairs_right(cases: &[&Judged]) -> Share {
    let mut pairs: HashMap<String, Vec<&Judged>> = HashMap::new();
    for judged in cases {
        if let Some(pair) = &judged.case.pair {
            let name = format!("{} {pair}", judged.case.set);
            pairs.entry(name).or_default().push(judged);
        }
    }

    let mut share = Share::default();
    for pair in pairs.values() {
        if let [one, other] = pair.as_slice()
            && one.case.expected != other.case.expected
        {
            let expected = one.case.expected.cmp(&other.case.expected);
            share.whole += 1;
            share.part += u32::from(one.urgency().cmp(&other.urgency()) == expected);
        }
    }
    share
}

/// Cases by a name of theirs, in the order in which the names first occur.
pub fn grouped(
    judged: &[Judged],
    name_of: impl Fn(&Judged) -> String,
) -> Vec<(String, Vec<&Judged>)> {
    let mut groups: Vec<(String, Vec<&Judged>)> = Vec::new();
    let mut positions: HashMap<String, usize> = HashMap::new();

    for judged in judged {
        let name = name_of(judged);
        let position = *positions.entry(name.clone()).or_insert_with(|| {
            groups.push((name, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, cases)) = groups.get_mut(position) {
            cases.push(judged);
        }
    }
    groups
}
