//! The readings of a text whose lines may be wrapped.
//!
//! Where a soft break stands within the words of a phrase (胸 / 痛), it is proven to be a wrap, and
//! every reading takes it as one. Any other may be an end as well as a wrap ("chest infection /
//! pain in the knee"). So such a text is read twice: with ends, and with wraps, which only add the
//! findings that go across one: they hide nothing that the lines show by themselves.

use super::breaks::{BreakReading, Pause, is_soft_break};
use super::finding::Finding;
use super::han_words::mark_words;
use super::pattern::PatternMatch;
use super::pattern_set::PatternSet;
use super::tokens::{Token, tokenise};
use super::word_class::WordClass;

/// One reading of a text.
pub(super) struct Reading<'t> {
    pub(super) tokens: Vec<Token<'t>>,
    /// Whether soft breaks that may be ends are read as wraps.
    assumes_wraps: bool,
}

impl<'t> Reading<'t> {
    /// A reading that takes every break as it stands in its tokens.
    pub(super) fn with_ends(tokens: Vec<Token<'t>>) -> Self {
        Self {
            tokens,
            assumes_wraps: false,
        }
    }

    /// Whether it is the first reading of its text, in which no break is a wrap that is not proven.
    pub(super) fn is_first(&self) -> bool {
        !self.assumes_wraps
    }

    /// Whether the reading tells of a mention: one that assumes wraps tells only of what goes
    /// across one, and of an overdose, whose verb may stand on the line before the count.
    pub(super) fn tells_of(&self, mention: &PatternMatch<Finding>) -> bool {
        if mention.key == Finding::Overdose {
            return true;
        }

        let inside = self.tokens.get(mention.start + 1..mention.end);
        let mut inside = inside.unwrap_or(&[]).iter();

        !self.assumes_wraps || inside.any(|token| token.pause == Pause::Break)
    }
}

/// The readings of a normalised text, in which `patterns` prove wraps.
pub(super) fn read_text<'t>(text: &'t str, patterns: &PatternSet<Finding>) -> Vec<Reading<'t>> {
    if !text.contains(is_soft_break) {
        return vec![Reading::with_ends(cut_words(text, BreakReading::Ends))];
    }

    let wrapped = cut_words(text, BreakReading::Wraps);
    let wraps = proven_wraps(&wrapped, &patterns.find_all(&wrapped));
    let ended = Reading::with_ends(cut_words(text, BreakReading::Proven(&wraps)));
    if wraps.iter().all(|is_proven| *is_proven) {
        return vec![ended];
    }

    let wrapped = Reading {
        tokens: wrapped,
        assumes_wraps: true,
    };
    vec![ended, wrapped]
}

/// The tokens of a text, with the words that Chinese characters belong to.
pub(super) fn cut_words<'t>(text: &'t str, reading: BreakReading<'_>) -> Vec<Token<'t>> {
    let mut tokens = tokenise(text, reading);
    mark_words(&mut tokens);
    tokens
}

/// For each break of a reading with wraps, whether words of one phrase stand on both sides.
fn proven_wraps(tokens: &[Token<'_>], mentions: &[PatternMatch<Finding>]) -> Vec<bool> {
    let mut is_joined = vec![false; tokens.len()];

    for mention in mentions {
        let belongs = |at: usize| !mention.gaps.contains(&at) || is_filler(tokens, at);
        for at in mention.start + 1..mention.end {
            if let Some(joined) = is_joined.get_mut(at) {
                *joined |= belongs(at) && belongs(at - 1);
            }
        }
    }

    let positions = tokens.iter().zip(is_joined);
    positions
        .filter(|(token, _)| token.pause == Pause::Break)
        .map(|(_, joined)| joined)
        .collect()
}

/// Whether a word in a gap changes nothing between the words of its phrase.
fn is_filler(tokens: &[Token<'_>], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| {
        token.class.has(WordClass::FILLER) && !token.class.has(WordClass::NEGATOR)
    })
}
