//! Chinese words in other characters of the same sound: 胸口通 for 胸口痛.

use std::sync::LazyLock;

use super::Replacement;
use super::sounds::sound_key;
use super::vocabulary::Vocabulary;
use crate::triage::breaks::Pause;
use crate::triage::compiler::sound_key::MAX_PHRASE_CHARS;
use crate::triage::sorted_words::SortedWords;
use crate::triage::tokens::{Token, TokenKind};
use crate::triage::word_class::WordClass;

/// No common word of the guard is longer.
const MAX_WORD_CHARS: usize = 4;

/// Verbs, measure words and particles that begin no misspelt phrase of two characters.
const FREE_WORDS: &str = "看个是有来要到去说想会能做用打拿让给买卖吃喝走坐听问找等把被对从在和\
    跟就才都也还又再很太最更这那哪些次种只条件位名家";

static COMMON_WORDS: LazyLock<SortedWords> =
    LazyLock::new(|| SortedWords::of_list(include_str!("../data/common_chinese.txt")));

/// The rows of Han characters that sound like a phrase of the lexicon and mean nothing else.
pub(super) fn replacements(tokens: &[Token<'_>], vocabulary: &Vocabulary) -> Vec<Replacement> {
    let mut found = Vec::new();
    let mut at = 0;

    while at < tokens.len() {
        match phrase_at(tokens, at, vocabulary) {
            Some(replacement) => {
                at = replacement.end;
                found.push(replacement);
            }
            None => at += 1,
        }
    }
    found
}

/// The longest phrase that the characters at `at` sound like.
fn phrase_at(tokens: &[Token<'_>], at: usize, vocabulary: &Vocabulary) -> Option<Replacement> {
    let row = han_row(tokens, at);

    let mut lengths = (2..=row.len()).rev();
    lengths.find_map(|len| {
        let written = row.get(..len)?;
        let phrase = vocabulary.phrase_of(sound_key(written.iter().copied())?)?;
        let is_changed: Vec<bool> = phrase
            .chars()
            .zip(written)
            .map(|(read, written)| read != *written)
            .collect();

        let changes = is_changed.iter().filter(|is_changed| **is_changed).count();
        // Two other characters of two are more than a slip.
        let is_near = changes > 0 && (changes < len || len > 2);
        let is_misspelt = is_near
            && !begins_with_free_word(written, &is_changed)
            && !denies(tokens, at, &is_changed)
            && !means_something(tokens, at, &is_changed);
        is_misspelt.then(|| Replacement {
            start: at,
            end: at + len,
            word: phrase.to_owned(),
        })
    })
}

/// The Han characters from a token on, as far as nothing parts them.
fn han_row(tokens: &[Token<'_>], at: usize) -> Vec<char> {
    let row = tokens.iter().skip(at).take(MAX_PHRASE_CHARS).enumerate();

    row.take_while(|(number, token)| {
        token.kind == TokenKind::Han && (*number == 0 || token.pause == Pause::None)
    })
    .filter_map(|(_, token)| token.text.chars().next())
    .collect()
}

/// Whether all that is changed in two characters is the first, and that is a word which stands by
/// itself in any sentence: 看了 is no 砍了.
fn begins_with_free_word(written: &[char], is_changed: &[bool]) -> bool {
    let first = written
        .first()
        .is_some_and(|first| FREE_WORDS.contains(*first));

    written.len() == 2 && is_changed.first() == Some(&true) && first
}

/// Whether a changed character denies as it was written: 胸不痛 is no 胸部痛.
fn denies(tokens: &[Token<'_>], at: usize, is_changed: &[bool]) -> bool {
    let mut written = tokens.iter().skip(at).zip(is_changed);
    written.any(|(token, is_changed)| *is_changed && token.class.has(WordClass::NEGATOR))
}

/// Whether a changed character belongs to a common word as it was written.
fn means_something(tokens: &[Token<'_>], at: usize, is_changed: &[bool]) -> bool {
    let earliest = at.saturating_sub(MAX_WORD_CHARS - 1);
    let latest = at + is_changed.len();

    (earliest..latest).any(|start| {
        let row = han_row(tokens, start);
        (2..=MAX_WORD_CHARS.min(row.len())).any(|len| {
            let covers_change = (start..start + len).any(|position| {
                let number = position.checked_sub(at);
                number.and_then(|number| is_changed.get(number)) == Some(&true)
            });
            covers_change && is_common_word(row.get(..len).unwrap_or(&[]))
        })
    })
}

fn is_common_word(characters: &[char]) -> bool {
    let word: String = characters.iter().collect();
    COMMON_WORDS.contains(&word)
}
