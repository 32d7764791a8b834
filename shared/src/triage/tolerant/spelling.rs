//! English words with a wrong letter: "chset pain", "diarrea", "breathlesness".

use std::sync::LazyLock;

use super::Replacement;
use super::vocabulary::Vocabulary;
use crate::triage::sorted_words::SortedWords;
use crate::triage::tokens::{Token, TokenKind};
use crate::triage::word_class::WordClass;

/// Words of this length are read with two changed places of letters only ("pian").
const SHORT_LEN: usize = 4;
/// Words from this length on may have two mistakes.
const LONG_LEN: usize = 8;
/// Letters that may follow the beginning of a word (`faint*`).
const MAX_SUFFIX_LEN: usize = 5;

/// Beginnings that turn a word into another.
const MEANINGFUL_BEGINNINGS: &[&str] = &["hyper", "hypo", "anti", "non"];
/// Ends of a tumour, a state, a procedure or a science, without a plural's "s".
const MEANINGFUL_ENDS: &[&str] = &[
    "oma", "osi", "emia", "pathy", "ectomy", "plasty", "scopy", "graphy", "logy", "gram",
];

static COMMON_WORDS: LazyLock<SortedWords> =
    LazyLock::new(|| SortedWords::of_list(include_str!("../data/common_english.txt")));

/// The English words of a text that no list knows, and that a word of the lexicon is near to.
pub(super) fn replacements(tokens: &[Token<'_>], vocabulary: &Vocabulary) -> Vec<Replacement> {
    let positions = tokens.iter().enumerate();

    positions
        .filter(|(_, token)| token.kind == TokenKind::Word)
        .filter_map(|(at, token)| {
            let word = nearest_word(token.text, vocabulary)?;
            Some(Replacement {
                start: at,
                end: at + 1,
                word,
            })
        })
        .collect()
}

/// Whether the word means something as it stands.
fn is_common(word: &str, vocabulary: &Vocabulary) -> bool {
    vocabulary.knows(word)
        || WordClass::of_word(word) != WordClass::default()
        || COMMON_WORDS.contains(word)
        || begins_as_known(word, vocabulary)
}

fn begins_as_known(word: &str, vocabulary: &Vocabulary) -> bool {
    let first = word.bytes().next().unwrap_or_default();
    let mut stems = vocabulary.stems_with(first);

    stems.any(|stem| word.starts_with(stem))
}

/// The word of the lexicon that a misspelt one is nearest to.
fn nearest_word(word: &str, vocabulary: &Vocabulary) -> Option<String> {
    let is_plain = word.bytes().all(|byte| byte.is_ascii_lowercase());
    if !is_plain || word.len() < SHORT_LEN || is_common(word, vocabulary) {
        return None;
    }

    // The first two letters may have changed places.
    let initials = word.bytes().take(2);
    let found = initials.filter_map(|first| nearest_with(word, first, vocabulary));
    found
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

fn nearest_with(word: &str, first: u8, vocabulary: &Vocabulary) -> Option<(usize, String)> {
    let whole_words = vocabulary.words_with(first).filter_map(|candidate| {
        let distance = distance_within_limit(word, candidate)?;
        Some((distance, candidate.to_owned()))
    });
    let beginnings = vocabulary
        .stems_with(first)
        .filter_map(|stem| completed_stem(word, stem));

    whole_words
        .chain(beginnings)
        .min_by_key(|(distance, _)| *distance)
}

/// A word whose beginning is near to a stem, with the stem in its place.
fn completed_stem(word: &str, stem: &str) -> Option<(usize, String)> {
    let limit = mistake_limit(stem);
    let lengths = stem.len().saturating_sub(limit)..=stem.len() + limit;

    let completed = lengths.filter_map(|len| {
        let (beginning, suffix) = word.split_at_checked(len)?;
        if suffix.len() > MAX_SUFFIX_LEN {
            return None;
        }
        let distance = distance_within_limit(beginning, stem)?;
        Some((distance, format!("{stem}{suffix}")))
    });
    completed.min_by_key(|(distance, _)| *distance)
}

/// How many mistakes a word may have.
fn mistake_limit(candidate: &str) -> usize {
    if candidate.len() >= LONG_LEN { 2 } else { 1 }
}

/// Whether a part of a word that medicine gives a meaning of its own stands in one word alone:
/// hyperthermia is no hypothermia, and a meningioma no meningism.
fn means_otherwise(word: &str, candidate: &str) -> bool {
    let begins = |part: &&str| word.starts_with(*part) && !candidate.starts_with(*part);
    let ends = |part: &&str| {
        let is_end = |word: &str| word.trim_end_matches('s').ends_with(*part);
        is_end(word) && !is_end(candidate)
    };

    MEANINGFUL_BEGINNINGS.iter().any(begins) || MEANINGFUL_ENDS.iter().any(ends)
}

/// The number of mistakes between two words, if it is as small as their length allows.
fn distance_within_limit(word: &str, candidate: &str) -> Option<usize> {
    let limit = mistake_limit(candidate);
    if word.len().abs_diff(candidate.len()) > limit || means_otherwise(word, candidate) {
        return None;
    }
    if candidate.len() <= SHORT_LEN {
        return is_one_swap(word, candidate).then_some(1);
    }

    // A mistake takes one letter away and brings one in at most: most candidates have others.
    let other_letters = letters_of(word) ^ letters_of(candidate);
    if other_letters.count_ones() as usize > 2 * limit {
        return None;
    }

    let distance = edit_distance(word.as_bytes(), candidate.as_bytes());
    (distance <= limit).then_some(distance)
}

/// The different letters of a word as bits.
fn letters_of(word: &str) -> u32 {
    word.bytes()
        .fold(0, |letters, byte| letters | 1 << (byte & 31))
}

/// Whether the words differ in two neighbouring letters that have changed places.
fn is_one_swap(word: &str, candidate: &str) -> bool {
    let (word, candidate) = (word.as_bytes(), candidate.as_bytes());
    let Some(at) = word
        .iter()
        .zip(candidate)
        .position(|(one, other)| one != other)
    else {
        return false;
    };

    let pair = (word.get(at..at + 2), candidate.get(at..at + 2));
    let (Some(&[a, b]), Some(&[c, d])) = pair else {
        return false;
    };
    a == d && b == c && word.get(at + 2..) == candidate.get(at + 2..)
}

/// Letters to add, leave out, change or swap (Damerau, "A technique for computer detection and
/// correction of spelling errors", CACM 7, 1964).
fn edit_distance(one: &[u8], other: &[u8]) -> usize {
    let width = other.len() + 1;
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..width).collect();

    for (row, letter) in one.iter().enumerate() {
        let mut current = vec![row + 1; width];
        for (column, expected) in other.iter().enumerate() {
            let cell =
                |cells: &[usize], at: usize| cells.get(at).copied().unwrap_or(usize::MAX - 1);
            let changed = cell(&last, column) + usize::from(letter != expected);
            let mut best = changed
                .min(cell(&last, column + 1) + 1)
                .min(cell(&current, column) + 1);

            let is_swap = row > 0
                && column > 0
                && one.get(row - 1) == Some(expected)
                && other.get(column - 1) == Some(letter);
            if is_swap {
                best = best.min(cell(&before_last, column - 1) + 1);
            }
            if let Some(cell) = current.get_mut(column + 1) {
                *cell = best;
            }
        }
        before_last = std::mem::replace(&mut last, current);
    }

    last.last().copied().unwrap_or(usize::MAX)
}
