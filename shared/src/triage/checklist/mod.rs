//! Asking: the net that needs no parsing. Whenever the rules found no emergency, the patient is
//! asked after danger signs, and a "yes" decides at once.
//!
//! The questions stand in `questions.toml`: the general danger signs first, then those of each
//! topic. An answer only raises: "no" changes nothing, and "unsure" counts as the rules' uncertain.

mod answers;
mod question;

use std::sync::LazyLock;

pub use answers::UnknownQuestion;
pub use question::Question;

use super::complaint::{Complaint, Sex};
use super::finding::Finding;
use super::findings::Findings;
use super::pattern_set::PatternSet;
use super::readings::Reading;
use super::rules;
use super::verdict::{FlagStatus, RedFlag};

include!(concat!(env!("OUT_DIR"), "/triage_questions.rs"));

/// The topic of what is asked whatever the complaint is.
const GENERAL_TOPIC: &str = "general";

/// Questions of its topics that a complaint is asked at most, besides the general ones.
const MAX_TOPIC_QUESTIONS: usize = 8;

static TOPIC_PATTERNS: LazyLock<PatternSet<&'static str>> = LazyLock::new(|| {
    let words = TOPIC_WORDS
        .iter()
        .flat_map(|(topic, patterns)| patterns.iter().map(|pattern| (*topic, *pattern)));
    PatternSet::compile(words)
});

/// Every question for a patient of this age and sex, the general ones first. What is not told
/// excludes nothing.
pub fn checklist(age: Option<u8>, sex: Option<Sex>) -> impl Iterator<Item = &'static Question> {
    QUESTIONS.iter().filter(move |question| {
        let is_of_age = age.is_none_or(|age| question.ages.contains(&age));
        is_of_age && admits_sex(question, sex)
    })
}

/// The question with this code.
#[must_use]
pub fn question_by_code(code: &str) -> Option<&'static Question> {
    QUESTIONS.iter().find(|question| question.code == code)
}

/// The codes of the questions that a complaint without an emergency is asked: the general danger
/// signs, then those of its topics.
pub(super) fn questions_for(
    findings: &Findings,
    readings: &[Reading<'_>],
    complaint: &Complaint<'_>,
    red_flags: &[RedFlag],
) -> Vec<&'static str> {
    let Complaint { age, sex, .. } = *complaint;
    let topics = topics_of(findings, readings);
    let is_child =
        findings.suggest(Finding::ChildMentioned) || findings.suggest(Finding::Under5Years);

    let is_open = |question: &&Question| {
        // A sign that the text leaves open is asked after.
        let is_raised = red_flags
            .iter()
            .any(|flag| flag.code == question.raises && flag.status == FlagStatus::Present);
        // A question for children alone is asked if the text tells of one.
        let is_for_children = *question.ages.end() < 18;
        !is_raised && (age.is_some() || is_child || !is_for_children)
    };
    let open: Vec<&Question> = checklist(age, sex).filter(is_open).collect();

    let general = open
        .iter()
        .filter(|question| question.topic == GENERAL_TOPIC);
    let of_topics = open
        .iter()
        .filter(|question| topics.contains(&question.topic));
    general
        .chain(of_topics.take(MAX_TOPIC_QUESTIONS))
        .map(|question| question.code)
        .collect()
}

/// What the complaint is about: the files of its findings, and what its words name.
fn topics_of(findings: &Findings, readings: &[Reading<'_>]) -> Vec<&'static str> {
    let mut topics: Vec<&'static str> = findings.suggested().map(Finding::topic).collect();
    for reading in readings {
        let named = TOPIC_PATTERNS.find_all(&reading.tokens);
        topics.extend(named.iter().map(|found| found.key));
    }
    topics
}

fn admits_sex(question: &Question, sex: Option<Sex>) -> bool {
    let rule = rules::rule_by_code(question.raises);
    rule.is_some_and(|rule| rule.sex_filter.admits(sex))
}
