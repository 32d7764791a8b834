//! Reads misspelt words as those of the lexicon that they are nearest to.
//!
//! | what | example | file |
//! |---|---|---|
//! | an English word with one wrong letter, or two in a long one | "chset pain" | `spelling` |
//! | a Chinese word in other characters of the same sound | 胸口通 | `homophones` |
//! | a whole text in pinyin | "xiong kou tong" | `romanised` |
//!
//! A word that is a common one as it stands is left alone. What is read so only raises: it adds
//! findings to those of the text as it was written, under the same rules of negation, and no
//! misspelt word becomes a denial. Each is named to the reader as "read X as Y".

mod homophones;
mod romanised;
mod sounds;
mod spelling;
mod vocabulary;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::tokens::{Token, TokenKind};

pub(super) use vocabulary::Vocabulary;

/// A word of the patient, and the word that the rules took it for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReadAs {
    /// As the patient wrote it.
    pub written: String,
    /// As the rules read it.
    pub read: String,
}

impl fmt::Debug for ReadAs {
    /// Leaves out the words, which are medical data and must not reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadAs").finish_non_exhaustive()
    }
}

/// A text in which misspelt words are replaced.
pub(super) struct CorrectedText {
    pub(super) text: String,
    corrections: Vec<Correction>,
}

/// A word of a corrected text.
struct Correction {
    /// Where the replacing word begins and ends, in bytes of the corrected text.
    start: usize,
    end: usize,
    written: String,
}

/// A row of tokens that reads otherwise.
#[derive(Debug, PartialEq, Eq)]
struct Replacement {
    /// Positions of the tokens.
    start: usize,
    end: usize,
    word: String,
}

/// The text with its misspelt words replaced; `None` if there is none. `tokens` are all those of
/// the text.
pub(super) fn correct_text(
    text: &str,
    tokens: &[Token<'_>],
    vocabulary: &Vocabulary,
) -> Option<CorrectedText> {
    let mut replacements = romanised::replacements(tokens, vocabulary);
    if replacements.is_empty() {
        replacements = spelling::replacements(tokens, vocabulary);
        replacements.extend(homophones::replacements(tokens, vocabulary));
        replacements.sort_by_key(|replacement| replacement.start);
    }

    (!replacements.is_empty()).then(|| apply_replacements(text, tokens, &replacements))
}

fn apply_replacements(
    text: &str,
    tokens: &[Token<'_>],
    replacements: &[Replacement],
) -> CorrectedText {
    let mut corrected = CorrectedText {
        text: String::with_capacity(text.len()),
        corrections: Vec::new(),
    };
    let mut copied = 0;

    for replacement in replacements {
        let Some((begin, end)) = byte_range(text, tokens, replacement) else {
            continue;
        };
        if begin < copied {
            continue;
        }

        let before = text.get(copied..begin).unwrap_or_default();
        corrected.text.push_str(before);
        let start = corrected.text.len();
        corrected.text.push_str(&replacement.word);
        corrected.corrections.push(Correction {
            start,
            end: corrected.text.len(),
            written: text.get(begin..end).unwrap_or_default().to_owned(),
        });
        copied = end;
    }

    corrected
        .text
        .push_str(text.get(copied..).unwrap_or_default());
    corrected
}

/// Where the tokens of a replacement stand in their text.
fn byte_range(
    text: &str,
    tokens: &[Token<'_>],
    replacement: &Replacement,
) -> Option<(usize, usize)> {
    let first = tokens.get(replacement.start)?;
    let last = tokens.get(replacement.end.checked_sub(1)?)?;

    let begin = offset_in(text, first.text)?;
    let end = offset_in(text, last.text)? + last.text.len();
    (begin < end).then_some((begin, end))
}

/// Where a part of a text begins in it.
fn offset_in(text: &str, part: &str) -> Option<usize> {
    part.as_ptr().addr().checked_sub(text.as_ptr().addr())
}

impl CorrectedText {
    /// The corrections that a token of the corrected text belongs to.
    pub(super) fn correction_of(&self, token: &Token<'_>) -> Option<ReadAs> {
        let at = offset_in(&self.text, token.text)?;
        let mut corrections = self.corrections.iter();
        let correction =
            corrections.find(|correction| correction.start <= at && at < correction.end)?;

        let read = self.text.get(correction.start..correction.end)?;
        Some(ReadAs {
            written: correction.written.clone(),
            read: read.to_owned(),
        })
    }
}

/// Whether the token is a word of letters, or a Han character.
fn is_word(token: &Token<'_>) -> bool {
    matches!(token.kind, TokenKind::Word | TokenKind::Han)
}
