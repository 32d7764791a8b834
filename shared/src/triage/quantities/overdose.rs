//! Counts of pills that no prescription asks for.

use super::numbers::{TextNumber, number_at};
use crate::triage::finding::Finding;
use crate::triage::pattern::PatternMatch;
use crate::triage::tokens::{Token, TokenKind, text_at, tokens_before};

/// Tenths of a count, as [`number_at`] gives it: ten pills.
const MIN_COUNT_TENTHS: u32 = 100;
/// Tenths of a count from which even a day's pills are too many: twenty.
const MIN_DAILY_COUNT_TENTHS: u32 = 200;
/// Tokens before the count that may hold the verb, and behind it that may hold the medicine.
const REACH: usize = 7;

const SWALLOWING_WORDS: &[&str] = &[
    "took",
    "taken",
    "taking",
    "take",
    "swallowed",
    "ate",
    "had",
    "popped",
    "necked",
    "downed",
    "ingested",
    "ingestion",
    "overdose",
    "吃",
    "服",
    "吞",
    "喝",
    "咽",
    "灌",
];

/// Beginnings of words that are counted in an overdose.
const PILL_STEMS: &[&str] = &[
    "tablet",
    "pill",
    "capsule",
    "caplet",
    "paracetamol",
    "acetaminophen",
    "ibuprofen",
    "aspirin",
    "tylenol",
    "codeine",
    "cocodamol",
    "painkiller",
    "antidepressant",
    "sertraline",
    "amitriptyline",
    "propranolol",
    "zopiclone",
    "diazepam",
    "xanax",
    "片",
    "粒",
    "颗",
];

/// Milligrams of common painkillers.
const STRENGTHS_IN_MG: &[u32] = &[100, 200, 250, 300, 325, 400, 500, 600, 650, 800, 1000];

/// Words of a daily dose, and of a plan by a doctor.
const DAILY_WORDS: &[&str] = &["每", "daily", "丸"];

/// "took 30 paracetamol", 吃了二十片安眠药; a count that no verb goes with is a pill count only.
pub(super) fn find_overdoses(tokens: &[Token<'_>]) -> Vec<PatternMatch<Finding>> {
    let positions = 0..tokens.len();
    positions.filter_map(|at| overdose_at(tokens, at)).collect()
}

fn overdose_at(tokens: &[Token<'_>], at: usize) -> Option<PatternMatch<Finding>> {
    // 阿普唑仑60片 begins inside no number: 二十五 has one match only.
    let continues_number = at
        .checked_sub(1)
        .is_some_and(|before| number_at(tokens, before).is_some_and(|number| number.end > at));
    let count = number_at(tokens, at)?;
    if continues_number || count.tenths < MIN_COUNT_TENTHS {
        return None;
    }

    let unit = text_at(tokens, count.end);
    let is_strength = matches!(unit, "mg" | "g" | "ml" | "mcg" | "毫" | "克" | "岁" | "年")
        || is_strength_of_name(tokens, at, count);
    if is_strength || !counts_pills(tokens, at, count.end) {
        return None;
    }

    let before = tokens_before(tokens, at, REACH).iter().rev();
    let around = tokens_before(tokens, at, REACH)
        .iter()
        .chain(tokens.iter().skip(count.end).take(REACH));
    let is_daily = segment_has(around, |token| DAILY_WORDS.contains(&token.text))
        || tells_daily_dose(tokens, at);
    if is_daily && count.tenths < MIN_DAILY_COUNT_TENTHS {
        return None;
    }

    let is_swallowed = segment_has(before, |token| SWALLOWING_WORDS.contains(&token.text));
    let finding = if is_swallowed {
        Finding::Overdose
    } else {
        Finding::PillCount
    };
    Some(PatternMatch::without_gaps(finding, at, count.end))
}

/// "paracetamol 500 with codeine", "ibuprofen 400": a number right behind a medicine's name, as
/// packets have it, unless pills are counted. "100 paracetamol" are a hundred.
fn is_strength_of_name(tokens: &[Token<'_>], at: usize, count: TextNumber) -> bool {
    let is_counted = tokens.get(count.end).is_some_and(is_counted_pill);
    let is_behind_name = tokens_before(tokens, at, 1).iter().any(is_pill);

    is_behind_name && !is_counted && STRENGTHS_IN_MG.contains(&(count.tenths / 10))
}

/// A tablet rather than the name of what is in it.
fn is_counted_pill(token: &Token<'_>) -> bool {
    const UNITS: &[&str] = &["tablet", "pill", "capsule", "caplet", "片", "粒", "颗"];
    UNITS.iter().any(|unit| token.text.starts_with(unit))
}

/// "a day", "per week", 一天三次, 一日: near the count, and no day of the past.
fn tells_daily_dose(tokens: &[Token<'_>], at: usize) -> bool {
    let begin = at.saturating_sub(REACH);
    let near = tokens.get(begin..).unwrap_or(&[]);

    near.windows(2).take(3 * REACH).any(|pair| {
        let words = [0, 1].map(|number| pair.get(number).map_or("", |token| token.text));
        matches!(
            words,
            ["a" | "per" | "each" | "every", "day" | "week" | "month"] | ["一", "天" | "日"]
        )
    })
}

/// Whether pills stand right behind the count, "30 paracetamol", or before "x 30".
fn counts_pills(tokens: &[Token<'_>], at: usize, end: usize) -> bool {
    let behind = tokens.iter().skip(end).take(REACH);
    if segment_has(behind, is_pill) {
        return true;
    }

    let before = tokens_before(tokens, at, REACH);
    let is_multiplied = before.iter().rev().take(3).any(|token| token.text == "x");
    is_multiplied && segment_has(before.iter().rev(), is_pill)
}

fn is_pill(token: &Token<'_>) -> bool {
    PILL_STEMS.iter().any(|stem| token.text.starts_with(stem))
}

/// Whether one of the tokens passes the test before the segment ends; brackets do not end it.
fn segment_has<'t, 'x: 't>(
    tokens: impl Iterator<Item = &'t Token<'x>>,
    test: impl Fn(&Token<'x>) -> bool,
) -> bool {
    let mut segment =
        tokens.take_while(|token| token.kind == TokenKind::Link || !token.ends_segment());
    segment.any(test)
}
