//! Whole texts in pinyin: "wo xiong kou tong, chuan bu guo qi".

use super::sounds::sound_of_syllable;
use super::vocabulary::Vocabulary;
use super::{Replacement, is_word};
use crate::triage::compiler::sound_key::{MAX_PHRASE_CHARS, extend_key};
use crate::triage::tokens::{Token, TokenKind};

/// Fewer words are no text.
const MIN_WORDS: usize = 2;
/// Longer words are no pinyin; the bound keeps the search for syllables short.
const MAX_WORD_LEN: usize = 18;
/// No syllable is longer: "zhuang".
const MAX_SYLLABLE_LEN: usize = 6;
/// Of ten words, so many must be pinyin.
const MIN_PINYIN_TENTHS: usize = 9;

/// A syllable of a word.
#[derive(Debug, Clone, Copy)]
struct Syllable {
    sound: u32,
    /// Position of the word's token.
    token: usize,
    /// Whether the word ends with it.
    ends_word: bool,
    /// Whether the word begins with it.
    begins_word: bool,
}

/// The phrases of a text whose words are all pinyin.
pub(super) fn replacements(tokens: &[Token<'_>], vocabulary: &Vocabulary) -> Vec<Replacement> {
    let Some(syllables) = read_syllables(tokens) else {
        return Vec::new();
    };

    let mut found = Vec::new();
    let mut at = 0;
    while at < syllables.len() {
        match phrase_at(&syllables, at, vocabulary) {
            Some((replacement, len)) => {
                found.push(replacement);
                at += len;
            }
            None => at += 1,
        }
    }
    found
}

/// The longest phrase that begins with a word and ends with one.
fn phrase_at(
    syllables: &[Syllable],
    at: usize,
    vocabulary: &Vocabulary,
) -> Option<(Replacement, usize)> {
    let rest = syllables.get(at..)?;
    let first = rest.first().filter(|syllable| syllable.begins_word)?;

    let mut longest = None;
    let mut key = 0;
    for (syllable, len) in rest.iter().take(MAX_PHRASE_CHARS).zip(1..) {
        key = extend_key(key, syllable.sound);
        if len > 1
            && syllable.ends_word
            && let Some(phrase) = vocabulary.phrase_of(key).or(vocabulary.cue_of(key))
        {
            let replacement = Replacement {
                start: first.token,
                end: syllable.token + 1,
                word: phrase.to_owned(),
            };
            longest = Some((replacement, len));
        }
    }
    longest
}

/// The syllables of a text; `None` if it is no text in pinyin.
fn read_syllables(tokens: &[Token<'_>]) -> Option<Vec<Syllable>> {
    let words = tokens.iter().filter(|token| is_word(token)).count();
    if words < MIN_WORDS || tokens.iter().any(|token| token.kind == TokenKind::Han) {
        return None;
    }

    let mut syllables = Vec::new();
    let mut pinyin_words = 0;
    for (at, token) in tokens.iter().enumerate() {
        if token.kind == TokenKind::Word
            && token.text.len() <= MAX_WORD_LEN
            && let Some(sounds) = split_word(token.text)
        {
            pinyin_words += 1;
            let count = sounds.len();
            syllables.extend(sounds.into_iter().zip(1..).map(|(sound, number)| Syllable {
                sound,
                token: at,
                ends_word: number == count,
                begins_word: number == 1,
            }));
        }
    }

    (pinyin_words * 10 >= words * MIN_PINYIN_TENTHS).then_some(syllables)
}

/// The syllables of a word that is nothing but pinyin. Each place of the word is tried once, so
/// that the search grows with its length alone.
fn split_word(word: &str) -> Option<Vec<u32>> {
    // For each place that syllables lead to: the last syllable's sound, and where it began.
    let mut reached: Vec<Option<(u32, usize)>> = vec![None; word.len() + 1];

    for start in 0..word.len() {
        let is_reached = start == 0 || reached.get(start).is_some_and(Option::is_some);
        if !is_reached {
            continue;
        }
        for len in 1..=MAX_SYLLABLE_LEN.min(word.len() - start) {
            let Some(sound) = word.get(start..start + len).and_then(sound_of_syllable) else {
                continue;
            };
            if let Some(place) = reached.get_mut(start + len) {
                // The one that begins first is the longest: "leng" is no "le" with "ng" behind it.
                place.get_or_insert((sound, start));
            }
        }
    }

    let mut sounds = Vec::new();
    let mut end = word.len();
    while end > 0 {
        let (sound, start) = (*reached.get(end)?)?;
        sounds.push(sound);
        end = start;
    }
    sounds.reverse();
    Some(sounds)
}
