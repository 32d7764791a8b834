//! Asking: the net that needs no parsing. Whenever the rules found no emergency, the patient is
//! asked after danger signs, and a "yes" decides at once.
//!
//! The questions stand in `questions.toml`: the general danger signs first, then those of each
//! topic. An answer only raises: "no" changes nothing, and "unsure" counts as the rules' uncertain.

mod answers;
mod question;
mod topics;

use std::collections::HashMap;

pub use answers::UnknownQuestion;
pub use question::Question;

use super::complaint::{Complaint, Sex};
use super::finding::Finding;
use super::findings::Findings;
use super::readings::Reading;
use super::rules;
use super::verdict::{FlagStatus, RedFlag};

include!(concat!(env!("OUT_DIR"), "/triage_questions.rs"));

/// The topic of what is asked whatever the complaint is.
const GENERAL_TOPIC: &str = "general";

/// Questions of its topics that a complaint is asked at most, besides the general ones.
const MAX_TOPIC_QUESTIONS: usize = 12;

/// Places in the order of the questions that lie between two of a topic of which one word tells.
const PLACES_PER_TURN: u32 = 1000;

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
    let (general, special): (Vec<_>, Vec<_>) = checklist(age, sex)
        .filter(is_open)
        .partition(|question| question.topic == GENERAL_TOPIC);

    let topics = topics::topics_of(findings, readings);
    let of_topics = share_out(&special, &topics, red_flags);
    let asked = general.into_iter().chain(of_topics);
    asked.map(|question| question.code).collect()
}

/// The questions of the topics, shared out as seats are by votes (D'Hondt): the more words tell of
/// a topic, the more of its questions are asked, and no topic crowds out another. A sign that the
/// text leaves open is asked after before all of them.
fn share_out(
    questions: &[&'static Question],
    topics: &HashMap<&str, u32>,
    red_flags: &[RedFlag],
) -> impl Iterator<Item = &'static Question> {
    let mut turns: HashMap<&str, u32> = HashMap::new();
    let mut with_place = Vec::new();

    for question in questions {
        if asks_after_doubt(question, red_flags) {
            with_place.push((0, *question));
            continue;
        }

        let told = question
            .topics()
            .find_map(|topic| topics.get_key_value(topic));
        if let Some((topic, words)) = told {
            let turn = turns.entry(topic).or_default();
            *turn += 1;
            with_place.push((*turn * PLACES_PER_TURN / words, *question));
        }
    }

    with_place.sort_by_key(|(place, _)| *place);
    with_place.truncate(MAX_TOPIC_QUESTIONS);
    with_place.into_iter().map(|(_, question)| question)
}

fn asks_after_doubt(question: &Question, red_flags: &[RedFlag]) -> bool {
    red_flags.iter().any(|flag| {
        flag.status == FlagStatus::Uncertain && question.rules().any(|rule| rule == flag.code)
    })
}

fn admits_sex(question: &Question, sex: Option<Sex>) -> bool {
    let rule = rules::rule_by_code(question.raises);
    rule.is_some_and(|rule| rule.sex_filter.admits(sex))
}
