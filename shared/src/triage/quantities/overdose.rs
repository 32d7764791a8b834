//! Counts of pills that no prescription asks for.

use super::numbers::number_at;
use crate::triage::finding::Finding;
use crate::triage::pattern::PatternMatch;
use crate::triage::tokens::{Token, tokens_before};

/// Tenths of a count, as [`number_at`] gives it: ten pills.
const MIN_COUNT_TENTHS: u32 = 100;
/// Tokens before the count that may hold the verb, and behind it that may hold the medicine.
const REACH: usize = 4;

const SWALLOWING_WORDS: &[&str] = &["took", "taken", "swallowed", "ate", "吃", "服", "吞", "喝"];
const PILL_WORDS: &[&str] = &[
    "tablet",
    "tablets",
    "pill",
    "pills",
    "paracetamol",
    "ibuprofen",
    "capsules",
    "tylenol",
    "片",
    "粒",
    "颗",
];

/// "took 30 paracetamol", 吃了二十片安眠药.
pub(super) fn find_overdoses(tokens: &[Token<'_>]) -> Vec<PatternMatch<Finding>> {
    let positions = 0..tokens.len();
    positions.filter_map(|at| overdose_at(tokens, at)).collect()
}

fn overdose_at(tokens: &[Token<'_>], at: usize) -> Option<PatternMatch<Finding>> {
    let count = number_at(tokens, at)?;
    if count.tenths < MIN_COUNT_TENTHS {
        return None;
    }

    let before = tokens_before(tokens, at, REACH).iter().rev();
    let behind = tokens.iter().skip(count.end).take(REACH);

    let is_swallowed = segment_has_any(before, SWALLOWING_WORDS);
    let counts_pills = segment_has_any(behind, PILL_WORDS);
    (is_swallowed && counts_pills)
        .then(|| PatternMatch::without_gaps(Finding::Overdose, at, count.end))
}

/// Whether one of the words stands before the segment ends.
fn segment_has_any<'t, 'x: 't>(
    tokens: impl Iterator<Item = &'t Token<'x>>,
    words: &[&str],
) -> bool {
    let mut segment = tokens.take_while(|token| !token.ends_segment());
    segment.any(|token| words.contains(&token.text))
}
