//! Decides whether a complaint needs no doctor. In doubt it needs one.
//!
//! Guidance sends people to self-care for a named minor complaint that is mild and short, and tells
//! for each which signs, ages and illnesses are the doctor's. So must the text: a minor complaint
//! is told as present, and *every* finding that is told or left open beside it is a part of that
//! complaint or one of its harmless companions. The lexicon of other symptoms is wide for that
//! purpose: a "lump", a "week" or a "scan" outside a minor complaint is enough to need a doctor.
//!
//! **Age.** From 2 to 64 years. Younger children may have complaints of babies only: the common
//! ones have other limits there (NICE NG143: fever, feeding). From 65 years on, the same complaints
//! are a risk group's (WHO, CDC: influenza; NICE NG120: cough). An age that is not given is no
//! reason against it, as the guidance is written to readers of any age and every risk group would
//! have to be told; but a text that speaks of an infant or an old person without saying how old
//! stays `routine`.

use std::ops::Range;

use super::complaint::Complaint;
use super::context;
use super::finding::{Finding, FindingStatus};
use super::findings::{Findings, find_mentions, patient_age};
use super::lexicon::SELF_CARE_PATTERNS;
use super::pattern::PatternMatch;
use super::readings::Reading;
use super::tokens::{Token, TokenKind, text_at};

/// Days beyond which a minor complaint is no longer one: most pages name a week.
const MAX_DAYS: u32 = 7;

/// Ages in years at which a patient may look after a minor complaint.
const SELF_CARE_AGES: Range<u8> = 2..65;

/// Words beyond which a text is a story: what matters may stand anywhere in it.
const MAX_TOKENS: usize = 110;

/// Risks that make any complaint one for a doctor, however the text or the history tells them.
const RISKS: &[Finding] = &[
    Finding::Pregnant,
    Finding::Postpartum,
    Finding::Immunosuppressed,
    Finding::Asplenia,
    Finding::Anticoagulated,
    Finding::SteroidDependent,
    Finding::Dialysis,
    Finding::ChronicLungDisease,
    Finding::LungRisk,
    Finding::Cancer,
    Finding::RecentSurgery,
    Finding::Diabetes,
    Finding::HeartDisease,
    Finding::LiverDisease,
    Finding::ElderlyFrail,
];

/// Mentions that make their own words harmless.
const MINOR_FINDINGS: &[Finding] = &[
    Finding::MinorComplaint,
    Finding::MinorBabyComplaint,
    Finding::Sprain,
    Finding::BearsWeight,
];

/// Words of a patient outside the ages of self-care, where no age is given.
const AGED_WORDS: &[&str] = &[
    "baby",
    "newborn",
    "infant",
    "elderly",
    "grandma",
    "grandpa",
    "grandad",
    "granny",
    "nan",
    "nana",
    "gran",
    "grandmother",
    "grandfather",
    "toddler",
];
const AGED_HAN_WORDS: &[[&str; 2]] = &[
    ["宝", "宝"],
    ["婴", "儿"],
    ["奶", "奶"],
    ["爷", "爷"],
    ["外", "婆"],
    ["外", "公"],
    ["姥", "姥"],
    ["姥", "爷"],
    ["老", "人"],
];

/// Whether a complaint without red flags can be looked after at home.
pub(super) fn suffices(
    findings: &Findings,
    complaint: &Complaint<'_>,
    readings: &[Reading<'_>],
) -> bool {
    let mut ages = readings
        .iter()
        .map(|reading| patient_age(complaint, reading));
    let age = ages.find(Option::is_some).flatten();

    let has_risk = RISKS.iter().any(|risk| findings.suggest(*risk));
    let mut corrected = findings.corrected().iter();
    let is_misspelt =
        corrected.any(|finding| !MINOR_FINDINGS.contains(finding) && !finding.is_circumstance());
    if has_risk || is_misspelt || !has_minor_complaint(findings, age, readings) {
        return false;
    }

    readings.iter().all(|reading| {
        let tokens = &reading.tokens;
        let is_readable = tokens.len() <= MAX_TOKENS && !tells_many_days(tokens);

        is_readable && is_explained(reading, age)
    })
}

/// Whether the text names a complaint that is minor at the patient's age.
fn has_minor_complaint(findings: &Findings, age: Option<u8>, readings: &[Reading<'_>]) -> bool {
    let is_present = |finding| findings.status_of(finding) == Some(FindingStatus::Present);
    if is_present(Finding::Sprain) && !is_present(Finding::BearsWeight) {
        return false;
    }

    let is_babys = is_present(Finding::MinorBabyComplaint);
    let is_anyones = is_present(Finding::MinorComplaint)
        || is_present(Finding::Sprain)
        || is_babys && age.is_some();
    match age {
        Some(age) if SELF_CARE_AGES.contains(&age) => is_anyones,
        Some(age) if age < SELF_CARE_AGES.start => is_babys,
        Some(_) => false,
        None => {
            is_anyones
                && !readings
                    .iter()
                    .any(|Reading { tokens, .. }| tells_of_aged(tokens))
        }
    }
}

/// Whether minor complaints and their companions hold every word of all that the text tells or
/// leaves open.
///
/// Months and weeks are the age of a child under 2 rather than the length of its complaint.
fn is_explained(reading: &Reading<'_>, age: Option<u8>) -> bool {
    let tokens = reading.tokens.as_slice();
    // Many companions are denials in full ("no fever"), which are no findings to be denied.
    let (companions, others): (Vec<_>, Vec<_>) = SELF_CARE_PATTERNS
        .find_all(tokens)
        .into_iter()
        .partition(|mention| mention.key == Finding::MinorCompanion);
    let mut mentions = find_mentions(tokens, age);
    mentions.extend(others);

    let statuses = context::current_statuses(tokens, &mentions);
    let told: Vec<_> = mentions
        .iter()
        .zip(statuses)
        .filter(|(mention, status)| *status > FindingStatus::Denied && reading.tells_of(mention))
        .map(|(mention, _)| mention)
        .collect();

    let mut explained = vec![false; tokens.len()];
    let minor = told
        .iter()
        .copied()
        .filter(|mention| MINOR_FINDINGS.contains(&mention.key));
    for at in companions
        .iter()
        .chain(minor)
        .flat_map(PatternMatch::atom_tokens)
    {
        if let Some(is_explained) = explained.get_mut(at) {
            *is_explained = true;
        }
    }

    let is_infant = age.is_some_and(|age| age < SELF_CARE_AGES.start);
    told.iter().all(|mention| {
        let is_neutral =
            mention.key.is_circumstance() || is_infant && mention.key == Finding::Lasting;
        is_neutral
            || mention
                .atom_tokens()
                .all(|at| explained.get(at) == Some(&true))
    })
}

/// An infant or an old person.
fn tells_of_aged(tokens: &[Token<'_>]) -> bool {
    let mut positions = 0..tokens.len();
    positions.any(|at| {
        let word = text_at(tokens, at);
        let next = text_at(tokens, at + 1);

        AGED_WORDS.contains(&word) || AGED_HAN_WORDS.contains(&[word, next])
    })
}

/// "for 9 days", 十天 in figures.
fn tells_many_days(tokens: &[Token<'_>]) -> bool {
    tokens.iter().enumerate().any(|(at, token)| {
        let is_day = matches!(text_at(tokens, at + 1), "day" | "days" | "天" | "日");
        let count = (token.kind == TokenKind::Number).then(|| token.text.parse::<u32>());

        is_day && matches!(count, Some(Ok(count)) if count > MAX_DAYS)
    })
}
