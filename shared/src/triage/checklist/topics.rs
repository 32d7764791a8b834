//! What a complaint is about.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::TOPIC_WORDS;
use crate::triage::context::negation_statuses;
use crate::triage::finding::{Finding, FindingStatus};
use crate::triage::findings::Findings;
use crate::triage::pattern_set::PatternSet;
use crate::triage::readings::Reading;
use crate::triage::rules;

static TOPIC_PATTERNS: LazyLock<PatternSet<&'static str>> = LazyLock::new(|| {
    let words = TOPIC_WORDS
        .iter()
        .flat_map(|(topic, patterns)| patterns.iter().map(|pattern| (*topic, *pattern)));
    PatternSet::compile(words)
});

/// Findings that are a reason for a doctor by themselves. The others are often gathered words (a
/// time, a colour) that tell of a topic only beside another finding.
static SIGNS: LazyLock<HashSet<Finding>> = LazyLock::new(|| {
    let sets = rules::all_rules().flat_map(|rule| rule.any_of.iter());
    sets.filter(|set| set.len() == 1)
        .flat_map(|set| set.iter().copied())
        .collect()
});

/// The topics, with the number of signs, risks and everyday words that tell of each. What is denied
/// does not count.
pub(super) fn topics_of(
    findings: &Findings,
    readings: &[Reading<'_>],
) -> HashMap<&'static str, u32> {
    let mut topics = HashMap::new();
    for topic in findings.suggested().filter_map(topic_of) {
        *topics.entry(topic).or_default() += 1;
    }

    for Reading { tokens, .. } in readings {
        let named = TOPIC_PATTERNS.find_all(tokens);
        let statuses = negation_statuses(tokens, &named);
        for (word, status) in named.iter().zip(statuses) {
            if status > FindingStatus::Denied {
                *topics.entry(word.key).or_default() += 1;
            }
        }
    }
    topics
}

/// The topic that a finding speaks for. A risk speaks for what it can lead to.
fn topic_of(finding: Finding) -> Option<&'static str> {
    match finding {
        Finding::ChildMentioned | Finding::Under5Years | Finding::Under3Months => Some("child"),
        Finding::Pregnant | Finding::Postpartum => Some("pregnancy"),
        Finding::Diabetes | Finding::SteroidDependent | Finding::Dialysis => Some("metabolic"),
        Finding::Immunosuppressed | Finding::Asplenia | Finding::Fever | Finding::HighFever => {
            Some("infection")
        }
        Finding::HeartDisease => Some("heart"),
        Finding::LungRisk | Finding::ChronicLungDisease => Some("breath"),
        Finding::RecentSurgery => Some("vessels"),
        Finding::Epilepsy => Some("brain"),
        Finding::LiverDisease => Some("abdomen"),
        _ => SIGNS.contains(&finding).then(|| finding.topic()),
    }
}
