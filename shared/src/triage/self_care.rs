//! Decides whether a complaint needs no doctor. In doubt it needs one.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use super::data::{WordList, split_words};
use super::finding::{Finding, FindingStatus};
use super::findings::Findings;
use super::readings::Reading;
use super::tokens::{Token, TokenKind};
use super::word_class::WordClass;

/// Durations in days beyond which a minor complaint is no longer one.
const MAX_DAYS: u32 = 3;

/// Ages in years at which a patient may look after a minor complaint.
const SELF_CARE_AGES: Range<u8> = 2..65;

/// Findings that make a minor complaint one for a doctor.
const EXCLUDING_FINDINGS: &[Finding] = &[
    Finding::Aggravating,
    Finding::Fever,
    Finding::Pregnant,
    Finding::Postpartum,
    Finding::Immunosuppressed,
    Finding::Anticoagulated,
];

const HARMLESS_LIST: WordList = WordList {
    name: "harmless_words.txt",
    text: include_str!("data/harmless_words.txt"),
};

static HARMLESS_WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let entries = HARMLESS_LIST.entries();
    entries.into_iter().flat_map(split_words).collect()
});

/// Whether a complaint without red flags can be looked after at home. One reading in which every
/// word is harmless is enough: the findings are those of all readings.
pub(super) fn suffices(findings: &Findings, age: Option<u8>, readings: &[Reading<'_>]) -> bool {
    let may_self_care = age.is_some_and(|age| SELF_CARE_AGES.contains(&age));
    if !may_self_care {
        return false;
    }

    let is_minor = findings.status_of(Finding::MinorComplaint) == Some(FindingStatus::Present);
    let mut excluding = EXCLUDING_FINDINGS.iter();
    if !is_minor || excluding.any(|finding| findings.suggest(*finding)) {
        return false;
    }

    readings
        .iter()
        .enumerate()
        .any(|(number, Reading { tokens, .. })| {
            let mut positions = tokens.iter().enumerate();
            let is_all_harmless = positions
                .all(|(at, token)| findings.is_minor_token(number, at) || is_harmless(token));
            is_all_harmless && !is_sprain_without_walking(tokens)
        })
}

/// A sprain is minor only if the patient says that it bears weight.
fn is_sprain_without_walking(tokens: &[Token<'_>]) -> bool {
    let has_any = |words: &[&str]| tokens.iter().any(|token| words.contains(&token.text));

    let is_sprain = has_any(&["sprain", "sprained", "twisted", "rolled", "扭", "崴"]);
    let bears_weight = has_any(&["walk", "bear", "走", "负"]);
    is_sprain && !bears_weight
}

fn is_harmless(token: &Token<'_>) -> bool {
    match token.kind {
        TokenKind::Number => {
            let days = token.text.parse::<u32>();
            days.is_ok_and(|days| days <= MAX_DAYS)
        }
        TokenKind::Word | TokenKind::Han => {
            token.class.has(WordClass::FILLER) || HARMLESS_WORDS.contains(token.text)
        }
        _ => true,
    }
}
