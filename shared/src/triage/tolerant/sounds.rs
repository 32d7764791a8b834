//! Chinese words in other characters of the same sound: 胸口通 for 胸口痛.

use std::sync::LazyLock;

use foldhash::{HashMap, HashMapExt};

use super::Replacement;
use super::vocabulary::Vocabulary;
use crate::triage::breaks::Pause;
use crate::triage::data::WordList;
use crate::triage::sorted_words::SortedWords;
use crate::triage::tokens::{Token, TokenKind};
use crate::triage::word_class::WordClass;

/// Longer phrases are not looked for.
pub(super) const MAX_PHRASE_CHARS: usize = 6;
/// No common word of the guard is longer.
const MAX_WORD_CHARS: usize = 4;
/// A sound takes this many bits of a key: there are some 400.
const SOUND_BITS: u32 = 9;

/// First character of the unified block, and how many it has.
const HAN_FIRST: u32 = 0x4e00;
const HAN_CHARS: usize = 0x5200;

const SOUND_LIST: WordList = WordList {
    name: "pinyin.txt",
    text: include_str!("../data/pinyin.txt"),
};

static COMMON_WORDS: LazyLock<SortedWords> =
    LazyLock::new(|| SortedWords::of_list(include_str!("../data/common_chinese.txt")));

/// The sounds, by their spelling and by their characters. They are numbered from 1.
struct Sounds {
    by_syllable: HashMap<&'static str, u64>,
    /// By the character's place behind [`HAN_FIRST`]; 0 for one without a sound.
    by_char: Vec<u64>,
}

static SOUNDS: LazyLock<Sounds> = LazyLock::new(|| {
    let mut sounds = Sounds {
        by_syllable: HashMap::new(),
        by_char: vec![0; HAN_CHARS],
    };

    for (number, entry) in (1..).zip(SOUND_LIST.entries()) {
        let (syllable, characters) = entry.split_once(' ').unwrap_or((entry, ""));
        sounds.by_syllable.insert(syllable, number);
        for character in characters.chars() {
            if let Some(sound) = han_place(character).and_then(|at| sounds.by_char.get_mut(at)) {
                *sound = number;
            }
        }
    }
    sounds
});

/// The number of a character's sound.
fn sound_of(c: char) -> Option<u64> {
    let sound = SOUNDS.by_char.get(han_place(c)?).copied();
    sound.filter(|sound| *sound > 0)
}

fn han_place(c: char) -> Option<usize> {
    let place = u32::from(c).checked_sub(HAN_FIRST)?;
    usize::try_from(place).ok()
}

/// The number of a syllable in pinyin without its tone.
pub(super) fn sound_of_syllable(syllable: &str) -> Option<u64> {
    SOUNDS.by_syllable.get(syllable).copied()
}

/// The sound of a phrase as one number; `None` if a character has no known sound.
pub(super) fn sound_key(mut chars: impl Iterator<Item = char>) -> Option<u64> {
    chars.try_fold(0, |key, c| Some(extend_key(key, sound_of(c)?)))
}

/// The key of a phrase with one more sound.
pub(super) fn extend_key(key: u64, sound: u64) -> u64 {
    key << SOUND_BITS | sound
}

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
