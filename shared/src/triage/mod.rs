//! Rules that decide an urgency from a patient's free text, in Chinese or English.
//!
//! The rules run before the model and again after it: the model may raise the urgency, never
//! lower it. They do no I/O and look only at what is written. A finding that is not mentioned is
//! unknown, not denied. Where a text can be read in two ways, the more urgent one counts:
//!
//! - The words of a whole text are judged by a classifier as well, where the rules found no
//!   emergency; what it calls one is an emergency, although its flag is uncertain.
//! - A hedged finding ("maybe chest pain", 不确定有没有胸痛) is [`FlagStatus::Uncertain`], and so
//!   is one that is said to be over ("chest pain has gone"), as it may be back in an hour. An
//!   emergency flag that is uncertain still counts as [`Urgency::Urgent`], and as an emergency
//!   where a suspicion is enough: what was swallowed does harm before anybody can be sure.
//! - Only the symptoms are searched for red flags. The history tells risks: pregnancy, weakened
//!   immunity, blood thinners, diabetes, heart disease.
//! - [`Urgency::SelfCare`] needs a known minor complaint, and that nothing is told beside it which
//!   is no part or harmless companion of it, by a patient who belongs to no risk group.
//!
//! A text is read in this order, and each file uses only those named before it:
//!
//! 1. `normalise` folds the decoration and the spelling; `tokens` cuts the words, with their
//!    `word_class` and the `breaks` between them; `han_words` tells where Chinese words begin.
//! 2. `pattern_set` finds the patterns of the `lexicon`, which `compiler` has written as `tables`
//!    when the crate was built, and `quantities` the numbers with units;
//!    `readings` tells which breaks are wraps.
//! 3. `context` decides of each mention whether it is denied, another person's or past.
//! 4. `tolerant` reads misspelt words as those of the lexicon.
//! 5. `findings` keeps the most alarming status of each finding; its words tell `seams` and
//!    `letters` what decoration parted.
//! 6. `rules` combines findings to red flags; `self_care` looks at what has none.
//! 7. `classifier` judges the words as a whole where no rule found an emergency, and `checklist`
//!    asks after danger signs that were not told.
//! 8. `explanation` tells which words mention what.

mod advice;
mod answer;
mod breaks;
mod checklist;
mod classifier;
mod compiler;
mod complaint;
mod context;
mod conversation;
mod cue_effect;
mod cue_lexicon;
mod data;
mod explanation;
mod finding;
mod findings;
mod han_words;
mod letters;
mod lexicon;
mod normalise;
mod pattern;
mod pattern_set;
mod phrase_index;
mod quantities;
mod readings;
mod rule;
mod rules;
mod seams;
mod self_care;
mod sorted_words;
mod tables;
#[cfg(test)]
mod tests;
mod tokens;
mod tolerant;
mod urgency;
mod verdict;
mod word_class;

use std::borrow::Cow;
use std::cmp::Reverse;

pub use advice::{advice, department, disclaimer};
pub use answer::{Answer, Answers};
pub use checklist::{Question, UnknownQuestion, checklist, question_by_code};
pub use classifier::{MIN_KNOWN_SEQUENCES, sequence_hash};
pub use complaint::{Complaint, Sex};
pub use conversation::{assess_conversation, joined_text};
pub use explanation::{Mention, mentions};
pub use rule::Source;
pub use tolerant::ReadAs;
pub use urgency::Urgency;
pub use verdict::{FlagStatus, RedFlag, Triage};

use finding::FindingStatus;
use findings::Findings;
use readings::Reading;
use rule::Rule;

/// Raised with every change to the rules that can change an outcome.
const RULES_VERSION: u32 = 6;

/// Decides the urgency of a complaint.
#[must_use]
pub fn assess(complaint: &Complaint<'_>) -> Triage {
    judge(complaint, Judges::RulesAndClassifier)
}

/// Decides as [`assess`] does, without the text classifier: to measure the rules.
#[must_use]
pub fn assess_by_rules(complaint: &Complaint<'_>) -> Triage {
    judge(complaint, Judges::Rules)
}

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judges {
    Rules,
    RulesAndClassifier,
}

fn judge(complaint: &Complaint<'_>, judges: Judges) -> Triage {
    let symptoms = findings::normalise_words(complaint.symptoms);
    let readings = findings::read_symptoms(&symptoms);
    let mut findings = Findings::of_complaint(complaint, &readings);
    findings.read_tolerantly(&symptoms);

    let mut red_flags = raise_flags(complaint, &findings);
    let is_minor = red_flags.is_empty() && self_care::suffices(&findings, complaint, &readings);
    if judges == Judges::RulesAndClassifier && !is_minor {
        weigh_wording(complaint, &mut findings, &readings, &mut red_flags);
    }

    let urgency = match greatest_urgency(&red_flags) {
        Some(urgency) => urgency,
        None if is_minor => Urgency::SelfCare,
        None => Urgency::Routine,
    };

    let questions = match urgency {
        Urgency::Emergency => Vec::new(),
        _ => checklist::questions_for(&findings, &readings, complaint, &red_flags),
    };

    Triage {
        urgency,
        red_flags,
        questions: questions.into_iter().map(Cow::Borrowed).collect(),
        answers: Answers::new(),
        read_as: findings.into_read_as(),
        rules_version: RULES_VERSION,
    }
}

