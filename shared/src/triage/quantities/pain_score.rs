//! Pain on a scale of ten: "pain 9/10", 疼痛评分8分, "10 out of 10".

use super::numbers::number_at;
use crate::triage::finding::Finding;
use crate::triage::pattern::PatternMatch;
use crate::triage::tokens::{Token, text_at};

/// The score from which pain is severe (Manchester Triage: 8 to 10).
const SEVERE_SCORE: u32 = 80;
/// Tokens between a score and a word for pain.
const REACH: usize = 10;

const PAIN_WORDS: &[&str] = &[
    "pain", "pains", "painful", "ache", "aching", "hurts", "hurt", "headache", "cramps",
    "cramping", "agony", "vas", "nrs", "痛", "疼", "绞",
];

/// Scores of eight and more in the sentence of a pain.
pub(super) fn find_severe_pains(tokens: &[Token<'_>]) -> Vec<PatternMatch<Finding>> {
    let positions = 0..tokens.len();
    positions
        .filter_map(|at| severe_pain_at(tokens, at))
        .collect()
}

fn severe_pain_at(tokens: &[Token<'_>], at: usize) -> Option<PatternMatch<Finding>> {
    let score = number_at(tokens, at)?;
    if !(SEVERE_SCORE..=100).contains(&score.tenths) {
        return None;
    }

    let end = score.end;
    let words = [0, 1, 2].map(|distance| text_at(tokens, end + distance));
    let is_score = matches!(
        words,
        ["/", "10", _] | ["out", "of", "10" | "ten"] | ["分", ..]
    );
    (is_score && tells_of_pain(tokens, at))
        .then(|| PatternMatch::without_gaps(Finding::SeverePainScore, at, end))
}

fn tells_of_pain(tokens: &[Token<'_>], at: usize) -> bool {
    let is_pain = |token: &&Token<'_>| PAIN_WORDS.contains(&token.text);
    let behind = tokens.iter().skip(at).take(REACH);
    let before = tokens.get(at.saturating_sub(REACH)..at).unwrap_or(&[]);

    let mut behind = behind.take_while(|token| !token.ends_sentence());
    let mut before = before
        .iter()
        .rev()
        .take_while(|token| !token.ends_sentence());
    behind.any(|token| is_pain(&token)) || before.any(|token| is_pain(&token))
}
