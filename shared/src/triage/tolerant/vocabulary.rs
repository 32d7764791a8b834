//! The words that misspelt ones may stand for.

use foldhash::{HashMap, HashSet};

use super::sounds::{MAX_PHRASE_CHARS, sound_key};
use crate::triage::pattern::PatternWord;
use crate::triage::word_class::WordClass;

/// Shorter words have too many neighbours.
const MIN_WORD_LEN: usize = 4;
/// Shorter beginnings of words are near to anything.
const MIN_STEM_LEN: usize = 5;

/// The words and phrases of the lexicon, by what a misspelling keeps of them.
#[derive(Debug, Default)]
pub(in crate::triage) struct Vocabulary {
    known: HashSet<&'static str>,
    /// English words by their first letter.
    words: HashMap<u8, Vec<&'static str>>,
    /// Beginnings of English words by their first letter.
    stems: HashMap<u8, Vec<&'static str>>,
    /// Chinese phrases by their sound.
    phrases: HashMap<u64, String>,
    /// Chinese words of denial and doubt by their sound, for texts that are pinyin throughout.
    cues: HashMap<u64, String>,
}

impl Vocabulary {
    /// Adds a word of a pattern.
    pub(in crate::triage) fn add_word(&mut self, word: &PatternWord) {
        let text = word.text;
        let Some(first) = text.bytes().next().filter(u8::is_ascii_lowercase) else {
            return;
        };

        let is_new = self.known.insert(text);
        let denies = WordClass::of_word(text).has(WordClass::NEGATOR);
        if !is_new || denies {
            return;
        }
        if word.is_prefix && text.len() >= MIN_STEM_LEN {
            self.stems.entry(first).or_default().push(text);
        } else if !word.is_prefix && text.len() >= MIN_WORD_LEN {
            self.words.entry(first).or_default().push(text);
        }
    }

    /// Adds a Chinese phrase of a pattern.
    pub(in crate::triage) fn add_phrase(&mut self, phrase: String) {
        add_by_sound(&mut self.phrases, phrase);
    }

    /// Adds a Chinese word of denial or doubt.
    pub(in crate::triage) fn add_cue(&mut self, cue: String) {
        add_by_sound(&mut self.cues, cue);
    }

    /// Whether the lexicon has the word.
    pub(super) fn knows(&self, word: &str) -> bool {
        self.known.contains(word)
    }

    /// The words that begin with a letter.
    pub(super) fn words_with(&self, first: u8) -> &[&'static str] {
        self.words.get(&first).map_or(&[], Vec::as_slice)
    }

    /// The beginnings of words that begin with a letter.
    pub(super) fn stems_with(&self, first: u8) -> &[&'static str] {
        self.stems.get(&first).map_or(&[], Vec::as_slice)
    }

    /// The phrase of a sound.
    pub(super) fn phrase_of(&self, key: u64) -> Option<&str> {
        self.phrases.get(&key).map(String::as_str)
    }

    /// The word of denial or doubt of a sound.
    pub(super) fn cue_of(&self, key: u64) -> Option<&str> {
        self.cues.get(&key).map(String::as_str)
    }
}

fn add_by_sound(phrases: &mut HashMap<u64, String>, phrase: String) {
    let count = phrase.chars().count();

    if (2..=MAX_PHRASE_CHARS).contains(&count)
        && let Some(key) = sound_key(phrase.chars())
    {
        phrases.entry(key).or_insert(phrase);
    }
}
