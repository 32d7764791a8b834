//! The words of a text, and their sequences.

use crate::triage::tokens::{Token, TokenKind};

/// The longest sequence.
const MAX_WORDS: usize = 3;

/// Stands for every number: what a number means, `quantities` reads.
const NUMBER: &str = "#";

/// A word, or what parts two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::triage) enum Word<'t> {
    Text(&'t str),
    /// The end of a clause, or a word that counts for nothing: no sequence goes across it.
    Gap,
}

/// The words of tokens; those that are void count for nothing.
pub(in crate::triage) fn words_of<'t>(
    tokens: &[Token<'t>],
    is_void: impl Fn(usize) -> bool,
) -> Vec<Word<'t>> {
    let words = tokens.iter().enumerate().filter_map(|(at, token)| {
        if is_void(at) || token.ends_segment() {
            return Some(Word::Gap);
        }

        match token.kind {
            TokenKind::Word | TokenKind::Han => Some(Word::Text(token.text)),
            TokenKind::Number => Some(Word::Text(NUMBER)),
            _ => None,
        }
    });
    words.collect()
}

/// Every sequence of one to three words.
pub(in crate::triage) fn sequences<'w, 't>(
    words: &'w [Word<'t>],
) -> impl Iterator<Item = &'w [Word<'t>]> {
    let is_whole = |sequence: &&[Word<'_>]| !sequence.contains(&Word::Gap);

    (1..=MAX_WORDS)
        .flat_map(|count| words.windows(count))
        .filter(is_whole)
}

/// A sequence as the file of weights has it.
pub(in crate::triage) fn text_of(sequence: &[Word<'_>]) -> String {
    let words = sequence.iter().filter_map(|word| match word {
        Word::Text(text) => Some(*text),
        Word::Gap => None,
    });
    words.collect::<Vec<_>>().join(" ")
}