/// The words of a complaint, without those of findings that it denies or tells of others: what one
/// would look up.
#[must_use]
pub fn told_text(complaint: &Complaint<'_>) -> String {
    let symptoms = findings::normalise_words(complaint.symptoms);
    let readings = findings::read_symptoms(&symptoms);
    let findings = Findings::of_complaint(complaint, &readings);

    findings.told_text(&readings)
}

/// What the text classifier sees of a complaint: its words, and their sequences. For its training.
#[must_use]
pub fn word_sequences(complaint: &Complaint<'_>) -> Vec<String> {
    let symptoms = findings::normalise_words(complaint.symptoms);
    let readings = findings::read_symptoms(&symptoms);
    let findings = Findings::of_complaint(complaint, &readings);

    findings.word_sequences(&readings)
}

/// The flags of all rules that hold for a patient, the most urgent first.
fn raise_flags(complaint: &Complaint<'_>, findings: &Findings) -> Vec<RedFlag> {
    let applicable = rules::all_rules().filter(|rule| rule.sex_filter.admits(complaint.sex));
    let mut red_flags: Vec<RedFlag> = applicable
        .filter_map(|rule| raise_flag(rule, findings))
        .collect();

    red_flags.sort_by_key(|flag| Reverse(flag.urgency));
    red_flags
}

/// What the words as a whole add to the flags of the rules, and the one thing that they take back:
/// a single emergency in a letter that resembles none is left open.
fn weigh_wording(
    complaint: &Complaint<'_>,
    findings: &mut Findings,
    readings: &[Reading<'_>],
    red_flags: &mut Vec<RedFlag>,
) {
    let known = greatest_urgency(red_flags);
    if known != Some(Urgency::Emergency) {
        if findings.read_wording(readings, known) {
            *red_flags = raise_flags(complaint, findings);
        }
        return;
    }

    if let Some(alarm) = sole_alarm(red_flags, findings)
        && findings.are_of_calm_letter(readings)
    {
        alarm.status = FlagStatus::Uncertain;
        alarm.urgency = Urgency::Urgent;
        red_flags.sort_by_key(|flag| Reverse(flag.urgency));
    }
}

/// The flag of an emergency, if there is one alone, which rests on one sign of its rule, and whose
/// rule wants more than a suspicion. Real emergencies that are told at length have more signs than
/// one, or read like emergencies.
fn sole_alarm<'f>(red_flags: &'f mut [RedFlag], findings: &Findings) -> Option<&'f mut RedFlag> {
    let mut alarms = red_flags
        .iter_mut()
        .filter(|flag| flag.urgency == Urgency::Emergency);
    let alarm = alarms.next()?;
    let is_alone = alarms.next().is_none();

    let rule = rules::rule_by_code(&alarm.code)?;
    let sets = rule.any_of.iter();
    let present = sets.filter(|set| findings.weakest_status(set) == Some(FindingStatus::Present));
    let is_corroborated = present.count() > 1;
    (is_alone && !is_corroborated && !rule.on_suspicion).then_some(alarm)
}

fn greatest_urgency(red_flags: &[RedFlag]) -> Option<Urgency> {
    red_flags.iter().map(|flag| flag.urgency).max()
}

/// The red flag of a rule that holds; one that rests on a doubt is urgent, and no more.
fn raise_flag(rule: &Rule, findings: &Findings) -> Option<RedFlag> {
    let mut explanations = rule.unless.iter();
    let is_explained =
        explanations.any(|finding| findings.status_of(*finding) == Some(FindingStatus::Present));
    if is_explained && rule.urgency < Urgency::Emergency {
        return None;
    }

    let sets = rule.any_of.iter();
    let finding_status = sets.filter_map(|set| findings.weakest_status(set)).max()?;

    let (status, urgency) = match finding_status {
        // The explanation may be of something else in the text: an emergency is left open.
        FindingStatus::Present if is_explained => (FlagStatus::Uncertain, Urgency::Urgent),
        FindingStatus::Present => (FlagStatus::Present, rule.urgency),
        FindingStatus::Uncertain => (FlagStatus::Uncertain, rule.uncertain_urgency()),
        FindingStatus::Denied | FindingStatus::Named => return None,
    };
    Some(RedFlag {
        code: Cow::Borrowed(rule.code),
        urgency,
        status,
    })
}
